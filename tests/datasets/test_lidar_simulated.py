"""Generated sweeps: seeded, in agreement with their cameras, and the same after a round trip."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from prelabel.datasets.annotations import DRAWN, Origin, OriginKind
from prelabel.datasets.errors import BadInputError, InvalidValueError
from prelabel.datasets.frames import Split
from prelabel.datasets.lidar.coordinates import wrapped
from prelabel.datasets.lidar.cuboids import CuboidLabels
from prelabel.datasets.lidar.errors import CalibrationError
from prelabel.datasets.lidar.ground import find_ground
from prelabel.datasets.lidar.kitti_writer import write_kitti_sweeps
from prelabel.datasets.lidar.nuscenes_writer import VERSION, write_nuscenes
from prelabel.datasets.lidar.projection import project_cuboids
from prelabel.datasets.lidar.simulated.casting import NOTHING, cast
from prelabel.datasets.lidar.simulated.options import SWEEP_CLASSES, SweepOptions
from prelabel.datasets.lidar.simulated.sensors import make_cameras
from prelabel.datasets.lidar.simulated.streets import sample_street
from prelabel.datasets.lidar.simulated.writing import generated_sweeps, write_sweeps
from prelabel.datasets.lidar.sources import open_sweeps
from prelabel.datasets.lidar.sweeps import Sweep
from prelabel.datasets.progress import Silent

OPTIONS = SweepOptions(
    seed=3, train=2, val=1, test=0, sweeps=2, beams=32, columns=720, camera_px=(160, 90), crowd=1.5
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generated") / "streets"
    assert write_sweeps(folder, OPTIONS, Silent()) == 6
    return folder


@pytest.fixture(scope="module")
def sweeps(dataset: Path) -> list[Sweep]:
    return list(open_sweeps(dataset).sweeps)


def labels_of(sweep: Sweep) -> CuboidLabels:
    assert sweep.labels is not None
    return sweep.labels


def assert_same_cuboids(found: CuboidLabels, wanted: CuboidLabels) -> None:
    """To a centimetre and a tenth of a degree."""
    assert found.box_id == wanted.box_id
    assert found.origin == wanted.origin
    np.testing.assert_array_equal(found.class_id, wanted.class_id)
    np.testing.assert_allclose(found.cuboids.centre_m, wanted.cuboids.centre_m, atol=0.01)
    np.testing.assert_allclose(found.cuboids.size_m, wanted.cuboids.size_m, atol=0.01)
    turned = wrapped(found.cuboids.yaw - wanted.cuboids.yaw)
    np.testing.assert_allclose(turned, 0, atol=np.radians(0.1))


def test_the_same_seed_gives_the_same_bytes(dataset: Path, tmp_path: Path) -> None:
    write_sweeps(tmp_path / "again", OPTIONS, Silent())
    files = sorted(path.relative_to(dataset) for path in dataset.rglob("*") if path.is_file())
    assert len(files) == 6 * 4 + 13
    for name in files:
        assert (dataset / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_what_is_read_is_what_was_generated(sweeps: list[Sweep]) -> None:
    for found, wanted in zip(sweeps, generated_sweeps(OPTIONS), strict=True):
        assert (found.name, found.sequence, found.index) == (
            wanted.name,
            wanted.sequence,
            wanted.index,
        )
        assert found.split == wanted.split
        assert found.time_s == pytest.approx(wanted.time_s)
        assert_same_cuboids(labels_of(found), labels_of(wanted))
        assert labels_of(found).track == tuple(
            track.replace("-", "") for track in labels_of(wanted).track or ()
        )
        np.testing.assert_allclose(found.load().xyz_m, wanted.load().xyz_m, atol=1e-4)
    assert [one.split for one in sweeps].count(Split.VAL) == 2


def test_labelled_cuboids_hold_their_points(sweeps: list[Sweep]) -> None:
    counts = [
        int(labels_of(sweep).cuboids.contains(row, sweep.load().xyz_m, 0.1).sum())
        for sweep in sweeps
        for row in range(len(labels_of(sweep)))
    ]
    assert len(counts) > 30
    assert min(counts) >= OPTIONS.least_points


def test_cameras_agree_with_the_points() -> None:
    """What a camera's pixel shows lies where the lidar's beam through that pixel ends."""
    street = sample_street(1.0, np.random.default_rng(5))
    scene, pose = street.bodies_at(0.0), street.lidar_pose(0.0)
    cuboids = street.cuboids_at(0.0).moved(pose.inverse())
    camera = make_cameras((320, 180))[0]
    to_world = camera.from_lidar.inverse().then(pose)
    columns, rows = np.meshgrid(np.arange(320) + 0.5, np.arange(180) + 0.5)
    pixels = np.stack([columns, rows, np.ones_like(rows)], axis=-1).reshape(-1, 3)
    rays = pixels @ np.linalg.inv(camera.intrinsics).T
    directions = to_world.turn(rays / np.linalg.norm(rays, axis=1, keepdims=True))
    hits = cast(to_world.translation_m, directions, scene, street.ground)
    owners = hits.owners(scene).reshape(180, 320)
    seen = project_cuboids(cuboids, camera)
    boxes = dict(zip(seen.rows.tolist(), seen.boxes.xyxy, strict=True))

    shown = [owner for owner in np.unique(owners) if owner >= 0]
    assert len(shown) > 3
    for owner in shown:
        where = np.argwhere(owners == owner)
        left, top, right, bottom = boxes[owner]
        assert (where.min(axis=0) + 1 >= (top, left)).all()
        assert (where.max(axis=0) <= (bottom, right)).all()
    assert (hits.body == NOTHING).any()


def test_ground_is_found_to_a_few_centimetres() -> None:
    """Under objects, where none can be seen; far off, rows of parked cars hide it altogether."""
    options = SweepOptions(seed=9, train=3, val=0, test=0)
    near, far = [], []
    for sweep in generated_sweeps(options):
        cuboids = labels_of(sweep).cuboids
        bottom = cuboids.centre_m[:, 2] - cuboids.size_m[:, 2] / 2
        ground = find_ground(sweep.load()).at(cuboids.centre_m[:, :2].astype(np.float32))
        is_near = np.hypot(*cuboids.centre_m[:, :2].T) < 40
        near.extend(np.abs(ground - bottom)[is_near])
        far.extend(np.abs(ground - bottom)[~is_near])
    assert np.median(near) < 0.03
    assert np.mean(np.array(near) < 0.15) > 0.95
    assert np.median(far) < 0.3


def test_kitti_round_trip(sweeps: list[Sweep], tmp_path: Path) -> None:
    write_kitti_sweeps(tmp_path / "kitti", SWEEP_CLASSES, sweeps, Silent())
    opened = open_sweeps(tmp_path / "kitti")
    assert opened.classes == SWEEP_CLASSES
    again = {sweep.name: sweep for sweep in opened.sweeps}
    for wanted in sweeps:
        found = again[wanted.name]
        assert_same_cuboids(labels_of(found), labels_of(wanted))
        np.testing.assert_allclose(found.load().xyz_m, wanted.load().xyz_m, atol=1e-6)
        np.testing.assert_array_equal(
            cv2.imread(str(found.cameras[0].picture)), cv2.imread(str(wanted.cameras[0].picture))
        )
        projected = [
            project_cuboids(labels_of(one).cuboids, one.cameras[0].camera).boxes.xyxy
            for one in (found, wanted)
        ]
        np.testing.assert_allclose(projected[0], projected[1], atol=0.1)
    assert opened.notes == []


def test_nuscenes_round_trip_of_real_labels(test_data: Path, tmp_path: Path) -> None:
    opened = open_sweeps(test_data / "kitti_lidar_mini")
    wanted = list(opened.sweeps)
    write_nuscenes(tmp_path / "nuscenes", opened.classes, wanted, Silent())
    found = open_sweeps(tmp_path / "nuscenes")
    assert found.classes == opened.classes
    for one, other in zip(found.sweeps, wanted, strict=True):
        assert_same_cuboids(labels_of(one), labels_of(other))
        camera, before = one.cameras[0].camera, other.cameras[0].camera
        pixels = [c.project(labels_of(other).cuboids.centre_m)[0] for c in (camera, before)]
        np.testing.assert_allclose(pixels[0], pixels[1], atol=1e-3)


def test_origins_come_back_from_both_formats(sweeps: list[Sweep], tmp_path: Path) -> None:
    """What a person drew and what a model proposed stay told apart."""
    own = labels_of(sweeps[0])
    proposed = Origin(OriginKind.PROPOSED, "model-1", 0.75)
    origin = [DRAWN, proposed, *own.origin[2:]]
    labels = CuboidLabels(own.cuboids, own.class_id, own.box_id, origin, own.track)
    sweep = replace(sweeps[0], labels=labels)
    write_nuscenes(tmp_path / "nuscenes", SWEEP_CLASSES, [sweep], Silent())
    write_kitti_sweeps(tmp_path / "kitti", SWEEP_CLASSES, [sweep], Silent())
    for folder in ("nuscenes", "kitti"):
        (again,) = open_sweeps(tmp_path / folder).sweeps
        assert labels_of(again).origin == tuple(origin)


def test_kitti_round_trip_of_real_labels(test_data: Path, tmp_path: Path) -> None:
    opened = open_sweeps(test_data / "kitti_lidar_mini")
    wanted = list(opened.sweeps)
    write_kitti_sweeps(tmp_path / "kitti", opened.classes, wanted, Silent())
    for one, other in zip(open_sweeps(tmp_path / "kitti").sweeps, wanted, strict=True):
        assert_same_cuboids(labels_of(one), labels_of(other))


@pytest.mark.parametrize(
    ("table", "old", "new", "told"),
    [
        ("sample_data", '"ego_pose_token": "', '"ego_pose_token": "x', "refers to ego_pose 'x"),
        ("calibrated_sensor", '"sensor_token"', '"sensor"', "no nuScenes table of calibrated"),
        ("sample", "[", "", "no nuScenes table of sample"),
    ],
)
def test_broken_tables_are_errors(
    dataset: Path, tmp_path: Path, table: str, old: str, new: str, told: str
) -> None:
    tables = tmp_path / VERSION
    tables.mkdir()
    for path in (dataset / VERSION).iterdir():
        text = path.read_text(encoding="utf-8")
        (tables / path.name).write_text(
            text.replace(old, new, 1) if path.stem == table else text, encoding="utf-8"
        )
    with pytest.raises(BadInputError, match=told):
        list(open_sweeps(tmp_path).sweeps)


@pytest.mark.parametrize(
    ("table", "field", "value", "told"),
    [
        ("calibrated_sensor", "rotation", [0, 0, 0, 0], r"quaternion must have a length"),
        ("calibrated_sensor", "rotation", [1, 0, 0], "array` of length 4"),
        ("calibrated_sensor", "translation", [0, 0], "array` of length 3"),
        ("calibrated_sensor", "camera_intrinsic", [[500, 0], [0, 500]], "calibrated_sensor"),
        ("ego_pose", "rotation", [0, 0, 0, 0], "ego_pose .* quaternion must have a length"),
        ("sample_data", "width", 0, "size_px of CAM_FRONT must be at least 1"),
    ],
)
def test_a_wrong_calibration_is_an_error(
    dataset: Path, tmp_path: Path, table: str, field: str, value: object, told: str
) -> None:
    tables = tmp_path / VERSION
    tables.mkdir()
    for path in (dataset / VERSION).iterdir():
        rows = json.loads(path.read_text(encoding="utf-8"))
        for row in rows if path.stem == table else ():
            row[field] = [] if field == "camera_intrinsic" and not row[field] else value
        (tables / path.name).write_text(json.dumps(rows), encoding="utf-8")
    with pytest.raises(BadInputError, match=told) as caught:
        list(open_sweeps(tmp_path).sweeps)
    assert isinstance(caught.value, CalibrationError) or "no nuScenes table" in str(caught.value)


def test_other_folders_are_errors(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="holds no KITTI folder"):
        open_sweeps(tmp_path)
    with pytest.raises(InvalidValueError, match="dropout"):
        SweepOptions(dropout=1.0)
