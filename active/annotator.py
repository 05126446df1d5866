"""A stand-in for a person: corrects proposals into labels, with known labels as the answer."""

from dataclasses import dataclass, field, fields
from enum import StrEnum

import numpy as np

from prelabel.active.cost import TIGHT_IOU, CostModel
from prelabel.active.matching import UNMATCHED, match
from prelabel.datasets.annotations import DRAWN, AnnotationSet, Origin, OriginKind, new_box_ids
from prelabel.datasets.arrays import Float32s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.frames import Frame
from prelabel.datasets.geometry import clip_to_picture
from prelabel.datasets.predictions import Prediction

MOST_JITTER = 0.2  # of a side: an edge moved further could cross its opposite one


class ActionKind(StrEnum):
    """What was done about one proposal or one object."""

    ACCEPTED = "accepted"
    ADJUSTED = "adjusted"  # moved, and given another class where that was wrong
    RECLASSED = "reclassed"  # given another class where it stood
    REJECTED = "rejected"
    WRONGLY_ACCEPTED = "wrongly accepted"  # should have been corrected or rejected
    DRAWN = "drawn"
    OVERLOOKED = "overlooked"  # an object without a box, left so


@dataclass(frozen=True, slots=True)
class Action:
    """One action, the seconds it took, and the box it left behind, if any."""

    kind: ActionKind
    seconds: float
    box_id: str | None


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """How often a simulated annotator errs; each a probability, 0 for a perfect one.

    `accept_wrong`: a proposal that is false or of the wrong class is kept as it stands.
    `overlook`: an object without a box is not drawn. `jitter` is the standard deviation of each
    edge that is drawn or moved, as a share of the box's width or height, cut at 0.2.
    """

    accept_wrong: float = 0.0
    overlook: float = 0.0
    jitter: float = 0.0

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if not 0 <= value <= 1:
                raise InvalidValueError(f"{one.name} must lie between 0 and 1, but is {value}")


@dataclass(frozen=True, slots=True, eq=False)
class Correction:
    """The labels that a person left, what that took, and each step; opening the frame is in
    `seconds` but is no action."""

    annotations: AnnotationSet
    seconds: float
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a box lies: corners before the turn, and the angle of a turned one."""

    xyxy: Float32s
    angle: float | None

    @classmethod
    def of(cls, boxes: Boxes, row: int) -> "_Place":
        return cls(boxes.xyxy[row], None if boxes.angle is None else float(boxes.angle[row]))


@dataclass(frozen=True, slots=True)
class SimulatedAnnotator:
    """Answers from known labels and charges what the cost model says.

    A tight proposal (IoU from 0.75) of the right class is kept as the model drew it, with its own
    geometry; what is changed or drawn gets the true geometry, jittered. With all error rates 0 the
    seconds are those of `CostModel.charged_seconds`; a mistake takes the time of what was done.
    """

    cost: CostModel = field(default_factory=CostModel)
    errors: ErrorRates = field(default_factory=ErrorRates)

    def correct(
        self, frame: Frame, proposals: Prediction, truth: AnnotationSet, rng: np.random.Generator
    ) -> Correction:
        """The labels a person makes of the proposals that are shown."""
        work = _Work(self, frame, truth, rng)
        matching = match(proposals, truth)
        ids = new_box_ids(len(proposals), rng)
        for row, box_id in enumerate(ids):
            work.look_at(proposals, row, int(matching.truth_of[row]), matching.iou[row], box_id)
        for row in matching.missed:
            work.draw(int(row))
        return work.done()

    def label(self, frame: Frame, truth: AnnotationSet, rng: np.random.Generator) -> Correction:
        """The labels a person makes of a frame on which nothing is proposed."""
        work = _Work(self, frame, truth, rng)
        for row in range(len(truth)):
            work.draw(row)
        return work.done()


class _Work:
    """One frame being corrected."""

    def __init__(
        self,
        annotator: SimulatedAnnotator,
        frame: Frame,
        truth: AnnotationSet,
        rng: np.random.Generator,
    ) -> None:
        self._cost = annotator.cost.resolved()
        self._errors = annotator.errors
        self._frame, self._truth, self._rng = frame, truth, rng
        self._actions: list[Action] = []
        self._kept: list[tuple[_Place, int, str, Origin]] = []

    def look_at(
        self, proposals: Prediction, row: int, truth_row: int, iou: np.float64, box_id: str
    ) -> None:
        cost = self._cost
        place, class_id = _Place.of(proposals.boxes, row), int(proposals.class_id[row])
        proposed = Origin(OriginKind.PROPOSED, proposals.model_id, float(proposals.score[row]))
        wrong = truth_row == UNMATCHED or class_id != self._truth.class_id[truth_row]
        if wrong and self._happens(self._errors.accept_wrong):
            self._act(ActionKind.WRONGLY_ACCEPTED, cost.verify_s, box_id)
            self._kept.append((place, class_id, box_id, proposed))
            return
        if truth_row == UNMATCHED:
            self._act(ActionKind.REJECTED, cost.verify_s, None)
            return
        loose = bool(iou < TIGHT_IOU)
        if not wrong and not loose:
            self._act(ActionKind.ACCEPTED, cost.verify_s, box_id)
            self._kept.append((place, class_id, box_id, proposed))
            return
        seconds = (cost.adjust_s if loose else cost.verify_s) + (cost.class_s if wrong else 0)
        self._act(ActionKind.ADJUSTED if loose else ActionKind.RECLASSED, seconds, box_id)
        changed = proposed.after_change(proposals.boxes, row, class_id)
        geometry = self._jittered(truth_row) if loose else place
        self._kept.append((geometry, int(self._truth.class_id[truth_row]), box_id, changed))

    def draw(self, truth_row: int) -> None:
        if self._happens(self._errors.overlook):
            self._act(ActionKind.OVERLOOKED, 0.0, None)
            return
        (box_id,) = new_box_ids(1, self._rng)
        self._act(ActionKind.DRAWN, self._cost.missed_s(), box_id)
        class_id = int(self._truth.class_id[truth_row])
        self._kept.append((self._jittered(truth_row), class_id, box_id, DRAWN))

    def done(self) -> Correction:
        places = [one[0] for one in self._kept]
        is_turned = any(one.angle is not None for one in places)
        boxes = Boxes(
            np.array([one.xyxy for one in places], np.float32).reshape(-1, 4),
            [one.angle or 0.0 for one in places] if is_turned else None,
        )
        class_id = np.array([one[1] for one in self._kept], np.int64)
        box_ids, origins = [one[2] for one in self._kept], [one[3] for one in self._kept]
        labels = AnnotationSet(boxes, class_id, box_ids, origins)
        seconds = self._cost.open_s + sum(action.seconds for action in self._actions)
        return Correction(labels, seconds, tuple(self._actions))

    def _happens(self, probability: float) -> bool:
        return bool(self._rng.random() < probability)

    def _act(self, kind: ActionKind, seconds: float, box_id: str | None) -> None:
        self._actions.append(Action(kind, float(seconds), box_id))

    def _jittered(self, truth_row: int) -> _Place:
        """The true box with each edge off by a share of the side, still in the picture."""
        place = _Place.of(self._truth.boxes, truth_row)
        share = self._rng.normal(0, 1, 4) * self._errors.jitter
        share = share.clip(-MOST_JITTER, MOST_JITTER)
        if not share.any():
            return place
        sides = np.tile(place.xyxy[2:] - place.xyxy[:2], 2)
        moved = (place.xyxy + share * sides).astype(np.float32)
        size = self._frame.width_px, self._frame.height_px
        if place.angle is None:
            clipped, has_area = clip_to_picture(moved[None], *size)
            return _Place(clipped[0], None) if has_area[0] else place
        turned = _with_middle_turned(moved, place)
        middle = (turned[:2] + turned[2:]) / 2
        return _Place(turned, place.angle) if ((middle > 0) & (middle < size)).all() else place


def _with_middle_turned(moved: Float32s, place: _Place) -> Float32s:
    """`moved`, whose edges left `place` along its turned sides: its middle went their way."""
    went = ((moved - place.xyxy)[:2] + (moved - place.xyxy)[2:]) / 2
    cos, sin = np.cos(place.angle or 0.0), np.sin(place.angle or 0.0)
    turned = np.array([went[0] * cos - went[1] * sin, went[0] * sin + went[1] * cos])
    return np.asarray(moved + np.tile(turned - went, 2), np.float32)
