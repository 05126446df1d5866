"""Labels of a frame made anew from what a curator left of them."""

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prelabel.datasets.annotations import DRAWN, AnnotationSet, Origin, OriginKind, is_box_id
from prelabel.datasets.arrays import Float32s
from prelabel.datasets.boxes import Boxes

# A name space (RFC 4122) of our own: a box drawn in FiftyOne has the same id however often it is
# read.
_DRAWN = uuid.UUID("6f0a6a5e-4a52-5f7e-9d7c-5b8a0d1e2f34")
_WORDS = ("moved", "turned", "resized", "reclassed", "drawn", "deleted")
_NO_TURN = 1e-4  # radians: a box turned by less is upright


@dataclass(frozen=True, slots=True)
class Edited:
    """Labels after an edit, what was done to them, and what could not be taken over, in words."""

    annotations: AnnotationSet
    told: str
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a box lies: corners (4,) before its turn, in pixels; None where the turn, or bottom
    and top (2,) of its object, stay what they are.
    """

    xyxy: Float32s
    angle: float | None = None
    height_m: Float32s | None = None


class Relabelling:
    """Labels being made from those `before`, box by box, and what was done to them in words.

    What a detector proposed is kept with a box that was changed; boxes that nobody mentions are
    deleted.
    """

    def __init__(self, before: AnnotationSet, classes: Sequence[str]) -> None:
        self.before = before
        self._class_of = {name: class_id for class_id, name in enumerate(classes)}
        self._row_of = {box_id: row for row, box_id in enumerate(before.box_id)}
        self._rows: list[int | None] = []
        self._places: list[Placed] = []
        self._class_ids: list[int] = []
        self._ids: list[str] = []
        self._origins: list[Origin] = []
        self._counts = Counter[str]()

    def row_of(self, box_id: str | None) -> int | None:
        """The row of a box that is still there; None for a new one, and when asked again."""
        return None if box_id is None else self._row_of.pop(box_id, None)

    def keep(self, row: int, class_name: str, moved: Placed | None, how: str = "moved") -> None:
        """A box is still there, of this class and, where it is not None, at another place.

        One of a class that the project does not know stays what it was.
        """
        before, old = self.before, int(self.before.class_id[row])
        class_id = self._class_of.get(class_name, old)
        self._counts[how] += moved is not None
        self._counts["reclassed"] += class_id != old
        origin = before.origin[row]
        if moved is not None or class_id != old:
            origin = _changed(before, row)
        place = Placed(before.boxes.xyxy[row]) if moved is None else moved
        self._put(row, place, class_id, before.box_id[row], origin)

    def draw(self, label_id: str, box_id: str | None, class_name: str, place: Placed) -> None:
        """There is a new box; `label_id` is FiftyOne's, `box_id` may be one deleted meanwhile.

        One of a class that the project does not know is left out.
        """
        class_id = self._class_of.get(class_name)
        if class_id is None:
            return
        is_known = box_id is not None and is_box_id(box_id) and box_id not in self._taken()
        own = box_id if is_known and box_id else str(uuid.uuid5(_DRAWN, label_id))
        self._put(None, place, class_id, own, DRAWN)
        self._counts["drawn"] += 1

    def told(self) -> str:
        """What was done so far, in words."""
        counts = {**self._counts, "deleted": len(self._row_of)}
        return ", ".join(f"{counts[word]} {word}" for word in _WORDS if counts.get(word))

    def labels(self) -> AnnotationSet:
        """The labels as they are now."""
        if not self._ids:
            return AnnotationSet.empty()
        boxes = Boxes(np.stack([one.xyxy for one in self._places]), self._angles())
        return AnnotationSet(boxes, self._class_ids, self._ids, self._origins, self._heights())

    def _taken(self) -> set[str]:
        """Ids that another box has; a copy of it needs one of its own."""
        return {*self._ids, *self.before.box_id}

    def _put(
        self, row: int | None, place: Placed, class_id: int, box_id: str, origin: Origin
    ) -> None:
        self._rows.append(row)
        self._places.append(place)
        self._class_ids.append(class_id)
        self._ids.append(box_id)
        self._origins.append(origin)

    def _angles(self) -> list[float] | None:
        before = self.before.boxes.angle
        angles = []
        for row, place in zip(self._rows, self._places, strict=True):
            kept = 0.0 if before is None or row is None else float(before[row])
            angles.append(kept if place.angle is None else place.angle)
        if before is None and all(abs(angle) <= _NO_TURN for angle in angles):
            return None
        return angles

    def _heights(self) -> list[Float32s]:
        before, unknown = self.before.height_m, np.full(2, np.nan, np.float32)
        heights = []
        for row, place in zip(self._rows, self._places, strict=True):
            kept = unknown if before is None or row is None else before[row]
            heights.append(kept if place.height_m is None else place.height_m)
        return heights


def _changed(before: AnnotationSet, row: int) -> Origin:
    origin = before.origin[row]
    if origin.kind not in (OriginKind.PROPOSED, OriginKind.AUTO):
        return origin
    return origin.after_change(before.boxes, row, int(before.class_id[row]))
