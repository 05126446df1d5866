"""The port of selectors: from values to an order in which frames are chosen.

The order of a pool has no influence on which frames come.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from prelabel.active.budgets import Budget
from prelabel.active.k_center import Indices, by_id, furthest_first
from prelabel.active.novelty import check_embeddings
from prelabel.active.pool import Need, Pool, Rows
from prelabel.active.reasons import FIRST_REASON, distance_reason
from prelabel.active.scoring import NO_NEEDS
from prelabel.datasets.arrays import Float32s, Float64s

PATIENCE = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What is to be ordered: a pool with a value a frame, (n,).

    The order is cut off where `budget` is spent; `prices` (n,), above 0, are what each frame takes
    of it. Frames in `taken` are in the batch already and must not come.
    """

    pool: Pool
    values: Float64s
    taken: Rows
    prices: Float64s
    budget: Budget

    @classmethod
    def of(cls, pool: Pool, values: Float64s, budget: Budget, taken: Rows) -> "Task":
        """The task of choosing for a budget."""
        return cls(pool, values, taken, budget.prices(pool), budget)

    @property
    def frames(self) -> int:
        """About how many frames are wanted."""
        return self.budget.about_frames(self.prices)

    def free(self) -> Rows:
        """The rows that may come, rising."""
        is_free = np.ones(len(self.pool), np.bool_)
        is_free[self.taken] = False
        return np.flatnonzero(is_free)

    def known(self) -> Float32s:
        """Embeddings of the frames that are labelled or in the batch already, (m, d)."""
        width = self.pool.embeddings.shape[1]
        labelled = self.pool.labelled_embeddings.reshape(-1, width)
        return np.concatenate([labelled, self.pool.embeddings[self.taken]])


@dataclass(frozen=True, slots=True)
class Place:
    """The next frame of an order.

    `remark` is what the selector saw in it, told instead of the score's reason; `note` is told
    after either. Both may be empty. `value` stands instead of the score's, where there is one.
    """

    row: int
    remark: str = ""
    note: str = ""
    value: float | None = None

    def reason(self, of_score: str) -> str:
        """Why the frame was chosen, in one line."""
        told = self.remark or of_score
        return f"{told}; {self.note}" if self.note else told


class Selector(Protocol):
    """A way to order frames, best first, each once; randomness comes from `rng` alone."""

    @property
    def name(self) -> str: ...

    @property
    def needs(self) -> frozenset[Need]:
        """What the pool must hold beside boxes and costs."""
        ...

    def order(self, task: Task, rng: np.random.Generator) -> Iterator[Place]:
        """Every free frame, until nobody asks for more."""
        ...


@dataclass(frozen=True, slots=True)
class Top:
    """By value alone; ties fall by lot."""

    name: str = "top"
    needs: frozenset[Need] = NO_NEEDS

    def order(self, task: Task, rng: np.random.Generator) -> Iterator[Place]:
        ranked = top(task.values, task.pool.frame_ids, len(task.pool), rng)
        taken = set(task.taken.tolist())
        return (Place(row) for row in ranked.tolist() if row not in taken)


@dataclass(frozen=True, slots=True)
class KCenter:
    """Furthest first by frame embedding, whatever the values are (`k_center.furthest_first`)."""

    name: str = "kcenter"
    needs: frozenset[Need] = frozenset({Need.EMBEDDINGS})

    def order(self, task: Task, rng: np.random.Generator) -> Iterator[Place]:
        pool, taken = task.pool, task.taken
        check_embeddings(pool, self.name)
        known = len(pool.labelled_embeddings) + len(taken)
        typical = float(np.median(task.values)) if len(pool) else 0.0
        order = furthest_first(pool.embeddings, pool.labelled_embeddings, pool.frame_ids, taken)
        for turn, (row, distance) in enumerate(order):
            is_first = turn == 0 and not known
            yield Place(row, FIRST_REASON if is_first else distance_reason(distance, typical))


def top(
    values: Float64s, frame_ids: Sequence[str], count: int, rng: np.random.Generator
) -> Indices:
    """The `count` frames of highest value, best first; ties fall by lot.

    The lot is drawn for the ids in their order, so that the same frames win in any pool order.
    """
    order = by_id(frame_ids)
    lot = np.empty(len(order), np.intp)
    lot[order] = rng.permutation(len(order))
    return np.lexsort((lot, -values))[:count]


def affordable(order: Iterable[Place], prices: Float64s, amount: float) -> Iterator[Place]:
    """The places of an order that can be paid one after the other; what is too dear is passed by.

    Ends when not even the cheapest frame could be paid, or when `PATIENCE` frames in a row were
    too dear: some orders are costly to go on with.
    """
    if not len(prices):
        return
    cheapest = prices.min()
    left = amount + 1e-9 * amount  # sums of seconds round
    if left < cheapest:
        return
    passed = 0
    for place in order:
        if prices[place.row] <= left:
            passed, left = 0, left - prices[place.row]
            yield place
            if left < cheapest:
                return
        else:
            passed += 1
            if passed == PATIENCE:
                return
