"""Objects in space: upright cuboids, and the labels of one sweep."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from prelabel.datasets.annotations import AnnotationSet, Origin
from prelabel.datasets.arrays import Bools, Float32s, Float64s, Int64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.geometry import boxes_iou, turned_intersection_areas
from prelabel.datasets.lidar.coordinates import (
    LIDAR,
    Transform,
    check_same_frame,
    frozen_doubles,
    wrapped,
)

# Of the unit cube: the lower face counterclockwise from front left, then the upper one.
_UNIT_CORNERS = 0.5 * np.array(
    [
        [(1, 1, z), (-1, 1, z), (-1, -1, z), (1, -1, z)] for z in (-1, 1)
    ],
    np.float64,
).reshape(8, 3)  # fmt: skip
EDGES = np.array(
    [(0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7)]
)


@dataclass(frozen=True, slots=True, eq=False)
class Cuboids:
    """Cuboids that stand upright in a coordinate frame whose z points up.

    `centre_m` (n, 3) is the middle of the body, `size_m` (n, 3) its length (along the heading),
    width and height, `yaw` (n,) the heading in radians, counterclockwise seen from above, 0 along
    x. All are float64.

    Raises InvalidValueError on another shape, NaN, infinity, or a size that is not above 0.
    """

    centre_m: Float64s
    size_m: Float64s
    yaw: Float64s
    frame: str

    def __init__(
        self, centre_m: ArrayLike, size_m: ArrayLike, yaw: ArrayLike, frame: str = LIDAR
    ) -> None:
        centre = frozen_doubles("centre_m", centre_m, (None, 3))
        size = frozen_doubles("size_m", size_m, (len(centre), 3))
        flat = (size <= 0).any(axis=1)
        if flat.any():
            row = int(flat.argmax())
            raise InvalidValueError(
                f"size_m must be above 0, but row {row} is {size[row].tolist()}"
            )
        object.__setattr__(self, "centre_m", centre)
        object.__setattr__(self, "size_m", size)
        object.__setattr__(self, "yaw", frozen_doubles("yaw", yaw, (len(centre),)))
        object.__setattr__(self, "frame", frame)

    @classmethod
    def none(cls, frame: str = LIDAR) -> "Cuboids":
        """No cuboids at all."""
        return cls(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0), frame)

    @classmethod
    def joined(cls, parts: Sequence["Cuboids"]) -> "Cuboids":
        """All of some cuboids, those of each part in its order.

        Raises CoordinateFrameError where they are not of one frame.
        """
        if not parts:
            return cls.none()
        for part in parts[1:]:
            check_same_frame("further cuboids", part.frame, parts[0].frame)
        return cls(
            np.concatenate([part.centre_m for part in parts]),
            np.concatenate([part.size_m for part in parts]),
            np.concatenate([part.yaw for part in parts]),
            parts[0].frame,
        )

    def __len__(self) -> int:
        return len(self.centre_m)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_] | Sequence[int]) -> "Cuboids":
        """The cuboids of these row numbers or of this mask, in that order."""
        index = rows if isinstance(rows, np.ndarray) else np.array(rows, np.intp)
        return Cuboids(self.centre_m[index], self.size_m[index], self.yaw[index], self.frame)

    def headings(self) -> Float64s:
        """Unit vectors along the headings, (n, 3)."""
        return np.stack([np.cos(self.yaw), np.sin(self.yaw), np.zeros(len(self))], axis=1)

    def heights(self) -> Float64s:
        """Where the bodies begin and end, (n, 2): their bottoms and their tops."""
        half = self.size_m[:, 2] / 2
        return np.stack([self.centre_m[:, 2] - half, self.centre_m[:, 2] + half], axis=1)

    def corners(self) -> Float64s:
        """The eight corners of each cuboid, (n, 8, 3) metres.

        The lower face first, counterclockwise seen from above from its front left corner, then the
        upper face in the same order. `EDGES` joins them.
        """
        own = _UNIT_CORNERS[None] * self.size_m[:, None]
        cos, sin = np.cos(self.yaw)[:, None], np.sin(self.yaw)[:, None]
        x = own[..., 0] * cos - own[..., 1] * sin
        y = own[..., 0] * sin + own[..., 1] * cos
        return np.asarray(np.stack([x, y, own[..., 2]], axis=-1) + self.centre_m[:, None])

    def seen_from_inside(self, row: int, points: Float32s | Float64s) -> Float64s:
        """Points (k, 3) in one cuboid's own axes: along, to the left, up from its middle."""
        offset = np.asarray(points, np.float64) - self.centre_m[row]
        cos, sin = np.cos(self.yaw[row]), np.sin(self.yaw[row])
        x = offset[:, 0] * cos + offset[:, 1] * sin
        y = offset[:, 1] * cos - offset[:, 0] * sin
        return np.stack([x, y, offset[:, 2]], axis=1)

    def contains(self, row: int, points: Float32s | Float64s, margin_m: float = 0.0) -> Bools:
        """Which points (k, 3) lie in one cuboid, made larger by a margin on every side."""
        own = np.abs(self.seen_from_inside(row, points))
        return np.asarray((own <= self.size_m[row] / 2 + margin_m).all(axis=1), np.bool_)

    def moved(self, motion: Transform) -> "Cuboids":
        """The same cuboids in another frame whose z points up; a tilt between the two is left out.

        Raises CoordinateFrameError where they are not in the frame that `motion` starts from.
        """
        check_same_frame("cuboids", self.frame, motion.source)
        ahead = motion.turn(self.headings())
        yaw = np.arctan2(ahead[:, 1], ahead[:, 0])
        return Cuboids(motion.apply(self.centre_m), self.size_m, yaw, motion.target)

    def footprints(self, origin_m: Float64s | None = None) -> Boxes:
        """The cuboids from above as turned boxes in metres, y pointing down as on a screen.

        `origin_m` (3,) is taken off first, since boxes are float32.
        """
        middle = self.centre_m - (np.zeros(3) if origin_m is None else origin_m)
        centre = middle[:, :2] * (1, -1)
        half = self.size_m[:, :2] / 2
        return Boxes(np.concatenate([centre - half, centre + half], axis=1), -wrapped(self.yaw))


def footprint_iou(left: Cuboids, right: Cuboids) -> Float64s:
    """Intersection over union of each pair seen from above, (n, m) in 0 to 1."""
    check_same_frame("the second cuboids", right.frame, left.frame)
    origin = left.centre_m.mean(axis=0) if len(left) else np.zeros(3)
    return boxes_iou(left.footprints(origin), right.footprints(origin))


def shared_ground_m2(left: Cuboids, right: Cuboids) -> Float64s:
    """The ground under both of each pair, (n, m) square metres."""
    check_same_frame("the second cuboids", right.frame, left.frame)
    origin = left.centre_m.mean(axis=0) if len(left) else np.zeros(3)
    return turned_intersection_areas(left.footprints(origin), right.footprints(origin))


def cuboid_iou(left: Cuboids, right: Cuboids) -> Float64s:
    """Intersection over union of the bodies of each pair, (n, m) in 0 to 1."""
    shared = shared_ground_m2(left, right)
    (left_low, left_high), (right_low, right_high) = left.heights().T, right.heights().T
    low = np.maximum(left_low[:, None], right_low[None])
    high = np.minimum(left_high[:, None], right_high[None])
    common = shared * (high - low).clip(min=0)
    volumes = left.size_m.prod(axis=1)[:, None] + right.size_m.prod(axis=1)[None]
    return np.asarray(common / (volumes - common), np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class CuboidLabels:
    """The cuboids of one sweep with class, id and origin, all of one length n.

    Class, id and origin mean what they mean in an AnnotationSet, and an object has the same id as
    a cuboid, as a box from above and as a box in a camera. `track`, where it is known, names the
    object through a recording.

    Raises InvalidValueError on unequal lengths or a wrong id.
    """

    cuboids: Cuboids
    class_id: Int64s
    box_id: tuple[str, ...]
    origin: tuple[Origin, ...]
    track: tuple[str, ...] | None

    def __init__(
        self,
        cuboids: Cuboids,
        class_id: ArrayLike,
        box_id: Sequence[str],
        origin: Sequence[Origin],
        track: Sequence[str] | None = None,
    ) -> None:
        # An annotation set checks classes, ids and origins; its boxes are not kept.
        checked = AnnotationSet(cuboids.footprints(), class_id, box_id, origin)
        object.__setattr__(self, "cuboids", cuboids)
        for name in ("class_id", "box_id", "origin"):
            object.__setattr__(self, name, getattr(checked, name))
        if track is not None and len(track) != len(cuboids):
            raise InvalidValueError(
                f"track must have one entry a cuboid, {len(cuboids)}: {len(track)}"
            )
        object.__setattr__(self, "track", None if track is None else tuple(track))

    @classmethod
    def empty(cls, frame: str = LIDAR) -> "CuboidLabels":
        """A sweep on which a person found nothing."""
        return cls(Cuboids.none(frame), (), (), ())

    def __len__(self) -> int:
        return len(self.cuboids)

    def take(self, rows: NDArray[np.intp]) -> "CuboidLabels":
        """The cuboids of these row numbers, in that order."""
        return CuboidLabels(
            self.cuboids.take(rows),
            self.class_id[rows],
            [self.box_id[row] for row in rows],
            [self.origin[row] for row in rows],
            None if self.track is None else [self.track[row] for row in rows],
        )

    def with_cuboids(self, cuboids: Cuboids) -> "CuboidLabels":
        """The same objects with other geometry, row by row."""
        return CuboidLabels(cuboids, self.class_id, self.box_id, self.origin, self.track)
