"""Boxes of one frame."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from prelabel.datasets.arrays import Float32s, frozen_floats
from prelabel.datasets.errors import InvalidValueError


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """Axis-aligned or rotated boxes, in pixels of the original picture.

    `xyxy` is (n, 4) float32: left, top, right, bottom, with left < right and top < bottom; pixel
    (0, 0) covers 0 to 1, so a whole picture is (0, 0, width, height). `angle`, where given, is
    (n,) float32 radians by which each box is turned about its centre, clockwise on the screen.

    Raises InvalidValueError on another shape, NaN, infinity, or a box without area.
    """

    xyxy: Float32s
    angle: Float32s | None = None

    def __init__(self, xyxy: ArrayLike, angle: ArrayLike | None = None) -> None:
        corners = frozen_floats("xyxy", xyxy, (None, 4))
        without_area = corners[:, 2:] <= corners[:, :2]
        if without_area.any():
            row = int(without_area.any(axis=1).argmax())
            raise InvalidValueError(
                f"xyxy must have left < right and top < bottom, but row {row} is "
                f"{corners[row].tolist()}"
            )
        object.__setattr__(self, "xyxy", corners)
        turned = None if angle is None else frozen_floats("angle", angle, (len(corners),))
        object.__setattr__(self, "angle", turned)

    @classmethod
    def none(cls) -> "Boxes":
        """No boxes at all."""
        return cls(np.zeros((0, 4), np.float32))

    def __len__(self) -> int:
        return len(self.xyxy)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Boxes):
            return NotImplemented
        if (self.angle is None) != (other.angle is None):
            return False
        same_angle = (
            self.angle is None or other.angle is None or np.array_equal(self.angle, other.angle)
        )
        return same_angle and np.array_equal(self.xyxy, other.xyxy)

    __hash__ = None  # type: ignore[assignment]  # equal by content, and arrays have no hash

    def tobytes(self) -> bytes:
        """The numbers of the boxes, for digests; boxes of other geometry give other bytes."""
        return self.xyxy.tobytes() + (b"" if self.angle is None else self.angle.tobytes())

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_] | Iterable[int]) -> "Boxes":
        """The boxes of these row numbers or of this mask, in that order."""
        index = rows if isinstance(rows, np.ndarray) else np.fromiter(rows, np.intp)
        return Boxes(self.xyxy[index], None if self.angle is None else self.angle[index])
