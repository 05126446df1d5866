"""Seeds of k-means++ as a batch: random, but spread over what pictures look like."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from prelabel.active.k_center import distance_to_nearest
from prelabel.active.novelty import check_embeddings
from prelabel.active.pool import Need, Rows
from prelabel.active.reasons import RANDOM_REASON, distance_reason
from prelabel.active.selectors import Place, Task, top
from prelabel.datasets.arrays import Float32s, Float64s

MOST_FRAMES = 100_000


@dataclass(frozen=True, slots=True)
class KMeansPlusPlus:
    """Greedy k-means++ on frame embeddings, around those of labelled frames.

    Again and again 2 + ln(batch) frames are drawn in proportion to their squared distance to the
    nearest labelled or chosen one, and the one that lowers the sum of these most is chosen (Arthur
    and Vassilvitskii, SODA 2007). Values are not looked at. Unlike k-center it does not go for
    outliers first. Of pools above `most_frames` only so many, drawn by lot, are candidates; frames
    at distance 0, and those that were no candidates, come last by lot.
    """

    most_frames: int = MOST_FRAMES
    name: str = "kmeans++"
    needs: frozenset[Need] = frozenset({Need.EMBEDDINGS})

    def order(self, task: Task, rng: np.random.Generator) -> Iterator[Place]:
        pool = task.pool
        check_embeddings(pool, self.name)
        is_free = np.ones(len(pool), np.bool_)
        is_free[task.taken] = False
        lots = top(np.zeros(len(pool)), pool.frame_ids, len(pool), rng)
        lots = lots[is_free[lots]]
        rows = lots[: self.most_frames]
        known = pool.embeddings[task.taken]
        if len(pool.labelled_embeddings):  # without any, their width may be 0
            known = np.concatenate([pool.labelled_embeddings, known])
        tries = 2 + int(np.log(max(task.frames, 1)))
        typical = float(np.median(task.values)) if len(pool) else 0.0
        chosen: set[int] = set()
        for place, distance in _seeds(pool.embeddings[rows], known, tries, rng):
            row = int(rows[place])
            is_first = not chosen and not len(known)
            chosen.add(row)
            yield Place(row, RANDOM_REASON if is_first else distance_reason(distance, typical))
        yield from (Place(row) for row in lots.tolist() if row not in chosen)


def _seeds(
    points: Float32s, known: Float32s, tries: int, rng: np.random.Generator
) -> Iterator[tuple[int, float]]:
    """Points and their distance to the nearest centre before them, as long as any is above 0."""
    if not len(points):
        return
    if len(known):
        nearest = np.square(distance_to_nearest(points, known))
    else:
        # The first may be any: the order of points is that of a lot already.
        yield 0, 0.0
        nearest = _squared_from(points, 0)
    while (total := nearest.sum()) > 0:
        drawn = _draw(nearest, total, tries, rng)
        left = [np.minimum(nearest, _squared_from(points, place)) for place in drawn.tolist()]
        best = int(np.argmin([one.sum() for one in left]))
        place = int(drawn[best])
        yield place, float(np.sqrt(nearest[place]))
        nearest = left[best]
        nearest[place] = 0


def _draw(weight: Float64s, total: float, count: int, rng: np.random.Generator) -> Rows:
    sums = np.cumsum(weight)
    drawn = np.searchsorted(sums, rng.random(count) * sums[-1], side="right")
    return np.asarray(np.minimum(drawn, int(np.flatnonzero(weight)[-1])), np.intp)


def _squared_from(points: Float32s, place: int) -> Float64s:
    apart = points - points[place]
    return np.asarray(np.einsum("ij,ij->i", apart, apart), np.float64)
