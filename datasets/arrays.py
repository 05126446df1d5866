"""Checks and names for the arrays inside values."""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from prelabel.datasets.errors import InvalidValueError

Float32s = NDArray[np.float32]
Float64s = NDArray[np.float64]
Int64s = NDArray[np.int64]
Bools = NDArray[np.bool_]

Scalar = TypeVar("Scalar", bound=np.generic)


def frozen_floats(name: str, value: ArrayLike, shape: tuple[int | None, ...]) -> Float32s:
    """A read-only float32 copy of `value`, finite and of `shape` (None: any length there)."""
    array = shaped(name, _as_floats(name, value), shape)
    if not np.isfinite(array).all():
        raise InvalidValueError(f"{name} must be finite, but holds NaN or infinity")
    array.setflags(write=False)
    return array


def frozen_ids(name: str, value: ArrayLike, shape: tuple[int | None, ...]) -> Int64s:
    """A read-only int64 copy of `value`, whole numbers of at least 0 and of `shape`."""
    raw = np.asarray(value)
    if raw.size and raw.dtype.kind not in "iu":
        raise InvalidValueError(f"{name} must be whole numbers, but is of type {raw.dtype}")
    array = shaped(name, raw.astype(np.int64), shape)
    if (array < 0).any():
        raise InvalidValueError(f"{name} must be at least 0, but holds {array.min()}")
    array.setflags(write=False)
    return array


def check_range(name: str, array: NDArray[Any], low: float, high: float) -> None:
    """Refuse an array that leaves the closed range `low` to `high`."""
    outside = (array < low) | (array > high)
    if outside.any():
        raise InvalidValueError(
            f"{name} must lie between {low} and {high}, but holds {array[outside].flat[0]}"
        )


def _as_floats(name: str, value: ArrayLike) -> Float32s:
    if isinstance(value, np.ndarray) and value.dtype == np.float32:
        return value.copy()
    try:
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused later
            return np.array(value, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InvalidValueError(f"{name} must be an array of numbers: {error}") from error


def shaped(name: str, array: NDArray[Scalar], shape: tuple[int | None, ...]) -> NDArray[Scalar]:
    """The array, if it is of `shape` (None: any length there); `[]` means no rows."""
    if array.shape == (0,) and not shape[0]:
        array = array.reshape([want or 0 for want in shape])  # `[]` means no rows
    fits = array.ndim == len(shape) and all(
        want is None or have == want for have, want in zip(array.shape, shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("n" if want is None else str(want) for want in shape)
        raise InvalidValueError(f"{name} must have shape ({wanted}), but has {array.shape}")
    return array
