"""PAL: a budget for each class, more of it for rare ones, spent where boxes may be false."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from prelabel.active.box_table import BoxTable
from prelabel.active.guide import Guide, class_budgets, rarities
from prelabel.active.lius import LIUS_COLUMNS, true_box_models
from prelabel.active.pool import Need, Pool, Rows
from prelabel.active.presence import SEEN_FROM, Presence, classes_seen
from prelabel.active.regression import binary_entropy
from prelabel.active.selectors import Place, Task, top
from prelabel.datasets.arrays import Float64s, Int64s

LOOKED_AT_TWICE = 2  # times the budget of a class


@dataclass(frozen=True, slots=True)
class PalOrder:
    """The order of PAL, "Portable Active Learning" (CVPR 2026, arXiv 2605.10349).

    Every class c has a budget b_c by its rarity (`guide.class_budgets`). Of the frames on which it
    is seen, the 2 b_c of highest LIUS (the highest of the frame's boxes of that class) are looked
    at a second time, and the b_c of highest `Guide.score` are chosen. Only boxes of at least
    `score_min` count. A frame may be chosen for several classes and comes once; what that leaves
    of the budget, and frames beyond it, go by value, without respect to classes. Classes take
    turns in proportion to their budgets, so that a batch which ends early has its share of each.
    """

    score_min: float = SEEN_FROM
    name: str = "pal"
    needs: frozenset[Need] = frozenset({Need.EVIDENCE, Need.EMBEDDINGS})

    def order(self, task: Task, rng: np.random.Generator) -> Iterator[Place]:
        pool = task.pool
        lot = np.empty(len(pool), np.intp)
        lot[top(np.zeros(len(pool)), pool.frame_ids, len(pool), rng)] = np.arange(len(pool))
        seen = self._seen(pool).without(task.taken)
        budgets = class_budgets(task.frames, rarities(pool, seen), seen.frames)
        gone = set(task.taken.tolist())
        for row, class_id, value in self._by_class(pool, seen, budgets, lot):
            if row not in gone:
                gone.add(row)
                yield Place(row, _remark(pool, seen, class_id, value))
        for row in np.lexsort((lot, -task.values)).tolist():
            if row not in gone:
                yield Place(row)

    def _seen(self, pool: Pool) -> Presence:
        model_for = true_box_models(pool.evidence)

        def lius(table: BoxTable) -> Float64s:
            return binary_entropy(model_for(table).of_boxes(table))

        return classes_seen(pool, self.score_min, LIUS_COLUMNS, lius)

    def _by_class(
        self, pool: Pool, seen: Presence, budgets: Int64s, lot: Rows
    ) -> list[tuple[int, int, float]]:
        """Frame, class and LIUS of what the budgets buy, classes in turn."""
        looked_at = {
            class_id: _highest(seen, class_id, LOOKED_AT_TWICE * int(budgets[class_id]), lot)
            for class_id in np.flatnonzero(budgets).tolist()
        }
        rows = np.concatenate([np.zeros(0, np.intp), *(seen.row[k] for k in looked_at.values())])
        guide = Guide.of(pool, seen, rows, self.score_min)
        frames = seen.frames
        chosen = []
        for class_id, pairs in looked_at.items():
            score = guide.score(seen.row[pairs], seen.value[pairs])
            budget = int(budgets[class_id])
            best = pairs[np.lexsort((lot[seen.row[pairs]], -score))[:budget]]
            for rank, pair in enumerate(best.tolist()):
                turn = ((rank + 0.5) / budget, int(frames[class_id]))  # the rarer class first
                chosen.append((turn, class_id, int(seen.row[pair]), float(seen.value[pair])))
        return [(row, class_id, value) for _, class_id, row, value in sorted(chosen)]


def _highest(seen: Presence, class_id: int, count: int, lot: Rows) -> Rows:
    """Pairs of the class, highest value first."""
    own = np.flatnonzero(seen.class_id == class_id)
    return own[np.lexsort((lot[seen.row[own]], -seen.value[own]))[:count]]


def _remark(pool: Pool, seen: Presence, class_id: int, value: float) -> str:
    share = seen.boxes[class_id] / seen.boxes.sum()
    doubt = value / float(np.log(2))
    return (
        f"chosen for {pool.class_name(class_id)}, {share:.0%} of the boxes found: one may be real "
        f"or not, doubt {doubt:.2f} of 1"
    )
