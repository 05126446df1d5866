"""The frames chosen for people to correct next."""

import math
from dataclasses import dataclass

from prelabel.datasets.errors import InvalidValueError


@dataclass(frozen=True, slots=True)
class Pick:
    """One chosen frame.

    `score` is the strategy's value of it (higher: more useful; None for random control), `reason`
    says in words why it was chosen, `cost_s` is its predicted cost in human seconds, `is_control`
    marks a frame drawn at random.
    """

    frame_id: str
    score: float | None
    reason: str
    cost_s: float
    is_control: bool = False

    def __post_init__(self) -> None:
        if not self.reason:
            raise InvalidValueError(f"pick of frame {self.frame_id} has no reason")
        if not (math.isfinite(self.cost_s) and self.cost_s >= 0):
            raise InvalidValueError(f"cost_s must be finite and at least 0, but is {self.cost_s}")
        if self.score is not None and not math.isfinite(self.score):
            raise InvalidValueError(f"score must be finite, but is {self.score}")


@dataclass(frozen=True, slots=True)
class Batch:
    """The frames of one round in the order they should be worked on; none twice."""

    strategy: str
    seed: int
    picks: tuple[Pick, ...]

    def __post_init__(self) -> None:
        ids = [pick.frame_id for pick in self.picks]
        if len(set(ids)) != len(ids):
            raise InvalidValueError("a batch must not hold a frame twice")

    def __len__(self) -> int:
        return len(self.picks)
