"""Where carrying is expected to fail, told from its own uncertainty."""

from collections.abc import Collection

import numpy as np

from prelabel.datasets.arrays import Float64s

_MEAN_OFF = float(np.sqrt(2 / np.pi))  # mean of the absolute of a standard normal variable
_APPEARS_S = 5.0


def expected_loss(spread: Float64s, sides: Float64s) -> Float64s:
    """What is expected to be missing of a full overlap, (n,) in 0 to 1.

    For boxes with `sides` (n, 2) whose middles are off by a normal error of standard deviation
    `spread` (n,) on both axes, in the same unit: 1 - IoU at the mean error.
    """
    kept = (1 - _MEAN_OFF * spread[:, None] / sides).clip(0).prod(axis=1)
    return np.asarray(1 - kept / (2 - kept), np.float64)


def appearing(count: int, times_s: Float64s, keys: Collection[int]) -> Float64s:
    """Objects that may have come into sight where nothing watches, (count,), by the time that has
    passed since a person looked: one in five seconds."""
    if not keys:
        return np.full(count, float(count))
    looked = times_s[list(keys)]
    return np.asarray(np.abs(times_s[:, None] - looked[None]).min(axis=1) / _APPEARS_S, np.float64)
