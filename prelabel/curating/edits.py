"""Labels that a curator edited in FiftyOne, and what they are in the project."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prelabel.datasets.annotations import DRAWN, AnnotationSet, Origin, OriginKind, is_box_id
from prelabel.datasets.arrays import Float32s, Float64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.frames import Frame
from prelabel.datasets.geometry import clip_to_picture, enclosing
from prelabel.datasets.wording import counted
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
    """Labels after an edit, what was done to them, and what could not be taken over, in words."""

    annotations: AnnotationSet
    told: str
    refused: str = ""


def seen_boxes(detections: Sequence[Mapping[str, Any]], frame: Frame) -> list[SeenBox]:
    """The boxes of a field as the database holds them; those without area are left out."""
    found = []
    for one in detections:
        left, top, width, height = one["bounding_box"]
        corners = np.array([[left, top, left + width, top + height]], np.float64)
        pixels = corners * np.array([frame.width_px, frame.height_px] * 2)
        _, has_area = clip_to_picture(pixels.astype(np.float32), frame.width_px, frame.height_px)
        if has_area[0]:  # though labels may reach beyond the picture, and stay so unless moved
            a, b, c, d = pixels[0].tolist()
            name, version = one.get("label") or "", one.get("version")
            found.append(SeenBox(str(one["_id"]), one.get("box_id"), (a, b, c, d), name, version))
    return found


def edited(
    before: AnnotationSet, after: Sequence[SeenBox], classes: Sequence[str], frame: Frame
) -> Edited:
    """The labels that a curator left, made from `before`; nothing is told where none changed.

    A box keeps its id and geometry, to the last bit where it moved by no more than rounding does,
    and the heights that it has. One that a detector proposed keeps what was proposed; a new box
    counts as drawn. Boxes of a class that the project does not know are left as they were, or out
    where they are new. A turned box is seen as the upright one around it: it may be moved as a
    whole, and keeps its size.
    """
    edit = _Edit(before, frame, {name: class_id for class_id, name in enumerate(classes)})
    for box in after:
        edit.add(box)
    return edit.done()


class _Edit:
    """Labels being made from what is seen, box by box."""

    def __init__(self, before: AnnotationSet, frame: Frame, class_of: Mapping[str, int]) -> None:
        self._before = before
        self._frame = frame
        self._class_of = class_of
        self._row_of = {box_id: row for row, box_id in enumerate(before.box_id)}
        self._shown = enclosing(before.boxes)
        self._corners: list[Float32s] = []
        self._rows: list[int | None] = []
        self._class_ids: list[int] = []
        self._ids: list[str] = []
        self._origins: list[Origin] = []
        self._counts = Counter[str]()

    def add(self, box: SeenBox) -> None:
        """Take one box over as it is seen."""
        row = self._row_of.pop(box.box_id, None) if box.box_id else None
        class_id = self._class_of.get(box.class_name)
        if row is not None:
            self._add_known(row, box, class_id)
        elif class_id is not None:
            self._put(None, self._inside(np.array(box.xyxy)), class_id, _drawn_id(box), DRAWN)
            self._counts["drawn"] += 1

    def _add_known(self, row: int, box: SeenBox, class_id: int | None) -> None:
        before, old_class = self._before, int(self._before.class_id[row])
        corners = self._moved(row, np.array(box.xyxy))
        is_moved = corners is not None
        is_other = class_id is not None and class_id != old_class
        self._counts["moved"] += is_moved
        self._counts["reclassed"] += is_other
        self._put(
            row,
            before.boxes.xyxy[row] if corners is None else corners,
            old_class if class_id is None else class_id,
            before.box_id[row],
            _origin(before, row) if is_moved or is_other else before.origin[row],
        )

    def _moved(self, row: int, seen: Float64s) -> Float32s | None:
        """Where a box lies now; None where it did not move, or cannot be moved so."""
        shift = seen - self._shown[row]
        if float(np.abs(shift).max()) <= UNMOVED_PX:
            return None
        if self._before.boxes.angle is None:
            return self._inside(seen)
        if float(np.abs(shift[2:] - shift[:2]).max()) > UNMOVED_PX:
            self._counts["refused"] += 1
            return None
        return np.asarray(self._before.boxes.xyxy[row] + shift, np.float32)

    def _inside(self, seen: Float64s) -> Float32s:
        size = self._frame.width_px, self._frame.height_px
        clipped, _ = clip_to_picture(seen[None].astype(np.float32), *size)
        return np.asarray(clipped[0], np.float32)

    def _put(
        self, row: int | None, corners: Float32s, class_id: int, box_id: str, origin: Origin
    ) -> None:
        self._rows.append(row)
        self._corners.append(corners)
        self._class_ids.append(class_id)
        self._ids.append(box_id)
        self._origins.append(origin)

    def done(self) -> Edited:
        """The labels, and what was done."""
        counts = {**self._counts, "deleted": len(self._row_of)}
        refused = counts.pop("refused", 0)
        told = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
        why = f"{counted(refused, 'turned box')} resized; do that on the review page"
        return Edited(self._labels(), told, why if refused else "")

    def _labels(self) -> AnnotationSet:
        if not self._ids:
            return AnnotationSet.empty()
        before = self._before
        angle = height = None
        if before.boxes.angle is not None:
            angle = [0.0 if row is None else float(before.boxes.angle[row]) for row in self._rows]
        if before.height_m is not None:
            unknown = np.full(2, np.nan, np.float32)
            height = [unknown if row is None else before.height_m[row] for row in self._rows]
        boxes = Boxes(np.stack(self._corners), angle)
        return AnnotationSet(boxes, self._class_ids, self._ids, self._origins, height)


def _origin(before: AnnotationSet, row: int) -> Origin:
    origin = before.origin[row]
    if origin.kind not in (OriginKind.PROPOSED, OriginKind.AUTO):
        return origin
    return origin.after_change(before.boxes, row, int(before.class_id[row]))


def _drawn_id(box: SeenBox) -> str:
    if box.box_id and is_box_id(box.box_id):
        return box.box_id  # it was deleted by somebody else meanwhile
    return str(uuid.uuid5(_DRAWN, box.label_id))
