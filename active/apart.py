"""A wrapper for selectors: no two pictures of a batch alike as long as there are others."""

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from math import ceil

import numpy as np

from prelabel.active.k_center import distance_to_nearest
from prelabel.active.neighbourhoods import fair_sample, neighbour_distances
from prelabel.active.novelty import check_embeddings
from prelabel.active.pool import Need, Pool
from prelabel.active.selectors import Place, Selector, Task
from prelabel.datasets.arrays import Float64s

QUANTILE, PART = 0.9, 0.5
SAMPLE = 256

_AT_ONCE = 64  # places taken from the order and compared together
_PATIENCE = 2000  # places held back in a row, at least, before the order is held to have no others

_SHARE_NOTE = "much of its recording is in the batch already"
_ALIKE_NOTE = "like a chosen or labelled picture, but no unlike one is left"


@dataclass(frozen=True, slots=True)
class Apart:
    """The order of another selector without what is like a labelled, taken or earlier frame.

    - No embedding closer than `alike_within` the pool to one of these, and no exact duplicate.
    - No two frames of a recording less than `gap` indices apart.
    - Of one recording at most `share` of the batch, or an even part where recordings are few.

    Frames held back come after all others instead of never: first those of recordings that have
    their share, then the rest. They are told so. An order that gave only such frames 2000 times in
    a row, or 10 times the batch, is held to have no others. Without embeddings or recordings those
    rules are silent; where labelled frames stand in a recording is not known here.
    """

    of: Selector
    gap: int = 5
    share: float = 0.2

    @property
    def name(self) -> str:
        return f"{self.of.name}_apart"

    @property
    def needs(self) -> frozenset[Need]:
        return self.of.needs | {Need.EMBEDDINGS}

    def order(self, task: Task, rng: np.random.Generator) -> Iterator[Place]:
        rest: Iterator[Place] = iter(self.of.order(task, rng))
        chosen = _Chosen(task, self.gap, self.share)
        patience = max(_PATIENCE, 10 * task.frames)
        for keeps_share, note in ((True, ""), (False, _SHARE_NOTE)):
            held: list[Place] = []
            for place in _unlike(rest, chosen, keeps_share, held, patience):
                yield replace(place, note=_joined(place.note, note))
            rest = chain(held, rest)
        for place in rest:
            yield replace(place, note=_joined(place.note, _ALIKE_NOTE))


def alike_within(pool: Pool) -> float:
    """The distance up to which two pictures of a pool count as alike; 0 without embeddings.

    Half the 90 % quantile of the distances of 256 fairly drawn frames to their nearest others:
    up to nine tenths of a pool may be near-duplicates and it still tells how far apart others are.
    """
    if not pool.embeddings.shape[1] or len(pool) < 2:
        return 0.0
    sample = fair_sample(pool.frame_ids, np.arange(len(pool)), SAMPLE)
    nearest = neighbour_distances(pool.embeddings[sample], sample, pool.embeddings)
    return PART * float(np.quantile(nearest, QUANTILE))


class _Chosen:
    """What is labelled, taken or chosen so far, and whether a frame is like any of it."""

    def __init__(self, task: Task, gap: int, share: float) -> None:
        pool = task.pool
        self._has_vectors = bool(pool.embeddings.shape[1])
        if self._has_vectors:
            check_embeddings(pool, "apart")
        self._vectors, self._recordings = pool.embeddings, pool.recordings
        self._fixed = task.known() if self._has_vectors else pool.embeddings[:0]
        self._picked = pool.embeddings[:0]
        self._within = alike_within(pool)
        self._gap = gap
        self._indices: defaultdict[int, list[int]] = defaultdict(list)
        self._counts: Counter[int] = Counter()
        named = np.unique(self._recordings.sequence)
        alone = int((self._recordings.sequence < 0).sum())
        even = 1 / max(int((named >= 0).sum()) + alone, 1)
        self._most = max(ceil(max(share, even) * (task.frames + len(task.taken))), 1)
        for row in task.taken.tolist():
            self.note_recording(row)

    def distances(self, rows: list[int]) -> Float64s:
        """How far each of these frames lies from the nearest known one; infinite without any."""
        nearest = np.full(len(rows), np.inf)
        for known in (self._fixed, self._picked):
            if len(known):
                away = distance_to_nearest(self._vectors[rows], known)
                np.minimum(nearest, away, out=nearest)
        return nearest

    def between(self, rows: list[int], row: int) -> Float64s:
        """How far each of these frames lies from one; infinite without embeddings."""
        if not self._has_vectors:
            return np.full(len(rows), np.inf)
        away = self._vectors[rows] - self._vectors[row]
        return np.asarray(np.linalg.norm(away, axis=1), np.float64)

    def objects(self, row: int, distance: float, keeps_share: bool) -> bool:
        """Whether a frame is like a known one, or its recording has its share."""
        sequence, index = self._place(row)
        if distance <= self._within:
            return True
        if sequence < 0:
            return False
        near = self._indices[sequence]
        at = bisect_left(near, index - self._gap + 1)
        if at < len(near) and near[at] < index + self._gap:
            return True
        return keeps_share and self._counts[sequence] >= self._most

    def add(self, rows: list[int]) -> None:
        """Remember what frames that are chosen now look like."""
        if rows and self._has_vectors:
            self._picked = np.concatenate([self._picked, self._vectors[rows]])

    def note_recording(self, row: int) -> None:
        """Remember where in its recording a chosen frame stands."""
        sequence, index = self._place(row)
        if sequence >= 0:
            insort(self._indices[sequence], index)
            self._counts[sequence] += 1

    def _place(self, row: int) -> tuple[int, int]:
        return int(self._recordings.sequence[row]), int(self._recordings.index[row])


def _unlike(
    places: Iterable[Place], chosen: _Chosen, keeps_share: bool, held: list[Place], patience: int
) -> Iterator[Place]:
    """Places that nothing is objected to; the others are `held`, until patience ends."""
    source, in_a_row = iter(places), 0
    while in_a_row < patience and (block := list(islice(source, _AT_ONCE))):
        rows = [one.row for one in block]
        distances = chosen.distances(rows)
        accepted: list[int] = []
        for number, place in enumerate(block):
            if chosen.objects(place.row, float(distances[number]), keeps_share):
                held.append(place)
                in_a_row += 1
                continue
            in_a_row = 0
            accepted.append(place.row)
            chosen.note_recording(place.row)
            np.minimum(distances, chosen.between(rows, place.row), out=distances)
            yield place
        chosen.add(accepted)


def _joined(first: str, second: str) -> str:
    return f"{first}; {second}" if first and second else first or second
