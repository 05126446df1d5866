"""How much of what is worth labelling a batch stands for, and batches that stand for much.

Facility location: F(S) = sum over frames j of v_j · max over i in S of k(i, j), with values v and
similarities k from 0 to 1. It is monotone and submodular: what a frame adds only falls as others
are chosen, so lazy evaluation chooses what full evaluation would.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import islice
from math import isqrt

import numpy as np

from prelabel.active.k_center import distance_to_nearest
from prelabel.active.neighbourhoods import squared_distances
from prelabel.datasets.arrays import Float32s, Float64s

MOST_NEIGHBOURS = 10  # within the reach of a frame, in the median

_BLOCK_ROWS = 512


def similarities(points: Float32s) -> tuple[Float32s, float]:
    """k(i, j) = max(0, 1 - (d(i, j) / r)²) of all pairs, (n, n), and the radius r.

    The radius is the median distance to the 10th nearest other point, of fewer than 324 points to
    the (sqrt(n) / 2 + 1)th. A kernel that reaches no further keeps a frame's own value in the
    foreground: in many dimensions all distances are alike, and the faint similarity to thousands of
    others would drown it. Where most points repeat that often, it is the shortest distance above 0,
    and 1 where all are one.
    """
    squared = squared_distances(points, points)
    np.fill_diagonal(squared, 0)
    others = min(isqrt(len(points)) // 2 + 1, MOST_NEIGHBOURS, len(points) - 1)
    reach = np.empty(len(points), np.float32)
    for begin in range(0, len(points), _BLOCK_ROWS):
        block = squared[begin : begin + _BLOCK_ROWS]
        reach[begin : begin + _BLOCK_ROWS] = np.partition(block, others, axis=1)[:, others]
    radius = float(np.median(np.sqrt(reach)))
    if not radius:
        positive = squared[squared > 0]
        radius = float(np.sqrt(positive.min())) if len(positive) else 1.0
    squared *= np.float32(-1 / radius**2)
    squared += 1
    np.maximum(squared, 0, out=squared)
    return squared, radius


class Coverage:
    """F of a growing batch; `covered` (n,) is what of each point the batch and labels cover."""

    def __init__(self, similar: Float32s, values: Float64s, covered: Float32s) -> None:
        self._similar, self._values = similar, values
        self._covered = covered.copy()

    @classmethod
    def of(cls, points: Float32s, values: Float64s, known: Float32s) -> "Coverage":
        """Of these points, some of which lie near those that are `known` already."""
        similar, radius = similarities(points)
        covered = np.zeros(len(points), np.float32)
        if len(known):
            away = distance_to_nearest(points, known) / radius
            covered = np.maximum(1 - away**2, 0).astype(np.float32)
        return cls(similar, values, covered)

    def again(self) -> "Coverage":
        """The same state, to go on from in another way."""
        return Coverage(self._similar, self._values, self._covered)

    def gain(self, point: int) -> float:
        """What choosing a point adds."""
        return float(np.maximum(self._similar[point] - self._covered, 0) @ self._values)

    def gains(self) -> Float64s:
        """What choosing each point adds, (n,)."""
        parts = [
            np.maximum(self._similar[begin : begin + _BLOCK_ROWS] - self._covered, 0) @ self._values
            for begin in range(0, len(self._values), _BLOCK_ROWS)
        ]
        return np.concatenate([np.zeros(0), *parts])

    def choose(self, point: int) -> None:
        """Add a point to the batch."""
        np.maximum(self._covered, self._similar[point], out=self._covered)


@dataclass(frozen=True, slots=True, eq=False)
class Purse:
    """What each of n points costs, (n,), and how much may be spent."""

    prices: Float64s
    amount: float


def lazy_greedy(coverage: Coverage, divisor: Float64s, purse: Purse) -> Iterator[tuple[int, float]]:
    """Again and again the affordable point of highest gain / divisor, with what it gains.

    Points that cannot be paid any more are dropped; of equal ones the first comes. A point is
    evaluated anew only when its last gain, an upper bound, is the highest of all: Minoux,
    "Accelerated greedy algorithms for maximizing submodular set functions", 1978.
    """
    bounds = coverage.gains() / divisor
    queue = [(-bound, point, 0) for point, bound in enumerate(bounds.tolist())]
    heapify(queue)
    left, chosen = purse.amount * (1 + 1e-9), 0  # sums of seconds round
    while queue:
        bound, point, when = heappop(queue)
        if purse.prices[point] > left:
            continue
        if when < chosen:
            heappush(queue, (-coverage.gain(point) / float(divisor[point]), point, chosen))
            continue
        yield point, -bound * float(divisor[point])
        coverage.choose(point)
        left -= float(purse.prices[point])
        chosen += 1


def best_cover(coverage: Coverage, purse: Purse, most: int) -> list[int]:
    """At most `most` points whose price is within the purse: the better of two greedy ways.

    One goes by gain for the price, the other by gain alone (Leskovec et al., "Cost-effective
    outbreak detection in networks", KDD 2007). The better has at least 1 - 1/sqrt(e) = 0.39 of the
    best possible gain (Khuller, Moss and Naor 1999; Tang et al., "Revisiting modified greedy
    algorithm for monotone submodular maximization with a knapsack constraint", 2021, prove 0.405).
    Where the first is cut off at `most` points the purse is wide, and the second is not tried.
    """
    by_price = list(islice(lazy_greedy(coverage.again(), purse.prices, purse), most))
    ways = [by_price]
    if len(by_price) < most:
        alike = np.ones_like(purse.prices)
        ways.append(list(islice(lazy_greedy(coverage.again(), alike, purse), most)))
    best = max(ways, key=lambda way: sum(gain for _, gain in way))
    return [point for point, _ in best]
