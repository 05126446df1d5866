"""Where to look for missed objects on a frame half done; no database."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.annotations import OriginKind
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.geometry import boxes_iou
from prelabel.work.records import BoxState, BoxStatus, Draft, Initial

MOST_PLACES = 5  # people are to glance at them, not to work through a list
# Boxes of neighbours in a crowd touch; two of the same object overlap far more.
_LARGEST_IOU = 0.1


def likely_places(draft: Draft) -> list[str]:
    """Ids of hidden proposals that may be missed objects, the likeliest first, at most 5.

    They lie where nothing shown, accepted or rejected lies, nor a likelier one of them. Only on
    frames on which a rule has accepted some boxes: on all others people look for themselves.
    """
    initial = draft.initial
    if initial.shown_score is None or not _is_half_done(initial):
        return []
    shown_score = initial.shown_score
    hidden = [one for one in draft.boxes if _is_hidden(one, initial, shown_score)]
    hidden.sort(key=lambda one: (-initial.proposals[one.box_id].score, one.box_id))
    known = {one.box_id for one in hidden}
    others = [one for one in draft.boxes if one.box_id not in known]
    free = _overlap(hidden, others).max(axis=1, initial=0.0) <= _LARGEST_IOU
    candidates = [one for one, is_free in zip(hidden, free, strict=True) if is_free]
    among = _overlap(candidates, candidates)
    rows: list[int] = []
    for row in range(len(candidates)):
        if len(rows) < MOST_PLACES and among[row, rows].max(initial=0.0) <= _LARGEST_IOU:
            rows.append(row)
    return [candidates[row].box_id for row in rows]


def _is_half_done(initial: Initial) -> bool:
    return any(origin.kind is OriginKind.AUTO for origin in initial.origins.values())


def _is_hidden(box: BoxState, initial: Initial, shown_score: float) -> bool:
    proposal = initial.proposals.get(box.box_id)
    if proposal is None or box.status is not BoxStatus.PROPOSED:
        return False
    return proposal.score < shown_score


def _overlap(one: Sequence[BoxState], other: Sequence[BoxState]) -> NDArray[np.float64]:
    if not one or not other:
        return np.zeros((len(one), len(other)))
    return np.asarray(boxes_iou(_boxes(one), _boxes(other)), np.float64)


def _boxes(states: Sequence[BoxState]) -> Boxes:
    xyxy = np.array([one.xyxy for one in states], np.float32)
    # A box that is thinner than float32 tells apart must not keep people from their frame.
    xyxy[:, 2:] = np.maximum(xyxy[:, 2:], np.nextafter(xyxy[:, :2], np.float32(np.inf)))
    turned = any(one.angle for one in states)
    return Boxes(xyxy, [one.angle or 0.0 for one in states] if turned else None)
