"""The page's cuboids, heights and projections are those of Python, on boxes in every place."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from prelabel.datasets.boxes import Boxes
from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid
from prelabel.datasets.lidar.cameras import Camera
from prelabel.datasets.lidar.coordinates import LIDAR, Transform
from prelabel.datasets.lidar.cuboids import EDGES, Cuboids
from prelabel.datasets.lidar.ground import find_ground
from prelabel.datasets.lidar.lifting import lift_boxes
from prelabel.datasets.lidar.projection import project_cuboids
from prelabel.datasets.lidar.scenes import (
    SceneCamera,
    SceneMaker,
    read_scene,
    read_scene_data,
    scene_file,
)
from prelabel.datasets.lidar.simulated.options import SweepOptions
from prelabel.datasets.lidar.simulated.writing import generated_sweeps
from prelabel.datasets.lidar.sweeps import Sweep

SCRIPT = Path(__file__).with_name("lidar_agreement.mjs")
GRID = BirdsEyeGrid(-20, 45, -30, 30, 0.125)
FRAME = "0" * 32
NEAREST_M = 0.1
# Between the axes of a camera and those of the lidar, when it looks ahead.
AHEAD = np.array([[0.0, -1, 0], [0, 0, -1], [1, 0, 0]])


@pytest.fixture(scope="module")
def sweep() -> Sweep:
    options = SweepOptions(3, 1, 0, 0, 1, beams=40, columns=900, with_cameras=False)
    return next(generated_sweeps(options))


def cameras(rng: np.random.Generator) -> list[Camera]:
    """Cameras that look ahead, to the side and down, none of them level."""
    made = []
    for number, yaw in enumerate((0.0, 1.3, -2.2)):
        tilt = Transform.from_quaternion("a", "b", [1, *rng.uniform(-0.08, 0.08, 3)], np.zeros(3))
        about = Transform.about_z("a", "b", -yaw, np.zeros(3)).rotation
        name, rotation = f"camera {number}", tilt.rotation @ AHEAD @ about
        mounted = Transform(LIDAR, name, rotation, rng.uniform(-0.5, 0.5, 3))
        intrinsics = np.array([[700, 0, 400.5], [0, 720, 180.25], [0, 0, 1]])
        made.append(Camera(name, intrinsics, (800, 360), mounted))
    return made


def as_kept(camera: Camera) -> SceneCamera:
    return msgspec.convert(
        {
            "name": camera.name,
            "picture": "",
            "picture_id": FRAME,
            "width_px": camera.width_px,
            "height_px": camera.height_px,
            "intrinsics": camera.intrinsics.tolist(),
            "rotation": camera.from_lidar.rotation.tolist(),
            "translation_m": camera.from_lidar.translation_m.tolist(),
        },
        SceneCamera,
    )


def boxes_on(sweep: Sweep, rng: np.random.Generator) -> Boxes:
    """The true boxes, and many more: of all sizes, around the cameras and over the border."""
    assert sweep.labels is not None
    true = GRID.boxes(sweep.labels.cuboids.take(GRID.inside(sweep.labels.cuboids)))
    here = GRID.pixels(np.zeros(2))
    centre = np.concatenate(
        [
            rng.uniform((-10, -10), (GRID.width_px + 10, GRID.height_px + 10), (120, 2)),
            here + rng.uniform(-40, 40, (40, 2)),
        ]
    )
    half = rng.uniform(2, 40, (160, 2))
    corners = np.concatenate([centre - half, centre + half], axis=1)
    angle = rng.uniform(-np.pi, np.pi, 160)
    assert true.angle is not None
    return Boxes(np.concatenate([true.xyxy, corners]), np.concatenate([true.angle, angle]))


def told_by_page(folder: Path, sweep: Sweep, own: list[Camera], boxes: Any) -> list[Any]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node is installed (Debian: apt-get install nodejs)")
    cloud = sweep.load()
    maker = SceneMaker("s", cloud, find_ground(cloud), [as_kept(one) for one in own])
    maker.write(folder, FRAME, GRID)
    path = scene_file(folder, FRAME)
    content = {"scene": msgspec.to_builtins(read_scene(path)), "boxes": boxes}
    (folder / "scene.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "scene.data").write_bytes(read_scene_data(path))
    done = subprocess.run([node, SCRIPT, folder], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found: list[Any] = json.loads(done.stdout)
    return found


def test_cuboids_heights_and_projections_agree(
    sweep: Sweep, tmp_path: Path, rng: np.random.Generator
) -> None:
    boxes, own, cloud = boxes_on(sweep, rng), cameras(rng), sweep.load()
    heights = np.sort(rng.uniform(-2.5, 3, (len(boxes), 2)), axis=1) + np.array([0, 0.2])
    assert boxes.angle is not None
    rows = zip(boxes.xyxy.tolist(), boxes.angle.tolist(), heights.tolist(), strict=True)
    sent = [{"xyxy": xyxy, "angle": angle, "height_m": ends} for xyxy, angle, ends in rows]

    found = told_by_page(tmp_path, sweep, own, sent)

    lifted, counts = lift_boxes(boxes, GRID, cloud, find_ground(cloud))
    of_page = np.array([[one["lifted"]["bottom"], one["lifted"]["top"]] for one in found])
    # Points are kept to a few millimetres: one on the border of a box may fall to its other side.
    same = np.array([one["lifted"]["count"] for one in found]) == counts
    assert same.mean() > 0.9
    np.testing.assert_allclose(of_page[same], lifted.heights()[same], atol=0.01)

    corners = np.array([one["corners"] for one in found]).reshape(-1, 8, 3)
    cuboids = with_heights(boxes, heights)
    np.testing.assert_allclose(corners, cuboids.corners(), atol=1e-4)
    seen = sum(agreeing(cuboids, camera, found, at) for at, camera in enumerate(own))
    assert seen > 60


def with_heights(boxes: Boxes, heights: Any) -> Cuboids:
    """Cuboids over boxes whose length is along the box's own x, as the page has them."""
    xyxy = boxes.xyxy.astype(np.float64)
    sides = (xyxy[:, 2:] - xyxy[:, :2]) * GRID.resolution_m
    centre = GRID.metres((xyxy[:, :2] + xyxy[:, 2:]) / 2)
    middle = np.column_stack([centre, heights.mean(axis=1)])
    size = np.column_stack([sides, heights[:, 1] - heights[:, 0]])
    assert boxes.angle is not None
    return Cuboids(middle, size, -boxes.angle.astype(np.float64) - np.pi / 2)


def agreeing(cuboids: Cuboids, camera: Camera, found: list[Any], at: int) -> int:
    """How many cuboids a camera sees, all of them within half a pixel of where Python has them."""
    seen = project_cuboids(cuboids, camera)
    rows = [row for row, one in enumerate(found) if one["seen"][at]["isSeen"]]
    assert rows == seen.rows.tolist()
    boxes = np.array([found[row]["seen"][at]["box"] for row in rows])
    np.testing.assert_allclose(boxes, seen.boxes.xyxy, atol=0.5)
    depth = [found[row]["seen"][at]["depth"] for row in rows]
    np.testing.assert_allclose(depth, seen.depth_m, atol=1e-4)
    for row in rows:
        lines = np.array(found[row]["seen"][at]["lines"]).reshape(-1, 4)
        own = camera.from_lidar.apply(cuboids.corners()[row])
        begin, end = own[EDGES[:, 0]], own[EDGES[:, 1]]
        ahead = (begin[:, 2] >= NEAREST_M) & (end[:, 2] >= NEAREST_M)
        assert len(lines) == np.count_nonzero((begin[:, 2] >= NEAREST_M) | (end[:, 2] >= NEAREST_M))
        if ahead.all():
            wanted = np.concatenate([camera.pixels(begin), camera.pixels(end)], axis=1)
            np.testing.assert_allclose(lines, wanted, atol=0.01)
    return len(rows)
