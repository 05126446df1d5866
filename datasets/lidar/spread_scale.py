"""Making the spread of proposed cuboids what it says, on sweeps whose true cuboids are known."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from scipy.optimize import linear_sum_assignment

from prelabel.datasets.arrays import Float64s
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.lidar.coordinates import wrapped
from prelabel.datasets.lidar.cuboids import Cuboids, footprint_iou
from prelabel.datasets.lidar.proposals import CuboidProposals

QUANTITIES = ("along", "across", "up", "length", "width", "height", "yaw")
_SAME_OBJECT = 0.3  # overlap seen from above from which a proposal is of a true cuboid
LEAST_ERRORS = 20


@dataclass(frozen=True, slots=True, eq=False)
class SpreadErrors:
    """How far proposals are off, and how far they said they might be, (n, 7) by `QUANTITIES`.

    Metres along the cuboid's own axes, and radians; headings are compared up to half a turn.
    """

    off: Float64s
    spread: Float64s

    @classmethod
    def of(cls, proposals: Sequence[CuboidProposals], truths: Sequence[Cuboids]) -> "SpreadErrors":
        """Those of the proposals that lie on a true cuboid; of sweeps one by one.

        Raises InvalidValueError where proposals have no spread.
        """
        off, spread = [np.zeros((0, 7))], [np.zeros((0, 7))]
        for proposed, true in zip(proposals, truths, strict=True):
            if proposed.spread_m is None or proposed.spread_yaw is None:
                raise InvalidValueError("these proposals say nothing of their spread")
            overlap = footprint_iou(proposed.cuboids, true)
            rows, columns = linear_sum_assignment(-overlap) if overlap.size else ([], [])
            fits = np.array(
                [overlap[r, c] >= _SAME_OBJECT for r, c in zip(rows, columns, strict=True)], bool
            )
            rows, columns = np.array(rows, int)[fits], np.array(columns, int)[fits]
            off.append(_off(proposed.cuboids.take(rows), true.take(columns)))
            spread.append(np.column_stack([proposed.spread_m, proposed.spread_yaw])[rows])
        return cls(np.concatenate(off), np.concatenate(spread))

    @classmethod
    def joined(cls, parts: Sequence["SpreadErrors"]) -> "SpreadErrors":
        """Those of several sweeps together."""
        none = np.zeros((0, len(QUANTITIES)))
        return cls(
            np.concatenate([none, *(part.off for part in parts)]),
            np.concatenate([none, *(part.spread for part in parts)]),
        )

    def __len__(self) -> int:
        return len(self.off)

    def take(self, rows: np.ndarray) -> "SpreadErrors":
        """Those of these rows or of this mask."""
        return SpreadErrors(self.off[rows], self.spread[rows])

    def coverage(self, level: float) -> Float64s:
        """The share of the errors within the interval that should hold `level` of them, (7,)."""
        reach = NormalDist().inv_cdf((1 + level) / 2)
        return np.asarray((np.abs(self.off) <= reach * self.spread).mean(axis=0), np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class SpreadScale:
    """What spreads are multiplied by, (7,) by `QUANTITIES`."""

    factors: Float64s

    @classmethod
    def fitted(cls, errors: SpreadErrors, level: float = 0.9) -> "SpreadScale":
        """The factors with which intervals hold `level` of the errors of sweeps not seen before.

        Split conformal prediction with normalised residuals (Lei et al., "Distribution-free
        predictive inference for regression", JASA 2018): the (n + 1) `level`-th smallest of
        |error| / spread. Raises InvalidValueError for fewer than 20 errors.
        """
        count = len(errors.off)
        if count < LEAST_ERRORS or not 0 < level < 1:
            raise InvalidValueError(
                f"spreads are scaled by at least {LEAST_ERRORS} errors and for a level between 0 "
                f"and 1, but these are {count} and {level}"
            )
        ratio = np.sort(np.abs(errors.off) / errors.spread.clip(1e-9), axis=0)
        place = min(count, int(np.ceil((count + 1) * level))) - 1
        return cls(ratio[place] / NormalDist().inv_cdf((1 + level) / 2))

    def of_errors(self, errors: SpreadErrors) -> SpreadErrors:
        """The same errors beside scaled spreads."""
        return replace(errors, spread=errors.spread * self.factors)

    def of(self, proposals: CuboidProposals) -> CuboidProposals:
        """The same proposals with scaled spreads."""
        if proposals.spread_m is None or proposals.spread_yaw is None:
            return proposals
        return replace(
            proposals,
            spread_m=proposals.spread_m * self.factors[:6],
            spread_yaw=proposals.spread_yaw * self.factors[6],
        )


def _off(proposed: Cuboids, true: Cuboids) -> Float64s:
    apart = true.centre_m - proposed.centre_m
    cos, sin = np.cos(proposed.yaw), np.sin(proposed.yaw)
    along, across = apart[:, 0] * cos + apart[:, 1] * sin, apart[:, 1] * cos - apart[:, 0] * sin
    turn = wrapped(2 * (true.yaw - proposed.yaw)) / 2
    return np.column_stack([along, across, apart[:, 2], true.size_m - proposed.size_m, turn])
