"""Cuboids that a curator edited in FiftyOne, and the boxes from above that they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prelabel.curating.relabelling import Edited, Placed, Relabelling
from prelabel.datasets.annotations import AnnotationSet, is_height
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.frames import Frame
from prelabel.datasets.geometry import clip_to_picture, enclosing
from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid
from prelabel.datasets.lidar.coordinates import wrapped
from prelabel.datasets.lidar.cuboids import Cuboids
from prelabel.datasets.wording import counted

# What differs by less is what FiftyOne rounds away.
_SAME_M, _SAME_TURN = 1e-3, 1e-4
_TILTED = 0.02  # radians, about a degree: by a hand that meant to tilt it


@dataclass(frozen=True, slots=True)
class SeenPlace:
    """A box that an object was shown for, and the label version that it was of."""

    box_id: str
    version: int


@dataclass(frozen=True, slots=True)
class SeenCuboid:
    """A cuboid as it stands in FiftyOne.

    `seen` and `filled` (7,) are middle, length, width, height and heading in the lidar's frame:
    now, None where that is no cuboid at all, and as it was filled, None for one drawn there.
    `places` by frame id are the boxes it was filled from.
    """

    label_id: str
    class_name: str
    seen: Float64s | None
    filled: Float64s | None
    places: Mapping[str, SeenPlace]
    is_tilted: bool

    def stamp(self, frame_id: str) -> int | None:
        """The label version of a frame that it was filled from; None where it was from none."""
        place = self.places.get(frame_id)
        return None if place is None else place.version


def seen_cuboids(
    detections: Sequence[Mapping[str, Any]], origin_m: Sequence[float]
) -> list[SeenCuboid]:
    """The cuboids of a field as the database holds them, around `origin_m`."""
    shift = np.array([*origin_m, 0, 0, 0, 0], np.float64)
    found = []
    for one in detections:
        places = {}
        for kept in one.get("shown_as") or ():
            frame_id, box_id, version = kept.split()
            places[frame_id] = SeenPlace(box_id, int(version))
        seen, is_tilted = _standing(one)
        filled = one.get("filled")
        found.append(
            SeenCuboid(
                str(one["_id"]),
                one.get("label") or "",
                None if seen is None else seen + shift,
                None if filled is None else np.array(filled, np.float64) + shift,
                places,
                is_tilted,
            )
        )
    return found


def _standing(detection: Mapping[str, Any]) -> tuple[Float64s | None, bool]:
    """A cuboid set upright: middle, size and heading (7,), None where it is none; was it tilted."""
    location, size, turn = (
        np.array(detection.get(name) or (), np.float64)
        for name in ("location", "dimensions", "rotation")
    )
    if location.shape != (3,) or size.shape != (3,) or turn.shape not in ((3,), (0,)):
        return None, False
    x, y, z = turn.tolist() or (0.0, 0.0, 0.0)
    found = np.concatenate([location, np.abs(size), [_heading(x, y, z)]])
    if not np.isfinite(found).all() or found[3:6].min() <= _SAME_M:
        return None, False
    return found, bool(abs(np.cos(x) * np.cos(y)) < np.cos(_TILTED))


def _heading(x: float, y: float, z: float) -> float:
    """The turn about the upright axis of a turn by Euler angles, as FiftyOne has them.

    They turn about x, then about y and z of what was turned; the rest of the turn, which is left
    out, is one about an axis that lies flat. A cuboid on its head has no such part: there its own x
    tells the heading.
    """
    half = np.array([x, y, z]) / 2
    (cos_x, cos_y, cos_z), (sin_x, sin_y, sin_z) = np.cos(half), np.sin(half)
    real = cos_x * cos_y * cos_z - sin_x * sin_y * sin_z
    upright = cos_x * cos_y * sin_z + sin_x * sin_y * cos_z
    if np.hypot(real, upright) > _TILTED:
        return float(wrapped(np.array(2 * np.arctan2(upright, real))))
    left = np.cos(x) * np.sin(z) + np.sin(x) * np.sin(y) * np.cos(z)
    return float(np.arctan2(left, np.cos(y) * np.cos(z)))


def frame_below(cuboid: SeenCuboid, grids: Mapping[str, BirdsEyeGrid]) -> str:
    """The frame that shows the middle of a new cuboid farthest from its border."""
    x, y = (0.0, 0.0) if cuboid.seen is None else cuboid.seen[:2].tolist()

    def margin(frame_id: str) -> float:
        grid = grids[frame_id]
        return float(min(x - grid.x_min_m, grid.x_max_m - x, y - grid.y_min_m, grid.y_max_m - y))

    return max(sorted(grids), key=margin)


def is_untouched(
    before: AnnotationSet, after: Sequence[SeenCuboid], classes: Sequence[str], frame_id: str
) -> bool:
    """Whether the cuboids of a frame are what they were filled with: told without its scene."""
    if any(one.is_tilted or _how(one) is not None for one in after):
        return False
    seen = sorted((one.places[frame_id].box_id, one.class_name) for one in after)
    names = [classes[class_id] for class_id in before.class_id.tolist()]
    return seen == sorted(zip(before.box_id, names, strict=True))


def edited_cuboids(
    before: AnnotationSet,
    after: Sequence[SeenCuboid],
    classes: Sequence[str],
    frame: Frame,
    grid: BirdsEyeGrid,
) -> Edited:
    """The labels of a frame that a curator left in space, made from `before`.

    A box that nobody touched stays what it is to the last bit. One that was moved, turned or
    resized over the ground keeps what was said of its height, and that it was not said; a height
    that was changed is said from then on. What is outside of the picture, or no cuboid at all, is
    left as it was, or out where it is new; a tilt is left out, as cuboids stand upright.
    """
    edit = _Edit(before, classes, frame, grid)
    for cuboid in after:
        edit.add(cuboid)
    return edit.done()


class _Edit:
    """Labels being made from what is seen in space, cuboid by cuboid."""

    def __init__(
        self, before: AnnotationSet, classes: Sequence[str], frame: Frame, grid: BirdsEyeGrid
    ) -> None:
        self._labels = Relabelling(before, classes)
        self._frame = frame
        self._grid = grid
        self._tilted = self._outside = 0

    def add(self, cuboid: SeenCuboid) -> None:
        """Take one cuboid over as it is seen."""
        place = cuboid.places.get(self._frame.frame_id)
        row = None if place is None else self._labels.row_of(place.box_id)
        self._tilted += cuboid.is_tilted
        how = _how(cuboid)
        there = None if how is None else self._placed(cuboid, row)
        if row is not None:
            self._labels.keep(row, cuboid.class_name, there, how or "")
        elif there is not None:
            old = None if place is None else place.box_id
            self._labels.draw(cuboid.label_id, old, cuboid.class_name, there)

    def _placed(self, cuboid: SeenCuboid, row: int | None) -> Placed | None:
        """The box of a cuboid, seen from above; None where the picture does not show it."""
        if cuboid.seen is None:
            self._outside += 1
            return None
        is_raised = row is None or cuboid.filled is None or _is_raised(cuboid.seen, cuboid.filled)
        height = _heights(cuboid.seen).astype(np.float32) if is_raised else None
        if height is not None and not is_height(height.tolist()):
            self._outside += 1
            return None
        if row is not None and cuboid.filled is not None and _is_above(cuboid.seen, cuboid.filled):
            return Placed(self._labels.before.boxes.xyxy[row], None, height)
        x, y, z, *size, yaw = cuboid.seen.tolist()
        boxes = self._grid.boxes(Cuboids([[x, y, z]], [size], [yaw], self._grid.frame))
        _, is_seen = clip_to_picture(enclosing(boxes), self._frame.width_px, self._frame.height_px)
        if not is_seen[0] or boxes.angle is None:
            self._outside += 1
            return None
        return Placed(boxes.xyxy[0], float(boxes.angle[0]), height)

    def done(self) -> Edited:
        """The labels, what was done, and what was not."""
        refused = []
        if self._tilted:
            refused.append(f"the tilt of {counted(self._tilted, 'cuboid')}: they stand upright")
        if self._outside:
            refused.append(f"{counted(self._outside, 'cuboid')} outside of the frame")
        return Edited(self._labels.labels(), self._labels.told(), "; ".join(refused))


def _how(cuboid: SeenCuboid) -> str | None:
    """What was done to a cuboid, in a word; None where nothing was."""
    if cuboid.seen is None or cuboid.filled is None:
        return "moved"
    off = np.abs(cuboid.seen - cuboid.filled)
    if off[3:6].max() > _SAME_M:
        return "resized"
    if abs(float(wrapped(cuboid.seen[6:] - cuboid.filled[6:])[0])) > _SAME_TURN:
        return "turned"
    return "moved" if off[:3].max() > _SAME_M else None


def _heights(cuboid: Float64s) -> Float64s:
    """Bottom and top."""
    return np.asarray(cuboid[2] + cuboid[5] * np.array([-0.5, 0.5]), np.float64)


def _is_raised(seen: Float64s, filled: Float64s) -> bool:
    return bool(np.abs(_heights(seen) - _heights(filled)).max() > _SAME_M)


def _is_above(seen: Float64s, filled: Float64s) -> bool:
    """Whether a cuboid stands over the same piece of ground as before."""
    off = np.abs((seen - filled)[[0, 1, 3, 4]]).max()
    turned = abs(float(wrapped(seen[6:] - filled[6:])[0]))
    return bool(off <= _SAME_M and turned <= _SAME_TURN)
