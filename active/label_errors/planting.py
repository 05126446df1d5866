"""Known errors in clean labels, so that finding them can be measured."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from prelabel.active.label_errors.kinds import ErrorKind
from prelabel.datasets.annotations import IMPORTED, AnnotationSet, new_box_ids
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.frames import Frame, LabelledFrame
from prelabel.datasets.geometry import boxes_iou, clip_to_picture

PLANTED_KINDS = (
    ErrorKind.MISSING,
    ErrorKind.WRONG_CLASS,
    ErrorKind.BADLY_LOCATED,
    ErrorKind.SPURIOUS,
)
SHIFT_IOU = (0.35, 0.65)  # what a shifted box keeps of its overlap with the object
FREE_IOU = 0.1  # a spawned box touches no object more than this
_TRIES = 50


@dataclass(frozen=True, slots=True)
class PlantedError:
    """One error: on which frame, at which label (None where a box was dropped), and the object.

    `xyxy` (pixels) and `class_id` are those of the object that the label should show; of a
    spurious box they are its own.
    """

    kind: ErrorKind
    frame_id: str
    box_id: str | None
    xyxy: tuple[float, float, float, float]
    class_id: int


@dataclass(frozen=True, slots=True, eq=False)
class Planted:
    """Frames whose labels hold errors, and the errors."""

    frames: tuple[LabelledFrame, ...]
    errors: tuple[PlantedError, ...]


def plant_errors(
    frames: Sequence[LabelledFrame],
    rate: float,
    class_count: int,
    rng: np.random.Generator,
    kinds: Sequence[ErrorKind] = PLANTED_KINDS,
    shift_iou: tuple[float, float] = SHIFT_IOU,
) -> Planted:
    """Labels of which a share `rate` of the boxes was made wrong, the kinds in equal numbers.

    No box has two errors. A dropped box is gone; a flipped one has another class, drawn evenly; a
    shifted one is moved until its IoU with the object is drawn from `shift_iou`; spawned ones have
    size and class of a random box of the set, and lie where no object is. InvalidValueError on a
    rate outside 0 to 1, or where classes are to be flipped and there is only one.
    """
    if not 0 <= rate <= 1:
        raise InvalidValueError(f"rate must lie between 0 and 1, but is {rate}")
    if ErrorKind.WRONG_CLASS in kinds and class_count < 2:
        raise InvalidValueError("a class cannot be flipped where there is only one")
    owners = [row for row, one in enumerate(frames) for _ in range(_count(one))]
    wrong = rng.permutation(len(owners))[: round(rate * len(owners))]
    tasks: dict[int, list[tuple[ErrorKind, int]]] = {}
    firsts = np.cumsum([0, *(_count(one) for one in frames)])
    for turn, box in enumerate(wrong.tolist()):
        frame = owners[box]
        kind = kinds[turn % len(kinds)]
        tasks.setdefault(frame, []).append((kind, box - int(firsts[frame])))
    planter = _Planter(frames, class_count, rng, shift_iou)
    changed = list(frames)
    errors: list[PlantedError] = []
    for frame in sorted(tasks):
        labels, found = planter.with_errors(frames[frame], tasks[frame])
        changed[frame] = LabelledFrame(frames[frame].frame, labels)
        errors += found
    return Planted(tuple(changed), tuple(errors))


@dataclass(slots=True)
class _Box:
    """One box while it is worked on."""

    box_id: str
    xyxy: Float64s
    class_id: int


class _Planter:
    """Makes errors on the labels of one frame after the other."""

    def __init__(
        self,
        frames: Sequence[LabelledFrame],
        class_count: int,
        rng: np.random.Generator,
        shift_iou: tuple[float, float],
    ) -> None:
        self._rng = rng
        self._shift_iou = shift_iou
        self._classes = class_count
        known = [one.annotations for one in frames if one.annotations is not None]
        self._sizes = np.concatenate(
            [np.zeros((0, 2)), *(one.boxes.xyxy[:, 2:] - one.boxes.xyxy[:, :2] for one in known)]
        )
        self._class_ids = np.concatenate([np.zeros(0, int), *(one.class_id for one in known)])
        self._ways: Mapping[ErrorKind, Callable[[Frame, AnnotationSet, _Box], _Box | None]] = {
            ErrorKind.MISSING: lambda *_: None,
            ErrorKind.WRONG_CLASS: self._flipped,
            ErrorKind.BADLY_LOCATED: self._shifted,
            ErrorKind.DUPLICATE: self._doubled,
            ErrorKind.SPURIOUS: self._spawned,
        }

    def with_errors(
        self, labelled: LabelledFrame, tasks: Sequence[tuple[ErrorKind, int]]
    ) -> tuple[AnnotationSet, list[PlantedError]]:
        labels = labelled.annotations
        assert labels is not None  # frames without labels have no boxes to make wrong
        boxes: list[_Box | None] = [
            _Box(box_id, xyxy.astype(np.float64), int(class_id))
            for box_id, xyxy, class_id in zip(
                labels.box_id, labels.boxes.xyxy, labels.class_id, strict=True
            )
        ]
        errors, added = [], []
        for kind, row in tasks:
            before = boxes[row]
            assert before is not None  # each row has one task
            after = self._ways[kind](labelled.frame, labels, before)
            if kind in (ErrorKind.SPURIOUS, ErrorKind.DUPLICATE):
                if after is None:
                    continue  # the picture is full
                added.append(after)
                before = after if kind is ErrorKind.SPURIOUS else before
            else:
                boxes[row] = after
            errors.append(_error(kind, labelled.frame, before, after))
        return _assembled([one for one in (*boxes, *added) if one is not None]), errors

    def _flipped(self, frame: Frame, labels: AnnotationSet, box: _Box) -> _Box:
        other = int(self._rng.integers(self._classes - 1))
        return _Box(box.box_id, box.xyxy, other + (other >= box.class_id))

    def _shifted(self, frame: Frame, labels: AnnotationSet, box: _Box) -> _Box:
        target = self._rng.uniform(*self._shift_iou)
        kept = 2 * target / (1 + target)  # the share of the area that still lies on the object
        share = self._rng.uniform()
        part = np.array([1 - kept**share, 1 - kept ** (1 - share)])
        signs = self._rng.choice((-1.0, 1.0), 2)
        size = box.xyxy[2:] - box.xyxy[:2]
        return self._inside(frame, box, box.xyxy + np.tile(part * signs * size, 2))

    def _doubled(self, frame: Frame, labels: AnnotationSet, box: _Box) -> _Box:
        size = np.tile(box.xyxy[2:] - box.xyxy[:2], 2)
        moved = box.xyxy + self._rng.uniform(-0.1, 0.1, 4) * size
        (box_id,) = new_box_ids(1, self._rng)
        return self._inside(frame, _Box(box_id, box.xyxy, box.class_id), moved)

    def _spawned(self, frame: Frame, labels: AnnotationSet, box: _Box) -> _Box | None:
        picture = np.array([frame.width_px, frame.height_px], np.float64)
        for _ in range(_TRIES):
            like = int(self._rng.integers(len(self._sizes)))
            size = np.minimum(self._sizes[like], picture)
            corner = self._rng.uniform(0, 1, 2) * (picture - size)
            place = np.concatenate([corner, corner + size])
            if boxes_iou(Boxes(place[None]), labels.boxes).max(initial=0) <= FREE_IOU:
                (box_id,) = new_box_ids(1, self._rng)
                return _Box(box_id, place, int(self._class_ids[like]))
        return None

    def _inside(self, frame: Frame, box: _Box, xyxy: Float64s) -> _Box:
        """The box at another place, cut off at the border; where nothing is left it stays."""
        clipped, has_area = clip_to_picture(
            xyxy[None].astype(np.float32), frame.width_px, frame.height_px
        )
        place = clipped[0].astype(np.float64) if has_area[0] else box.xyxy
        return _Box(box.box_id, place, box.class_id)


def _error(kind: ErrorKind, frame: Frame, before: _Box, after: _Box | None) -> PlantedError:
    left, top, right, bottom = before.xyxy.tolist()
    box_id = None if after is None else after.box_id
    return PlantedError(kind, frame.frame_id, box_id, (left, top, right, bottom), before.class_id)


def _assembled(boxes: Sequence[_Box]) -> AnnotationSet:
    if not boxes:
        return AnnotationSet.empty()
    return AnnotationSet(
        Boxes(np.stack([one.xyxy for one in boxes])),
        [one.class_id for one in boxes],
        [one.box_id for one in boxes],
        [IMPORTED] * len(boxes),
    )


def _count(one: LabelledFrame) -> int:
    return 0 if one.annotations is None else len(one.annotations)
