"""Selectors for a start without labels: pictures that stand for many others."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from prelabel.active.clusters import Clusters, k_means, nearest_centre
from prelabel.active.k_center import furthest_first
from prelabel.active.neighbourhoods import fair_sample, mean_neighbour_distance
from prelabel.active.novelty import check_embeddings
from prelabel.active.pool import Need, Rows
from prelabel.active.selectors import Place, Task, top
from prelabel.datasets.arrays import Float32s, Float64s
from prelabel.datasets.wording import counted

NEIGHBOURS = 20  # that typicality looks at, and
MOST_CLUSTERS = 500  # both as published
SMALL_CLUSTER = 5  # fewer pictures are no kind of their own as long as there are larger ones
SAMPLE = 1 << 14  # frames looked at in a larger pool


@dataclass(frozen=True, slots=True)
class Typical:
    """The most typical frame of each of as many clusters as frames are wanted: TypiClust.

    Frames are clustered by k-means into min(labelled + wanted, 500). Clusters with the fewest
    labelled or chosen frames come first, of these the largest; those of fewer than 5 frames last.
    Of a cluster comes the frame of highest typicality, 1 / (mean distance to its 20 nearest
    neighbours within the cluster). Hacohen, Dekel and Weinshall, "Active learning on a budget:
    opposite strategies suit high and low budgets", ICML 2022. Labelled frames are put to the
    nearest cluster instead of being clustered too, and of more than 16,384 frames a fair sample
    that large is clustered; what is left follows by lot. Values play no part.
    """

    name: str = "typical"
    needs: frozenset[Need] = frozenset({Need.EMBEDDINGS})

    def order(self, task: Task, rng: np.random.Generator) -> Iterator[Place]:
        check_embeddings(task.pool, self.name)
        sample = fair_sample(task.pool.frame_ids, task.free(), SAMPLE)
        if not len(sample):
            return
        points, known = task.pool.embeddings[sample], task.known()
        clusters = k_means(points, min(len(known) + max(task.frames, 1), MOST_CLUSTERS), rng)
        covered = np.bincount(
            nearest_centre(known, clusters.centres), minlength=len(clusters.centres)
        )
        for row, size in _by_cluster(points, clusters, covered):
            yield Place(int(sample[row]), _typical_reason(size))
        yield from _the_rest(task, sample, rng)


@dataclass(frozen=True, slots=True)
class TypicalCover:
    """Furthest first among the typical half of the frames.

    k-center alone likes outliers. Here only frames come whose mean distance to their 20 nearest
    neighbours is at most the median, then the others, both furthest first; of more than 16,384
    frames a fair sample that large is looked at, and what is left follows by lot.
    """

    name: str = "typical_cover"
    needs: frozenset[Need] = frozenset({Need.EMBEDDINGS})

    def order(self, task: Task, rng: np.random.Generator) -> Iterator[Place]:
        check_embeddings(task.pool, self.name)
        pool = task.pool
        sample = fair_sample(pool.frame_ids, task.free(), SAMPLE)
        if not len(sample):
            return
        sparse = mean_neighbour_distance(pool.embeddings[sample], NEIGHBOURS)
        is_typical = sparse <= np.median(sparse)
        known = task.known()
        for part in (sample[is_typical], sample[~is_typical]):
            ids = [pool.frame_ids[row] for row in part]
            points = pool.embeddings[part]
            for row, distance in furthest_first(points, known, ids):
                yield Place(int(part[row]), _cover_reason(distance))
            known = np.concatenate([known, points])
        yield from _the_rest(task, sample, rng)


def _by_cluster(points: Float32s, clusters: Clusters, covered: Rows) -> Iterator[tuple[int, int]]:
    """Rows with the size of their cluster; clusters take turns."""
    sizes = clusters.sizes
    waiting = [_most_typical_first(points, clusters, number) for number in range(len(sizes))]
    is_small, taken = sizes < SMALL_CLUSTER, covered.copy()
    left = sizes.copy()
    for _ in range(len(points)):
        ranked = np.lexsort((-sizes, taken, is_small, left == 0))
        cluster = int(ranked[0])
        yield waiting[cluster][sizes[cluster] - left[cluster]], int(sizes[cluster])
        left[cluster] -= 1
        taken[cluster] += 1


def _most_typical_first(points: Float32s, clusters: Clusters, number: int) -> list[int]:
    rows = np.flatnonzero(clusters.member == number)
    sparse: Float64s = mean_neighbour_distance(points[rows], NEIGHBOURS)
    ranked: list[int] = rows[np.argsort(sparse, kind="stable")].tolist()
    return ranked


def _the_rest(task: Task, sample: Rows, rng: np.random.Generator) -> Iterator[Place]:
    gone = {*sample.tolist(), *task.taken.tolist()}
    ranked = top(np.zeros(len(task.pool)), task.pool.frame_ids, len(task.pool), rng)
    return (Place(row) for row in ranked.tolist() if row not in gone)


def _typical_reason(size: int) -> str:
    if size == 1:
        return "a picture of a kind of its own"
    return f"typical of {counted(size, 'similar picture')}"


def _cover_reason(distance: float) -> str:
    if not distance:
        return "the most typical picture of the pool"
    return f"a common kind of picture, at distance {distance:.3g} from every labelled or chosen one"
