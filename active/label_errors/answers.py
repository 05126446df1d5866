"""What people said about suspects, and what follows for those nobody has looked at yet."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize

from prelabel.active.label_errors.kinds import ErrorKind
from prelabel.active.label_errors.suspects import Suspect
from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.geometry import boxes_iou

SAME_PLACE_IOU = 0.4  # from here on a box that was drawn is the one that was missing
UNMOVED_IOU = 0.9  # a box that overlaps its old place less was badly located
SLOPE_PULL = 20.0  # these hold the lesson near "nothing learned": weak ones follow chance
OFFSET_PULL = 5.0
WEIGHT_PULL = 10.0
_FAR = 4.0  # standard deviations from which on evidence is not more unusual
_LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class Answered:
    """A suspect as it was when people were asked about it, and whether it is an error."""

    suspect: Suspect
    is_error: bool


def corrected(suspects: Sequence[Suspect], answered: Sequence[Answered]) -> list[Suspect]:
    """Suspects with the probabilities that the answers so far make of them, most probable first.

    For each kind the log odds are stretched and moved to fit what was found (Platt's scaling), and
    moved again by what the ranking saw there and by the class: all the less, the fewer answers
    there are. Suspects with an answer get 1 or 0, and so do the other kinds of error of a label
    that was left as it is: what was said to be right is not asked again.
    """
    if not answered:
        return sorted(suspects, key=lambda one: (-one.probability, one.suspect_id))
    by_kind: dict[ErrorKind, list[Answered]] = defaultdict(list)
    for one in answered:
        by_kind[one.suspect.kind].append(one)
    known = {one.suspect.suspect_id: float(one.is_error) for one in answered}
    right = {_label_of(one.suspect) for one in answered if not one.is_error}
    changed: list[Suspect] = []
    for kind, its in _by_kind(suspects).items():
        probabilities = _relearned(its, by_kind[kind])
        for suspect, probability in zip(its, probabilities.tolist(), strict=True):
            settled = suspect.box_id is not None and _label_of(suspect) in right
            believed = known.get(suspect.suspect_id, 0.0 if settled else probability)
            changed.append(replace(suspect, probability=believed))
    return sorted(changed, key=lambda one: (-one.probability, one.suspect_id))


def _by_kind(suspects: Sequence[Suspect]) -> dict[ErrorKind, list[Suspect]]:
    grouped: dict[ErrorKind, list[Suspect]] = defaultdict(list)
    for one in suspects:
        grouped[one.kind].append(one)
    return grouped


def _label_of(suspect: Suspect) -> tuple[str | None, int, tuple[float, ...]]:
    """A label as it is: once it was moved or reclassed it is another one to judge."""
    return suspect.box_id, suspect.class_id, suspect.xyxy


def _relearned(suspects: Sequence[Suspect], told: Sequence[Answered]) -> Float64s:
    """The probabilities of suspects of one kind, (n,), after answers about that kind."""
    if not told:
        return np.array([one.probability for one in suspects])
    asked = [one.suspect for one in told]
    odds = [np.array([_prior_odds(one) for one in group]) for group in (suspects, asked)]
    rows = _features(suspects, asked)
    slope, offset, weights = _lesson(
        odds[1], rows[1], np.array([float(one.is_error) for one in told])
    )
    return _expit(slope * odds[0] + offset + rows[0] @ weights)


def _lesson(odds: Float64s, rows: Float64s, truth: Float64s) -> tuple[float, float, Float64s]:
    """Slope and offset for log odds and weights (d,) for rows (n, d); 1 and 0 at no answers."""

    def loss(values: Float64s) -> tuple[float, Float64s]:
        slope, offset, weights = values[0], values[1], values[2:]
        shares = np.clip(_expit(slope * odds + offset + rows @ weights), _LEAST, 1 - _LEAST)
        fit = -(truth * np.log(shares) + (1 - truth) * np.log(1 - shares)).sum()
        fit += SLOPE_PULL * (slope - 1) ** 2 + OFFSET_PULL * offset**2
        wrong = shares - truth
        gradient = np.concatenate(
            [
                [wrong @ odds + 2 * SLOPE_PULL * (slope - 1)],
                [wrong.sum() + 2 * OFFSET_PULL * offset],
                rows.T @ wrong + 2 * WEIGHT_PULL * weights,
            ]
        )
        return float(fit + WEIGHT_PULL * (weights**2).sum()), gradient

    start = np.concatenate([[1.0], np.zeros(1 + rows.shape[1])])
    bounds = [(0.1, 10.0), (-20.0, 20.0), *[(-20.0, 20.0)] * rows.shape[1]]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return float(found.x[0]), float(found.x[1]), np.asarray(found.x[2:], np.float64)


def _features(suspects: Sequence[Suspect], asked: Sequence[Suspect]) -> tuple[Float64s, Float64s]:
    """What the ranking saw at suspects and at those asked about, in like units, and the class.

    Where nothing was noted (`Suspect.evidence` is empty) only the class tells them apart.
    """
    both = [*suspects, *asked]
    width = min(len(one.evidence) for one in both)
    seen = np.array([one.evidence[1:width] for one in both], np.float64).reshape(len(both), -1)
    spread = seen.std(axis=0)
    seen = (seen - seen.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    classes = np.eye(1 + max(one.class_id for one in both))[[one.class_id for one in both]]
    rows = np.hstack([np.clip(seen, -_FAR, _FAR), classes])
    return rows[: len(suspects)], rows[len(suspects) :]


def _prior_odds(suspect: Suspect) -> float:
    """The log odds before any answer: what was believed later holds earlier answers already."""
    return suspect.evidence[0] if suspect.evidence else log_odds(suspect.probability)


def log_odds(probability: float) -> float:
    """Of a probability, 0 to 1; those of 0 and 1 are finite."""
    inside = min(max(probability, _LEAST), 1 - _LEAST)
    return float(np.log(inside / (1 - inside)))


def _expit(value: Float64s) -> Float64s:
    return np.asarray(1 / (1 + np.exp(-np.clip(value, -50, 50))), np.float64)


def was_confirmed(suspect: Suspect, before: AnnotationSet, after: AnnotationSet) -> bool:
    """Whether a person who looked at a suspect changed what was suspected.

    `before` and `after` are the frame's labels. A missing object counts as found where a new box
    lies on it; a label as wrong where it is gone, or was reclassed or moved, as was suspected.
    """
    if suspect.box_id is None:
        place = Boxes(np.array([suspect.xyxy], np.float32))
        known = set(before.box_id)
        new = [row for row, box_id in enumerate(after.box_id) if box_id not in known]
        return bool(boxes_iou(after.boxes.take(new), place).max(initial=0) >= SAME_PLACE_IOU)
    if suspect.box_id not in after.box_id:
        return suspect.box_id in before.box_id
    row = after.box_id.index(suspect.box_id)
    if suspect.kind is ErrorKind.WRONG_CLASS:
        return int(after.class_id[row]) != suspect.class_id
    if suspect.kind is ErrorKind.BADLY_LOCATED:
        old = Boxes(np.array([suspect.xyxy], np.float32))
        return bool(boxes_iou(after.boxes.take([row]), old)[0, 0] < UNMOVED_IOU)
    return False
