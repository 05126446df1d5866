"""Labels of every class, those of few labels first, for the fewest seconds."""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np

from prelabel.active.budgets import Budget, Unit
from prelabel.active.expected_objects import expected_objects, known_objects
from prelabel.active.pool import Need, Pool, Rows
from prelabel.active.selectors import Place, Task, top
from prelabel.datasets.arrays import Float64s

STEEPNESS = 0.5
HEAD_START = 5.0  # objects that a class counts as having before there are any
_LEAST_PRICE = 1e-6
_SECONDS_AN_HOUR = 3600
_TOLD, _LEAST_TOLD = 2, 0.1  # classes named in a reason, and what share each has in the gain
_AT_ONCE = 64  # frames evaluated anew together


@dataclass(frozen=True, slots=True)
class ClassGrowth:
    """The steepest fall of what all classes still have to learn, per foretold second.

    What a detector gets wrong of a class falls with its labels as a power law (Hestness et al.,
    "Deep learning scaling is predictable, empirically", 2017), so labels of a class with few teach
    most. Chosen is greedily, by gain over foretold seconds of

        F(S) = - sum over classes c of (K_c + sum over i in S of ln(1 + e_ic)) ^ -steepness,

    K_c being the labelled objects of the class and 5 more, e_ic the objects of it that frame i is
    expected to show (`expected_objects`), found or missed. The logarithm is for objects on one
    frame, which are like each other. F is submodular: a frame's last gain is an upper bound, and it
    is evaluated anew only when that is the highest of all (Minoux, 1978). The seconds count under
    budgets of boxes and frames too. The value of a frame is its gain per foretold hour when it was
    chosen; those of a score have no part in it.
    """

    steepness: float = STEEPNESS
    name: str = "class_growth"
    needs: frozenset[Need] = frozenset({Need.EVIDENCE})

    def order(self, task: Task, rng: np.random.Generator) -> Iterator[Place]:
        pool = task.pool
        objects = expected_objects(pool)
        labelled = known_objects(pool)
        growth = _Growth(self.steepness, np.log1p(objects), labelled + HEAD_START)
        seconds = np.maximum(Budget(0, Unit.SECONDS).prices(pool), _LEAST_PRICE)
        for row in task.taken.tolist():
            growth.choose(row)
        lots = top(np.zeros(len(pool)), pool.frame_ids, len(pool), rng)
        free = lots[~np.isin(lots, task.taken)]
        queue = _Queue(growth, free, seconds[free])
        while (best := queue.pop()) is not None:
            row, gain = best
            reason = _reason(pool, objects[row], growth.by_class(row), labelled)
            note = f"about {seconds[row]:.0f} s"
            yield Place(row, reason, note, value=gain * _SECONDS_AN_HOUR)
            growth.choose(row)


class _Queue:
    """Rows by what they add for their price; the last gain of a row bounds its next one."""

    def __init__(self, growth: "_Growth", rows: Rows, prices: Float64s) -> None:
        self._growth, self._rows, self._prices = growth, rows, prices
        bounds = growth.gains(rows) / prices
        self._heap = [(-bound, place, 0) for place, bound in enumerate(bounds.tolist())]
        heapify(self._heap)
        self._popped = 0

    def pop(self) -> tuple[int, float] | None:
        """The row that adds most for its price now, and how much; None where none is left."""
        while self._heap:
            if self._heap[0][2] == self._popped:
                bound, place, _ = heappop(self._heap)
                self._popped += 1
                return int(self._rows[place]), -bound
            self._refresh()
        return None

    def _refresh(self) -> None:
        """Evaluate anew the rows at the top whose gains are old."""
        old: list[int] = []
        while self._heap and self._heap[0][2] < self._popped and len(old) < _AT_ONCE:
            old.append(heappop(self._heap)[1])
        gains = self._growth.gains(self._rows[old]) / self._prices[old]
        for place, gain in zip(old, gains.tolist(), strict=True):
            heappush(self._heap, (-gain, place, self._popped))


class _Growth:
    """F of a growing batch; `known` (C,) are the labels of each class, those of the batch too."""

    def __init__(self, steepness: float, more: Float64s, known: Float64s) -> None:
        self._steepness, self._more, self._known = steepness, more, known.copy()

    def by_class(self, row: int) -> Float64s:
        """What a frame adds to each class, (C,)."""
        return self._fall(self._more[row])

    def gains(self, rows: Rows) -> Float64s:
        """What each of these frames adds, (k,)."""
        return np.asarray(self._fall(self._more[rows]).sum(axis=1), np.float64)

    def choose(self, row: int) -> None:
        """Add a frame to the batch."""
        self._known += self._more[row]

    def _fall(self, more: Float64s) -> Float64s:
        before, after = self._known**-self._steepness, (self._known + more) ** -self._steepness
        return np.asarray(before - after, np.float64)


def _reason(pool: Pool, objects: Float64s, gains: Float64s, labelled: Float64s) -> str:
    """For which classes a frame is worth most, of how many labels they have."""
    best = np.argsort(-gains, kind="stable")[:_TOLD]
    named = [
        f"{pool.class_name(class_id)} ({labelled[class_id]:.0f} labelled so far), about "
        f"{objects[class_id]:.1f} expected here"
        for class_id in best.tolist()
        if gains[class_id] >= _LEAST_TOLD * gains.sum()
    ]
    return f"for {'; '.join(named)}"
