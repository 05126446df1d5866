"""Range pictures: a sweep as the lidar sees it, azimuth across and elevation down."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.arrays import Float32s, Float64s, Int64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.lidar.coordinates import wrapped
from prelabel.datasets.lidar.cuboids import Cuboids
from prelabel.datasets.lidar.points import PointCloud

_HALF_TURN = np.float32(np.pi)
_SMALLEST_PX = 0.1


@dataclass(frozen=True, slots=True)
class RangeGrid:
    """Rows of elevation and columns of azimuth, radians; ahead is in the middle of the picture.

    The defaults fit a lidar of 64 beams between 2 degrees up and 24.8 down. Raises
    InvalidValueError where a rule is broken.
    """

    rows: int = 64
    columns: int = 2048
    lowest: float = float(np.radians(-24.9))
    highest: float = float(np.radians(2.0))
    farthest_m: float = 120.0

    def __post_init__(self) -> None:
        if self.rows < 1 or self.columns < 1:
            raise InvalidValueError(
                f"rows and columns must be at least 1, but are {self.rows} and {self.columns}"
            )
        if not -np.pi / 2 <= self.lowest < self.highest <= np.pi / 2 or self.farthest_m <= 0:
            raise InvalidValueError(
                "lowest must be below highest, both within a right angle, and farthest_m above 0, "
                f"but they are {self.lowest}, {self.highest} and {self.farthest_m}"
            )

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "RangeGrid":
        """The grid that `settings` was made from, as a frame's calibration keeps it."""
        return cls(**settings)

    def settings(self) -> dict[str, Any]:
        """The limits by name, fit for JSON."""
        return asdict(self)

    def columns_of(self, azimuth: Float64s | Float32s) -> Float64s:
        """Azimuth, radians counterclockwise from ahead, as x in pixels."""
        return np.asarray((np.pi - azimuth) / (2 * np.pi) * self.columns, np.float64)

    def rows_of(self, elevation: Float64s | Float32s) -> Float64s:
        """Elevation, radians, as y in pixels."""
        share = (self.highest - elevation) / (self.highest - self.lowest)
        return np.asarray(share * self.rows, np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class RangeRaster:
    """The nearest point of each direction; all (rows, columns), NaN where there is none."""

    grid: RangeGrid
    range_m: Float32s
    height_m: Float32s
    intensity: Float32s

    def picture(self) -> NDArray[np.uint8]:
        """Nearness, height and intensity as a picture, (rows, columns, 3) uint8; 0 is no point.

        Nearness falls with the logarithm of the range; heights run from -3 to 3 m.
        """
        far = np.log1p(np.float32(self.grid.farthest_m))
        shares = np.stack(
            [1 - np.log1p(self.range_m) / far, (self.height_m + 3) / 6, self.intensity], axis=-1
        )
        known = np.isfinite(self.range_m)
        levels = 1 + np.clip(np.nan_to_num(shares), 0, 1) * 254
        return np.where(known[..., None], levels, 0).astype(np.uint8)


def range_raster(cloud: PointCloud, grid: RangeGrid) -> RangeRaster:
    """A sweep as its lidar, which stands at the origin, sees it."""
    xyz = cloud.positions().astype(np.float32)
    x, y, z = xyz.T
    level = np.hypot(x, y)
    distance = np.hypot(level, z)
    across = (_HALF_TURN - np.arctan2(y, x)) * np.float32(grid.columns / (2 * np.pi))
    down = (np.float32(grid.highest) - np.arctan2(z, level)) * np.float32(
        grid.rows / (grid.highest - grid.lowest)
    )
    within = (down >= 0) & (down < grid.rows) & (distance > 0)
    within &= distance <= np.float32(grid.farthest_m)
    kept = np.flatnonzero(within)
    column = across[kept].astype(np.int32) % np.int32(grid.columns)
    pixel = down[kept].astype(np.int32) * np.int32(grid.columns) + column
    total = grid.rows * grid.columns
    nearest = np.full(total, np.inf, np.float32)
    np.minimum.at(nearest, pixel, distance[kept])
    wins = distance[kept] == nearest[pixel]
    from_point, to_pixel = kept[wins], pixel[wins]
    height, intensity = np.full(total, np.nan, np.float32), np.full(total, np.nan, np.float32)
    height[to_pixel] = z[from_point]
    intensity[to_pixel] = 0 if cloud.intensity is None else cloud.intensity[from_point]
    nearest[np.isinf(nearest)] = np.nan
    shape = grid.rows, grid.columns
    return RangeRaster(
        grid, nearest.reshape(shape), height.reshape(shape), intensity.reshape(shape)
    )


def range_boxes(cuboids: Cuboids, grid: RangeGrid) -> tuple[Boxes, Int64s]:
    """Upright boxes around cuboids in a range picture, and the rows of the cuboids they show.

    An object behind the lidar, where the picture is cut open, keeps the part on the side of its
    middle. Cuboids above or below the picture, or around the lidar itself, have no box.
    """
    corners = cuboids.corners()
    middle = np.arctan2(cuboids.centre_m[:, 1], cuboids.centre_m[:, 0])
    azimuth = np.arctan2(corners[..., 1], corners[..., 0])
    azimuth = middle[:, None] + wrapped(azimuth - middle[:, None])
    elevation = np.arctan2(corners[..., 2], np.hypot(corners[..., 0], corners[..., 1]))
    x, y = grid.columns_of(azimuth), grid.rows_of(elevation)
    boxes = np.stack([x.min(1), y.min(1), x.max(1), y.max(1)], axis=1)
    clipped = np.clip(boxes, 0, (grid.columns, grid.rows, grid.columns, grid.rows))
    sides = clipped[:, 2:] - clipped[:, :2]
    around = np.array([cuboids.contains(row, np.zeros((1, 3)))[0] for row in range(len(cuboids))])
    rows = np.flatnonzero((sides >= _SMALLEST_PX).all(axis=1) & ~around.astype(np.bool_))
    return Boxes(clipped[rows]), rows
