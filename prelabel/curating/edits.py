"""Labels that a curator edited in FiftyOne, and what they are in the project."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prelabel.datasets.annotations import DRAWN, AnnotationSet, Origin, OriginKind, is_box_id
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.frames import Frame
from prelabel.datasets.geometry import clip_to_picture
from prelabel.proposals import UNMOVED_PX

# A name space (RFC 4122) of our own: a box drawn in FiftyOne has the same id however often it is
# read.
_DRAWN = uuid.UUID("6f0a6a5e-4a52-5f7e-9d7c-5b8a0d1e2f34")


@dataclass(frozen=True, slots=True)
class SeenBox:
    """A box as it stands in FiftyOne: its ids there and with us, corners (pixels), class name.

    `version` is the label version that it was filled from; None for one drawn in the App.
    """

    label_id: str
    box_id: str | None
    xyxy: tuple[float, float, float, float]
    class_name: str
    version: int | None


@dataclass(frozen=True, slots=True)
class Edited:
    """Labels after an edit, and what was done to them, in words."""

    annotations: AnnotationSet
    told: str


def seen_boxes(detections: Sequence[Mapping[str, Any]], frame: Frame) -> list[SeenBox]:
    """The boxes of a field as the database holds them; those without area are left out."""
    found = []
    for one in detections:
        left, top, width, height = one["bounding_box"]
        corners = np.array([[left, top, left + width, top + height]], np.float64)
        pixels = corners * np.array([frame.width_px, frame.height_px] * 2)
        clipped, has_area = clip_to_picture(
            pixels.astype(np.float32), frame.width_px, frame.height_px
        )
        if has_area[0]:
            a, b, c, d = clipped[0].tolist()
            name, version = one.get("label") or "", one.get("version")
            found.append(SeenBox(str(one["_id"]), one.get("box_id"), (a, b, c, d), name, version))
    return found


def edited(
    before: AnnotationSet, after: Sequence[SeenBox], classes: Sequence[str]
) -> Edited | None:
    """The labels that a curator left, made from `before`; None where nothing was changed.

    A box keeps its id and geometry, to the last bit where it moved by no more than rounding does.
    One that a detector proposed keeps what was proposed; a new box counts as drawn. Boxes of a
    class that the project does not know are left as they were, or out where they are new.
    """
    row_of = {box_id: row for row, box_id in enumerate(before.box_id)}
    class_of = {name: class_id for class_id, name in enumerate(classes)}
    corners, class_ids, ids, origins = [], [], [], []
    moved = reclassed = drawn = 0
    for box in after:
        row = row_of.pop(box.box_id, None) if box.box_id else None
        class_id = class_of.get(box.class_name)
        if row is None:
            if class_id is None:
                continue
            corners.append(np.array(box.xyxy, np.float32))
            class_ids.append(class_id)
            ids.append(_drawn_id(box))
            origins.append(DRAWN)
            drawn += 1
            continue
        old, old_class = before.boxes.xyxy[row], int(before.class_id[row])
        new = np.array(box.xyxy, np.float32)
        is_moved = bool(np.abs(new - old).max() > UNMOVED_PX)
        is_other = class_id is not None and class_id != old_class
        moved, reclassed = moved + is_moved, reclassed + is_other
        corners.append(new if is_moved else old)
        class_ids.append(class_id if class_id is not None else old_class)
        ids.append(before.box_id[row])
        origins.append(_origin(before, row) if is_moved or is_other else before.origin[row])
    counts = {"moved": moved, "reclassed": reclassed, "drawn": drawn, "deleted": len(row_of)}
    if not any(counts.values()):
        return None
    told = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return Edited(_assembled(corners, class_ids, ids, origins), told)


def _origin(before: AnnotationSet, row: int) -> Origin:
    origin = before.origin[row]
    if origin.kind not in (OriginKind.PROPOSED, OriginKind.AUTO):
        return origin
    return origin.after_change(before.boxes, row, int(before.class_id[row]))


def _drawn_id(box: SeenBox) -> str:
    if box.box_id and is_box_id(box.box_id):
        return box.box_id  # it was deleted by somebody else meanwhile
    return str(uuid.uuid5(_DRAWN, box.label_id))


def _assembled(
    corners: Sequence[Any], class_ids: Sequence[int], ids: Sequence[str], origins: Sequence[Origin]
) -> AnnotationSet:
    if not ids:
        return AnnotationSet.empty()
    return AnnotationSet(Boxes(np.stack(corners)), class_ids, ids, origins)
