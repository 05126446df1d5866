"""A place where a label is suspected to be wrong."""

from dataclasses import dataclass

from prelabel.active.label_errors.kinds import ErrorKind
from prelabel.datasets.annotations import is_box_id
from prelabel.datasets.errors import InvalidValueError


@dataclass(frozen=True, slots=True)
class Suspect:
    """One suspected error.

    `box_id` names the label, None where an object has none. `xyxy` (pixels) and `class_id` are
    those of the label, or of the object that seems to be missing; `suggested` is the class that it
    seems to have, where that is in doubt. `probability` (0 to 1) is that of being an error, as far
    as answers given so far tell; `suspect_id`, a UUID, is the same whenever the same is suspected.
    `evidence` are the log odds before any answer, and the numbers behind them: from those, answers
    about one suspect teach something about another.

    Raises InvalidValueError on a probability outside 0 to 1, or an id that is no UUID.
    """

    suspect_id: str
    frame_id: str
    kind: ErrorKind
    probability: float
    class_id: int
    xyxy: tuple[float, float, float, float]
    box_id: str | None = None
    suggested: int | None = None
    evidence: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise InvalidValueError(
                f"probability must lie between 0 and 1, but is {self.probability}"
            )
        if not is_box_id(self.suspect_id):
            raise InvalidValueError(f"suspect_id must be a UUID, but is {self.suspect_id!r}")
