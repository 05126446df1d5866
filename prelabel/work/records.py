"""What the rules of people's work take and give back."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from prelabel.datasets.annotations import AnnotationSet, Origin, is_box_id, is_height
from prelabel.datasets.errors import InvalidValueError

_MOST_TEXT = 200  # characters of an id or an action


class TaskState(StrEnum):
    """Where a task stands."""

    QUEUED = "queued"  # nobody has opened it; somebody may have it on loan already
    IN_WORK = "in_work"
    SUBMITTED = "submitted"  # waits for a reviewer
    ACCEPTED = "accepted"  # its boxes are labels
    SENT_BACK = "sent_back"
    SET_ASIDE = "set_aside"  # skipped by too many; an owner may queue it again
    SUPERSEDED = "superseded"  # its frame got labels in another way, or a newer batch came


class BoxStatus(StrEnum):
    """What a person has decided about a box."""

    PROPOSED = "proposed"  # nothing yet
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class BoxState:
    """One box as it stands after an edit: complete, so that it replaces what was before.

    `xyxy` are pixels of the original picture, left < right and top < bottom; `angle` radians by
    which the box is turned about its centre, clockwise on the screen, None: upright. `box_id` is a
    UUID in lower case. `height_m` are the bottom and the top of the object of a box seen from
    above, in metres of the lidar's frame; None: as the points tell.

    Raises InvalidValueError where one of these does not hold.
    """

    box_id: str
    xyxy: tuple[float, float, float, float]
    angle: float | None
    class_id: int
    status: BoxStatus
    height_m: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not is_box_id(self.box_id):
            raise InvalidValueError(f"box_id must be a lower-case UUID, but is {self.box_id!r}")
        left, top, right, bottom = self.xyxy
        if not all(map(math.isfinite, (*self.xyxy, self.angle or 0.0))):
            raise InvalidValueError(f"box {self.box_id} must be finite: {self.xyxy} {self.angle}")
        if not (left < right and top < bottom):
            raise InvalidValueError(
                f"box {self.box_id} must have left < right and top < bottom, but is {self.xyxy}"
            )
        if self.class_id < 0:
            raise InvalidValueError(f"class_id must be at least 0, but is {self.class_id}")
        # As labels keep them: what is the same in float32 would be no height.
        if self.height_m is not None and not is_height(self.height_m):
            raise InvalidValueError(
                f"box {self.box_id} must end above where it begins, but its height is "
                f"{self.height_m}"
            )


@dataclass(frozen=True, slots=True)
class Edit:
    """Something a person did to some boxes.

    `edit_id` is made by the client, the same however often the edit is sent; `at` is its clock;
    `action` a short word for the history, such as move or undo.
    """

    edit_id: str
    at: datetime
    boxes: tuple[BoxState, ...]
    action: str

    def __post_init__(self) -> None:
        for name in ("edit_id", "action"):
            if not 0 < len(getattr(self, name)) <= _MOST_TEXT:
                raise InvalidValueError(f"{name} must have 1 to {_MOST_TEXT} characters")
        if self.at.tzinfo is None:
            raise InvalidValueError(f"at must have a time zone, but is {self.at}")


@dataclass(frozen=True, slots=True)
class Task:
    """One frame of a batch for one person.

    `position` is its place in the batch from 0, `copy` counts from 0 where several people work on
    the same frame, `reason`, `score` and `is_control` are those of the pick. `person` has the task
    or had it last; it is theirs at least until `leased_until` (UTC), and until somebody else takes
    it. `sent_back_reason` stays until the task is submitted again. `attempt` counts from 1 how
    often the task was queued, `submission` is the number of the newest one of this attempt.
    """

    number: int
    round_number: int
    frame_id: str
    position: int
    copy: int
    state: TaskState
    person: str | None
    leased_until: datetime | None
    reason: str
    is_control: bool
    score: float | None
    sent_back_reason: str | None
    skips: int
    attempt: int = 1
    submission: int | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a detector proposed: `score` 0 to 1, `uncertainty` 0 (sure, or not known) to 1.

    `height_m` as of a `BoxState`; a detector that looks from above gives none.
    """

    model_id: str
    score: float
    uncertainty: float
    xyxy: tuple[float, float, float, float]
    angle: float | None
    class_id: int
    height_m: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Initial:
    """The boxes of a task before anybody has touched them.

    Proposals come best score first, with status proposed; boxes that the frame had as labels when
    the task was queued again are accepted, and shown proposals that were no part of them rejected.
    `proposals` and `origins` (of labels) are by box id. `shown_score` is the score from which
    proposals are shown, `model_id` the model that looked at the frame; None where none did.
    """

    boxes: tuple[BoxState, ...]
    proposals: Mapping[str, Proposal]
    origins: Mapping[str, Origin]
    shown_score: float | None
    model_id: str | None


@dataclass(frozen=True, slots=True)
class Draft:
    """The boxes as one person has left them, how many edits of theirs led there, and from what."""

    boxes: tuple[BoxState, ...]
    edits: int
    initial: Initial


@dataclass(frozen=True, slots=True)
class Appended:
    """How many of some edits were new, and until when the task is lent; None: not to them."""

    new: int
    leased_until: datetime | None


@dataclass(frozen=True, slots=True)
class Submitted:
    """What came of handing a draft in: the state of the task, and active seconds if known."""

    task: int
    number: int
    state: TaskState
    seconds: float | None


class Action(StrEnum):
    """What became of one box between what was there before and a submission."""

    ACCEPTED = "accepted"  # as it was
    MOVED = "moved"
    RECLASSED = "reclassed"
    MOVED_AND_RECLASSED = "moved and reclassed"
    DELETED = "deleted"
    DRAWN = "drawn"


@dataclass(frozen=True, slots=True)
class Correction:
    """One box of a submission: the action, the box before (None: drawn) and after (None: deleted).

    `proposal` is the one behind it; None where no detector proposed the box.
    """

    box_id: str
    action: Action
    proposal: Proposal | None
    before: BoxState | None
    after: BoxState | None


class Verdict(StrEnum):
    """What was decided about a submission."""

    ACCEPTED = "accepted"
    SENT_BACK = "sent_back"


@dataclass(frozen=True, slots=True)
class Submission:
    """A draft that was handed in, and how it was judged; `verdict` None: not yet.

    `judge` None beside a verdict: accepted by the rule, as the project has no reviewer stage.
    """

    number: int
    task: int
    attempt: int
    person: str
    at: datetime
    seconds: float | None
    annotations: AnnotationSet
    verdict: Verdict | None
    judge: str | None
    judged_at: datetime | None
    reason: str | None
