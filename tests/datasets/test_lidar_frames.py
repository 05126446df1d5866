"""Derived frames go through import and export like pictures, and come back as cuboids."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from prelabel.datasets.annotations import DRAWN, AnnotationSet
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import BadInputError
from prelabel.datasets.formats.base import ImportReport
from prelabel.datasets.formats.registry import open_dataset, write_dataset
from prelabel.datasets.frames import FrameKind, LabelledFrame
from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid, Channel, PictureScale, rasterise
from prelabel.datasets.lidar.corrected import corrected_sweeps
from prelabel.datasets.lidar.cuboids import CuboidLabels, cuboid_iou
from prelabel.datasets.lidar.derived_frames import (
    FrameSettings,
    View,
    read_index,
    view_id,
    write_frames,
)
from prelabel.datasets.lidar.drawing import write_contact_sheet
from prelabel.datasets.lidar.ground import find_ground
from prelabel.datasets.lidar.lifting import lift_boxes, lift_prediction
from prelabel.datasets.lidar.points import PointCloud
from prelabel.datasets.lidar.simulated.options import SweepOptions
from prelabel.datasets.lidar.simulated.writing import generated_sweeps, write_sweeps
from prelabel.datasets.lidar.sources import open_sweeps
from prelabel.datasets.lidar.sweeps import Sweep
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.datasets.progress import Silent

GRID = BirdsEyeGrid(-30, 50, -25, 25, 0.125)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweeps") / "streets"
    options = SweepOptions(4, 2, 0, 0, 2, beams=32, columns=900, camera_px=(160, 90))
    write_sweeps(folder, options, Silent())
    return folder


@pytest.fixture(scope="module")
def folder(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("frames") / "frames"
    made = write_frames(
        target, source, open_sweeps(source), FrameSettings(tuple(View), GRID), Silent()
    )
    assert all(Path(one.frame.uri).is_file() for one in made)
    return target


def imported(path: Path, images: Path | None = None) -> tuple[tuple[str, ...], list[LabelledFrame]]:
    report = ImportReport()
    opened = open_dataset(path, report=report, images=images)
    frames = list(opened.frames)
    assert [one.reason for one in report.problems] == []
    return opened.classes, frames


def labels_by_name(sweeps: list[Sweep]) -> dict[str, CuboidLabels]:
    return {one.name: one.labels for one in sweeps if one.labels is not None}


def test_frames_are_imported_as_they_were_made(folder: Path) -> None:
    classes, frames = imported(folder / "annotations.json")

    kinds = [one.frame.kind for one in frames]
    assert kinds.count(FrameKind.LIDAR_BEV) == kinds.count(FrameKind.LIDAR_RANGE) == 4
    assert kinds.count(FrameKind.IMAGE) == 12
    assert len({one.frame.group for one in frames}) == 4
    assert len({one.frame.sequence for one in frames}) == 2 * 5
    assert classes[0] == "car"
    above = [one for one in frames if one.frame.kind is FrameKind.LIDAR_BEV]
    assert all(one.annotations is not None and len(one.annotations) for one in above)


def test_an_object_is_known_in_every_view(folder: Path) -> None:
    _, frames = imported(folder / "annotations.json")
    groups: dict[str, dict[str, set[str]]] = {}
    for one in frames:
        assert one.annotations is not None
        view = (one.frame.sequence or "").split()[-1]
        groups.setdefault(one.frame.group or "", {})[view] = set(one.annotations.box_id)
    for views in groups.values():
        above = views["lidar_bev"]
        assert {view_id(one, "range") for one in above} & views["lidar_range"]
    ahead = [
        {view_id(one, "CAM_FRONT") for one in v["lidar_bev"]} & v["CAM_FRONT"]
        for v in groups.values()
    ]
    assert sum(map(len, ahead)) > 3


def test_tiles_show_all_of_a_sweep(source: Path, tmp_path: Path) -> None:
    """An object in two tiles is a box in both, and one cuboid again."""
    settings = FrameSettings(grid=BirdsEyeGrid(resolution_m=0.25), tile_m=48, overlap_m=12)
    write_frames(tmp_path / "tiles", source, open_sweeps(source), settings, Silent())
    classes, frames = imported(tmp_path / "tiles" / "annotations.json")

    before = labels_by_name(list(open_sweeps(source).sweeps))
    boxes = sum(len(one.annotations) for one in frames if one.annotations is not None)
    assert boxes > sum(map(len, before.values()))
    index = read_index(tmp_path / "tiles")
    for sweep in corrected_sweeps(frames, classes, index).sweeps:
        assert sweep.labels is not None
        assert sorted(sweep.labels.box_id) == sorted(before[sweep.name].box_id)


def test_uncorrected_frames_give_back_the_same_cuboids(folder: Path, source: Path) -> None:
    classes, frames = imported(folder / "annotations.json")

    lifted = corrected_sweeps(frames, classes, read_index(folder))

    before = labels_by_name(list(open_sweeps(source).sweeps))
    for sweep in lifted.sweeps:
        assert sweep.labels is not None
        rows = {box_id: row for row, box_id in enumerate(before[sweep.name].box_id)}
        kept = before[sweep.name].take(np.array([rows[one] for one in sweep.labels.box_id]))
        np.testing.assert_array_equal(sweep.labels.cuboids.centre_m, kept.cuboids.centre_m)
        np.testing.assert_array_equal(sweep.labels.cuboids.yaw, kept.cuboids.yaw)
        assert sweep.labels.track == kept.track


@pytest.mark.parametrize("format", ["coco", "yolo"])
def test_a_moved_box_moves_its_cuboid(
    folder: Path, source: Path, tmp_path: Path, format: str
) -> None:
    """Two metres along the street, through an export of another format and back."""
    classes, frames = imported(folder / "annotations.json")
    above = [one for one in frames if one.frame.kind is FrameKind.LIDAR_BEV]
    moved = []
    for one in above:
        assert one.annotations is not None
        stays_inside = one.annotations.boxes.xyxy[:, [1, 3]].mean(axis=1) > 17
        old = one.annotations.take(np.flatnonzero(stays_inside))
        shifted = Boxes(old.boxes.xyxy - np.array([0, 16, 0, 16], np.float32), old.boxes.angle)
        moved.append(
            LabelledFrame(one.frame, AnnotationSet(shifted, old.class_id, old.box_id, old.origin))
        )
    written = write_dataset(format, tmp_path / "out", classes, moved, Silent())
    _, again = imported(written.annotations, folder / "pictures" if format == "coco" else None)

    before = labels_by_name(list(open_sweeps(source).sweeps))
    checked = 0
    for sweep in corrected_sweeps(again, classes, read_index(folder)).sweeps:
        assert sweep.labels is not None
        rows = {box_id: row for row, box_id in enumerate(before[sweep.name].box_id)}
        own = before[sweep.name].take(np.array([rows[one] for one in sweep.labels.box_id]))
        apart = sweep.labels.cuboids.centre_m - own.cuboids.centre_m
        np.testing.assert_allclose(apart, np.tile([2, 0, 0], (len(apart), 1)), atol=0.01)
        np.testing.assert_allclose(sweep.labels.cuboids.size_m, own.cuboids.size_m, atol=0.01)
        np.testing.assert_allclose(np.cos(sweep.labels.cuboids.yaw - own.cuboids.yaw), 1, atol=1e-5)
        checked += len(apart)
    assert checked > 20


def test_corrected_heights_count_more_than_cuboids_and_points(folder: Path) -> None:
    classes, frames = imported(folder / "annotations.json")
    one = next(one for one in frames if one.frame.kind is FrameKind.LIDAR_BEV)
    old = one.annotations
    assert old is not None
    assert old.height_m is not None
    new_id = "0c6a4b1e-6f0e-4a44-9d0f-1d1a4e0c8a11"
    said = np.concatenate([old.height_m, [[-1.25, 0.125]]])
    said[0] += (0.25, 0.5)
    boxes = Boxes(
        np.concatenate([old.boxes.xyxy, [[190, 200, 222, 216]]]),
        np.append(np.asarray(old.boxes.angle), 0.3),
    )
    corrected = AnnotationSet(
        boxes, [*old.class_id, 1], [*old.box_id, new_id], [*old.origin, DRAWN], said
    )

    index = read_index(folder)
    sweeps = corrected_sweeps([LabelledFrame(one.frame, corrected)], classes, index).sweeps

    (lifted,) = [sweep.labels for sweep in sweeps if sweep.name == one.frame.group]
    assert lifted is not None
    np.testing.assert_allclose(lifted.cuboids.heights(), said, atol=1e-5)
    (entry,) = [entry for entry in index.frames if entry.frame_id == one.frame.frame_id]
    known = {cuboid.box_id: cuboid for cuboid in entry.cuboids}
    first, second = known[old.box_id[0]], known[old.box_id[1]]
    assert lifted.cuboids.centre_m[0, :2].tolist() == list(first.centre_m[:2])
    assert lifted.cuboids.centre_m[1].tolist() == list(second.centre_m)


def test_a_new_box_is_as_tall_as_its_points(source: Path, folder: Path) -> None:
    """Without a cuboid to go by: on real beams the height is right to a quarter of a metre."""
    cars, overlaps = 0, list[float]()
    for sweep in open_sweeps(source).sweeps:
        assert sweep.labels is not None
        cloud = sweep.load()
        vehicles = sweep.labels.take(np.flatnonzero(np.isin(sweep.labels.class_id, (0, 2))))
        near = np.linalg.norm(vehicles.cuboids.centre_m, axis=1) < 25
        wanted = vehicles.cuboids.take(near)
        lifted, points = lift_boxes(GRID.boxes(wanted), GRID, cloud, find_ground(cloud))
        np.testing.assert_allclose(
            np.cos(2 * (lifted.yaw - wanted.yaw)), 1, atol=1e-4
        )  # a heading may be half a turn off
        many = points > 30
        cars += int(many.sum())
        overlaps.extend(np.diag(cuboid_iou(lifted, wanted))[many])
    assert cars > 5
    assert np.median(overlaps) > 0.85


def test_spread_is_told_in_metres_and_radians() -> None:
    sweep = next(generated_sweeps(SweepOptions(1, 1, 0, 0, beams=32, columns=720)))
    cloud = sweep.load()
    boxes = Boxes([[100, 300, 132, 316]], [0.4])
    spread = [[1, 2, 1, 2]]
    prediction = Prediction(
        "0" * 32, "m", boxes, [0.9], [0], ClassScores.INDEPENDENT, spread_px=spread
    )

    lifted = lift_prediction(prediction, GRID, cloud, find_ground(cloud))

    assert lifted.spread_m is not None
    assert lifted.spread_yaw is not None
    np.testing.assert_allclose(lifted.cuboids.size_m[0, :2], [4, 2])
    np.testing.assert_allclose(
        lifted.spread_m[0, [0, 1, 3, 4]], np.array([1, 2, 2, 4]) / np.sqrt(2) / 8
    )
    assert 0.05 < lifted.spread_yaw[0] < 0.2


def test_what_a_person_drew_keeps_its_origin(folder: Path) -> None:
    classes, frames = imported(folder / "annotations.json")
    frame = next(one for one in frames if one.frame.kind is FrameKind.LIDAR_BEV)
    box_id = "0c6a4b1e-6f0e-4a44-9d0f-1d1a4e0c8a11"
    drawn = AnnotationSet(Boxes([[190, 200, 222, 216]], [0.3]), [1], [box_id], [DRAWN])

    sweeps = list(
        corrected_sweeps([LabelledFrame(frame.frame, drawn)], classes, read_index(folder)).sweeps
    )

    (changed,) = [one for one in sweeps if one.name == frame.frame.group]
    assert changed.labels is not None
    assert (changed.labels.box_id, changed.labels.origin) == ((box_id,), (DRAWN,))


def test_a_source_that_is_gone_is_an_error(folder: Path, tmp_path: Path) -> None:
    index = read_index(folder)
    index = type(index)(index.format, str(tmp_path / "gone"), index.classes, index.frames)
    with pytest.raises(BadInputError, match="the sweeps that the frames were made from"):
        corrected_sweeps([], (), index)
    with pytest.raises(BadInputError, match="name the folder of the frames"):
        read_index(tmp_path)


def test_a_big_sweep_is_rastered_within_bounds(rng: np.random.Generator) -> None:
    """A million points far outside, inside and on the border: none is put in a wrong place."""
    xyz = np.concatenate(
        [rng.uniform(-500, 500, (1_000_000, 3)) * (1, 1, 0.002), [[50, 25, 0], [-30, -25, 0]]]
    )
    cloud = PointCloud(xyz)
    raster = rasterise(cloud, GRID, find_ground(cloud))
    assert raster.cells.min() >= 0
    assert raster.cells.max() < GRID.width_px * GRID.height_px
    inside = (np.abs(xyz[:, 1]) < 25) & (xyz[:, 0] > -30) & (xyz[:, 0] < 50)
    assert abs(float(sum(raster.values[Channel.DENSITY])) - inside.sum()) <= 3


def test_where_no_point_is_the_picture_is_black(rng: np.random.Generator) -> None:
    cloud = PointCloud(rng.uniform(0, 20, (500, 3)))
    ground = find_ground(cloud)
    elsewhere, here = BirdsEyeGrid(200, 220, 200, 220, 0.5), BirdsEyeGrid(0, 20, 0, 20, 0.5)

    empty = rasterise(cloud, elsewhere, ground)

    assert len(empty.cells) == 0
    assert empty.picture().shape == (40, 40, 3)
    assert not empty.picture().any()
    assert np.isnan(empty.channel(Channel.HEIGHT)).all()
    plain = rasterise(cloud, here, None)
    assert Channel.ABOVE_GROUND not in plain.values
    shown = plain.picture(PictureScale((Channel.HEIGHT,) * 3, 0, 20))
    np.testing.assert_array_equal(
        shown.any(axis=2), rasterise(cloud, here, ground).picture().any(axis=2)
    )


def test_a_contact_sheet(source: Path, tmp_path: Path) -> None:
    import cv2

    count = write_contact_sheet(tmp_path / "sheet.jpg", open_sweeps(source).sweeps, GRID)
    sheet = cv2.imread(str(tmp_path / "sheet.jpg"))
    assert count == 4
    assert sheet is not None
    assert sheet.shape[0] == 4 * 324
    with pytest.raises(BadInputError, match="no sweep to draw"):
        write_contact_sheet(tmp_path / "none.jpg", [], GRID)
    with pytest.raises(BadInputError, match=r"as \.jpg or \.png"):
        write_contact_sheet(tmp_path / "sheet.gif", [], GRID)


def test_unlabelled_sweeps_give_unlabelled_frames(source: Path, tmp_path: Path) -> None:
    opened = open_sweeps(source)
    bare = replace(opened, sweeps=[replace(one, labels=None) for one in opened.sweeps])
    made = write_frames(tmp_path / "f", source, bare, FrameSettings((View.BIRDS_EYE,)), Silent())
    assert [one.annotations for one in made] == [None] * 4
    _, frames = imported(tmp_path / "f" / "annotations.json")
    assert [one.annotations for one in frames] == [None] * 4
