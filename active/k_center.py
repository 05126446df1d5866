"""Greedy k-center, exact and fast enough for a million frames.

The plain algorithm reads every embedding once a pick and is bound by memory. Here picks are made
among a few thousand candidates whose distances are known exactly; of the other frames only upper
bounds are known. While the furthest candidate lies beyond all of these, it is the furthest of all.
When it does not, the centres chosen meanwhile lower the bounds in one matrix product, which costs
about as much as a single plain pass, and candidates are chosen anew. Bounds are widened by what a
matrix product may round away, so the picks are those of the plain algorithm, ties included.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.arrays import Float32s, Float64s
from prelabel.datasets.errors import InvalidValueError

Indices = NDArray[np.intp]

CANDIDATES = 8192  # few enough to stay in the processor's cache

_WORD_BYTES = 8
_BLOCK_ROWS = 1 << 15  # embeddings compared at a time: bounds the memory of a pass
_BLOCK_PAIRS = 1 << 23  # distances held at a time
_BLOCK_CENTRES = 256
_UNIT_ROUNDOFF = 2.0**-24
_CHOSEN = np.float32(-1)  # below every squared distance


def k_center(
    embeddings: Float32s,
    labelled: Float32s,
    frame_ids: Sequence[str],
    count: int,
    candidates: int = CANDIDATES,
) -> tuple[Indices, Float64s]:
    """The first `count` picks of `furthest_first`: indices and distances, each (count,)."""
    order = furthest_first(embeddings, labelled, frame_ids, candidates=candidates)
    picks = list(islice(order, count))
    return np.array([row for row, _ in picks], np.intp), np.array([far for _, far in picks])


def furthest_first(
    embeddings: Float32s,
    labelled: Float32s,
    frame_ids: Sequence[str],
    taken: Indices | None = None,
    candidates: int = CANDIDATES,
) -> Iterator[tuple[int, float]]:
    """Greedy k-center: again and again the frame furthest from all labelled and chosen ones.

    Gives each frame's index and the Euclidean distance it had to its nearest labelled or earlier
    chosen frame; frames `taken` count as chosen and do not come. Where there is neither, the first
    is the medoid of the pool (under squared distance: the frame nearest the mean), at distance 0.
    Ties fall to the smallest id. Sener and Savarese, ICLR 2018. k picks take O((m + k) n d) time
    at the speed of a matrix product for n frames and m labelled ones, and O(n) memory beside the
    embeddings. `candidates` trades passes for the cost of a pick and does not change the result.

    Raises InvalidValueError where embeddings are so large that their squares overflow.
    """
    if not len(embeddings):
        return
    order = by_id(frame_ids)
    rank = np.empty(len(order), np.intp)
    rank[order] = np.arange(len(order))
    cover = _Cover(embeddings, rank, candidates)
    for begin in range(0, len(labelled), _BLOCK_CENTRES):
        cover.add_centres(labelled[begin : begin + _BLOCK_CENTRES])
    before = np.zeros(0, np.intp) if taken is None else taken
    for row in before.tolist():
        cover.choose(row)
    if not len(labelled) and not len(before):
        first = _medoid(embeddings, order, rank)
        cover.choose(first)
        before = np.array([first])
        yield first, 0.0
    for _ in range(len(order) - len(before)):
        row, squared = cover.choose_furthest()
        yield row, float(np.sqrt(squared))


def distance_to_nearest(embeddings: Float32s, centres: Float32s) -> Float64s:
    """Euclidean distance of each frame to the nearest centre, (n,); to the mean without any."""
    if not len(embeddings):
        return np.zeros(0)
    if not len(centres):
        centres = embeddings.mean(axis=0, keepdims=True, dtype=np.float64).astype(np.float32)
    nearest = np.full(len(embeddings), np.inf, np.float32)
    squares = _squares(centres)
    for rows in _blocks(len(embeddings), max(1, _BLOCK_PAIRS // len(centres))):
        block = embeddings[rows]
        closest = (squares - 2 * (block @ centres.T)).argmin(axis=1)
        nearest[rows] = _squares(block - centres[closest])
    return np.sqrt(nearest, dtype=np.float64)


def by_id(frame_ids: Sequence[str]) -> Indices:
    """Row numbers in the order of the ids, which are of plain ASCII.

    Sorted by their first eight letters as a number, which is ten times faster than by bytes, and by
    bytes among those that share these.
    """
    ids = np.array(frame_ids, dtype=np.bytes_)
    if ids.dtype.itemsize < _WORD_BYTES:
        return np.argsort(ids, kind="stable")
    letters = ids.view(np.uint8).reshape(len(ids), -1)[:, :_WORD_BYTES]
    first = np.ascontiguousarray(letters).view(">u8")[:, 0].astype(np.uint64)
    order = np.argsort(first, kind="stable")
    is_next_equal = np.diff(first[order]) == 0
    shared = np.flatnonzero(np.append(is_next_equal, False) | np.append(False, is_next_equal))
    rows = order[shared]
    order[shared] = rows[np.lexsort((ids[rows], first[rows]))]
    return order


class _Cover:
    """How far each point is, at most, from the nearest centre; squared, float32.

    `bound` is never below the distance that subtracting and squaring in float32 gives. Candidates
    are the points of highest bound, of equal ones those of lowest rank; `exact` is their distance.
    """

    def __init__(self, points: Float32s, rank: Indices, candidates: int) -> None:
        self._points, self._rank = points, rank
        self._size = min(candidates, len(points))
        self._squares = np.empty(len(points), np.float32)
        for rows in _blocks(len(points)):
            self._squares[rows] = _squares(points[rows])
        if not np.isfinite(self._squares).all():
            raise InvalidValueError("embeddings are too large: their squares overflow; scale them")
        self._norm = np.sqrt(self._squares)
        self._bound = np.full(len(points), np.inf, np.float32)
        self._centres: list[Float32s] = []
        self._pending: list[int] = []
        self._rows: Indices
        self._exact: Float32s
        self._forget_candidates()

    def add_centres(self, centres: Float32s) -> None:
        """Centres that are no points of the pool."""
        self._centres.append(centres)
        self._lower_bounds(centres)
        self._forget_candidates()

    def choose(self, point: int) -> None:
        """Make a point a centre; it is not chosen again."""
        self._bound[point] = _CHOSEN
        self._pending.append(point)
        self._exact = np.minimum(self._exact, _squares(self._near - self._points[point]))
        self._exact[self._rows == point] = _CHOSEN

    def choose_furthest(self) -> tuple[int, float]:
        """Choose the point furthest from all centres; the squared distance it had."""
        while True:
            if len(self._rows):
                first = int(self._exact.argmax())  # the lowest rank among equals: rows are sorted
                furthest, point = self._exact[first], int(self._rows[first])
                beyond = furthest > self._outside
                if beyond or (furthest == self._outside and self._rank[point] < self._outside_rank):
                    self.choose(point)
                    return point, float(furthest)
                self._bound[self._rows] = self._exact  # so that others come up for the next look
            self._settle_pending()
            self._draw_candidates()

    def _forget_candidates(self) -> None:
        self._rows = np.zeros(0, np.intp)
        self._near = self._points[:0]
        self._exact = np.zeros(0, np.float32)

    def _settle_pending(self) -> None:
        if self._pending:
            centres = self._points[self._pending]
            self._centres.append(centres)
            self._lower_bounds(centres)
            self._pending = []

    def _lower_bounds(self, centres: Float32s) -> None:
        squares = _squares(centres)
        largest = np.sqrt(squares.max())
        for rows in _blocks(len(self._points), min(_BLOCK_ROWS, _BLOCK_PAIRS // len(centres))):
            product = self._points[rows] @ centres.T
            product *= -2
            product += squares
            upper = product.min(axis=1) + self._squares[rows] + self._slack(rows, largest)
            np.minimum(self._bound[rows], upper, out=self._bound[rows])

    def _draw_candidates(self) -> None:
        bound, size = self._bound, self._size
        least = np.partition(bound, len(bound) - size)[len(bound) - size]
        above = np.flatnonzero(bound > least)
        tied = np.flatnonzero(bound == least)
        tied = tied[np.argsort(self._rank[tied])]
        room = size - len(above)
        rows = np.concatenate([above, tied[:room]])
        self._rows = rows[np.argsort(self._rank[rows])]
        self._near = self._points[self._rows]
        outside = np.ones(len(bound), np.bool_)
        outside[self._rows] = False
        self._outside = bound[outside].max(initial=-np.inf)
        at_edge = outside & (bound == self._outside)
        self._outside_rank = self._rank[at_edge].min(initial=len(bound))
        self._exact = self._exact_distances()

    def _exact_distances(self) -> Float32s:
        """Distances of the candidates, from every centre that may be the nearest."""
        centres = np.concatenate(self._centres)
        squares = _squares(centres)
        largest = np.sqrt(squares.max())
        exact = np.full(len(self._rows), np.inf, np.float32)
        for rows in _blocks(len(exact), max(1, _BLOCK_PAIRS // len(centres))):
            near = self._near[rows]
            product = squares - 2 * (near @ centres.T) + self._squares[self._rows[rows]][:, None]
            reach = product.min(axis=1) + 2 * self._slack(self._rows[rows], largest)
            row, centre = np.nonzero(product <= reach[:, None])
            np.minimum.at(exact[rows], row, _squares(near[row] - centres[centre]))
        exact[self._bound[self._rows] == _CHOSEN] = _CHOSEN
        return exact

    def _slack(self, rows: Indices | slice, largest: np.float32) -> Float32s:
        """What |x|² - 2xc + |c|² may differ from the squared difference, both in float32.

        Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, section 3.1: a sum of
        d products is off by at most γ(d) = d u / (1 - d u) of the sum of their magnitudes.
        """
        terms = (self._points.shape[1] + 4) * _UNIT_ROUNDOFF
        gamma = np.float32(2 * terms / (1 - terms))
        return gamma * np.square(self._norm[rows] + largest)


def _medoid(points: Float32s, order: Indices, rank: Indices) -> int:
    # Summed in the order of ids, so that rounding does not depend on the order of the pool.
    blocks = (points[order[rows]].sum(axis=0, dtype=np.float64) for rows in _blocks(len(points)))
    mean = (np.sum(list(blocks), axis=0) / len(points)).astype(np.float32)
    distance = np.empty(len(points), np.float32)
    for rows in _blocks(len(points)):
        distance[rows] = _squares(points[rows] - mean)
    nearest = np.flatnonzero(distance == distance.min())
    return int(nearest[rank[nearest].argmin()])


def _squares(rows: Float32s) -> Float32s:
    # Of differences, not |a|² - 2ab + |b|², which would lose near-duplicates.
    return np.asarray(np.einsum("ij,ij->i", rows, rows), np.float32)


def _blocks(count: int, size: int = _BLOCK_ROWS) -> list[slice]:
    return [slice(begin, begin + size) for begin in range(0, count, size)]
