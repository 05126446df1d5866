"""How useful a frame is, as something else than a strategy says."""

import math
from dataclasses import dataclass

from prelabel.datasets.errors import InvalidValueError


@dataclass(frozen=True, slots=True)
class FrameScore:
    """How useful it would be that a person looks at a frame, at least 0, and why, in words.

    Raises InvalidValueError where the score is below 0, NaN or infinite.
    """

    frame_id: str
    score: float
    reason: str

    def __post_init__(self) -> None:
        if not 0 <= self.score < math.inf:
            raise InvalidValueError(
                f"the score of frame {self.frame_id} must be finite and at least 0, but is "
                f"{self.score}"
            )
