"""Lidar sweeps in FiftyOne, on a real MongoDB: in space, in their cameras, and edited there."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from curated import accept_proposals, labelled_id, synchronised
from killed_curation import synchronise_until_killed
from lidar_projects import LidarProject, lidar_project
from pypcd4.pypcd4 import PointCloud as PcdPoints
from review_app import opened_copy

from prelabel.curating.collecting import collect
from prelabel.curating.curate import rebuild
from prelabel.curating.fields import PROJECTED
from prelabel.curating.opening import Curation, opened_curation
from prelabel.curating.operations import chosen_frames
from prelabel.curating.samples import all_samples
from prelabel.curating.scene_samples import camera_samples, scene_samples
from prelabel.datasets.annotations import OriginKind
from prelabel.datasets.arrays import Bools, Float64s
from prelabel.datasets.frames import FrameKind
from prelabel.datasets.geometry import pairwise_iou
from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid
from prelabel.datasets.lidar.cameras import CameraPicture
from prelabel.datasets.lidar.coordinates import wrapped
from prelabel.datasets.lidar.cuboids import Cuboids
from prelabel.datasets.lidar.derived_frames import FrameSettings, View, write_frames
from prelabel.datasets.lidar.kitti import read_kitti_objects
from prelabel.datasets.lidar.projection import project_cuboids
from prelabel.datasets.lidar.simulated.options import SweepOptions
from prelabel.datasets.lidar.simulated.writing import write_sweeps
from prelabel.datasets.lidar.sources import open_sweeps
from prelabel.datasets.lidar.sweeps import Sweep
from prelabel.datasets.progress import Silent
from prelabel.project import Project, init_project

GRID = BirdsEyeGrid(-10, 30, -20, 20, 0.25)

pytestmark = pytest.mark.filterwarnings("ignore:No uuidRepresentation:DeprecationWarning")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> LidarProject:
    folder = tmp_path_factory.mktemp("lidar")
    options = SweepOptions(2, 2, 0, 0, 1, beams=16, columns=360, camera_px=(96, 54))
    write_sweeps(folder / "streets", options, Silent())
    return lidar_project(folder / "street", folder / "streets", GRID)


@pytest.fixture
def street(made: LidarProject, tmp_path: Path) -> Iterator[Project]:
    with opened_copy(made.folder, tmp_path / "street", chosen=0) as project:
        for frame in list(project.store.frames())[:1]:
            accept_proposals(project, frame.frame_id)
        yield project


@pytest.fixture
def curation(mongo_database: str, street: Project) -> Iterator[Curation]:
    with opened_curation(street.workspace, os.environ) as opened:
        yield opened


def sorted_cameras(sweep: Sweep) -> list[CameraPicture]:
    return sorted(sweep.cameras, key=lambda one: one.camera.name)


def cuboids_of(sample: Any) -> Cuboids:
    boxes = sample.labels.detections
    return Cuboids(
        [one.location for one in boxes],
        [one.dimensions for one in boxes],
        [one.rotation[2] for one in boxes],
    )


def _only_scene(dataset: Any, frame_id: str) -> Any:
    (sample,) = scene_samples(dataset).match({"around": frame_id})
    return sample


def test_a_sweep_is_shown_in_space_and_in_its_cameras(
    curation: Curation, street: Project, made: LidarProject
) -> None:
    dataset, first = synchronised(curation, street)
    assert (first.filled.added, first.filled.sweeps, first.filled.unread) == (2, 2, ())
    frame_id = labelled_id(street)
    sample, sweep = _only_scene(dataset, frame_id), made.sweeps[frame_id]
    scene = curation.fiftyone.Scene.from_fo3d(sample.filepath)
    (path,) = scene.get_asset_paths()
    stored = PcdPoints.from_path(Path(sample.filepath).parent / path).numpy(("x", "y", "z"))
    wanted = sweep.load().positions()
    inside = ((wanted[:, :2] > (-14, -24)) & (wanted[:, :2] < (34, 24))).all(axis=1)
    assert len(stored) == inside.sum()
    np.testing.assert_allclose(stored.mean(0), wanted[inside].mean(0), atol=2e-3)

    truth = made.truth[frame_id].cuboids
    labels = sample.labels.detections
    assert len(labels) == len(truth)
    for label in labels:
        row = int(np.abs(truth.centre_m[:, :2] - label.location[:2]).sum(axis=1).argmin())
        np.testing.assert_allclose(label.location[:2], truth.centre_m[row, :2], atol=0.01)
        np.testing.assert_allclose(label.dimensions[:2], truth.size_m[row, :2], atol=0.01)
        assert np.cos(label.rotation[2] - truth.yaw[row]) == pytest.approx(1, abs=1e-4)
        assert (label.rotation[:2], label.version, label.origin) == ([0, 0], 1, "proposed")
    boxes_in_cameras = 0
    cameras = camera_samples(dataset).match({"around": frame_id})
    assert len(cameras) == len(sweep.cameras)
    for camera, taken in zip(cameras.sort_by("group.name"), sorted_cameras(sweep), strict=True):
        assert Path(camera.filepath) == taken.picture.resolve()
        shown = {box.box_id: box for box in camera[PROJECTED].detections}
        drawn = cuboids_of(sample)
        seen = project_cuboids(drawn, taken.camera, sweep.load())
        for row, xyxy in zip(seen.rows, seen.boxes.xyxy, strict=True):
            box = shown.get(labels[int(row)].box_id)
            if box is not None:
                left, top, width, height = np.array(box.bounding_box) * [96, 54, 96, 54]
                corners = [left, top, left + width, top + height]
                np.testing.assert_allclose(corners, xyxy, atol=1e-3)
        boxes_in_cameras += len(shown)
    assert boxes_in_cameras > 0

    files = {one: one.stat().st_mtime_ns for one in (curation.folder / "scenes").iterdir()}
    _, second = synchronised(curation, street)
    assert (second.filled.sweeps, second.filled.updated) == (0, 0)
    assert second.collected is not None
    assert (second.collected.edits, second.collected.refused) == ({}, {})
    other = next(street.store.frames(labelled=False)).frame_id
    accept_proposals(street, other)
    _, third = synchronised(curation, street)
    assert third.filled.sweeps == 1
    assert len(_only_scene(dataset, other).labels.detections) == len(made.truth[other])
    assert {one: one.stat().st_mtime_ns for one in (curation.folder / "scenes").iterdir()} == files


def test_edits_in_space_come_back(curation: Curation, street: Project) -> None:
    dataset, _ = synchronised(curation, street)
    fo, frame_id = curation.fiftyone, labelled_id(street)
    before = street.store.labels(frame_id)
    assert before is not None
    sample = _only_scene(dataset, frame_id)
    boxes = sample.labels.detections
    assert len(boxes) >= 5
    boxes[0].location[0] += 1.0
    boxes[1].rotation[2] += 0.5
    boxes[2].dimensions[2] += 0.4
    boxes[2].location[2] += 0.2
    boxes[3].label = next(one for one in street.classes() if one != boxes[3].label)
    gone = boxes.pop(4).box_id
    boxes.append(
        fo.Detection(
            label=street.classes()[0],
            location=[5.0, 2.0, -1.0],
            dimensions=[4.0, 2.0, 1.5],
            rotation=[0.0, 0.0, 0.25],
        )
    )
    wanted = cuboids_of(sample)
    sample.save()
    collected = collect(dataset, street)
    _, done = synchronised(curation, street)  # as after a kill: taken over, not shown yet
    assert done.collected is not None
    assert done.collected.edits == done.collected.conflicts == {}
    assert collected.edits == {
        frame_id: "1 moved, 1 turned, 1 resized, 1 reclassed, 1 drawn, 1 deleted"
    }
    after = street.store.labels(frame_id)
    assert after is not None
    assert (after.number, after.author, after.source) == (2, "ann", "edited in FiftyOne")
    labels = after.annotations
    assert gone not in labels.box_id
    kinds = [one.kind for one in labels.origin]
    assert kinds[:4] == [OriginKind.CHANGED] * 4
    assert kinds[-1] is OriginKind.DRAWN
    assert labels.height_m is not None
    assert np.isnan(labels.height_m[[0, 1, 3]]).all()  # as the points tell, there too
    np.testing.assert_allclose(labels.height_m[2], wanted.heights()[2], atol=1e-4)
    np.testing.assert_allclose(labels.height_m[-1], [-1.75, -0.25], atol=1e-6)
    np.testing.assert_array_equal(labels.boxes.xyxy[2], before.annotations.boxes.xyxy[2])
    assert street.store.replay(frame_id)[-1] == after

    shown = cuboids_of(_only_scene(dataset, frame_id))
    np.testing.assert_allclose(shown.centre_m[:, :2], wanted.centre_m[:, :2], atol=1e-4)
    np.testing.assert_allclose(shown.size_m[:, :2], wanted.size_m[:, :2], atol=1e-4)
    np.testing.assert_allclose(wrapped(shown.yaw - wanted.yaw), 0, atol=1e-5)
    _, again = synchronised(curation, street)
    assert again.collected is not None
    assert again.collected.edits == again.collected.conflicts == {}


def test_edits_in_the_picture_and_in_space_at_once_are_a_conflict(
    curation: Curation, street: Project
) -> None:
    dataset, _ = synchronised(curation, street)
    frame_id = labelled_id(street)
    picture = all_samples(dataset).one({"frame_id": frame_id})
    picture.labels.detections[0].bounding_box[0] += 0.05
    picture.save()
    sample = _only_scene(dataset, frame_id)
    sample.labels.detections.pop()
    sample.save()
    _, done = synchronised(curation, street)
    assert done.collected is not None
    assert done.collected.edits == {frame_id: "1 moved"}
    told = "1 deleted, while the labels changed in the project as well"
    assert done.collected.conflicts == {frame_id: told}
    history = street.store.label_history(frame_id)
    count = len(history[0].annotations)
    assert [len(one.annotations) for one in history] == [count, count, count - 1, count]
    assert history[-1].annotations == history[1].annotations
    picture = all_samples(dataset).one({"frame_id": frame_id})
    sample = _only_scene(dataset, frame_id)
    for shown in (picture, sample):
        assert (len(shown.labels.detections), len(shown.conflict.detections)) == (count, count - 1)
        assert shown.tags == ["conflict"]

    sample.tags.append("take mine")
    sample.save()
    _, done = synchronised(curation, street)
    settled = street.store.labels(frame_id)
    assert settled is not None
    assert settled.annotations == history[2].annotations
    picture.reload(hard=True)
    sample.reload(hard=True)
    for shown in (picture, sample):
        assert (shown.tags, shown.conflict, len(shown.labels.detections)) == ([], None, count - 1)


def test_tags_on_a_sweep_are_about_its_frames_and_drawings_on_pictures_are_told(
    curation: Curation, street: Project
) -> None:
    dataset, _ = synchronised(curation, street)
    frame_id = labelled_id(street)
    sample = _only_scene(dataset, frame_id)
    assert chosen_frames(dataset, None, [sample.id]) == [frame_id]
    sample.tags.append("exclude")
    sample.labels.detections[0].rotation[0] = 0.3
    sample.labels.detections[1].location[0] += 500
    sample.save()
    camera = camera_samples(dataset).first()
    drawn = curation.fiftyone.Detection(label="car", bounding_box=[0.1, 0.1, 0.2, 0.2])
    camera["labels"] = curation.fiftyone.Detections(detections=[drawn])
    camera.save()
    _, done = synchronised(curation, street)
    assert street.store.excluded() == {frame_id}
    assert done.collected is not None
    assert done.collected.edits == {}
    told = done.collected.refused
    assert told[frame_id] == (
        "the tilt of 1 cuboid: they stand upright; 1 cuboid outside of the frame"
    )
    assert "is no frame of the project" in told[camera.frame_id]
    sample.reload(hard=True)
    assert sample.tags == []
    assert sample.labels.detections[0].rotation[0] == 0
    assert sample.labels.detections[1].location[0] < 100
    camera.reload(hard=True)
    assert len(camera.labels.detections) == 1


def test_a_sweep_half_shown_and_one_with_a_new_scene_are_shown_whole(
    curation: Curation, street: Project, made: LidarProject
) -> None:
    folder = street.workspace.folder
    synchronise_until_killed(folder, "prelabel.curating.scene_writing", "add_beside")
    dataset, done = synchronised(curation, street)
    assert done.filled.sweeps == 2
    frame_id = labelled_id(street)
    before = _only_scene(dataset, frame_id)
    assert len(before.labels.detections) == len(made.truth[frame_id])

    scene = street.workspace.scenes_folder / f"{frame_id}.scene"
    kept = scene.read_bytes()
    scene.write_bytes(kept[:-6])
    _, done = synchronised(curation, street)
    assert (done.filled.sweeps, len(done.filled.unread)) == (0, 1)
    assert "is cut off" in done.filled.unread[0]
    scene.write_bytes(kept)
    _, done = synchronised(curation, street)
    assert (done.filled.sweeps, done.filled.unread) == (1, ())
    after = _only_scene(dataset, frame_id)
    after.reload(hard=True)
    assert Path(after.filepath).is_file()
    files = sorted(one.name for one in (curation.folder / "scenes").iterdir())
    assert len(files) == 6
    stray = curation.folder / "scenes" / "0123.7.unfinished.fo3d"
    stray.touch()
    rebuild(curation, street, Silent())
    assert sorted(one.name for one in (curation.folder / "scenes").iterdir()) == files


def test_real_sweeps_with_frames_of_their_camera(
    mongo_database: str, test_data: Path, tmp_path: Path
) -> None:
    source = test_data / "kitti_lidar_mini"
    opened = open_sweeps(source)
    (sweep,) = [one for one in opened.sweeps if one.name == "000008"]
    grid = BirdsEyeGrid(0, 70.4, -40, 40, 0.2)
    settings = FrameSettings((View.BIRDS_EYE, View.CAMERAS), grid)
    write_frames(tmp_path / "f", source, replace(opened, sweeps=[sweep]), settings, Silent())
    labels = tmp_path / "f" / "annotations.json"
    project, _ = init_project(tmp_path / "kitti", source=labels, classes=opened.classes)
    with project, opened_curation(project.workspace, os.environ) as curation:
        dataset, _ = synchronised(curation, project)
        assert len(camera_samples(dataset)) == 0
        frame = next(one for one in project.store.frames() if one.kind is FrameKind.LIDAR_BEV)
        sample, truth = _only_scene(dataset, frame.frame_id), sweep.labels
        camera = all_samples(dataset).one({"kind": "image"})
    assert truth is not None
    shown = {box.box_id: box for box in sample.labels.detections}
    inside = grid.inside(truth.cuboids)
    assert set(shown) == {truth.box_id[row] for row in inside}
    points = PcdPoints.from_path(Path(sample.filepath).with_suffix(".pcd")).numpy(("x", "y", "z"))
    for row in inside:
        box = shown[truth.box_id[row]]
        np.testing.assert_allclose(box.location, truth.cuboids.centre_m[row], atol=0.01)
        np.testing.assert_allclose(box.dimensions, truth.cuboids.size_m[row], atol=0.01)
        off = float(wrapped(np.array(box.rotation[2] - truth.cuboids.yaw[row])))
        assert abs(off) < np.deg2rad(0.1)
        from_theirs = curation.fiftyone.utils.utils3d.corners_from_euler
        held = _held(from_theirs(box.location, box.rotation, box.dimensions).T, points)
        wanted = truth.cuboids.contains(int(row), sweep.load().positions()).sum()
        assert held.sum() == pytest.approx(wanted, rel=0.05, abs=5)  # to a centimetre at the sides
    lines = source / "training" / "label_2" / "000008.txt"
    objects = np.array([one.xyxy for one in read_kitti_objects(lines)], np.float32)
    seen = np.array([box.bounding_box for box in camera[PROJECTED].detections], np.float32)
    seen[:, 2:] += seen[:, :2]
    size = [camera.metadata.width, camera.metadata.height] * 2
    overlap = pairwise_iou(seen * np.array(size, np.float32), objects).max(axis=1)
    assert np.median(overlap) >= 0.9
    assert camera.labels is not None


def _held(corners: Float64s, points: Float64s) -> Bools:
    """Which points lie in a cuboid, given by the corners (8, 3) that FiftyOne makes of it."""
    sides = corners[[4, 1, 3]] - corners[0]  # along, across, up
    length = np.linalg.norm(sides, axis=1)
    off = np.abs((points - corners.mean(axis=0)) @ (sides / length[:, None]).T)
    return np.asarray((off <= length / 2).all(axis=1), np.bool_)
