"""A batch with proposals in a store, and people who work on it; the same for the same numbers."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from builders import frame_id_of

from prelabel.datasets.annotations import AnnotationSet, Origin, OriginKind
from prelabel.datasets.batches import Batch, Pick
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.frames import Frame, LabelledFrame
from prelabel.settings import ReviewSettings
from prelabel.store.records import Shown
from prelabel.store.store import Store
from prelabel.work.activity import Activity, ActivityKind
from prelabel.work.drafts import Drafts
from prelabel.work.queue import Queue
from prelabel.work.records import BoxState, BoxStatus, Edit, Submitted, Task
from prelabel.work.submissions import Submissions
from prelabel.work.timesheet import TimeSheet

MODEL = "m1"
SHOWN_SCORE = 0.3
WIDTH_PX, HEIGHT_PX = 640, 480
# Of each frame: where its proposals lie, of which class and how sure the model is; the last is
# fainter than what is shown.
PROPOSED = (
    ((10.0, 10.0, 60.0, 50.0), 0, 0.9),
    ((100.0, 20.0, 180.0, 90.0), 1, 0.6),
    ((200.0, 200.0, 260.0, 300.0), 2, 0.4),
    ((300.0, 300.0, 340.0, 330.0), 0, 0.1),
)


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **time: float) -> None:
        """Let so many `minutes`, `hours` … pass."""
        self.now += timedelta(**time)


def frame_of(number: int) -> Frame:
    return Frame(frame_id_of(f"work {number}"), f"/pictures/w{number}.jpg", WIDTH_PX, HEIGHT_PX)


def box_id(frame: int, row: int) -> str:
    """The id of what is proposed in this row on this frame."""
    return str(uuid.UUID(int=(frame << 16) + row))


def shown_on_frame(frame: int, angle: float | None = None) -> Shown:
    """What the model proposes; all turned by `angle`, if it is given."""
    corners = np.array([xyxy for xyxy, _, _ in PROPOSED], np.float32)
    boxes = Boxes(corners, None if angle is None else [angle] * len(PROPOSED))
    proposals = AnnotationSet(
        boxes,
        [class_id for _, class_id, _ in PROPOSED],
        [box_id(frame, row) for row in range(len(PROPOSED))],
        [Origin(OriginKind.PROPOSED, MODEL, score) for _, _, score in PROPOSED],
    )
    return Shown(MODEL, SHOWN_SCORE, proposals, np.linspace(0.1, 0.4, 4, dtype=np.float32))


def record_batch(
    store: Store, frames: Sequence[int], proposed: bool = True, angle: float | None = None
) -> int:
    """A new round whose batch are these frames, imported where they are new; its number."""
    store.import_frames([LabelledFrame(frame_of(one), None) for one in frames], "setup")
    picks = [Pick(frame_of(one).frame_id, 0.5, f"frame {one}", 1.0, one == 3) for one in frames]
    shown = {frame_of(one).frame_id: shown_on_frame(one, angle) for one in frames}
    number = store.start_round("setup").number
    batch = Batch("entropy_sum", 0, tuple(picks))
    store.record_batch(number, batch, "setup", shown if proposed else None)
    return number


@dataclass
class Work:
    """The rules of work on one store, with a clock that tests move."""

    store: Store
    settings: ReviewSettings = field(default_factory=ReviewSettings)
    clock: ManualClock = field(default_factory=ManualClock)
    eligible: Callable[[], Sequence[str]] | None = None

    def __post_init__(self) -> None:
        self.times = TimeSheet(self.store.database, self.clock, self.settings.idle_s)
        self.queue = Queue(self.store, self.settings, self.clock, self.eligible)
        self.drafts = Drafts(self.store, self.settings, self.clock)
        self.submissions = Submissions(self.store, self.settings, self.clock, self.times)

    def take(self, person: str) -> Task:
        """The next task of a person, opened."""
        (task,) = self.queue.next(person, 1)
        return self.queue.open(task.number, person)

    def act(self, task: int, person: str, seconds: float) -> None:
        """Let a person be active on a task for so long, until now."""
        began = self.clock() - timedelta(seconds=seconds)
        for at, kind in ((began, ActivityKind.OPEN), (self.clock(), ActivityKind.CLOSE)):
            self.times.append(person, task, [Activity(str(uuid.uuid4()), at, kind)])

    def accept_all(self, task: int, person: str) -> None:
        """Accept all that is shown and nothing else."""
        boxes = self.drafts.read(task, person).boxes
        shown = boxes[: len(PROPOSED) - 1]
        self.drafts.append(task, person, [an_edit([accepted(one) for one in shown])])

    def hand_in(self, task: int, person: str, request_id: str = "first") -> Submitted:
        return self.submissions.submit(task, person, SHOWN_SCORE, request_id)

    def finish(self, person: str) -> Task:
        """The next task of a person, with all that is shown accepted, handed in."""
        task = self.take(person)
        self.accept_all(task.number, person)
        self.hand_in(task.number, person)
        return self.queue.task(task.number)


def begin(
    store: Store,
    frames: int = 6,
    *,
    angle: float | None = None,
    eligible: Callable[[], Sequence[str]] | None = None,
    **settings: object,
) -> Work:
    """Work on a first batch of so many frames."""
    work = Work(store, ReviewSettings.model_validate(settings), eligible=eligible)
    work.queue.fill(record_batch(store, range(frames), angle=angle))
    return work


def an_edit(boxes: Iterable[BoxState], action: str = "accept", edit_id: str | None = None) -> Edit:
    at = datetime(2026, 3, 4, tzinfo=UTC)
    return Edit(edit_id or str(uuid.uuid4()), at, tuple(boxes), action)


def accepted(box: BoxState) -> BoxState:
    return replace(box, status=BoxStatus.ACCEPTED)


def rejected(box: BoxState) -> BoxState:
    return replace(box, status=BoxStatus.REJECTED)


def drawn(
    xyxy: tuple[float, float, float, float], class_id: int = 0, angle: float | None = None
) -> BoxState:
    return BoxState(str(uuid.uuid4()), xyxy, angle, class_id, BoxStatus.ACCEPTED)


def numbers(tasks: Iterable[Task]) -> list[int]:
    return [task.number for task in tasks]
