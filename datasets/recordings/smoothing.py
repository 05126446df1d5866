"""Values between and beyond the moments at which they are known, with how sure that is."""

from dataclasses import dataclass

import numpy as np

from prelabel.datasets.arrays import Bools, Float64s
from prelabel.datasets.errors import InvalidValueError


@dataclass(frozen=True, slots=True)
class MotionNoise:
    """How freely something moves, and how exactly it was measured, in the unit of the values.

    `acceleration` is the root of the spectral density of a white acceleration: after t seconds
    without a measurement a constant velocity is off by about `acceleration * sqrt(t ** 3 / 3)`.
    `measured` is the standard deviation of a measurement; `rate` that of the velocity with which
    something that was seen once may move.
    """

    acceleration: float
    measured: float
    rate: float

    def __post_init__(self) -> None:
        if min(self.acceleration, self.measured, self.rate) <= 0:
            raise InvalidValueError(
                "acceleration, measured and rate must be above 0, but are "
                f"{self.acceleration}, {self.measured} and {self.rate}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Smoothed:
    """Values (t, k) at t moments, and their standard deviations (t, k)."""

    value: Float64s
    spread: Float64s


def smoothed(
    times_s: Float64s,
    measured: Float64s,
    known: Bools,
    noise: MotionNoise,
    measured_spread: Float64s | None = None,
) -> Smoothed:
    """k values at t rising moments, of which `known` (t,) were measured.

    `measured` is (t, k); its rows that are not known do not count. `measured_spread` (t,) is the
    standard deviation of each measurement where they differ; None takes that of `noise`. A Kalman
    filter of constant velocity runs forwards and a smoother back over it (Rauch, Tung, Striebel,
    "Maximum likelihood estimates of linear dynamic systems", AIAA Journal 1965): between
    measurements it interpolates, beyond them it extrapolates. Raises InvalidValueError where
    nothing is known or time falls.
    """
    if not known.any() or (np.diff(times_s) <= 0).any():
        raise InvalidValueError("times must rise, and a value must be known at one of them")
    own = np.full(len(times_s), noise.measured) if measured_spread is None else measured_spread
    variance = own.astype(np.float64) ** 2
    first = int(known.argmax())
    count, columns = measured.shape
    state = np.zeros((count, 2, columns))
    cover = np.zeros((count, 2, 2))
    # Time runs both ways from the first measurement; what is before it has no filter of its own.
    state[first, 0] = measured[first]
    cover[first] = np.diag([variance[first], noise.rate**2])
    for step in range(first + 1, count):
        move, blur = _motion(times_s[step] - times_s[step - 1], noise)
        state[step] = move @ state[step - 1]
        cover[step] = move @ cover[step - 1] @ move.T + blur
        if known[step]:
            state[step], cover[step] = _updated(
                state[step], cover[step], measured[step], float(variance[step])
            )
    for step in range(count - 2, first - 1, -1):
        move, blur = _motion(times_s[step + 1] - times_s[step], noise)
        ahead = move @ cover[step] @ move.T + blur
        gain = cover[step] @ move.T @ np.linalg.inv(ahead)
        state[step] += gain @ (state[step + 1] - move @ state[step])
        cover[step] += gain @ (cover[step + 1] - ahead) @ gain.T
    for step in range(first - 1, -1, -1):
        move, blur = _motion(times_s[step] - times_s[step + 1], noise)
        state[step] = move @ state[step + 1]
        cover[step] = move @ cover[step + 1] @ move.T + blur
    spread = np.sqrt(np.maximum(cover[:, 0, 0], 0))
    return Smoothed(state[:, 0], np.repeat(spread[:, None], columns, axis=1))


def _motion(seconds: float, noise: MotionNoise) -> tuple[Float64s, Float64s]:
    """The constant-velocity model over a time, which may be negative: matrix and variance."""
    long = abs(seconds)
    blur = np.array([[long**3 / 3, seconds * long / 2], [seconds * long / 2, long]])
    return np.array([[1.0, seconds], [0.0, 1.0]]), blur * noise.acceleration**2


def _updated(
    state: Float64s, cover: Float64s, measured: Float64s, variance: float
) -> tuple[Float64s, Float64s]:
    gain = cover[:, 0] / (cover[0, 0] + variance)
    moved = state + gain[:, None] * (measured - state[0])[None]
    return moved, cover - np.outer(gain, cover[0])
