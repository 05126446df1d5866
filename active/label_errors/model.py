"""How probable each kind of error is at each label, learned from errors made on purpose.

Errors are planted in the labels as they are, and a regression learns to tell them from the rest by
what the detector says. So there is no fixed score at which a detector is believed: one that is
rarely sure, or knows one class well and another badly, is read as such. Labels that are wrong
already are among "the rest" in this. That changes the order little as long as most are right; how
many are wrong is found from how many labels look like planted errors (`likely_share`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from prelabel.active.label_errors.evidence import (
    LABEL_FEATURES,
    OBJECT_FEATURES,
    SAME_IOU,
    FrameEvidence,
    frame_evidence,
    skill_by_class,
)
from prelabel.active.label_errors.kinds import ErrorKind
from prelabel.active.label_errors.planting import PlantedError, plant_errors
from prelabel.active.label_errors.softmax import (
    Softmax,
    density_ratios,
    fit_softmax,
    likely_share,
)
from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.frames import LabelledFrame
from prelabel.datasets.geometry import boxes_iou
from prelabel.datasets.predictions import Prediction

# Outcomes for a label, the first being "right".
LABEL_KINDS = (
    ErrorKind.SPURIOUS,
    ErrorKind.WRONG_CLASS,
    ErrorKind.BADLY_LOCATED,
    ErrorKind.DUPLICATE,
)
PLANTED_RATE = 0.2
LEARNED_SHIFT_IOU = (0.2, 0.8)  # how far people are off is not known: from barely touching to a bit
LEAST_PLANTED = 400  # errors; small sets are planted several times over
_MOST_ROUNDS = 12
ENOUGH_LABELS = 100_000  # to learn from; more would say the same
_BEND = 0.9  # sums of probabilities above are bent below 1


@dataclass(frozen=True, slots=True, eq=False)
class ErrorModel:
    """Tells errors from right labels, and unlabelled objects from nothing."""

    of_labels: "Outcomes"
    of_objects: "Outcomes"
    class_skill: Float64s


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """A regression, the shares (k,) of the outcomes that it was learned from, and for each outcome
    but the first the density ratios of its examples."""

    regression: Softmax
    shares: Float64s
    planted: tuple[Float64s, ...]

    @classmethod
    def learned(cls, rows: Float64s, outcome: NDArray[np.intp], count: int, each: float) -> Self:
        """From rows that count `each`, of outcomes numbered below `count`."""
        regression = fit_softmax(rows, outcome, count, np.full(len(rows), each))
        counts = np.bincount(outcome, minlength=count) + 0.5
        shares = counts / counts.sum()
        ratios = density_ratios(regression.probabilities(rows), shares)
        planted = tuple(ratios[outcome == one, one - 1] for one in range(1, count))
        return cls(regression, shares, planted)

    def probabilities(self, rows: Float64s) -> Float64s:
        """Of each outcome but the first, (n, k - 1), for rows of which an unknown share has each.

        A row of many outcomes at once cannot be: where they add up to nearly 1 or more, as shares
        are only estimated, their sum is bent to stay below, and rows keep their order.
        """
        ratios = density_ratios(self.regression.probabilities(rows), self.shares)
        shares = [likely_share(ratios[:, at], pure) for at, pure in enumerate(self.planted)]
        found = ratios * np.array(shares)
        total = found.sum(axis=1, keepdims=True)
        over = np.maximum(total - _BEND, 0) / (1 - _BEND)
        bent = np.where(total > _BEND, 1 - (1 - _BEND) / (1 + over), total)
        return np.asarray(found * bent / np.maximum(total, 1e-300), np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class FrameErrors:
    """Of one frame: the probability of each kind (`LABEL_KINDS`) at each label, (n, 4); of each
    object seen beside the labels to be one without a label, (k,); and the evidence itself."""

    labels: Float64s
    objects: Float64s
    evidence: FrameEvidence


def learn_errors(
    frames: Sequence[LabelledFrame],
    predictions: Mapping[str, Prediction],
    class_count: int,
    rng: np.random.Generator,
) -> ErrorModel:
    """Learn from errors planted in the labels of these frames, which all have a prediction.

    Of large sets a random part is enough.
    """
    skill = _skill(frames, predictions, class_count)
    frames = _some(frames, rng)
    boxes = sum(len(one.annotations) for one in frames if one.annotations is not None)
    rounds = int(np.clip(np.ceil(LEAST_PLANTED / max(PLANTED_RATE * boxes, 1)), 1, _MOST_ROUNDS))
    kinds = [ErrorKind.MISSING, *LABEL_KINDS]
    if class_count < 2:
        kinds.remove(ErrorKind.WRONG_CLASS)
    examples = _Examples()
    for _ in range(rounds):
        planted = plant_errors(frames, PLANTED_RATE, class_count, rng, kinds, LEARNED_SHIFT_IOU)
        errors: dict[str, list[PlantedError]] = {}
        for error in planted.errors:
            errors.setdefault(error.frame_id, []).append(error)
        for one in planted.frames:
            frame_id = one.frame.frame_id
            if one.annotations is not None:
                prediction = predictions[frame_id]
                evidence = frame_evidence(one.annotations, prediction, skill)
                examples.add(one.annotations, prediction, evidence, errors.get(frame_id, ()))
    return examples.learned(skill, rounds)


def errors_of(
    model: ErrorModel, frames: Sequence[LabelledFrame], predictions: Mapping[str, Prediction]
) -> list[FrameErrors]:
    """The probabilities for each frame, in order; frames without labels have no errors."""
    evidence = [
        frame_evidence(
            one.annotations or AnnotationSet.empty(),
            predictions[one.frame.frame_id],
            model.class_skill,
        )
        for one in frames
    ]
    of_labels = model.of_labels.probabilities(_stacked([one.labels for one in evidence]))
    of_objects = model.of_objects.probabilities(_stacked([one.objects for one in evidence]))[:, 0]
    label_ends = np.cumsum([len(one.labels) for one in evidence])[:-1]
    object_ends = np.cumsum([len(one.objects) for one in evidence])[:-1]
    return [
        FrameErrors(its_labels, its_objects, its_evidence)
        for its_labels, its_objects, its_evidence in zip(
            np.split(of_labels, label_ends),
            np.split(of_objects, object_ends),
            evidence,
            strict=True,
        )
    ]


class _Examples:
    """Evidence with what is known to be behind it."""

    def __init__(self) -> None:
        self._labels: list[Float64s] = [np.zeros((0, LABEL_FEATURES))]
        self._label_outcomes: list[int] = []
        self._objects: list[Float64s] = [np.zeros((0, OBJECT_FEATURES))]
        self._object_outcomes: list[int] = []

    def add(
        self,
        labels: AnnotationSet,
        prediction: Prediction,
        evidence: FrameEvidence,
        errors: Sequence[PlantedError],
    ) -> None:
        kinds = {
            error.box_id: LABEL_KINDS.index(error.kind) + 1 for error in errors if error.box_id
        }
        self._labels.append(evidence.labels)
        self._label_outcomes += [kinds.get(box_id, 0) for box_id in labels.box_id]
        dropped = [error.xyxy for error in errors if error.kind is ErrorKind.MISSING]
        self._objects.append(evidence.objects)
        found = shows_dropped(prediction.boxes.take(evidence.object_row), dropped)
        self._object_outcomes += found.astype(int).tolist()

    def learned(self, skill: Float64s, rounds: int) -> ErrorModel:
        label_rows, object_rows = np.concatenate(self._labels), np.concatenate(self._objects)
        label_outcome = np.array(self._label_outcomes, np.intp)
        object_outcome = np.array(self._object_outcomes, np.intp)
        each = 1 / rounds  # planting several times over repeats every label
        return ErrorModel(
            Outcomes.learned(label_rows, label_outcome, len(LABEL_KINDS) + 1, each),
            Outcomes.learned(object_rows, object_outcome, 2, each),
            skill,
        )


def shows_dropped(
    objects: Boxes, dropped: Sequence[tuple[float, float, float, float]]
) -> NDArray[np.bool_]:
    """Which objects, best first, are the first to show one of the boxes dropped, (k,)."""
    shown = np.zeros(len(objects), np.bool_)
    if not dropped or not len(objects):
        return shown
    overlap = boxes_iou(objects, Boxes(np.array(dropped, np.float32)))
    for column in range(len(dropped)):
        rows = np.flatnonzero((overlap[:, column] >= SAME_IOU) & ~shown)
        if len(rows):
            shown[rows[0]] = True
    return shown


def _some(frames: Sequence[LabelledFrame], rng: np.random.Generator) -> Sequence[LabelledFrame]:
    """As many of these frames, drawn at random, as hold enough labels."""
    counts = [0 if one.annotations is None else len(one.annotations) for one in frames]
    if sum(counts) <= ENOUGH_LABELS:
        return frames
    order = rng.permutation(len(frames))
    enough = int(np.searchsorted(np.cumsum(np.array(counts)[order]), ENOUGH_LABELS)) + 1
    return [frames[row] for row in np.sort(order[:enough]).tolist()]


def _skill(
    frames: Sequence[LabelledFrame], predictions: Mapping[str, Prediction], class_count: int
) -> Float64s:
    known = [one for one in frames if one.annotations is not None]
    labels = [one.annotations for one in known if one.annotations is not None]
    return skill_by_class(labels, [predictions[one.frame.frame_id] for one in known], class_count)


def _stacked(rows: Sequence[Float64s]) -> Float64s:
    return np.concatenate(rows) if rows else np.zeros((0, 0))
