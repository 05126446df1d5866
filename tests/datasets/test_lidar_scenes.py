"""Scenes read back: points, ground and cameras, near the vehicle and in a survey far away."""

from pathlib import Path

import numpy as np
import pytest

from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid
from prelabel.datasets.lidar.cuboids import Cuboids
from prelabel.datasets.lidar.ground import find_ground
from prelabel.datasets.lidar.lifting import cuboids_as_drawn
from prelabel.datasets.lidar.points import PointCloud
from prelabel.datasets.lidar.scenes import SceneMaker, read_surroundings, scene_file

AREA = 40.0


@pytest.mark.parametrize("origin", [(0.0, 0.0, 0.0), (384_250.5, 5_412_700.25, 310.0)])
def test_a_scene_gives_its_points_and_ground_back(
    origin: tuple[float, float, float], tmp_path: Path
) -> None:
    rng = np.random.default_rng(3)
    xyz = rng.uniform([0, 0, -0.05], [AREA, AREA, 0.05], (20_000, 3))
    xyz[:, 2] += 0.05 * xyz[:, 0]  # a slope
    car = rng.uniform([10, 10, 0.6], [14, 12, 2.1], (3000, 3))
    cloud = PointCloud(np.concatenate([xyz, car]), origin_m=origin)
    east, north, up = origin
    grid = BirdsEyeGrid(east, east + AREA, north, north + AREA, 0.1)
    ground = find_ground(cloud)
    SceneMaker("one", cloud, ground, ()).write(tmp_path, "f" * 32, grid)

    read = read_surroundings(scene_file(tmp_path, "f" * 32))
    assert len(read.cloud) == len(cloud)
    middles = [one.positions().mean(axis=0) for one in (read.cloud, cloud)]
    np.testing.assert_allclose(middles[0], middles[1], rtol=0, atol=2e-3)
    assert np.abs(read.cloud.xyz_m[:, :2]).max() < 2000
    places = rng.uniform(2, AREA - 2, (50, 2))
    there = places + np.array(origin[:2])
    heights = [
        part.at((there - np.array(points.origin_m[:2])).astype(np.float32)) + points.origin_m[2]
        for part, points in ((read.ground, read.cloud), (ground, cloud))
    ]
    np.testing.assert_allclose(heights[0], heights[1], rtol=0, atol=2e-3)

    true = Cuboids([[east + 12, north + 11, up + 1.35]], [[2.0, 4.0, 1.5]], [np.pi / 2])
    boxes = grid.boxes(true)
    said = cuboids_as_drawn(boxes, true.heights().astype(np.float32), grid, read.cloud, read.ground)
    np.testing.assert_allclose(said.centre_m, true.centre_m, rtol=0, atol=2e-3)
    np.testing.assert_allclose(said.size_m, true.size_m, atol=1e-3)
    assert said.yaw[0] == pytest.approx(np.pi / 2, abs=1e-6)  # the front is the shorter side
    told = cuboids_as_drawn(boxes, None, grid, read.cloud, read.ground)
    np.testing.assert_allclose(told.heights()[0], [up + 0.6, up + 2.1], atol=0.1)
