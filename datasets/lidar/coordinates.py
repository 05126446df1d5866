"""Coordinate frames by name, and the rigid motions between them.

Frames of a lidar, of a vehicle and of the world have x forward, y to the left and z up; a camera
has x to the right, y down and z forward. All lengths are metres.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from prelabel.datasets.arrays import Float32s, Float64s, shaped
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.lidar.errors import CoordinateFrameError

LIDAR = "lidar"
EGO = "ego"
WORLD = "world"

_ROTATION_SLACK = 1e-3  # published calibrations are rounded to a few digits


@dataclass(frozen=True, slots=True, eq=False)
class Transform:
    """The rigid motion from one named coordinate frame to another: `rotation @ p + translation`.

    `rotation` is (3, 3) float64 and turns without mirroring or scaling, `translation_m` is (3,).

    Raises InvalidValueError on another shape, NaN, or a matrix that is no rotation.
    """

    source: str
    target: str
    rotation: Float64s
    translation_m: Float64s

    def __init__(
        self, source: str, target: str, rotation: ArrayLike, translation_m: ArrayLike
    ) -> None:
        object.__setattr__(self, "source", source)
        object.__setattr__(self, "target", target)
        matrix = frozen_doubles("rotation", rotation, (3, 3))
        off = np.abs(matrix @ matrix.T - np.eye(3)).max()
        if off > _ROTATION_SLACK or np.linalg.det(matrix) < 0:
            raise InvalidValueError(
                f"rotation from {source} to {target} must turn without mirroring or scaling, but "
                f"is {np.round(matrix, 4).tolist()}"
            )
        object.__setattr__(self, "rotation", matrix)
        shift = frozen_doubles("translation_m", translation_m, (3,))
        object.__setattr__(self, "translation_m", shift)

    @classmethod
    def identity(cls, source: str, target: str) -> "Transform":
        """Two frames that coincide."""
        return cls(source, target, np.eye(3), np.zeros(3))

    @classmethod
    def about_z(cls, source: str, target: str, yaw: float, translation_m: ArrayLike) -> "Transform":
        """A turn by `yaw` radians about z, counterclockwise seen from above, and a shift."""
        cos, sin = np.cos(yaw), np.sin(yaw)
        return cls(source, target, [[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]], translation_m)

    @classmethod
    def from_quaternion(
        cls, source: str, target: str, wxyz: Sequence[float], translation_m: ArrayLike
    ) -> "Transform":
        """A turn given as a quaternion, its real part first; its length does not count."""
        w, x, y, z = _unit(frozen_doubles("quaternion", wxyz, (4,)))
        rotation = [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
        return cls(source, target, rotation, translation_m)

    def quaternion(self) -> tuple[float, float, float, float]:
        """The turn as a unit quaternion, its real part first and at least 0."""
        m = self.rotation
        # Of the four ways to begin, the one that divides by the largest part (Shepperd, 1978).
        squares = np.array(
            [
                m[0, 0] + m[1, 1] + m[2, 2],
                m[0, 0] - m[1, 1] - m[2, 2],
                m[1, 1] - m[0, 0] - m[2, 2],
                m[2, 2] - m[0, 0] - m[1, 1],
            ]
        )
        one_two, two_zero, zero_one = m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]
        rows = (
            (1 + squares[0], one_two, two_zero, zero_one),
            (one_two, 1 + squares[1], m[1, 0] + m[0, 1], m[0, 2] + m[2, 0]),
            (two_zero, m[1, 0] + m[0, 1], 1 + squares[2], m[2, 1] + m[1, 2]),
            (zero_one, m[0, 2] + m[2, 0], m[2, 1] + m[1, 2], 1 + squares[3]),
        )
        found = _unit(np.array(rows[int(squares.argmax())]))
        w, x, y, z = (found if found[0] >= 0 else -found).tolist()
        return w, x, y, z

    def apply(self, points: Float64s | Float32s) -> Float64s:
        """Points (..., 3) of the source frame in the target frame."""
        return np.asarray(points @ self.rotation.T + self.translation_m, np.float64)

    def turn(self, directions: Float64s) -> Float64s:
        """Directions (..., 3) of the source frame in the target frame."""
        return np.asarray(directions @ self.rotation.T, np.float64)

    def inverse(self) -> "Transform":
        """The motion back."""
        back = self.rotation.T
        return Transform(self.target, self.source, back, -back @ self.translation_m)

    def then(self, following: "Transform") -> "Transform":
        """This motion and another after it.

        Raises CoordinateFrameError where the other does not start in the frame this one leads to.
        """
        check_same_frame(f"the motion to {following.target}", following.source, self.target)
        return Transform(
            self.source,
            following.target,
            following.rotation @ self.rotation,
            following.apply(self.translation_m),
        )

    def yaw(self) -> float:
        """By how much a heading grows, in radians, between two frames whose z points up."""
        return float(np.arctan2(self.rotation[1, 0], self.rotation[0, 0]))


def check_same_frame(what: str, have: str, want: str) -> None:
    """Refuse values of one coordinate frame where those of another are needed."""
    if have != want:
        raise CoordinateFrameError(
            f"{what} must be in the coordinate frame {want!r}, but is in {have!r}: move it first"
        )


def wrapped(angle: Float64s | Float32s) -> Float64s:
    """Angles in radians brought into -pi (included) to pi (not included)."""
    return np.asarray((np.asarray(angle, np.float64) + np.pi) % (2 * np.pi) - np.pi, np.float64)


def frozen_doubles(name: str, value: ArrayLike, shape: tuple[int | None, ...]) -> Float64s:
    """A read-only float64 copy of `value`, finite and of `shape` (None: any length there)."""
    try:
        array = np.array(value, np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidValueError(f"{name} must be an array of numbers: {error}") from error
    array = shaped(name, array if array.size or shape[0] else array.ravel(), shape)
    if not np.isfinite(array).all():
        raise InvalidValueError(f"{name} must be finite, but holds NaN or infinity")
    array.setflags(write=False)
    return array


def _unit(quaternion: Float64s) -> Float64s:
    length = float(np.linalg.norm(quaternion))
    if length < 1e-9:
        raise InvalidValueError("quaternion must have a length, but is zero")
    return np.asarray(quaternion / length, np.float64)
