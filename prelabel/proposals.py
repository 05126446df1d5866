"""Proposals as people see them, and recognising them when they come back corrected."""

import uuid
from collections import Counter
from hashlib import sha1

import numpy as np

from prelabel.active.scores import box_uncertainty
from prelabel.datasets.annotations import DRAWN, AnnotationSet, Origin, OriginKind, uuid_text
from prelabel.datasets.arrays import Float32s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.geometry import angle_of, boxes_iou, rotated_corners
from prelabel.datasets.predictions import Prediction
from prelabel.store.records import Shown

# A name space (RFC 4122) of our own: the same proposal has the same box id wherever it is shown.
_PROPOSALS = uuid.UUID("0d0c6f8a-57c5-5b0e-8f0b-3c7a5f4c9a11")

# Tools round what they save; a box that moved by less than this is as it was proposed.
UNMOVED_PX = 0.05
# A tool that drops the ids of boxes leaves their places: from this overlap on it is the same box.
SAME_BOX_IOU = 0.98


def shown_proposals(
    prediction: Prediction, shown_score: float, uncertainty: Float32s | None = None
) -> Shown:
    """All proposals of a prediction as a batch keeps them, as labels nobody has looked at yet.

    How unsure the model is of a box is the entropy of the box's distribution over the classes and
    "nothing there", as a share of the largest there can be (see `prelabel.active.scores`). It is
    computed where it is not given.
    """
    if uncertainty is None:
        uncertainty = box_uncertainty(prediction)
    model = prediction.model_id
    origins = [
        Origin(OriginKind.PROPOSED, model_id=model, score=score)
        for score in prediction.score.tolist()
    ]
    proposals = AnnotationSet(prediction.boxes, prediction.class_id, _box_ids(prediction), origins)
    return Shown(model, shown_score, proposals, uncertainty)


def _box_ids(prediction: Prediction) -> list[str]:
    """An id made from what the box is; equal boxes, which a file may hold, are counted."""
    places = prediction.boxes.xyxy.tolist()
    if prediction.boxes.angle is not None:
        places = np.column_stack([prediction.boxes.xyxy, prediction.boxes.angle]).tolist()
    times: Counter[str] = Counter()
    ids = []
    for class_id, place in zip(prediction.class_id.tolist(), places, strict=True):
        name = f"{prediction.model_id}/{prediction.frame_id}/{class_id}/{place}"
        ids.append(_name_id(f"{name}/{times[name]}" if times[name] else name))
        times[name] += 1
    return ids


def _name_id(name: str) -> str:
    """What `str(uuid.uuid5(_PROPOSALS, name))` gives, in a third of the time."""
    digest = bytearray(sha1(_PROPOSALS.bytes + name.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50  # the version, 5
    digest[8] = digest[8] & 0x3F | 0x80  # the variant, that of RFC 4122
    return uuid_text(digest.hex())


def with_recognised_proposals(labels: AnnotationSet, proposals: AnnotationSet) -> AnnotationSet:
    """`labels` that came back for a frame, each box with what became of the proposal behind it.

    A box is a proposal if it has its id, or, where a tool has dropped the ids, lies where it lay.
    Unmoved and of the same class it was accepted, else changed; what was no proposal was drawn.
    Boxes that say where they came from keep their origin.
    """
    known = {box_id: row for row, box_id in enumerate(proposals.box_id)}
    matched = _rows_by_place(labels, proposals)
    box_ids, origins = list(labels.box_id), list(labels.origin)
    for row, box_id in enumerate(labels.box_id):
        kind = labels.origin[row].kind
        from_us = kind is OriginKind.PROPOSED and box_id in known
        if kind is not OriginKind.IMPORTED and not from_us:
            continue
        proposal = known.get(box_id, matched.get(row))
        if proposal is None:
            origins[row] = DRAWN
            continue
        box_ids[row] = proposals.box_id[proposal]
        origins[row] = _origin_after(labels, row, proposals, proposal)
    return AnnotationSet(labels.boxes, labels.class_id, box_ids, origins, labels.height_m)


def _rows_by_place(labels: AnnotationSet, proposals: AnnotationSet) -> dict[int, int]:
    """For boxes without a known id: the proposal of nearly the same place, none used twice."""
    taken = set(labels.box_id) & set(proposals.box_id)
    free = [row for row, box_id in enumerate(proposals.box_id) if box_id not in taken]
    unknown = [row for row, box_id in enumerate(labels.box_id) if box_id not in taken]
    if not free or not unknown:
        return {}
    overlap = boxes_iou(labels.boxes.take(unknown), proposals.boxes.take(free))
    same_class = labels.class_id[unknown][:, None] == proposals.class_id[free][None]
    overlap = overlap + same_class  # of two that lie alike the one of the same class is meant
    matched: dict[int, int] = {}
    for flat in np.argsort(-overlap, axis=None, kind="stable"):
        left, right = divmod(int(flat), len(free))
        if overlap[left, right] - same_class[left, right] < SAME_BOX_IOU:
            continue
        if unknown[left] not in matched and free[right] not in matched.values():
            matched[unknown[left]] = free[right]
    return matched


def _origin_after(
    labels: AnnotationSet, row: int, proposals: AnnotationSet, proposal: int
) -> Origin:
    origin = proposals.origin[proposal]
    before, after = proposals.boxes.take([proposal]), labels.boxes.take([row])
    class_id = int(proposals.class_id[proposal])
    if _moved_px(before, after) <= UNMOVED_PX and labels.class_id[row] == class_id:
        return origin
    return origin.after_change(proposals.boxes, proposal, class_id)


def _moved_px(before: Boxes, after: Boxes) -> float:
    """How far the corner of a box went that went farthest; which corner is the first is free."""
    old, new = (rotated_corners(one.xyxy, angle_of(one))[0] for one in (before, after))
    return min(float(np.abs(np.roll(new, first, axis=0) - old).max()) for first in range(4))
