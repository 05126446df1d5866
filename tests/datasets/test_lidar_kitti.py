"""Real KITTI sweeps: points, calibration and labels fit together."""

from pathlib import Path

import numpy as np
import pytest

from prelabel.datasets.errors import BadInputError
from prelabel.datasets.geometry import pairwise_iou
from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid, Channel, rasterise
from prelabel.datasets.lidar.errors import CalibrationError
from prelabel.datasets.lidar.ground import find_ground
from prelabel.datasets.lidar.kitti import (
    DONT_CARE,
    open_kitti_sweeps,
    read_kitti_calibration,
    read_kitti_objects,
)
from prelabel.datasets.lidar.projection import project_cuboids
from prelabel.datasets.lidar.sweeps import Sweep


@pytest.fixture(scope="module")
def sweeps(test_data: Path) -> list[Sweep]:
    return list(open_kitti_sweeps(test_data / "kitti_lidar_mini").sweeps)


@pytest.fixture
def calibration_text(test_data: Path) -> str:
    return (test_data / "kitti_lidar_mini/training/calib/000008.txt").read_text(encoding="utf-8")


def test_every_object_is_read(test_data: Path) -> None:
    opened = open_kitti_sweeps(test_data / "kitti_lidar_mini")
    sweeps = list(opened.sweeps)

    assert len(sweeps) == 13
    assert sum(len(one.labels) for one in sweeps if one.labels is not None) == 62
    assert opened.classes == ("Car", "Cyclist", "Misc", "Pedestrian", "Truck", "Van")
    ids = [box_id for one in sweeps if one.labels for box_id in one.labels.box_id]
    assert len(set(ids)) == 62
    assert sum(int(note.split(": ")[1].split()[0]) for note in opened.notes) == 33


def test_projections_agree_with_the_labelled_boxes(test_data: Path, sweeps: list[Sweep]) -> None:
    """Median IoU 0.9 on what the labels call untruncated; they are rounded to centimetres."""
    overlaps: list[float] = []
    near: list[float] = []
    for sweep in sweeps:
        assert sweep.labels is not None
        lines = test_data / f"kitti_lidar_mini/training/label_2/{sweep.name}.txt"
        objects = [one for one in read_kitti_objects(lines) if one.type != DONT_CARE]
        seen = project_cuboids(sweep.labels.cuboids, sweep.cameras[0].camera)
        assert len(seen) == len(objects)
        labelled = np.array([one.xyxy for one in objects], np.float32)
        iou = np.diag(pairwise_iou(seen.boxes.xyxy, labelled))
        whole = np.array([one.truncated == 0 for one in objects])
        overlaps.extend(iou[whole])
        near.extend(seen.truncation - [one.truncated for one in objects])

    assert len(overlaps) == 57
    assert np.median(overlaps) >= 0.98
    assert np.abs(near).max() < 0.1


def test_points_lie_in_the_labelled_cuboids(sweeps: list[Sweep]) -> None:
    """A wrong axis or a wrong sign would leave the cuboids empty."""
    inside = []
    for sweep in sweeps:
        assert sweep.labels is not None
        cloud = sweep.load()
        cuboids = sweep.labels.cuboids
        inside += [int(cuboids.contains(row, cloud.xyz_m).sum()) for row in range(len(cuboids))]

    assert np.mean([count > 0 for count in inside]) > 0.95
    assert np.median(inside) > 20


def test_occlusion_grows_with_the_label_s(test_data: Path, sweeps: list[Sweep]) -> None:
    """KITTI's occlusion: 0 fully visible, 2 largely hidden."""
    by_label: dict[int, list[float]] = {0: [], 2: []}
    for sweep in sweeps:
        assert sweep.labels is not None
        lines = test_data / f"kitti_lidar_mini/training/label_2/{sweep.name}.txt"
        objects = [one for one in read_kitti_objects(lines) if one.type != DONT_CARE]
        cuboids = sweep.labels.cuboids
        seen = project_cuboids(cuboids, sweep.cameras[0].camera, sweep.load())
        for row, hidden in zip(seen.rows, seen.occlusion, strict=True):
            if objects[row].occluded in by_label and np.isfinite(hidden):
                by_label[objects[row].occluded].append(hidden)

    assert np.median(by_label[0]) < 0.05
    assert np.median(by_label[2]) > 0.3


def test_cuboids_stand_on_the_ground_that_is_found(sweeps: list[Sweep]) -> None:
    off: list[float] = []
    for sweep in sweeps:
        assert sweep.labels is not None
        ground, cuboids = find_ground(sweep.load()), sweep.labels.cuboids
        bottom = cuboids.centre_m[:, 2] - cuboids.size_m[:, 2] / 2
        off.extend(bottom - ground.at(cuboids.centre_m[:, :2].astype(np.float32)))

    assert np.median(np.abs(off)) < 0.12
    assert np.mean(np.abs(off) < 0.4) > 0.9


def test_a_raster_shows_every_point_once(sweeps: list[Sweep]) -> None:
    cloud = sweeps[0].load()
    grid = BirdsEyeGrid(-40, 40, -40, 40, 0.2)

    raster = rasterise(cloud, grid, find_ground(cloud))

    xy = cloud.xyz_m[:, :2]
    pixels = grid.pixels(xy)
    within = ((pixels >= 0) & (pixels < (grid.width_px, grid.height_px))).all(axis=1)
    assert abs(float(raster.channel(Channel.DENSITY).sum()) - within.sum()) <= 2
    assert np.nanmax(raster.channel(Channel.HEIGHT)) == pytest.approx(
        cloud.xyz_m[within, 2].max(), abs=1e-5
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("R0_rect:", "R1_rect:"), "has no line R0_rect"),
        (("P2: 7.215377000000e+02", "P2:"), "P2 must be 3 x 4 finite numbers, but has 11"),
        (("P2: 7.215377000000e+02", "P2: nan"), "P2 must be 3 x 4 finite numbers"),
        (("R0_rect: 9.999239000000e-01", "R0_rect: 5"), "must turn without mirroring"),
        (("P2: 7.215377000000e+02", "P2: x"), "P2 must be numbers"),
    ],
)
def test_a_wrong_calibration_is_an_error(
    tmp_path: Path, calibration_text: str, change: tuple[str, str], told: str
) -> None:
    path = tmp_path / "000008.txt"
    path.write_text(calibration_text.replace(*change), encoding="utf-8")
    with pytest.raises(CalibrationError, match=told):
        read_kitti_calibration(path)


def test_a_missing_calibration_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match="is not there"):
        read_kitti_calibration(tmp_path / "000008.txt")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("Car 0 0", "line 1 must have 15 columns, but has 3"),
        ("Car 0 0 0 1 2 3 4 1 1 1 0 0 five 0", "line 1: could not convert"),
        ("Car 0 0 0 1 2 3 4 1 1 1 0 0 nan 0", "line 1 holds NaN"),
    ],
)
def test_a_wrong_label_line_is_an_error(tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "000008.txt"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(BadInputError, match=told):
        read_kitti_objects(path)
