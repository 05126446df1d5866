"""From turned boxes on a bird's-eye picture to cuboids, their height taken from the points."""

import numpy as np

from prelabel.datasets.arrays import Float32s, Float64s, Int64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.geometry import angle_of
from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid
from prelabel.datasets.lidar.coordinates import wrapped
from prelabel.datasets.lidar.cuboids import Cuboids
from prelabel.datasets.lidar.ground import Ground
from prelabel.datasets.lidar.points import PointCloud
from prelabel.datasets.lidar.proposals import CuboidProposals
from prelabel.datasets.predictions import Prediction

_MARGIN_M = 0.1  # round a footprint: boxes are a pixel or two too narrow as often as too wide
_STANDS_M = 0.15  # what is lower belongs to the ground
_GAP_M = 0.8  # what hangs higher over the rest belongs to a tree or a bridge
_TALLEST_M = 5.0
_LEAST_SIDE_M = 1e-3
_USUAL_M = 1.6  # where there are no points to tell
_LEAST_POINTS = 5
# One standard deviation of a top or a bottom: with points to tell, and without.
_HEIGHT_SPREAD_M, _GUESSED_SPREAD_M, _GROUND_SPREAD_M = 0.1, 0.35, 0.08


def lift_prediction(
    prediction: Prediction, grid: BirdsEyeGrid, cloud: PointCloud, ground: Ground
) -> CuboidProposals:
    """A detector's boxes on a bird's-eye frame as cuboids.

    The spread of the four sides of a box becomes that of middle and size; one end of the box
    against the other gives that of the heading.
    """
    cuboids, points = lift_boxes(prediction.boxes, grid, cloud, ground)
    if prediction.spread_px is None:
        return CuboidProposals(cuboids, prediction.score, prediction.class_id, points)
    left, top, right, bottom = (prediction.spread_px.astype(np.float64) * grid.resolution_m).T
    lengthwise, crosswise = np.hypot(left, right), np.hypot(top, bottom)
    swapped = _is_upright_longer(prediction.boxes)
    lengthwise, crosswise = (
        np.where(swapped, crosswise, lengthwise),
        np.where(swapped, lengthwise, crosswise),
    )
    height = np.where(points >= _LEAST_POINTS, _HEIGHT_SPREAD_M, _GUESSED_SPREAD_M)
    tall = np.hypot(height, _GROUND_SPREAD_M)
    spread = np.stack(
        [lengthwise / 2, crosswise / 2, tall / 2, lengthwise, crosswise, tall], axis=1
    )
    # Two ends, each off by the spread of the middle across, over the distance between them.
    turn = np.arctan2(crosswise / np.sqrt(2), cuboids.size_m[:, 0])
    return CuboidProposals(
        cuboids, prediction.score, prediction.class_id, points, spread, np.asarray(turn)
    )


def lift_boxes(
    boxes: Boxes, grid: BirdsEyeGrid, cloud: PointCloud, ground: Ground
) -> tuple[Cuboids, Int64s]:
    """Cuboids over boxes of a bird's-eye picture, and how many points told the height of each.

    The longer side is taken for the length, so a heading may be half a turn off, as it is with
    every detector of turned boxes. A cuboid stands on the ground under its middle and reaches up to
    its highest point, but not to what hangs over it; without points it is 1.6 m tall.
    """
    flat = footprints_on_ground(boxes, grid)
    heights, bottoms = np.full(len(flat), _USUAL_M), np.zeros(len(flat))
    points = np.zeros(len(flat), np.int64)
    positions = cloud.positions()
    over = ground.above(cloud)
    stands = (over > _STANDS_M) & (over < _TALLEST_M)
    standing, above = positions[stands], over[stands].astype(np.float64)
    origin = np.array(cloud.origin_m)
    for row in range(len(flat)):
        middle = flat.centre_m[row, :2] - origin[:2]
        bottoms[row] = ground.at(middle[None].astype(np.float32))[0] + origin[2]
        top, points[row] = _top(_levels_in(flat, row, standing, above))
        heights[row] = top or _USUAL_M
    centre = np.column_stack([flat.centre_m[:, :2], bottoms + heights / 2])
    size = np.column_stack([flat.size_m[:, :2], heights])
    return Cuboids(centre, size, flat.yaw, flat.frame), points


def cuboids_as_drawn(
    boxes: Boxes, height_m: Float32s | None, grid: BirdsEyeGrid, cloud: PointCloud, ground: Ground
) -> Cuboids:
    """The cuboids over boxes of a bird's-eye picture, the front where the box has it.

    What `grid.boxes` makes of cuboids becomes these cuboids again: the length is the width of the
    box, though it may be the shorter side. `height_m` (n, 2) are bottoms and tops where somebody
    has said them; those that are NaN, or all where it is None, are told from the points. A side is
    at least a millimetre long.
    """
    xyxy = boxes.xyxy.astype(np.float64)
    middle = grid.metres((xyxy[:, :2] + xyxy[:, 2:]) / 2)
    sides = np.maximum((xyxy[:, 2:] - xyxy[:, :2]) * grid.resolution_m, _LEAST_SIDE_M)
    said = np.full((len(boxes), 2), np.nan) if height_m is None else height_m.astype(np.float64)
    unsaid = np.flatnonzero(np.isnan(said).any(axis=1))
    if len(unsaid):
        said[unsaid] = lift_boxes(boxes.take(unsaid), grid, cloud, ground)[0].heights()
    centre = np.column_stack([middle, said.mean(axis=1)])
    size = np.column_stack([sides, said[:, 1] - said[:, 0]])
    yaw = wrapped(-angle_of(boxes).astype(np.float64) - np.pi / 2)
    return Cuboids(centre, size, yaw, grid.frame)


def footprints_on_ground(boxes: Boxes, grid: BirdsEyeGrid) -> Cuboids:
    """Boxes of a bird's-eye picture as cuboids 1 m tall around height 0."""
    xyxy = boxes.xyxy.astype(np.float64)
    centre = grid.metres((xyxy[:, :2] + xyxy[:, 2:]) / 2)
    sides = (xyxy[:, 2:] - xyxy[:, :2]) * grid.resolution_m
    yaw = -angle_of(boxes).astype(np.float64) - np.pi / 2
    swapped = _is_upright_longer(boxes)
    size = np.where(swapped[:, None], sides[:, ::-1], sides)
    yaw = wrapped(yaw - np.where(swapped, np.pi / 2, 0.0))
    ones = np.ones(len(boxes))
    return Cuboids(
        np.column_stack([centre, 0 * ones]), np.column_stack([size, ones]), yaw, grid.frame
    )


def _is_upright_longer(boxes: Boxes) -> np.ndarray:
    """Which boxes are longer down than across before their turn, by more than a rounding."""
    sides = boxes.xyxy[:, 2:] - boxes.xyxy[:, :2]
    return np.asarray(sides[:, 1] > sides[:, 0] * 1.001, np.bool_)


def _levels_in(flat: Cuboids, row: int, points: Float64s, above: Float64s) -> Float64s:
    """Heights over the ground, rising, of the points over one footprint."""
    reach = float(np.hypot(*flat.size_m[row, :2])) / 2 + _MARGIN_M
    offset = np.abs(points[:, :2] - flat.centre_m[row, :2])
    near = np.flatnonzero((offset <= reach).all(axis=1))
    own = np.abs(flat.seen_from_inside(row, points[near])[:, :2])
    within = (own <= flat.size_m[row, :2] / 2 + _MARGIN_M).all(axis=1)
    return np.sort(above[near[within]])


def _top(levels: Float64s) -> tuple[float, int]:
    """The height where rising points end, before a gap, and how many they are."""
    if len(levels) < _LEAST_POINTS:
        return 0.0, len(levels)
    gaps = np.flatnonzero(np.diff(levels) > _GAP_M)
    end = int(gaps[0]) + 1 if len(gaps) else len(levels)
    return float(levels[end - 1]), end
