"""The selector that gets the most for people's seconds."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from prelabel.active.budgets import Budget, Unit
from prelabel.active.coverage import Coverage, Purse, best_cover, lazy_greedy
from prelabel.active.novelty import check_embeddings
from prelabel.active.pool import Need, Rows
from prelabel.active.scoring import StrategyError
from prelabel.active.selectors import Place, Task, top
from prelabel.datasets.arrays import Float32s, Float64s

CANDIDATES = 6144  # their similarities take 150 MB
_SAMPLED = 3  # one candidate in so many is drawn from the whole pool, not from the strongest
_PART_OF_CANDIDATES = 4  # a batch takes at most one in so many before candidates are drawn anew
_LEAST_PRICE = 1e-6


@dataclass(frozen=True, slots=True)
class PerSecond:
    """The most value covered for the seconds that labelling is foretold to take.

    A frame is worth what it covers: its value, and that of frames like it, as far as no labelled or
    chosen frame covers them (`coverage`). Chosen is greedily by worth per foretold second, until
    the budget is spent; under a budget of seconds, boxes and frames alike. Under one of seconds the
    batch is that of greed by worth alone where this covers more (`coverage.best_cover`). What is
    left follows by value per second, and without embeddings everything does.

    Of pools above `candidates` frames the strongest per second and a sample of the others are
    compared. Values must be at least 0, 0 for a useless frame: shifted ones would make a frame of
    no use worth its seconds. Where all are 0, coverage alone counts. Raises StrategyError where a
    value is below 0.
    """

    candidates: int = CANDIDATES
    name: str = "per_second"
    needs: frozenset[Need] = frozenset({Need.EMBEDDINGS})

    def order(self, task: Task, rng: np.random.Generator) -> Iterator[Place]:
        pool = task.pool
        if len(pool) and task.values.min() < 0:
            raise StrategyError(
                f"selector {self.name} divides values by seconds, so they must be at least 0, but "
                f"one is {task.values.min():.3g}; choose another score for it"
            )
        seconds = np.maximum(Budget(0, Unit.SECONDS).prices(pool), _LEAST_PRICE)
        ranked = _without(top(task.values / seconds, pool.frame_ids, len(pool), rng), task.taken)
        if pool.embeddings.shape[1]:
            check_embeddings(pool, self.name)
            for rows in self._parts(task, seconds, ranked):
                yield from (_place(row, seconds) for row in rows.tolist())
                ranked = _without(ranked, rows)
        yield from (_place(row, seconds) for row in ranked.tolist())

    def _parts(self, task: Task, seconds: Float64s, ranked: Rows) -> Iterator[Rows]:
        """The batch, in as many parts as it takes to draw candidates."""
        known = task.known()
        left = task.budget.amount
        while len(ranked):
            rows = self._candidates(ranked)
            is_whole = len(rows) == len(ranked)
            most = len(rows) if is_whole else max(len(rows) // _PART_OF_CANDIDATES, 1)
            coverage = _coverage(task, rows, known)
            purse = Purse(np.maximum(task.prices[rows], _LEAST_PRICE), left)
            if task.budget.unit is Unit.SECONDS:
                points = best_cover(coverage, purse, most)
            else:
                order = lazy_greedy(coverage, seconds[rows], purse)
                points = [point for point, _ in islice(order, most)]
            part = rows[np.array(points, np.intp)]
            yield part
            if is_whole or len(part) < most:
                return
            left -= float(task.prices[part].sum())
            known = np.concatenate([known, task.pool.embeddings[part]])
            ranked = _without(ranked, part)

    def _candidates(self, ranked: Rows) -> Rows:
        """The strongest, and every so manieth of the others; in the order of `ranked`."""
        if len(ranked) <= self.candidates:
            return ranked
        sampled = self.candidates // _SAMPLED
        strongest = self.candidates - sampled
        others = ranked[strongest:]
        return np.concatenate(
            [ranked[:strongest], others[np.arange(sampled) * len(others) // max(sampled, 1)]]
        )


def _coverage(task: Task, rows: Rows, known: Float32s) -> Coverage:
    values = task.values[rows] if task.values[rows].any() else np.ones(len(rows))
    return Coverage.of(task.pool.embeddings[rows], values, known)


def _place(row: int, seconds: Float64s) -> Place:
    return Place(row, note=f"about {seconds[row]:.0f} s")


def _without(rows: Rows, gone: Rows) -> Rows:
    return rows[~np.isin(rows, gone)]
