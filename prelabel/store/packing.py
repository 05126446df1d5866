"""The labels of one frame as bytes: what the event log keeps.

Little-endian, one after the other: the format (u1), whether there are angles (u1), two bytes 0,
the number of boxes n (u4), class ids (n x i4), corners (n x 4 x f4), box ids (n x 16 bytes),
angles (n x f4, where there are any), heights (n x 2 x f4, NaN where not known; in format 2 only),
origins (UTF-8 JSON up to the end; nothing where every box was imported). A box takes 36 bytes.
"""

import json
import struct
from typing import Any

import numpy as np

from prelabel.datasets.annotations import (
    DRAWN,
    IMPORTED,
    AnnotationSet,
    Origin,
    OriginKind,
    uuid_text,
)
from prelabel.datasets.boxes import Boxes
from prelabel.store.errors import StoreError

_HEADER = struct.Struct("<BBxxI")
_FORMAT, _WITH_HEIGHTS = 1, 2
_ID_BYTES = 16

CLASS_IDS_OFFSET = _HEADER.size
CLASS_ID = np.dtype("<i4")
_COORDINATE = np.dtype("<f4")


def pack_labels(labels: AnnotationSet) -> bytes:
    """The bytes of these labels; equal labels give equal bytes."""
    angle, heights = labels.boxes.angle, labels.height_m
    format_number = _FORMAT if heights is None else _WITH_HEIGHTS
    parts = [
        _HEADER.pack(format_number, angle is not None, len(labels)),
        labels.class_id.astype(CLASS_ID).tobytes(),
        (labels.boxes.xyxy + np.float32(0)).astype(_COORDINATE).tobytes(),  # -0.0 becomes 0.0
        bytes.fromhex("".join(labels.box_id).replace("-", "")),
    ]
    if angle is not None:
        parts.append((angle + np.float32(0)).astype(_COORDINATE).tobytes())
    if heights is not None:
        parts.append((heights + np.float32(0)).astype(_COORDINATE).tobytes())
    parts.append(_pack_origins(labels.origin))
    return b"".join(parts)


def unpack_labels(packed: bytes) -> AnnotationSet:
    """The labels that `pack_labels` made these bytes of; StoreError on a format not known here."""
    format_number, has_angles, count = _HEADER.unpack_from(packed)
    if format_number not in (_FORMAT, _WITH_HEIGHTS):
        raise StoreError(
            f"labels are kept in format {format_number}, but this prelabel reads {_FORMAT} and "
            f"{_WITH_HEIGHTS}: install a newer prelabel"
        )
    classes_end = CLASS_IDS_OFFSET + count * CLASS_ID.itemsize
    corners_end = classes_end + 4 * count * _COORDINATE.itemsize
    ids_end = corners_end + _ID_BYTES * count
    angles_end = ids_end + (count * _COORDINATE.itemsize if has_angles else 0)
    class_id = np.frombuffer(packed, CLASS_ID, count, CLASS_IDS_OFFSET)
    xyxy = np.frombuffer(packed, _COORDINATE, 4 * count, classes_end).reshape(count, 4)
    angle = np.frombuffer(packed, _COORDINATE, count, ids_end) if has_angles else None
    heights, heights_end = None, angles_end
    if format_number == _WITH_HEIGHTS:
        heights = np.frombuffer(packed, _COORDINATE, 2 * count, angles_end).reshape(count, 2)
        heights_end += heights.nbytes
    box_id = [
        uuid_text(packed[start : start + _ID_BYTES].hex())
        for start in range(corners_end, ids_end, _ID_BYTES)
    ]
    return AnnotationSet(
        Boxes(xyxy, angle), class_id, box_id, _unpack_origins(packed[heights_end:], count), heights
    )


def _pack_origins(origins: tuple[Origin, ...]) -> bytes:
    if origins.count(IMPORTED) == len(origins):
        return b""
    rows = [_origin_row(origin) for origin in origins]
    return json.dumps(rows, separators=(",", ":"), ensure_ascii=False).encode()


def _origin_row(origin: Origin) -> list[Any]:
    """Kind; model and score; the four original corners and the original class; their angle.

    Where a rule accepted the box, that rule follows model and score. A carried box has its spread
    behind its kind, and nothing else.
    """
    row: list[Any] = [origin.kind.value]
    if origin.score is not None:
        row += [origin.model_id, float(origin.score)]
    if origin.original_xyxy is not None and origin.original_class_id is not None:
        row += [*map(float, origin.original_xyxy), int(origin.original_class_id)]
    if origin.original_angle is not None:
        row.append(float(origin.original_angle))
    if origin.rule is not None:
        row.append(origin.rule)
    if origin.spread_px is not None:
        row.append(float(origin.spread_px))
    return row


def _unpack_origins(packed: bytes, count: int) -> list[Origin]:
    if not packed:
        return [IMPORTED] * count
    return [_origin(row) for row in json.loads(packed)]


def _origin(row: list[Any]) -> Origin:
    kind = OriginKind(row[0])
    if len(row) == 1:
        return IMPORTED if kind is OriginKind.IMPORTED else DRAWN
    if kind is OriginKind.CARRIED:
        return Origin(kind, spread_px=row[1])
    if kind is OriginKind.PROPOSED:
        return Origin(kind, row[1], row[2])
    if kind is OriginKind.AUTO:
        return Origin(kind, row[1], row[2], rule=row[3])
    left, top, right, bottom, class_id, *angle = row[3:]
    return Origin(kind, row[1], row[2], (left, top, right, bottom), class_id, *angle)
