"""The order in which rules for boxes are tested: from the one with most evidence to looser ones.

A rule has two sides: the probability from which a box is sure, and how many sure boxes of one frame
are accepted. The second decides how much a single frame can spoil: what is promised must hold out
against frames on which everything is wrong at once, and evidence grows with the boxes that a frame
usually brings over the most that it may. So a rule that takes few boxes of each frame is proven
with far fewer checks than one that takes all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prelabel.active.acceptance import BoxLimit, Group, Rule, sure_boxes
from prelabel.active.checks import Judged
from prelabel.active.promise_tests import foretold_growth

PROBABILITIES = (
    *(0.999, 0.998, 0.997, 0.995, 0.993, 0.99, 0.985, 0.98, 0.97, 0.96, 0.95, 0.93, 0.9),
    *(0.85, 0.8, 0.7, 0.6, 0.5),
)
MOST_OF_A_FRAME = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 32, 40, 50)
PRIOR_BOXES = 20  # that count as much as what the probabilities say: they are dull at the top


def box_limits(fit: Judged, group: Group, share: float) -> list[BoxLimit]:
    """The limits for boxes of a class, or of all, in the order in which they are tested.

    It begins where the evidence that at most `share` of the accepted boxes is wrong is foretold to
    grow fastest. Each further one accepts all that the one before does, and more; of the two ways
    to loosen it, more boxes of a frame or less probable ones, that with more evidence comes first.
    """
    most = _most_allowed(fit, group)
    growth = np.array(
        [[_foretold(fit, group, BoxLimit(p, k), share) for k in most] for p in PROBABILITIES]
    )
    row, column = (int(one) for one in np.unravel_index(np.argmax(growth), growth.shape))
    limits = [BoxLimit(PROBABILITIES[row], most[column])]
    last_row, last_column = len(PROBABILITIES) - 1, len(most) - 1
    while (row, column) != (last_row, last_column):
        if row == last_row:
            column += 1
        elif column == last_column or growth[row + 1, column] >= growth[row, column + 1]:
            row += 1
        else:
            column += 1
        limits.append(BoxLimit(PROBABILITIES[row], most[column]))
    return limits


@dataclass(frozen=True, slots=True)
class Path:
    """The limits of each group in their order; all groups together are loosened stage by stage."""

    limits: dict[Group, Sequence[BoxLimit]]

    @property
    def stages(self) -> int:
        return max(len(one) for one in self.limits.values())

    def at(self, stage: int) -> Rule:
        """The rule of a stage; a group whose limits are at their end stays there."""
        return Rule({group: one[min(stage, len(one) - 1)] for group, one in self.limits.items()})

    def reached(self, last_kept: dict[Group, int | None]) -> int:
        """The last stage all of whose limits were kept; -1 where there is none."""
        kept = {group: -1 if last is None else last for group, last in last_kept.items()}
        ends = [
            self.stages - 1 if kept[group] == len(one) - 1 else kept[group]
            for group, one in self.limits.items()
        ]
        return min(ends)


def _most_allowed(fit: Judged, group: Group) -> Sequence[int]:
    table = fit.checks.boxes
    every = sure_boxes(table, fit.probability, Rule({group: BoxLimit(0.0, len(table.score) + 1)}))
    largest = int(np.bincount(table.owner, every, table.frame_count).max(initial=0))
    enough = next((k for k in MOST_OF_A_FRAME if k >= largest), MOST_OF_A_FRAME[-1])
    return [k for k in MOST_OF_A_FRAME if k <= enough]


def _foretold(fit: Judged, group: Group, limit: BoxLimit, share: float) -> float:
    """Growth of the evidence in nats a frame."""
    checks = fit.checks
    sure = sure_boxes(checks.boxes, fit.probability, Rule({group: limit}))
    accepted = checks.in_each_frame(sure).astype(np.float64)
    foretold = PRIOR_BOXES * float((1 - fit.probability[sure]).mean()) if sure.any() else 0.0
    rate = ((sure & ~checks.right).sum() + foretold) / (sure.sum() + PRIOR_BOXES)
    return foretold_growth(rate * accepted, accepted, share, limit.most)
