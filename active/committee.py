"""Where several detectors disagree."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prelabel.active.box_table import BoxTable, Column
from prelabel.active.matching import LOCATED_IOU
from prelabel.active.pairing import partners
from prelabel.active.pool import Need, Pool, Rows
from prelabel.active.scores import Measure, PoolBoxes, box_values
from prelabel.active.scoring import Scored, StrategyError
from prelabel.active.side_by_side import side_by_side
from prelabel.datasets.arrays import Bools, Float64s

_COLUMNS = (Column.XYXY, Column.CLASS_PROBS, Column.CLASS_PEAK)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Mutual information of what detectors say of a box, and how many of them do not find it.

    Members are the detector of the pool and those of its committee, such as earlier checkpoints.
    A box of one member belongs to the box of another that overlaps it most, from an IoU of 0.5; a
    member without one says "nothing there". Its value is H(mean of the distributions) - mean of
    their entropies, in nats (Haussmann et al., "Scalable active learning for object detection",
    IV 2020), plus its score times the share of members without it. A frame has the sum over the
    boxes of all members, divided by their number, so that a box which all find counts once.

    Raises StrategyError for a pool without a committee.
    """

    name: str = "committee"
    needs: frozenset[Need] = frozenset({Need.COMMITTEE})

    def of(self, pool: Pool) -> Scored:
        if not pool.committee and len(pool):
            raise StrategyError(
                f"strategy {self.name} compares detectors, but there is only one; predict with "
                "another checkpoint too, or choose another strategy"
            )
        values, alone = np.zeros(len(pool)), np.zeros(len(pool))
        for rows, members in side_by_side((pool.boxes, *pool.committee), _COLUMNS):
            values[rows], alone[rows] = _of_members(members)
        count = 1 + len(pool.committee)

        def reasons(rows: Rows) -> list[str]:
            return [
                f"{count} detectors disagree by {values[row]:.2f}; boxes that one of them does not "
                f"find: {alone[row]:.0f}"
                for row in rows
            ]

        return Scored(values, reasons)


def box_disagreement(members: Sequence[BoxTable], of: int) -> tuple[Float64s, Float64s]:
    """Mutual information of each box of member `of`, and the share of members without it; (m,)."""
    own = members[of]
    said = [_distributions(own)]
    missing = np.zeros(len(own.score))
    for number, other in enumerate(members):
        if number != of:
            found = partners(own, other)
            is_found = found.iou >= LOCATED_IOU
            said.append(_said_by(other, found.row, is_found, said[0].shape[1]))
            missing += ~is_found
    mean = np.mean(said, axis=0)
    of_each = np.mean([box_values(one, Measure.ENTROPY) for one in said], axis=0)
    information = (box_values(mean, Measure.ENTROPY) - of_each).clip(min=0)
    return information, missing / len(members)


def _of_members(members: Sequence[BoxTable]) -> tuple[Float64s, Float64s]:
    values, alone = np.zeros(members[0].frame_count), np.zeros(members[0].frame_count)
    for number, own in enumerate(members):
        information, missing = box_disagreement(members, number)
        of_box = information + own.score * missing
        values += np.bincount(own.owner, of_box, own.frame_count)
        alone += np.bincount(own.owner, missing > 0, own.frame_count)
    return values / len(members), alone


def _said_by(table: BoxTable, rows: Rows, is_found: Bools, width: int) -> Float64s:
    """The distributions of these boxes, "nothing there" where none was found."""
    said = np.zeros((len(rows), width))
    said[:, 0] = 1
    if is_found.any():
        said[is_found] = _distributions(table)[rows[is_found]]
    return said


def _distributions(table: BoxTable) -> Float64s:
    boxes = PoolBoxes.of(table)
    return boxes.distribution[boxes.real]
