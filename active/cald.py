"""How much a detector's boxes change when the picture does."""

from dataclasses import dataclass

import numpy as np

from prelabel.active.box_table import BoxTable, Column
from prelabel.active.pairing import NO_PARTNER, partners
from prelabel.active.pool import Need, Pool, Rows
from prelabel.active.scores import PoolBoxes
from prelabel.active.scoring import Scored, StrategyError
from prelabel.active.side_by_side import side_by_side
from prelabel.datasets.arrays import Float64s

BASE_POINT = 1.3

_COLUMNS = (Column.XYXY, Column.CLASS_PROBS, Column.CLASS_PEAK)


@dataclass(frozen=True, slots=True)
class Consistency:
    """How near the least steady box of a frame comes to a middling steadiness (CALD).

    For every box and every changed picture, m = IoU + (1 - JS) (p + p') / 2 with the box of the
    changed picture that overlaps it most: JS the Jensen-Shannon divergence of their distributions
    (to base 2, so 0 to 1), p and p' their scores; 0 where nothing overlaps it. The value is
    -mean over pictures of min over boxes |m - 1.3|: boxes that are perfectly steady (m = 2) and
    hopeless ones (m = 0) teach less than those between. Yu et al., "Consistency-based active
    learning for object detection", CVPR-W 2022.

    The released code gives frames without boxes 0, the highest value there is. Here such a frame
    counts as a box of its best candidate p that nothing overlaps, m = (p + p') / 2, p' the best
    candidate on the changed picture. Raises StrategyError for a pool without changed pictures.
    """

    base_point: float = BASE_POINT
    name: str = "cald"
    needs: frozenset[Need] = frozenset({Need.VIEWS})

    def of(self, pool: Pool) -> Scored:
        if not pool.views and len(pool):
            raise StrategyError(
                f"strategy {self.name} compares predictions of changed pictures, but there are "
                "none; predict them too, or choose another strategy"
            )
        values, least = np.zeros(len(pool)), np.zeros(len(pool))
        for rows, (own, *views) in side_by_side((pool.boxes, *pool.views), _COLUMNS):
            steadiness = np.stack([_nearest(own, view, self.base_point) for view in views])
            values[rows] = -np.abs(steadiness - self.base_point).mean(axis=0)
            least[rows] = steadiness.min(axis=0)

        def reasons(rows: Rows) -> list[str]:
            return [
                "boxes change when the picture is mirrored or made smaller: steadiness "
                f"{least[row]:.2f} of 2, most telling at {self.base_point:g}"
                for row in rows
            ]

        return Scored(values, reasons)


def box_steadiness(own: BoxTable, view: BoxTable) -> Float64s:
    """m of each box of `own`, (m,) in 0 to 2."""
    found = partners(own, view)
    paired = np.flatnonzero(found.row != NO_PARTNER)
    steadiness = np.zeros(len(own.score))
    if len(paired):
        others = found.row[paired]
        unlike = _divergence(_distributions(own)[paired], _distributions(view)[others])
        scores = own.score[paired].astype(np.float64) + view.score[others]
        steadiness[paired] = found.iou[paired] + (1 - unlike) * scores / 2
    return steadiness


def _nearest(own: BoxTable, view: BoxTable, base_point: float) -> Float64s:
    """The steadiness of each frame's box that comes nearest to the base point, (n,)."""
    steadiness = box_steadiness(own, view)
    order = np.lexsort((np.abs(steadiness - base_point), own.owner))
    nearest = (_best_candidates(own) + _best_candidates(view)) / 2
    has_boxes = own.counts > 0
    nearest[has_boxes] = steadiness[order[own.start[:-1][has_boxes]]]
    return nearest


def _best_candidates(table: BoxTable) -> Float64s:
    """The score of each frame's best box, or of its best candidate where it has none, (n,)."""
    best = np.zeros(table.frame_count)
    if table.class_peak is not None and table.class_peak.shape[1]:
        best = np.nan_to_num(table.class_peak.max(axis=1)).astype(np.float64)
    has_boxes = table.counts > 0
    best[has_boxes] = table.score[table.start[:-1][has_boxes]]
    return best


def _distributions(table: BoxTable) -> Float64s:
    boxes = PoolBoxes.of(table)
    return boxes.distribution[boxes.real]


def _divergence(one: Float64s, other: Float64s) -> Float64s:
    """Jensen-Shannon divergence of rows, to base 2, (m,) in 0 to 1."""
    middle = (one + other) / 2

    def towards_middle(rows: Float64s) -> Float64s:
        ratio = np.divide(rows, middle, out=np.ones_like(rows), where=rows > 0)
        return np.asarray((rows * np.log2(ratio)).sum(axis=1), np.float64)

    return ((towards_middle(one) + towards_middle(other)) / 2).clip(0, 1)
