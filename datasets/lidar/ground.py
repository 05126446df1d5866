"""The ground under a sweep, and how high each point stands over it."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.arrays import Bools, Float32s
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.lidar.points import PointCloud

_MOST_CELLS = 4_000_000
_LOWEST_TRUSTED = 3  # points a cell needs before its lowest one is believed
_EVEN_M = 0.1  # ground is no more even than this
_OUTLIER_M = 0.6  # the lowest point of a cell may lie so far under its neighbours' ground


@dataclass(frozen=True, slots=True)
class GroundRules:
    """How the ground is told from what stands on it.

    Cells of `cell_m` are looked at in windows that grow to `widest_m`, the largest object whose
    top must not pass for ground: a lorry on a road, a house in a survey from the air. What rises
    by more than `slope` (metres a metre) over what a window adds is an object; an even slope, of
    whatever steepness, is ground.
    """

    cell_m: float = 1.0
    widest_m: float = 17.0
    slope: float = 0.08

    def __post_init__(self) -> None:
        if not (self.cell_m > 0 and self.widest_m >= self.cell_m and self.slope > 0):
            raise InvalidValueError(
                "cell_m and slope must be above 0 and widest_m at least cell_m, but are "
                f"{self.cell_m}, {self.slope} and {self.widest_m}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """Ground heights on a grid, metres in the frame of the points it was made from.

    `height_m` (rows, columns): row r, column c is the height over x = `x_m` + (r + 1/2) `cell_m`
    and y = `y_m` + (c + 1/2) `cell_m`, both relative to the points' origin.
    """

    x_m: float
    y_m: float
    cell_m: float
    height_m: Float32s

    def at(self, xy_m: Float32s) -> Float32s:
        """Ground heights (n,) at x and y (n, 2), linear between cells and level beyond the grid."""
        rows, columns = self.height_m.shape
        row, share_x = self._place(xy_m[:, 0], self.x_m, rows)
        column, share_y = self._place(xy_m[:, 1], self.y_m, columns)
        # A border row and column, so that a neighbour is there for the last ones too.
        padded = np.pad(self.height_m, (0, 1), mode="edge").ravel()
        near = row * (columns + 1) + column
        far = near + columns + 1
        low = padded[near] + share_y * (padded[near + 1] - padded[near])
        high = padded[far] + share_y * (padded[far + 1] - padded[far])
        return np.asarray(low + share_x * (high - low), np.float32)

    def _place(
        self, along_m: Float32s, from_m: float, count: int
    ) -> tuple[NDArray[np.intp], Float32s]:
        """The cell before each point along one axis, and its share of the way to the next."""
        place = (along_m - np.float32(from_m)) / np.float32(self.cell_m) - np.float32(0.5)
        place = place.clip(0, np.float32(count - 1))
        cell = place.astype(np.intp)
        return cell, place - cell.astype(np.float32)

    def above(self, cloud: PointCloud) -> Float32s:
        """How high each point stands over the ground, (n,) metres; below it is negative."""
        xyz = cloud.xyz_m
        return np.asarray(xyz[:, 2] - self.at(xyz[:, :2]), np.float32)


def find_ground(cloud: PointCloud, rules: GroundRules | None = None) -> Ground:
    """The ground under points, by a progressive morphological filter.

    After Zhang et al., "A progressive morphological filter for removing nonground measurements
    from airborne LIDAR data", IEEE TGRS 2003: the lowest points of the cells are opened with
    growing windows, and what that lowers by more than the slope allows is an object. Cells without
    points take the ground of the nearest cell. Raises InvalidValueError without any points.
    """
    chosen = rules or GroundRules()
    if not len(cloud):
        raise InvalidValueError("the ground is looked for under points, but there are none")
    x, y, z = np.ascontiguousarray(cloud.xyz_m.T)
    x_low, y_low = float(x.min()), float(y.min())
    cell_m = _affordable(chosen.cell_m, float(x.max()) - x_low, float(y.max()) - y_low)
    row = ((x - np.float32(x_low)) / np.float32(cell_m)).astype(np.intp)
    column = ((y - np.float32(y_low)) / np.float32(cell_m)).astype(np.intp)
    shape = int(row.max()) + 1, int(column.max()) + 1
    cell = row * shape[1] + column
    lowest = np.full(shape[0] * shape[1], np.inf, np.float32)
    np.minimum.at(lowest, cell, z)
    count = np.bincount(cell, minlength=len(lowest))
    seen = (count >= _LOWEST_TRUSTED).reshape(shape)
    if not seen.any():
        seen = (count > 0).reshape(shape)
    filled = _filled(lowest.reshape(shape), seen)
    return Ground(x_low, y_low, cell_m, _opened(filled, cell_m, chosen))


def without_ground(cloud: PointCloud, ground: Ground, least_m: float = 0.2) -> Bools:
    """Which points stand at least `least_m` over the ground."""
    return np.asarray(ground.above(cloud) >= np.float32(least_m), np.bool_)


def _affordable(cell_m: float, length_m: float, width_m: float) -> float:
    """The size of a cell, larger than asked for where the area would take too many of them."""
    cells = (length_m / cell_m + 1) * (width_m / cell_m + 1)
    return cell_m * max(1.0, float(np.sqrt(cells / _MOST_CELLS)))


def _filled(heights: Float32s, known: Bools) -> Float32s:
    """Heights with those not known taken from the nearest cell whose are."""
    if known.all():
        return heights
    missing = (~known).astype(np.uint8)
    _, nearest = cv2.distanceTransformWithLabels(
        missing, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    by_label = np.zeros(int(nearest.max()) + 1, np.float32)
    by_label[nearest[known]] = heights[known]
    return np.asarray(by_label[nearest], np.float32)


def _opened(heights: Float32s, cell_m: float, rules: GroundRules) -> Float32s:
    """Ground heights: holes closed, objects taken off."""
    # A few points come from under the ground (mirror images, faults): one low cell is a hole.
    neighbours = cv2.medianBlur(heights, 3)
    ground = np.where(heights < neighbours - _OUTLIER_M, neighbours, heights)
    is_object = np.zeros(ground.shape, np.bool_)
    before, window, widest = 1, 3, max(3, round(rules.widest_m / cell_m) | 1)
    while True:
        square = np.ones((window, window), np.uint8)
        opened = cv2.morphologyEx(ground, cv2.MORPH_OPEN, square, borderType=cv2.BORDER_REPLICATE)
        allowed = rules.slope * cell_m * (window - before) / 2 + _EVEN_M
        is_object |= ground - opened > allowed
        ground = opened
        if window == widest:
            break
        before, window = window, min(2 * window - 1, widest)
    kept = np.where(is_object, opened, np.minimum(heights, neighbours))
    settled = _filled(kept.astype(np.float32), ~is_object) if not is_object.all() else opened
    return np.asarray(cv2.blur(settled, (3, 3), borderType=cv2.BORDER_REPLICATE), np.float32)
