"""The objects of one lidar sweep as they stand: cuboids over the boxes of its bird's-eye frames."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.arrays import Float32s, Float64s
from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid
from prelabel.datasets.lidar.coordinates import LIDAR
from prelabel.datasets.lidar.cuboids import Cuboids, footprint_iou
from prelabel.datasets.lidar.lifting import cuboids_as_drawn
from prelabel.datasets.lidar.points import PointCloud
from prelabel.datasets.lidar.scenes import Surroundings

_SAME_PLACE = 0.5  # overlap seen from above, from which on boxes of two tiles show one object


@dataclass(frozen=True, slots=True)
class Place:
    """A box that shows an object: its frame, its id, its row, and the label version it is of."""

    frame_id: str
    box_id: str
    row: int
    version: int

    def kept(self) -> str:
        """As FiftyOne keeps it with the cuboid."""
        return f"{self.frame_id} {self.box_id} {self.version}"


@dataclass(slots=True)
class Standing:
    """Objects of one sweep; what several tiles show is one object with several places."""

    centre_m: list[Float64s] = field(default_factory=list)
    size_m: list[Float64s] = field(default_factory=list)
    yaw: list[float] = field(default_factory=list)
    class_id: list[int] = field(default_factory=list)
    places: list[list[Place]] = field(default_factory=list)
    frame: str = LIDAR

    def __len__(self) -> int:
        return len(self.places)

    def cuboids(self) -> Cuboids:
        """All of them, in the lidar's frame."""
        if not self.places:
            return Cuboids.none(self.frame)
        return Cuboids(np.stack(self.centre_m), np.stack(self.size_m), self.yaw, self.frame)

    def add(self, around: Surroundings, boxes: AnnotationSet, version: int) -> None:
        """Add the objects of one more frame."""
        grid = around.scene.grid
        self.frame = grid.frame
        new = cuboids_as_drawn(boxes.boxes, boxes.height_m, grid, around.cloud, around.ground)
        known = self._known_as(new, boxes, grid)
        for row, box_id in enumerate(boxes.box_id):
            place = Place(around.scene.frame_id, box_id, row, version)
            if row in known:
                self.places[known[row]].append(place)
                continue
            self.centre_m.append(new.centre_m[row])
            self.size_m.append(new.size_m[row])
            self.yaw.append(float(new.yaw[row]))
            self.class_id.append(int(boxes.class_id[row]))
            self.places.append([place])

    def _known_as(self, new: Cuboids, boxes: AnnotationSet, grid: BirdsEyeGrid) -> dict[int, int]:
        """Which of the new objects are known already, by row: those that an earlier tile shows."""
        if not self.places or not len(new):
            return {}
        before = self.cuboids()
        near = grid.inside(before)
        if not len(near):
            return {}
        overlap = footprint_iou(before.take(near), new)
        overlap[np.array(self.class_id)[near][:, None] != boxes.class_id[None]] = 0
        found: dict[int, int] = {}
        while overlap.max() >= _SAME_PLACE:
            first, row = np.unravel_index(int(overlap.argmax()), overlap.shape)
            found[int(row)] = int(near[first])
            overlap[first], overlap[:, row] = 0, 0
        return found


def joined(parts: Sequence[Surroundings]) -> PointCloud:
    """The points of a sweep's scenes together; those that several tiles hold once."""
    first = parts[0].cloud
    if len(parts) == 1:
        return first
    areas: list[tuple[Float64s, Float64s]] = []
    chosen: list[Float32s] = []
    for part in parts:
        points = part.cloud.positions()
        cells = part.scene.cells
        low = np.array([cells.x_m, cells.y_m])
        high = low + np.array([cells.rows, cells.columns]) * cells.size_m
        fresh = np.ones(len(points), np.bool_)
        for low_before, high_before in areas:
            if (low < high_before).all() and (high > low_before).all():
                there = (points[:, :2] >= low_before) & (points[:, :2] < high_before)
                fresh &= ~there.all(axis=1)
        areas.append((low, high))
        chosen.append((points[fresh] - first.origin_m).astype(np.float32))
    return PointCloud(np.concatenate(chosen), frame=first.frame, origin_m=first.origin_m)
