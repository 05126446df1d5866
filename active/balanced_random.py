"""Random frames, with rare classes as often as common ones."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from prelabel.active.pool import Need, Pool, Rows
from prelabel.active.presence import SEEN_FROM, Presence, classes_seen
from prelabel.active.scoring import NO_NEEDS
from prelabel.active.selectors import Place, Task, top


@dataclass(frozen=True, slots=True)
class BalancedRandom:
    """A class is drawn in inverse proportion to the frames it is seen on, then one of these frames.

    The strong baseline that a strategy has to beat. A class is seen where a box of at least
    `score_min` says so; frames on which none is seen count as a class of their own, as frequent as
    they are, so that they come up too.
    """

    score_min: float = SEEN_FROM
    name: str = "balanced_random"
    needs: frozenset[Need] = NO_NEEDS

    def order(self, task: Task, rng: np.random.Generator) -> Iterator[Place]:
        pool = task.pool
        seen = classes_seen(pool, self.score_min)
        lots = top(np.zeros(len(pool)), pool.frame_ids, len(pool), rng)
        groups = _groups(seen, lots)
        chance = np.array([0.0 if not len(one) else 1 / len(one) for one in groups])
        is_gone = np.zeros(len(pool), np.bool_)
        is_gone[task.taken] = True
        waiting = [iter(one.tolist()) for one in groups]
        while chance.any():
            group = int(rng.choice(len(groups), p=chance / chance.sum()))
            row = next((one for one in waiting[group] if not is_gone[one]), None)
            if row is None:
                chance[group] = 0
                continue
            is_gone[row] = True
            yield Place(row, _remark(pool, group, len(groups[group])))


def _groups(seen: Presence, lots: Rows) -> list[Rows]:
    """Frames of each class, and last those on which none is seen, each in the order of lots."""
    place = np.empty(len(lots), np.intp)
    place[lots] = np.arange(len(lots))
    by_class = [seen.row[seen.class_id == number] for number in range(seen.class_count)]
    nothing = np.setdiff1d(lots, seen.row)
    return [lots[np.sort(place[rows])] for rows in (*by_class, nothing)]


def _remark(pool: Pool, group: int, frames: int) -> str:
    share = f"{frames / len(pool):.0%} of the pool"
    if frames and group < len(pool.classes):
        return f"drawn at random among pictures that seem to show {pool.class_name(group)}, {share}"
    return f"drawn at random among a part of the pool, {share}"
