"""Frames that stand for many: k-medoids among the candidates of highest value."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from prelabel.active.class_distance import FEWEST_CLASSES, FrameObjects, class_distances
from prelabel.active.pool import Need, Rows
from prelabel.active.presence import class_count
from prelabel.active.selectors import Place, Task, top
from prelabel.datasets.arrays import Bools, Float64s

CANDIDATES = 4  # times the frames that are wanted
MOST_ROUNDS = 100


@dataclass(frozen=True, slots=True)
class ClassMedoids:
    """PPAL's second stage: of 4 B candidates of highest value, B that stand for all of them.

    Greedy k-center by `class_distances`, begun with the candidate of highest value (PPAL: any),
    then k-medoids ("Plug and Play Active Learning", CVPR 2024). With three classes or fewer, boxes
    are compared whatever their class. The chosen come by value; then the other candidates and the
    rest of the pool, by value too. Raises StrategyError where boxes have no embeddings.
    """

    name: str = "class_medoids"
    needs: frozenset[Need] = frozenset({Need.BOX_EMBEDDINGS})

    def order(self, task: Task, rng: np.random.Generator) -> Iterator[Place]:
        pool = task.pool
        is_free = np.ones(len(pool), np.bool_)
        is_free[task.taken] = False
        ranked = top(task.values, pool.frame_ids, len(pool), rng)
        ranked = ranked[is_free[ranked]]
        candidates = ranked[: CANDIDATES * task.frames]
        objects = FrameObjects.of(pool.take(candidates), self.name)
        if class_count(pool) < FEWEST_CLASSES:
            objects = objects.with_one_class()
        medoids, sizes = k_medoids(class_distances(objects), task.frames)
        for place, size in sorted(zip(medoids.tolist(), sizes.tolist(), strict=True)):
            yield Place(int(candidates[place]), _remark(size, len(candidates)))
        chosen = set(candidates[medoids].tolist())
        yield from (Place(row) for row in ranked.tolist() if row not in chosen)


def k_medoids(distances: Float64s, count: int) -> tuple[Rows, Rows]:
    """`count` of n points as medoids, and how many points each stands for, itself included.

    From greedy k-center, begun at point 0: every point joins its nearest medoid, and the member
    with the least sum of distances to the others becomes the medoid, until nothing changes. Ties
    fall to the lower number. A medoid always stands for itself, so that no cluster is empty even
    where points lie on top of each other.
    """
    medoids = _furthest_first(distances, min(count, len(distances)))
    joined = _join(distances, medoids)
    for _ in range(MOST_ROUNDS if len(medoids) else 0):
        moved = np.array([_middle(distances, joined == number) for number in range(len(medoids))])
        if (moved == medoids).all():
            break
        medoids = moved
        joined = _join(distances, medoids)
    return medoids, np.bincount(joined, minlength=len(medoids))


def _furthest_first(distances: Float64s, count: int) -> Rows:
    chosen: list[int] = []
    nearest = np.full(len(distances), np.inf)
    for _ in range(count):
        furthest = int(nearest.argmax())
        chosen.append(furthest)
        nearest = np.minimum(nearest, distances[furthest])
        nearest[furthest] = -1
    return np.array(chosen, np.intp)


def _join(distances: Float64s, medoids: Rows) -> Rows:
    if not len(medoids):
        return np.zeros(0, np.intp)
    joined = distances[:, medoids].argmin(axis=1)
    joined[medoids] = np.arange(len(medoids))
    return np.asarray(joined, np.intp)


def _middle(distances: Float64s, is_member: Bools) -> int:
    members = np.flatnonzero(is_member)
    return int(members[distances[np.ix_(members, members)].sum(axis=1).argmin()])


def _remark(size: int, candidates: int) -> str:
    if size == 1:
        return f"unlike each of the {candidates} most doubtful pictures"
    return f"stands for {size} alike pictures of the {candidates} most doubtful ones"
