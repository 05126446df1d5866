"""Bird's-eye pictures: points from above on a metric grid."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.arrays import Float32s, Float64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.lidar.coordinates import LIDAR, wrapped
from prelabel.datasets.lidar.cuboids import Cuboids
from prelabel.datasets.lidar.ground import Ground
from prelabel.datasets.lidar.points import PointCloud
from prelabel.datasets.pictures import DEFAULT_MAX_PIXELS


@dataclass(frozen=True, slots=True)
class BirdsEyeGrid:
    """A rectangle of ground and its pixels.

    x points up in the picture and y to the left, so the picture looks the way the vehicle drives.
    All limits are metres in the frame `frame`. Raises InvalidValueError for an area without extent
    or of more than 250 million pixels.
    """

    x_min_m: float = 0.0
    x_max_m: float = 70.4
    y_min_m: float = -40.0
    y_max_m: float = 40.0
    resolution_m: float = 0.1
    frame: str = LIDAR

    def __post_init__(self) -> None:
        sides = self.x_max_m - self.x_min_m, self.y_max_m - self.y_min_m
        if not (np.isfinite(sides).all() and min(sides) > 0 and self.resolution_m > 0):
            raise InvalidValueError(f"the area and its resolution must be above 0, but are {self}")
        if sides[0] * sides[1] / self.resolution_m**2 > DEFAULT_MAX_PIXELS:
            raise InvalidValueError(
                f"{sides[0]:g} m x {sides[1]:g} m at {self.resolution_m:g} m are more than "
                f"{DEFAULT_MAX_PIXELS:,} pixels: use tiles or a coarser resolution"
            )

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "BirdsEyeGrid":
        """The grid that `settings` was made from, as a frame's calibration keeps it."""
        return cls(**settings)

    def settings(self) -> dict[str, Any]:
        """The limits by name, fit for JSON."""
        return asdict(self)

    @property
    def width_px(self) -> int:
        return max(1, round((self.y_max_m - self.y_min_m) / self.resolution_m))

    @property
    def height_px(self) -> int:
        return max(1, round((self.x_max_m - self.x_min_m) / self.resolution_m))

    def pixels(self, xy_m: Float64s | Float32s) -> Float64s:
        """Where points (..., 2) of the ground are in the picture, x and y in pixels."""
        across = (self.y_max_m - xy_m[..., 1]) / self.resolution_m
        down = (self.x_max_m - xy_m[..., 0]) / self.resolution_m
        return np.asarray(np.stack([across, down], axis=-1), np.float64)

    def metres(self, pixels: Float64s | Float32s) -> Float64s:
        """The points of the ground, x and y (..., 2), that pixels show."""
        x = self.x_max_m - np.asarray(pixels, np.float64)[..., 1] * self.resolution_m
        y = self.y_max_m - np.asarray(pixels, np.float64)[..., 0] * self.resolution_m
        return np.stack([x, y], axis=-1)

    def boxes(self, cuboids: Cuboids) -> Boxes:
        """Cuboids from above: turned boxes whose width is the length of the cuboid."""
        centre = self.pixels(cuboids.centre_m[:, :2])
        half = cuboids.size_m[:, :2] / self.resolution_m / 2
        corners = np.concatenate([centre - half, centre + half], axis=1)
        return Boxes(corners, wrapped(-cuboids.yaw - np.pi / 2))

    def inside(self, cuboids: Cuboids) -> NDArray[np.intp]:
        """The rows of the cuboids whose middle lies in the area."""
        x, y = cuboids.centre_m[:, 0], cuboids.centre_m[:, 1]
        along = (x >= self.x_min_m) & (x < self.x_max_m)
        return np.flatnonzero(along & (y >= self.y_min_m) & (y < self.y_max_m))


class Channel(StrEnum):
    """What a pixel of a bird's-eye raster says of the points over its square."""

    HEIGHT = "height"  # z of the highest point, metres
    ABOVE_GROUND = "above_ground"  # its height over the ground, metres
    DENSITY = "density"  # how many points
    INTENSITY = "intensity"  # their mean intensity, 0 to 1


@dataclass(frozen=True, slots=True)
class PictureScale:
    """How a raster becomes the three channels of an 8-bit picture.

    Heights from `low_m` to `high_m` become 1 to 255, density the logarithm up to `full_density`
    points, as in Chen et al., "Multi-view 3D object detection network for autonomous driving",
    CVPR 2017. A square without points is 0 in all channels.
    """

    channels: tuple[Channel, Channel, Channel] = (
        Channel.ABOVE_GROUND,
        Channel.DENSITY,
        Channel.INTENSITY,
    )
    low_m: float = -0.5
    high_m: float = 4.0
    full_density: int = 64

    def __post_init__(self) -> None:
        if self.high_m <= self.low_m or self.full_density < 1:
            raise InvalidValueError(
                "high_m must be above low_m and full_density at least 1, but are "
                f"{self.high_m}, {self.low_m} and {self.full_density}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class BirdsEyeRaster:
    """What lies over the squares of a grid that hold points.

    `cells` (k,) are their numbers, row by row, and `values` has (k,) numbers for each channel.
    Most squares of a street are empty: kept are the others.
    """

    grid: BirdsEyeGrid
    cells: NDArray[np.intp]
    values: Mapping[Channel, Float32s]

    def channel(self, channel: Channel) -> Float32s:
        """One channel as (height, width); squares without points are NaN, their density 0."""
        empty = 0.0 if channel is Channel.DENSITY else np.nan
        whole = np.full(self.grid.height_px * self.grid.width_px, empty, np.float32)
        whole[self.cells] = self.values[channel]
        return whole.reshape(self.grid.height_px, self.grid.width_px)

    def picture(self, scale: PictureScale | None = None) -> NDArray[np.uint8]:
        """The raster as a picture, (height, width, 3) uint8."""
        chosen = scale or PictureScale()
        whole = np.zeros((self.grid.height_px * self.grid.width_px, 3), np.uint8)
        for position, channel in enumerate(chosen.channels):
            whole[:, position][self.cells] = _levels(self.values[channel], channel, chosen)
        return whole.reshape(self.grid.height_px, self.grid.width_px, 3)


def rasterise(cloud: PointCloud, grid: BirdsEyeGrid, ground: Ground | None) -> BirdsEyeRaster:
    """The points over a grid, seen from above.

    Points beyond the grid are left out; intensity is 0 where the cloud has none. Without a ground
    there are no heights over it.
    """
    xyz = cloud.xyz_m
    # The limits relative to the points' origin, in float64 before they meet float32.
    top, left = grid.x_max_m - cloud.origin_m[0], grid.y_max_m - cloud.origin_m[1]
    per_metre = np.float32(1 / grid.resolution_m)
    down = (np.float32(top) - xyz[:, 0]) * per_metre
    across = (np.float32(left) - xyz[:, 1]) * per_metre
    height, width = grid.height_px, grid.width_px
    within = (down >= 0) & (down < height) & (across >= 0) & (across < width)
    # Indices as wide as an address: NumPy would make them so at every use.
    cell = down[within].astype(np.intp) * width + across[within].astype(np.intp)
    z = xyz[:, 2][within]
    number = _numbered(cell, height * width)
    count = np.bincount(number.of_point, minlength=len(number.cells))
    highest = np.full(len(number.cells), -np.inf, np.float32)
    np.maximum.at(highest, number.of_point, z)
    mean = np.zeros(len(number.cells), np.float32)
    if cloud.intensity is not None:
        total = np.bincount(number.of_point, cloud.intensity[within], len(number.cells))
        mean = (total / count).astype(np.float32)
    values = {
        Channel.HEIGHT: highest + np.float32(cloud.origin_m[2]),
        Channel.DENSITY: count.astype(np.float32),
        Channel.INTENSITY: mean,
    }
    if ground is not None:
        middles = _middles(number.cells, grid, cloud)
        values[Channel.ABOVE_GROUND] = highest - ground.at(middles)
    return BirdsEyeRaster(grid, number.cells, values)


def tiles(
    area_m: tuple[float, float, float, float],
    resolution_m: float,
    tile_m: float,
    overlap_m: float,
    frame: str = LIDAR,
) -> Iterator[BirdsEyeGrid]:
    """Square tiles that cover an area of any size, row by row from the far left.

    `area_m` is x from and to, y from and to. Neighbours share `overlap_m`, which should exceed the
    longest object, so that each object lies whole in one tile.
    """
    if not 0 <= overlap_m < tile_m:
        raise InvalidValueError(
            f"overlap_m must be at least 0 and below tile_m, but is {overlap_m} of {tile_m}"
        )
    x_min, x_max, y_min, y_max = area_m
    for top in _starts(x_min, x_max, tile_m, overlap_m):
        for left in _starts(y_min, y_max, tile_m, overlap_m):
            yield BirdsEyeGrid(top - tile_m, top, left - tile_m, left, resolution_m, frame)


def _starts(low: float, high: float, tile_m: float, overlap_m: float) -> list[float]:
    """The upper ends of tiles from `high` down until `low` is covered."""
    step = tile_m - overlap_m
    count = max(1, int(np.ceil(round((high - low - overlap_m) / step, 6))))
    return [high - step * number for number in range(count)]


@dataclass(frozen=True, slots=True, eq=False)
class _Numbered:
    cells: NDArray[np.intp]
    of_point: NDArray[np.intp]


def _numbered(cell: NDArray[np.intp], total: int) -> _Numbered:
    """The cells that occur, ascending, and for each point the place of its cell among them.

    A table over the whole grid, much quicker than sorting the points.
    """
    occurs = np.zeros(total, np.bool_)
    occurs[cell] = True
    cells = np.flatnonzero(occurs)
    place = np.empty(total, np.int32)  # half as much memory to touch as an index takes
    place[cells] = np.arange(len(cells), dtype=np.int32)
    return _Numbered(cells, place[cell].astype(np.intp))


def _middles(cells: NDArray[np.intp], grid: BirdsEyeGrid, cloud: PointCloud) -> Float32s:
    """x and y (k, 2) of the middles of squares, relative to the points' origin."""
    down, across = np.divmod(cells.astype(np.int32), np.int32(grid.width_px))
    top, left = grid.x_max_m - cloud.origin_m[0], grid.y_max_m - cloud.origin_m[1]
    step = np.float32(grid.resolution_m)
    x = np.float32(top) - (down.astype(np.float32) + np.float32(0.5)) * step
    y = np.float32(left) - (across.astype(np.float32) + np.float32(0.5)) * step
    return np.stack([x, y], axis=1)


def _levels(values: Float32s, channel: Channel, scale: PictureScale) -> NDArray[np.uint8]:
    """Values as 8 bits; 1 at least, so that a square with points is told from one without."""
    if channel is Channel.DENSITY:
        share = np.log1p(values) / np.log1p(np.float32(scale.full_density))
    elif channel is Channel.INTENSITY:
        share = values
    else:
        share = (values - np.float32(scale.low_m)) / np.float32(scale.high_m - scale.low_m)
    return np.asarray(1 + np.clip(share, 0, 1) * np.float32(254), np.uint8)
