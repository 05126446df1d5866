"""Lloyd's k-means with k-means++ seeding, the same in any number of threads."""

from dataclasses import dataclass

import numpy as np

from prelabel.active.neighbourhoods import squared_distances
from prelabel.active.pool import Rows
from prelabel.datasets.arrays import Float32s

_MOST_TURNS = 30  # later ones move few points
_BLOCK_ROWS = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Of n points: `member` (n,), the cluster of each, and `centres` (k, d); none is empty."""

    member: Rows
    centres: Float32s

    @property
    def sizes(self) -> Rows:
        """How many points each has, (k,)."""
        return np.bincount(self.member, minlength=len(self.centres)).astype(np.intp)


def k_means(points: Float32s, count: int, rng: np.random.Generator) -> Clusters:
    """At most `count` clusters of points (n, d), n at least 1; fewer where points repeat.

    Arthur and Vassilvitskii, "k-means++: the advantages of careful seeding", SODA 2007.
    """
    member = nearest_centre(points, points[_seeds(points, count, rng)])
    for _ in range(_MOST_TURNS):
        clusters = _filled(points, member)
        moved = nearest_centre(points, clusters.centres)
        if np.array_equal(moved, clusters.member):
            return clusters
        member = moved
    return _filled(points, member)


def nearest_centre(points: Float32s, centres: Float32s) -> Rows:
    """The cluster that each point is nearest to, (n,)."""
    nearest = np.empty(len(points), np.intp)
    for begin in range(0, len(points), _BLOCK_ROWS):
        block = slice(begin, begin + _BLOCK_ROWS)
        nearest[block] = squared_distances(points[block], centres).argmin(axis=1)
    return nearest


def _seeds(points: Float32s, count: int, rng: np.random.Generator) -> Rows:
    """Points drawn one by one with probability by squared distance to those drawn before."""
    seeds = [int(rng.integers(len(points)))]
    squared = np.full(len(points), np.inf)
    while len(seeds) < min(count, len(points)):
        offset = points - points[seeds[-1]]
        np.minimum(squared, np.einsum("ij,ij->i", offset, offset), out=squared)
        total = squared.cumsum()
        if total[-1] <= 0:
            break  # every point is one that was drawn
        seeds.append(int(np.searchsorted(total, rng.random() * total[-1], side="right")))
    return np.array(seeds, np.intp)


def _filled(points: Float32s, member: Rows) -> Clusters:
    """The clusters that have members, numbered anew, with their means."""
    _, numbers, sizes = np.unique(member, return_inverse=True, return_counts=True)
    starts = np.cumsum(sizes) - sizes
    in_turn = points[np.argsort(numbers, kind="stable")].astype(np.float64)
    means = np.add.reduceat(in_turn, starts, axis=0) / sizes[:, None]
    return Clusters(numbers.astype(np.intp), means.astype(np.float32))
