"""How far frames lie from their neighbours, over samples that do not grow with the pool."""

from collections.abc import Sequence

import numpy as np

from prelabel.active.k_center import by_id
from prelabel.active.pool import Rows
from prelabel.datasets.arrays import Float32s, Float64s

_BLOCK_PAIRS = 1 << 22  # distances held at a time


def fair_sample(frame_ids: Sequence[str], rows: Rows, count: int) -> Rows:
    """At most `count` of these rows, evenly spaced in the order of their ids.

    Ids are digests of the pictures, so this is as good as a draw, and the same in any order of the
    pool. The sample comes in the order of ids.
    """
    is_asked = np.zeros(len(frame_ids), np.bool_)
    is_asked[rows] = True
    order = by_id(frame_ids)
    order = order[is_asked[order]]
    if len(order) <= count:
        return order
    return order[np.arange(count) * len(order) // count]


def squared_distances(first: Float32s, second: Float32s) -> Float32s:
    """Squared Euclidean distance of every pair, (n, m); rounding leaves none below 0.

    Points are compared from the mean of `second`, so that a common offset does not cost digits.
    """
    middle = second.mean(axis=0, dtype=np.float64).astype(np.float32)
    a, b = first - middle, second - middle
    product = a @ b.T
    product *= -2
    product += np.einsum("ij,ij->i", a, a)[:, None]
    product += np.einsum("ij,ij->i", b, b)
    np.maximum(product, 0, out=product)
    return np.asarray(product, np.float32)


def neighbour_distances(points: Float32s, own: Rows, others: Float32s) -> Float64s:
    """Distance of each point to the nearest of `others` but itself, (n,); infinite without any.

    `own` (n,) is the row that a point has among the others. That of exact duplicates is 0.
    """
    nearest = np.full(len(points), np.inf)
    if len(others) < 2:
        return nearest
    step = max(1, _BLOCK_PAIRS // max(len(points), 1))
    for begin in range(0, len(others), step):
        block = others[begin : begin + step]
        squared = squared_distances(points, block)
        inside = (own >= begin) & (own < begin + len(block))
        squared[np.flatnonzero(inside), own[inside] - begin] = np.inf
        closest = squared.argmin(axis=1)
        exact = np.linalg.norm(points - block[closest], axis=1)
        exact[np.isinf(squared[np.arange(len(points)), closest])] = np.inf
        np.minimum(nearest, exact, out=nearest)
    return nearest


def mean_neighbour_distance(points: Float32s, count: int) -> Float64s:
    """Mean distance of each point to its `count` nearest others, (n,); 0 for a single point.

    Of fewer points all others are taken.
    """
    others = min(count, len(points) - 1)
    means = np.zeros(len(points))
    if others < 1:
        return means
    step = max(1, _BLOCK_PAIRS // len(points))
    for begin in range(0, len(points), step):
        squared = squared_distances(points[begin : begin + step], points)
        rows = np.arange(len(squared))
        squared[rows, begin + rows] = np.inf
        nearest = np.partition(squared, others - 1, axis=1)[:, :others]
        means[begin : begin + step] = np.sqrt(np.sort(nearest, axis=1), dtype=np.float64).mean(1)
    return means
