"""Points of a lidar."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from prelabel.datasets.arrays import Float32s, Float64s, check_range, frozen_floats
from prelabel.datasets.lidar.coordinates import LIDAR, Transform, check_same_frame


@dataclass(frozen=True, slots=True, eq=False)
class PointCloud:
    """Points of one sweep, or of several brought into one coordinate frame.

    `xyz_m` is (n, 3) float32, metres from `origin_m`, which is zero but for surveys in coordinates
    of a country, whose millions of metres float32 cannot hold to the centimetre. `intensity` is
    (n,) in 0 to 1, and `age_s` (n,) the seconds by which each point is older than the sweep it was
    added to; None where they are not known. `frame` names the coordinate frame, in which z points
    up.

    Raises InvalidValueError on another shape, NaN or infinity.
    """

    xyz_m: Float32s
    intensity: Float32s | None
    age_s: Float32s | None
    frame: str
    origin_m: tuple[float, float, float]

    def __init__(
        self,
        xyz_m: ArrayLike,
        intensity: ArrayLike | None = None,
        age_s: ArrayLike | None = None,
        frame: str = LIDAR,
        origin_m: Sequence[float] = (0.0, 0.0, 0.0),
    ) -> None:
        points = frozen_floats("xyz_m", xyz_m, (None, 3))
        object.__setattr__(self, "xyz_m", points)
        for name, value in (("intensity", intensity), ("age_s", age_s)):
            kept = None if value is None else frozen_floats(name, value, (len(points),))
            object.__setattr__(self, name, kept)
        if self.intensity is not None:
            check_range("intensity", self.intensity, 0, 1)
        object.__setattr__(self, "frame", frame)
        x, y, z = (float(value) for value in origin_m)
        object.__setattr__(self, "origin_m", (x, y, z))

    def __len__(self) -> int:
        return len(self.xyz_m)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "PointCloud":
        """The points of these row numbers or of this mask."""
        return PointCloud(
            self.xyz_m[rows],
            None if self.intensity is None else self.intensity[rows],
            None if self.age_s is None else self.age_s[rows],
            self.frame,
            self.origin_m,
        )

    def positions(self) -> Float64s:
        """Where the points are in their frame, the origin added, (n, 3) metres."""
        return np.asarray(self.xyz_m + np.array(self.origin_m), np.float64)

    def moved(self, motion: Transform) -> "PointCloud":
        """The same points seen from another coordinate frame.

        Raises CoordinateFrameError where they are not in the frame that `motion` starts from.
        """
        check_same_frame("points", self.frame, motion.source)
        moved = motion.apply(self.positions())
        return PointCloud(moved, self.intensity, self.age_s, motion.target)
