"""From values or embeddings to the frames that are chosen.

Every selector works on the frames in the order of their ids, so the order of a pool has no
influence, and nothing about it depends on how a matrix product splits its rows.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.arrays import Float32s, Float64s
from prelabel.datasets.errors import InvalidValueError

Indices = NDArray[np.intp]

_BLOCK_ROWS = 1 << 16  # rows compared at a time: bounds the memory of one pass, not its result
_CHOSEN = np.float32(-1)  # below every squared distance


def top(
    values: Float64s, frame_ids: Sequence[str], count: int, rng: np.random.Generator
) -> Indices:
    """The `count` frames of highest value, best first; ties fall by lot.

    The lot is drawn for the ids in their order, so that the same frames win in any pool order.
    """
    if not np.isfinite(values).all():
        raise InvalidValueError("values to choose by must be finite, but hold NaN or infinity")
    order = _by_id(frame_ids)
    lot = np.empty(len(order), np.intp)
    lot[order] = rng.permutation(len(order))
    return np.lexsort((lot, -values))[:count]


def k_center(
    embeddings: Float32s, labelled: Float32s, frame_ids: Sequence[str], count: int
) -> tuple[Indices, Float64s]:
    """Greedy k-center: again and again the frame furthest from all labelled and chosen ones.

    Returns the indices, (count,), in the order chosen, and for each the Euclidean distance it had
    to its nearest labelled or earlier chosen frame. Without labelled frames the first is the
    medoid of the pool (under squared distance: the frame nearest the mean), at distance 0. Ties
    fall to the smallest id. Sener and Savarese, ICLR 2018. Takes O((m + count) n d) time for n
    frames and m labelled ones, and O(n) memory beside the embeddings.
    """
    order = _by_id(frame_ids)
    points = embeddings[order]
    nearest = _squared_distance_to_nearest(points, labelled)
    picks, distances = np.empty(count, np.intp), np.empty(count)
    for turn in range(count):
        if turn == 0 and not len(labelled):
            pick, distance = _medoid(points), 0.0
        else:
            pick = int(nearest.argmax())
            distance = float(np.sqrt(nearest[pick]))
        picks[turn], distances[turn] = pick, distance
        _lower_to(nearest, points, points[pick])
        nearest[pick] = _CHOSEN
    return order[picks], distances


def distance_to_nearest(embeddings: Float32s, centres: Float32s) -> Float64s:
    """Euclidean distance of each frame to the nearest centre, (n,); to the mean without any."""
    if not len(embeddings):
        return np.zeros(0)
    if not len(centres):
        centres = embeddings.mean(axis=0, keepdims=True, dtype=np.float64).astype(np.float32)
    nearest = _squared_distance_to_nearest(embeddings, centres)
    return np.sqrt(nearest, dtype=np.float64)


def _by_id(frame_ids: Sequence[str]) -> Indices:
    return np.argsort(np.array(frame_ids, dtype=np.str_), kind="stable")


def _medoid(points: Float32s) -> int:
    mean = points.mean(axis=0, dtype=np.float64).astype(np.float32)
    distance = np.full(len(points), np.inf, np.float32)
    _lower_to(distance, points, mean)
    return int(distance.argmin())


def _squared_distance_to_nearest(points: Float32s, centres: Float32s) -> Float32s:
    nearest = np.full(len(points), np.inf, np.float32)
    for centre in centres:
        _lower_to(nearest, points, centre)
    return nearest


def _lower_to(nearest: Float32s, points: Float32s, centre: Float32s) -> None:
    """Lower `nearest` in place to the squared distance to `centre` where that is less.

    Differences are formed before squaring: the shorter |a|² - 2ab + |b|² loses near-duplicates.
    """
    for begin in range(0, len(points), _BLOCK_ROWS):
        block = slice(begin, begin + _BLOCK_ROWS)
        offset = points[block] - centre
        distance = np.einsum("ij,ij->i", offset, offset)
        np.minimum(nearest[block], distance, out=nearest[block])
