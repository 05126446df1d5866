"""Labels that a curator edited in FiftyOne, and what they are in the project."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prelabel.curating.relabelling import Edited, Placed, Relabelling
from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.arrays import Float32s, Float64s
from prelabel.datasets.frames import Frame
from prelabel.datasets.geometry import clip_to_picture, enclosing
from prelabel.datasets.wording import counted
from prelabel.proposals import UNMOVED_PX


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
    edit = _Edit(before, classes, frame)
    for box in after:
        edit.add(box)
    return edit.done()


class _Edit:
    """Labels being made from what is seen, box by box."""

    def __init__(self, before: AnnotationSet, classes: Sequence[str], frame: Frame) -> None:
        self._labels = Relabelling(before, classes)
        self._frame = frame
        self._shown = enclosing(before.boxes)
        self._refused = 0

    def add(self, box: SeenBox) -> None:
        """Take one box over as it is seen."""
        row = self._labels.row_of(box.box_id)
        if row is None:
            drawn = Placed(self._inside(np.array(box.xyxy)))
            self._labels.draw(box.label_id, box.box_id, box.class_name, drawn)
        else:
            self._labels.keep(row, box.class_name, self._moved(row, np.array(box.xyxy)))

    def _moved(self, row: int, seen: Float64s) -> Placed | None:
        """Where a box lies now; None where it did not move, or cannot be moved so."""
        boxes = self._labels.before.boxes
        shift = seen - self._shown[row]
        if float(np.abs(shift).max()) <= UNMOVED_PX:
            return None
        if boxes.angle is None:
            return Placed(self._inside(seen))
        if float(np.abs(shift[2:] - shift[:2]).max()) > UNMOVED_PX:
            self._refused += 1
            return None
        return Placed(np.asarray(boxes.xyxy[row] + shift, np.float32))

    def _inside(self, seen: Float64s) -> Float32s:
        size = self._frame.width_px, self._frame.height_px
        clipped, _ = clip_to_picture(seen[None].astype(np.float32), *size)
        return np.asarray(clipped[0], np.float32)

    def done(self) -> Edited:
        """The labels, and what was done."""
        why = f"{counted(self._refused, 'turned box')} resized; do that on the review page"
        labels = self._labels.labels()
        return Edited(labels, self._labels.told(), why if self._refused else "")
