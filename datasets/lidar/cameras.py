"""Cameras beside a lidar."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from prelabel.datasets.arrays import Float32s, Float64s
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.lidar.coordinates import Transform, check_same_frame, frozen_doubles


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """A pinhole camera whose pictures are free of distortion.

    `intrinsics` is (3, 3) float64: focal lengths and middle in pixels, last row 0 0 1; pixel (0, 0)
    covers 0 to 1. `from_lidar` leads from the lidar's frame to the camera's own, which is called
    by the camera's name.

    Raises InvalidValueError where a rule is broken.
    """

    name: str
    intrinsics: Float64s
    width_px: int
    height_px: int
    from_lidar: Transform

    def __init__(
        self,
        name: str,
        intrinsics: ArrayLike,
        size_px: tuple[int, int],
        from_lidar: Transform,
    ) -> None:
        matrix = frozen_doubles("intrinsics", intrinsics, (3, 3))
        if matrix[0, 0] <= 0 or matrix[1, 1] <= 0 or not np.allclose(matrix[2], (0, 0, 1)):
            raise InvalidValueError(
                f"intrinsics of {name} must have focal lengths above 0 and a last row 0 0 1, but "
                f"are {matrix.tolist()}"
            )
        if min(size_px) < 1:
            raise InvalidValueError(f"size_px of {name} must be at least 1, but is {size_px}")
        check_same_frame(f"camera {name}", from_lidar.target, name)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "intrinsics", matrix)
        object.__setattr__(self, "width_px", int(size_px[0]))
        object.__setattr__(self, "height_px", int(size_px[1]))
        object.__setattr__(self, "from_lidar", from_lidar)

    def pixels(self, own: Float64s) -> Float64s:
        """Points (..., 3) of the camera's frame, all in front of it, as x and y (..., 2) pixels."""
        image = own @ self.intrinsics.T
        return np.asarray(image[..., :2] / image[..., 2:], np.float64)

    def project(self, points: Float64s | Float32s) -> tuple[Float64s, Float64s]:
        """Points (n, 3) of the lidar's frame: pixels (n, 2) and depth (n,) metres.

        Pixels of points that are not in front of the camera (depth not above 0) are NaN.
        """
        own = self.from_lidar.apply(points)
        depth = own[:, 2]
        pixels = np.full((len(own), 2), np.nan)
        ahead = depth > 0
        pixels[ahead] = self.pixels(own[ahead])
        return pixels, depth


@dataclass(frozen=True, slots=True)
class CameraPicture:
    """What a camera saw at the time of a sweep."""

    camera: Camera
    picture: Path
