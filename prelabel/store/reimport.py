"""Keeping what is known of a box when it comes back from a file that cannot say it."""

import numpy as np

from prelabel.datasets.annotations import DRAWN, AnnotationSet, Origin, OriginKind
from prelabel.datasets.arrays import Float32s
from prelabel.datasets.geometry import angle_of

_UNTOUCHED = (OriginKind.PROPOSED, OriginKind.CARRIED)  # no longer, once a person moves the box


def match_known(incoming: AnnotationSet, known: AnnotationSet) -> AnnotationSet:
    """`incoming` as far as it can be the same as `known`: its origins, and its order of boxes.

    Files have no place for origins, so a box said to be imported keeps the origin that `known` has
    under its id; a proposed one that comes back moved or with another class was changed by a
    person, and a carried one is the person's own then. A box that says no height keeps the one that
    `known` has of it. Where both have the same boxes by id, their order means nothing.
    """
    rows = {box_id: row for row, box_id in enumerate(known.box_id)}
    if rows.keys() == set(incoming.box_id):
        incoming = incoming.take(np.argsort([rows[box_id] for box_id in incoming.box_id]))
    origins = [
        _inherited(incoming, row, known, rows[box_id])
        if origin.kind is OriginKind.IMPORTED and box_id in rows
        else origin
        for row, (box_id, origin) in enumerate(zip(incoming.box_id, incoming.origin, strict=True))
    ]
    heights = _heights(incoming, known, rows)
    return AnnotationSet(incoming.boxes, incoming.class_id, incoming.box_id, origins, heights)


def _heights(
    incoming: AnnotationSet, known: AnnotationSet, rows: dict[str, int]
) -> Float32s | None:
    if known.height_m is None:
        return incoming.height_m
    heights = np.full((len(incoming), 2), np.nan, np.float32)
    if incoming.height_m is not None:
        heights[:] = incoming.height_m
    for row in np.flatnonzero(np.isnan(heights[:, 0])).tolist():
        if incoming.box_id[row] in rows:
            heights[row] = known.height_m[rows[incoming.box_id[row]]]
    return heights


def _inherited(incoming: AnnotationSet, row: int, known: AnnotationSet, known_row: int) -> Origin:
    origin = known.origin[known_row]
    if origin.kind not in _UNTOUCHED or _same(incoming, row, known, known_row):
        return origin
    if origin.kind is OriginKind.CARRIED:
        return DRAWN
    return origin.after_change(known.boxes, known_row, int(known.class_id[known_row]))


def _same(one: AnnotationSet, row: int, other: AnnotationSet, other_row: int) -> bool:
    return (
        bool(one.class_id[row] == other.class_id[other_row])
        and np.array_equal(one.boxes.xyxy[row], other.boxes.xyxy[other_row])
        and angle_of(one.boxes)[row] == angle_of(other.boxes)[other_row]
    )
