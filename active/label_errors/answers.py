"""What people said about suspects, and what follows for those nobody has looked at yet."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
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
_LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class Answered:
    """A suspect of a kind that was believed with a probability, and whether it is an error."""

    kind: ErrorKind
    probability: float
    is_error: bool


def corrected(
    suspects: Sequence[Suspect], answered: Sequence[Answered], known: Mapping[str, bool]
) -> list[Suspect]:
    """Suspects with the probabilities that the answers so far make of them, most probable first.

    For each kind the log odds are stretched and moved to fit what was found, the less so the
    fewer answers there are (Platt's scaling, held near the identity). Suspects with an answer
    (`known`, by suspect id) get 1 or 0: what was said to be right is not asked again.
    """
    by_kind: dict[ErrorKind, list[Answered]] = defaultdict(list)
    for one in answered:
        by_kind[one.kind].append(one)
    scaling = {kind: _scaling(told) for kind, told in by_kind.items()}
    changed: list[Suspect] = []
    for suspect in suspects:
        slope, offset = scaling.get(suspect.kind, (1.0, 0.0))
        probability = float(_expit(slope * _logit(suspect.probability) + offset))
        if suspect.suspect_id in known:
            probability = float(known[suspect.suspect_id])
        changed.append(replace(suspect, probability=probability))
    return sorted(changed, key=lambda one: (-one.probability, one.suspect_id))


def _scaling(told: Sequence[Answered]) -> tuple[float, float]:
    """Slope and offset for log odds; 1 and 0 where the answers say nothing else."""
    odds = np.array([_logit(one.probability) for one in told])
    truth = np.array([float(one.is_error) for one in told])

    def loss(values: Float64s) -> float:
        slope, offset = values
        shares = np.clip(_expit(slope * odds + offset), _LEAST, 1 - _LEAST)
        fit = -(truth * np.log(shares) + (1 - truth) * np.log(1 - shares)).sum()
        return float(fit + 2 * (slope - 1) ** 2 + 0.1 * offset**2)

    found = minimize(loss, np.array([1.0, 0.0]), bounds=[(0.1, 10), (-20, 20)])
    return float(found.x[0]), float(found.x[1])


def _logit(value: float) -> float:
    inside = min(max(value, _LEAST), 1 - _LEAST)
    return float(np.log(inside / (1 - inside)))


def _expit(value: Float64s | float) -> Float64s:
    return np.asarray(1 / (1 + np.exp(-np.asarray(value))), np.float64)


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
