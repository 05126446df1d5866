"""Which boxes on overlapping tiles are of one object, and which of them shows it best."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.arrays import Bools, Float64s, Int64s
from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid
from prelabel.datasets.lidar.cuboids import Cuboids, shared_ground_m2

_SAME_PLACE = 0.5  # overlap seen from above from which two boxes are of one object
_PART = 0.5  # so much of what a border cut off lies in the box that shows the object whole
_CUT_M = 0.3  # what ends so near to the border of its tile may go on beyond it


@dataclass(frozen=True, slots=True, eq=False)
class TileBoxes:
    """n boxes on the tiles of one sweep, lifted.

    `tile` (n,) numbers the tile of each, `inside_m` (n,) is how far it stays within that (below 0
    where it reaches out), `class_id` (n,). Of two that show an object whole the one with more
    `trust` (n,) counts. Those of objects that were `known` (n,) before are never taken for a part
    of another.
    """

    cuboids: Cuboids
    class_id: Int64s
    tile: Int64s
    inside_m: Float64s
    trust: Float64s
    known: Bools

    @classmethod
    def of_tile(
        cls,
        number: int,
        grid: BirdsEyeGrid,
        cuboids: Cuboids,
        class_id: Int64s,
        trust: Float64s,
        known: Bools,
    ) -> "TileBoxes":
        """The boxes of one tile."""
        inside = _inside_m(cuboids, grid)
        return cls(cuboids, class_id, np.full(len(cuboids), number), inside, trust, known)

    @classmethod
    def joined(cls, parts: Sequence["TileBoxes"]) -> "TileBoxes":
        """All boxes of some tiles, one tile after the other."""
        return cls(
            Cuboids.joined([part.cuboids for part in parts]),
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("class_id", "tile", "inside_m", "trust", "known")
            ),
        )

    def take(self, rows: NDArray[np.intp]) -> "TileBoxes":
        """Those of these row numbers, in that order."""
        return TileBoxes(
            self.cuboids.take(rows),
            self.class_id[rows],
            self.tile[rows],
            self.inside_m[rows],
            self.trust[rows],
            self.known[rows],
        )

    def cut(self) -> Bools:
        """Which of them a border may have cut."""
        return np.asarray(self.inside_m < _CUT_M, np.bool_)


def shown_once(boxes: TileBoxes) -> Int64s:
    """The rows that are left, ascending, when each object counts once.

    What a tile shows whole comes first; of what borders cut, the larger part. A box falls to a
    better one of another tile that is of its class and overlaps it by half, or, where a border cut
    it, of whatever class, if half of it lies there: half a van may look like a car. Boxes of one
    tile never fall to each other.
    """
    cut = boxes.cut()
    part = np.where(cut, boxes.cuboids.size_m[:, :2].prod(axis=1), 0.0)
    order = np.lexsort((-boxes.inside_m, -boxes.trust, -part, cut))
    if len(np.unique(boxes.tile)) < 2:
        return np.sort(order)
    reach = np.hypot(*boxes.cuboids.size_m[:, :2].T) / 2
    places = boxes.cuboids.centre_m[:, :2]
    kept = np.zeros(len(order), np.bool_)
    for row in order.tolist():
        apart = np.hypot(*(places - places[row]).T)
        rivals = kept & (boxes.tile != boxes.tile[row]) & (apart < reach + reach[row])
        kept[row] = not _is_shown(boxes, row, np.flatnonzero(rivals))
    return np.flatnonzero(kept)


def most_trusted(boxes: TileBoxes, names: Sequence[str]) -> NDArray[np.intp]:
    """The row of each name, ascending: the most trusted one, then whole, then farthest inside."""
    best: dict[str, int] = {}
    for row in np.lexsort((-boxes.inside_m, boxes.cut(), -boxes.trust)).tolist():
        best.setdefault(names[row], row)
    return np.array(sorted(best.values()), np.intp)


def _is_shown(boxes: TileBoxes, row: int, rivals: NDArray[np.intp]) -> bool:
    if not len(rivals):
        return False
    shared = shared_ground_m2(boxes.cuboids.take([row]), boxes.cuboids.take(rivals))[0]
    own, theirs = (
        boxes.cuboids.size_m[chosen, :2].prod(axis=-1) for chosen in (np.intp(row), rivals)
    )
    same = (shared >= _SAME_PLACE * (own + theirs - shared)) & (
        boxes.class_id[rivals] == boxes.class_id[row]
    )
    may_be_part = boxes.inside_m[row] < _CUT_M and not boxes.known[row]
    return bool(same.any() or (may_be_part and (shared >= _PART * own).any()))


def _inside_m(cuboids: Cuboids, grid: BirdsEyeGrid) -> Float64s:
    """How far the footprints stay within a tile, (n,) metres from their outermost corner."""
    ground = cuboids.corners()[:, :4, :2]
    low, high = (grid.x_min_m, grid.y_min_m), (grid.x_max_m, grid.y_max_m)
    return np.asarray(np.minimum(ground - low, high - ground).min(axis=(1, 2)), np.float64)
