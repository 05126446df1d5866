"""Motions, cuboids, cameras and the pictures from above: what goes there comes back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid, tiles
from prelabel.datasets.lidar.cameras import Camera
from prelabel.datasets.lidar.coordinates import Transform, wrapped
from prelabel.datasets.lidar.cuboids import Cuboids, cuboid_iou, footprint_iou
from prelabel.datasets.lidar.errors import CoordinateFrameError
from prelabel.datasets.lidar.ground import find_ground, without_ground
from prelabel.datasets.lidar.points import PointCloud
from prelabel.datasets.lidar.projection import project_cuboids
from prelabel.datasets.lidar.range_view import RangeGrid, range_boxes, range_raster
from prelabel.datasets.lidar.sweeps import Sweep, accumulated

# The camera's axes (right, down, forward) in the lidar's (forward, left, up).
LOOKS_AHEAD = [[0, -1, 0], [0, 0, -1], [1, 0, 0]]
ANGLES = st.floats(-3.1, 3.1)


def a_camera() -> Camera:
    mounting = Transform("lidar", "front", LOOKS_AHEAD, (0, 0, 0))
    return Camera("front", [[500, 0, 320], [0, 500, 180], [0, 0, 1]], (640, 360), mounting)


def street(rng: np.random.Generator, count: int = 20_000) -> PointCloud:
    """Flat ground 1.7 m below the lidar, and a block of 4 x 2 x 1.5 m on it."""
    ground = np.stack([*rng.uniform(-30, 30, (2, count)), np.full(count, -1.7)], axis=1)
    block = np.stack(
        [*rng.uniform((8, -1), (12, 1), (3000, 2)).T, rng.uniform(-1.7, -0.2, 3000)], axis=1
    )
    return PointCloud(np.concatenate([ground, block]), np.full(count + 3000, 0.5))


@given(ANGLES, ANGLES, ANGLES)
def test_a_motion_and_back_is_none(yaw: float, pitch: float, roll: float) -> None:
    turn = Transform.about_z("a", "b", yaw, (1, 2, 3))
    tilt = Transform.from_quaternion("b", "c", (np.cos(pitch), np.sin(pitch), roll, 0), (0, 1, 0))
    both = turn.then(tilt)
    again = Transform.from_quaternion("a", "c", both.quaternion(), both.translation_m)

    points = np.array([[1.0, 2, 3], [-4, 5, 60]])
    np.testing.assert_allclose(both.inverse().apply(both.apply(points)), points, atol=1e-9)
    np.testing.assert_allclose(again.apply(points), both.apply(points), atol=1e-9)


def test_frames_are_not_mixed_up() -> None:
    turn = Transform.identity("lidar", "ego")
    with pytest.raises(CoordinateFrameError, match="must be in the coordinate frame 'lidar'"):
        PointCloud(np.zeros((1, 3)), frame="ego").moved(turn)
    with pytest.raises(CoordinateFrameError, match="the motion to world must be in"):
        turn.then(Transform.identity("lidar", "world"))
    with pytest.raises(CoordinateFrameError):
        project_cuboids(Cuboids.none("ego"), a_camera())
    with pytest.raises(InvalidValueError, match="without mirroring"):
        Transform("a", "b", np.diag([1.0, 1, -1]), (0, 0, 0))


def test_values_are_checked() -> None:
    with pytest.raises(InvalidValueError, match="size_m must be above 0, but row 1"):
        Cuboids(np.zeros((2, 3)), [[1, 1, 1], [1, 0, 1]], [0, 0])
    with pytest.raises(InvalidValueError, match=r"xyz_m must have shape"):
        PointCloud(np.zeros((2, 4)))
    with pytest.raises(InvalidValueError, match="NaN"):
        PointCloud([[0, 0, np.nan]])
    with pytest.raises(InvalidValueError, match="must be above 0"):
        BirdsEyeGrid(0, 0)
    with pytest.raises(InvalidValueError, match="use tiles"):
        BirdsEyeGrid(0, 100_000, 0, 100_000)


@given(ANGLES, st.floats(-50, 50), st.floats(-50, 50))
def test_cuboids_come_back_from_another_frame(yaw: float, x: float, y: float) -> None:
    cuboids = Cuboids([[x, y, 1]], [[4, 2, 1.5]], [yaw])
    motion = Transform.about_z("lidar", "world", 0.7, (400, -30, 2))

    there = cuboids.moved(motion)
    back = there.moved(motion.inverse())

    np.testing.assert_allclose(motion.apply(cuboids.corners()), there.corners(), atol=1e-9)
    np.testing.assert_allclose(back.centre_m, cuboids.centre_m, atol=1e-9)
    np.testing.assert_allclose(wrapped(back.yaw - cuboids.yaw), 0, atol=1e-9)


def test_overlaps_of_cuboids() -> None:
    one = Cuboids([[500, 0, 0]], [[4, 2, 2]], [0.3])
    others = Cuboids(
        [[500, 0, 0], [500, 0, 1], [500, 0, 0], [900, 0, 0]],
        [[4, 2, 2], [4, 2, 2], [4, 2, 2], [4, 2, 2]],
        [0.3, 0.3, 0.3 + np.pi, 0.3],
    )
    np.testing.assert_allclose(footprint_iou(one, others), [[1, 1, 1, 0]], atol=1e-6)
    np.testing.assert_allclose(cuboid_iou(one, others), [[1, 1 / 3, 1, 0]], atol=1e-6)


@given(ANGLES, st.floats(5, 60), st.floats(-35, 35))
def test_boxes_from_above_have_the_corners_of_the_cuboid(yaw: float, x: float, y: float) -> None:
    from prelabel.datasets.geometry import rotated_corners

    grid, cuboids = BirdsEyeGrid(), Cuboids([[x, y, 0]], [[4.2, 1.8, 1.5]], [yaw])
    boxes = grid.boxes(cuboids)
    assert boxes.angle is not None

    shown = grid.metres(rotated_corners(boxes.xyxy, boxes.angle)[0])
    wanted = cuboids.corners()[0, :4, :2]
    apart = np.linalg.norm(shown[:, None] - wanted[None], axis=2)
    assert apart.min(axis=1).max() < 1e-3


def test_tiles_cover_an_area_with_their_overlap() -> None:
    area = (0, 250, 0, 100)
    covered = list(tiles(area, 0.5, 64, 12))

    assert {(one.width_px, one.height_px) for one in covered} == {(128, 128)}
    assert len(covered) == 5 * 2
    for x, y in ((0.1, 0.1), (249.9, 99.9), (120, 50)):
        assert any(o.x_min_m <= x < o.x_max_m and o.y_min_m <= y < o.y_max_m for o in covered)
    with pytest.raises(InvalidValueError, match="overlap_m"):
        list(tiles(area, 0.5, 10, 10))


def test_a_camera_sees_what_is_in_front() -> None:
    cuboids = Cuboids(
        np.array([(20, 0, 0), (-20, 0, 0), (10, 6.4, 0), (1, 0, 0)]),
        np.array([(4, 2, 1.5), (4, 2, 1.5), (1, 1, 1), (6, 1, 1)]),
        [0, 0, 0, 0],
    )
    seen = project_cuboids(cuboids, a_camera())

    assert seen.rows.tolist() == [0, 2, 3]
    left, top, right, bottom = seen.boxes.xyxy[0]
    assert (left, right) == pytest.approx((320 - 500 / 18, 320 + 500 / 18))
    assert (top, bottom) == pytest.approx((180 - 375 / 18, 180 + 375 / 18))
    assert seen.truncation[0] == 0
    assert 0.2 < seen.truncation[1] < 0.8
    assert seen.boxes.xyxy[1, 0] == 0
    assert seen.whole_xyxy[1, 0] < 0
    # One that reaches from behind the camera past it fills the picture.
    assert seen.boxes.xyxy[2].tolist() == pytest.approx([0, 0, 640, 360])
    assert np.isnan(seen.occlusion).all()


def test_nearer_points_hide_a_cuboid(rng: np.random.Generator) -> None:
    cuboids = Cuboids([[20, 0, 0]], [[4, 2, 2]], [0])
    front = np.stack([np.full(500, 18), *rng.uniform(-1, 1, (2, 500))], axis=1)
    wall = np.stack([np.full(500, 9), *rng.uniform((-0.5, -0.5), (0, 0.5), (500, 2)).T], axis=1)
    right_half = PointCloud(np.concatenate([front[front[:, 1] > 0], wall]))

    assert project_cuboids(cuboids, a_camera(), PointCloud(front)).occlusion[0] == 0
    hidden = project_cuboids(cuboids, a_camera(), right_half).occlusion[0]
    assert 0.4 < hidden < 0.8


def test_ground_is_under_what_stands_on_it(rng: np.random.Generator) -> None:
    cloud = street(rng)
    ground = find_ground(cloud)

    under = ground.at(np.array([[10, 0], [0, 0], [-25, 20]], np.float32))
    np.testing.assert_allclose(under, -1.7, atol=0.05)
    standing = without_ground(cloud, ground)
    assert standing[20_000:].mean() > 0.85
    assert standing[:20_000].mean() < 0.01
    with pytest.raises(InvalidValueError, match="there are none"):
        find_ground(cloud.take(np.zeros(len(cloud), np.bool_)))


def test_a_sloping_street_is_ground(rng: np.random.Generator) -> None:
    xy = rng.uniform(-40, 40, (40_000, 2))
    cloud = PointCloud(np.column_stack([xy, 0.08 * xy[:, 0] - 1.7]))
    assert np.abs(find_ground(cloud).above(cloud)).max() < 0.5
    assert np.median(np.abs(find_ground(cloud).above(cloud))) < 0.1


def test_a_range_picture_shows_the_nearest_point() -> None:
    cloud = PointCloud(np.array([(10, 0, 0), (20, 0, 0), (0, 10, -1), (-10, 0, -1)], np.float32))
    grid = RangeGrid()

    raster = range_raster(cloud, grid)

    assert np.nanmin(raster.range_m) == 10
    row, column = np.argwhere(raster.range_m == 10)[0]
    assert column == grid.columns // 2
    assert row == int(grid.rows_of(np.zeros(1))[0])
    assert np.isfinite(raster.range_m).sum() == 3
    assert (raster.picture() > 0).any(axis=2).sum() == 3


def test_boxes_in_a_range_picture() -> None:
    cuboids = Cuboids(
        np.array([(10, 0, 0), (-10, 0.3, 0), (0, 0, 0), (10, 0, 40)]), np.ones((4, 3)), np.zeros(4)
    )
    grid = RangeGrid()

    boxes, rows = range_boxes(cuboids, grid)

    assert rows.tolist() == [0, 1]
    assert boxes.xyxy[0, [0, 2]].mean() == pytest.approx(grid.columns / 2)
    assert boxes.xyxy[1, 0] == 0  # behind, a little to the left
    assert boxes.xyxy[1, 2] < 60


def test_sweeps_are_brought_together_by_their_poses() -> None:
    """A post in the world stays one post while the vehicle drives and turns."""
    post = np.array([[12.0, 3.0, 0.5]])
    poses = [
        Transform.about_z("lidar", "world", 0.1 * step, (2.0 * step, 0.2 * step, 0))
        for step in range(3)
    ]

    def sweep(step: int) -> Sweep:
        seen = poses[step].inverse().apply(post)
        return Sweep(str(step), lambda: PointCloud(seen, [0.4]), pose=poses[step], time_s=step / 10)

    cloud = accumulated(sweep(2), [sweep(1), sweep(0)])

    assert cloud.age_s is not None
    np.testing.assert_allclose(cloud.age_s, [0, 0.1, 0.2], atol=1e-6)
    np.testing.assert_allclose(cloud.xyz_m, np.repeat(cloud.xyz_m[:1], 3, axis=0), atol=1e-5)
    with pytest.raises(InvalidValueError, match="sweep a has no pose"):
        accumulated(sweep(2), [Sweep("a", lambda: PointCloud(post))])
