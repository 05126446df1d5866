"""What a detector says in space, and what it says on several tiles, each object once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.arrays import Float32s, Float64s, Int64s
from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid
from prelabel.datasets.lidar.cuboids import Cuboids
from prelabel.datasets.lidar.tile_merging import TileBoxes, shown_once

_T = TypeVar("_T", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class CuboidProposals:
    """What a detector says in space: n cuboids of the sensor's frame.

    `score` (n,) 0 to 1, falling; `class_id` (n,). `points` (n,) counts the points that told the
    height; None where heights were not looked for. `spread_m` (n, 6) is the standard deviation of
    x, y, z of the middle along the cuboid's own axes and of length, width and height, in metres,
    `spread_yaw` (n,) that of the heading in radians; both None where the detector gives no spread.
    """

    cuboids: Cuboids
    score: Float32s
    class_id: Int64s
    points: Int64s | None = None
    spread_m: Float64s | None = None
    spread_yaw: Float64s | None = None

    def __len__(self) -> int:
        return len(self.cuboids)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "CuboidProposals":
        """Those of these row numbers or of this mask, in that order."""
        return CuboidProposals(
            self.cuboids.take(rows),
            self.score[rows],
            self.class_id[rows],
            None if self.points is None else self.points[rows],
            None if self.spread_m is None else self.spread_m[rows],
            None if self.spread_yaw is None else self.spread_yaw[rows],
        )


def proposed_once(parts: Sequence[tuple[BirdsEyeGrid, CuboidProposals]]) -> CuboidProposals:
    """All that a detector proposes on the tiles of one sweep, each object once.

    An object is as the tile shows it that shows it whole, or else as the surest has it.
    """
    proposals = [own for _, own in parts]
    joined = CuboidProposals(
        Cuboids.joined([own.cuboids for own in proposals]),
        _together([own.score for own in proposals], np.zeros(0, np.float32)),
        _together([own.class_id for own in proposals], np.zeros(0, np.int64)),
        _where_all_know([own.points for own in proposals]),
        _where_all_know([own.spread_m for own in proposals]),
        _where_all_know([own.spread_yaw for own in proposals]),
    )
    if not len(joined):
        return joined
    tiles = [
        TileBoxes.of_tile(
            number,
            grid,
            own.cuboids,
            own.class_id,
            own.score.astype(np.float64),
            np.zeros(len(own), np.bool_),
        )
        for number, (grid, own) in enumerate(parts)
    ]
    rows = shown_once(TileBoxes.joined(tiles))
    return joined.take(rows[np.argsort(-joined.score[rows], kind="stable")])


def _together(parts: Sequence[NDArray[_T]], none: NDArray[_T]) -> NDArray[_T]:
    return np.concatenate([none, *parts])


def _where_all_know(parts: Sequence[NDArray[_T] | None]) -> NDArray[_T] | None:
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if known and len(known) == len(parts) else None
