"""Where two sets of boxes about the same frames disagree: of people, of models, or of both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.geometry import boxes_iou

AGREE_IOU = 0.75  # boxes of one object that overlap less are said to lie differently
PAIR_IOU = 0.4  # from here on two boxes are about one object
SURE = 1.0  # what a box of a person counts


class DisagreementKind(StrEnum):
    """How two sides differ about an object; named from the second side."""

    EXTRA = "extra"  # only the second has it
    MISSING = "missing"  # only the first has it
    LOW_OVERLAP = "low overlap"
    CLASS_FLIP = "class flip"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One object about which two sides differ; `weight` (0 to 1) is how much so.

    `first_id` and `second_id` are the boxes of the two, None for the side that has none.
    """

    frame_id: str
    kind: DisagreementKind
    weight: float
    first_id: str | None
    second_id: str | None


def disagreements(
    first: Mapping[str, AnnotationSet], second: Mapping[str, AnnotationSet]
) -> list[Disagreement]:
    """All differences on the frames that both sides know, the weightiest first.

    Boxes are paired one to one so that the sum of their overlaps is largest, whatever their class:
    in a crowd, where each box overlaps several, no pairing of others goes wrong for the sake of
    one. A proposal weighs what its score is, a box of a person 1.
    """
    found: list[Disagreement] = []
    for frame_id in first.keys() & second.keys():
        found += _in_frame(frame_id, first[frame_id], second[frame_id])
    return sorted(found, key=lambda one: (-one.weight, one.frame_id, str(one.first_id)))


def frames_by_disagreement(found: Sequence[Disagreement]) -> list[tuple[str, float]]:
    """Frames with the sum of the weights of what is disputed in each, the largest first."""
    total: dict[str, float] = {}
    for one in found:
        total[one.frame_id] = total.get(one.frame_id, 0.0) + one.weight
    return sorted(total.items(), key=lambda item: (-item[1], item[0]))


def _in_frame(frame_id: str, first: AnnotationSet, second: AnnotationSet) -> list[Disagreement]:
    overlap = boxes_iou(first.boxes, second.boxes)
    pairs = _pairs(overlap)
    sure_first, sure_second = _certainty(first), _certainty(second)
    found = []
    for row, column in pairs:
        weight = float(min(sure_first[row], sure_second[column]))
        ids = (first.box_id[row], second.box_id[column])
        iou = float(overlap[row, column])
        if first.class_id[row] != second.class_id[column]:
            found.append(Disagreement(frame_id, DisagreementKind.CLASS_FLIP, weight, *ids))
        elif iou < AGREE_IOU:
            gap = (AGREE_IOU - iou) / AGREE_IOU
            found.append(Disagreement(frame_id, DisagreementKind.LOW_OVERLAP, weight * gap, *ids))
    paired_first, paired_second = {row for row, _ in pairs}, {column for _, column in pairs}
    for row in sorted(set(range(len(first))) - paired_first):
        kind, weight = DisagreementKind.MISSING, float(sure_first[row])
        found.append(Disagreement(frame_id, kind, weight, first.box_id[row], None))
    for column in sorted(set(range(len(second))) - paired_second):
        kind, weight = DisagreementKind.EXTRA, float(sure_second[column])
        found.append(Disagreement(frame_id, kind, weight, None, second.box_id[column]))
    return found


def _pairs(overlap: Float64s) -> list[tuple[int, int]]:
    from scipy.optimize import linear_sum_assignment  # a tenth of a second to load

    rows, columns = linear_sum_assignment(np.where(overlap >= PAIR_IOU, overlap, 0), maximize=True)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(row, column) for row, column in pairs if overlap[row, column] >= PAIR_IOU]


def _certainty(boxes: AnnotationSet) -> Float64s:
    """What each box counts, (n,): the score of a proposal nobody has changed, else 1."""
    scores = [
        origin.score if origin.kind.value == "proposed" and origin.score is not None else SURE
        for origin in boxes.origin
    ]
    return np.array(scores, np.float64)
