"""Cuboids as FiftyOne has them, and edits of them, without a database."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from prelabel.curating.cuboid_documents import cuboids_document, labels_in_space
from prelabel.curating.cuboid_edits import (
    SeenCuboid,
    edited_cuboids,
    frame_below,
    seen_cuboids,
)
from prelabel.curating.relabelling import Edited
from prelabel.curating.scene_files import SceneFiles
from prelabel.curating.standing import Standing, joined
from prelabel.datasets.annotations import DRAWN, AnnotationSet, OriginKind, new_box_ids
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.frames import Frame, FrameKind
from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid
from prelabel.datasets.lidar.cuboids import Cuboids
from prelabel.datasets.lidar.ground import Ground
from prelabel.datasets.lidar.points import PointCloud
from prelabel.datasets.lidar.scenes import Cells, Scene, Surroundings
from prelabel.store.records import LabelVersion
from prelabel.store.store import utc_now

NEAR, FAR = BirdsEyeGrid(0, 20, -10, 10, 0.1), BirdsEyeGrid(14, 34, -10, 10, 0.1)
FRAMES = {
    "a" * 32: (NEAR, Frame("a" * 32, "/a.png", 200, 200, FrameKind.LIDAR_BEV, group="0")),
    "b" * 32: (FAR, Frame("b" * 32, "/b.png", 200, 200, FrameKind.LIDAR_BEV, group="0")),
}
A, B = FRAMES
CLASSES = ("car", "van")
ORIGIN = (0.0, 0.0, 0.0)
TRUTH = Cuboids(
    [[5, 2, 0.75], [17, -3, 1.0], [9, -6, 0.9]],
    [[4.2, 1.8, 1.5], [5.0, 2.0, 2.0], [0.6, 0.8, 1.8]],
    [0.3, -2.0, 1.2],
)
IDS = new_box_ids(4, np.random.default_rng(0))


def around(frame_id: str, points: Float64s | None = None) -> Surroundings:
    """A scene on level ground."""
    grid = FRAMES[frame_id][0]
    xy = np.zeros((0, 3)) if points is None else points
    cells = Cells(grid.x_min_m - 4, grid.y_min_m - 4, 2.0, 14, 14)
    ground = Cells(-40, -40, 80.0, 1, 1)
    scene = Scene(1, frame_id, "0", grid, [], len(xy), ORIGIN, (1, 1, 1), cells, ground, 0.0)
    level = Ground(-40, -40, 80.0, np.zeros((1, 1), np.float32))
    return Surroundings(scene, PointCloud(xy), level)


def labels(frame_id: str, rows: list[int], ids: list[str], said: bool = True) -> AnnotationSet:
    grid, own = FRAMES[frame_id][0], TRUTH.take(rows)
    heights = own.heights() if said else None
    return AnnotationSet(grid.boxes(own), [0] * len(rows), ids, [DRAWN] * len(rows), heights)


def shown(*parts: tuple[str, AnnotationSet]) -> list[dict[str, Any]]:
    """Labels of frames, all in version 3, as FiftyOne is given them."""
    standing = Standing()
    for frame_id, boxes in parts:
        standing.add(around(frame_id), boxes, 3)
    versions = {one: LabelVersion(one, 3, boxes, "ann", utc_now()) for one, boxes in parts}
    document = cuboids_document(labels_in_space(standing, versions, CLASSES), ORIGIN)
    found: list[dict[str, Any]] = document["detections"]
    return found


def after(before: AnnotationSet, boxes: list[dict[str, Any]], frame_id: str = A) -> Edited:
    grid, frame = FRAMES[frame_id]
    own = [one for one in seen_cuboids(boxes, ORIGIN) if not one.places or frame_id in one.places]
    return edited_cuboids(before, own, CLASSES, frame, grid)


def test_a_cuboid_is_what_its_box_was_made_of() -> None:
    boxes = shown((A, labels(A, [0, 2], [IDS[0], IDS[2]])))
    for row, box in zip((0, 2), boxes, strict=True):
        np.testing.assert_allclose(box["location"], TRUTH.centre_m[row], atol=1e-5)
        np.testing.assert_allclose(box["dimensions"], TRUTH.size_m[row], atol=1e-5)
        np.testing.assert_allclose(box["rotation"], [0, 0, TRUTH.yaw[row]], atol=1e-6)


def test_what_nobody_touched_is_left_to_the_last_bit() -> None:
    before = labels(A, [0, 2], [IDS[0], IDS[2]], said=False)
    boxes = shown((A, before))
    boxes[0]["location"][0] += 4e-7  # as FiftyOne rounds
    change = after(before, boxes)
    assert (change.told, change.refused) == ("", "")
    assert change.annotations == before


def test_heights_that_were_not_touched_stay_what_they_are() -> None:
    for said in (False, True):
        before = labels(A, [0, 2], [IDS[0], IDS[2]], said)
        boxes = shown((A, before))
        boxes[0]["location"][1] += 1.5
        boxes[0]["rotation"][2] += 0.2
        change = after(before, boxes)
        assert change.told == "1 turned"
        if said:
            np.testing.assert_array_equal(change.annotations.height_m, before.height_m)
        else:
            assert change.annotations.height_m is None
        np.testing.assert_array_equal(change.annotations.boxes.xyxy[1], before.boxes.xyxy[1])
        seen = shown((A, change.annotations))[0]
        np.testing.assert_allclose(seen["location"][:2], boxes[0]["location"][:2], atol=1e-5)
        np.testing.assert_allclose(seen["rotation"], boxes[0]["rotation"], atol=1e-6)


def test_a_height_that_was_changed_is_said() -> None:
    before = labels(A, [0, 2], [IDS[0], IDS[2]], said=False)
    boxes = shown((A, before))
    boxes[1]["location"][2], boxes[1]["dimensions"][2] = 1.0, 1.5
    change = after(before, boxes)
    assert change.told == "1 resized"
    assert change.annotations.height_m is not None
    np.testing.assert_allclose(change.annotations.height_m[1], [0.25, 1.75])
    assert np.isnan(change.annotations.height_m[0]).all()
    assert change.annotations.boxes == before.boxes


@pytest.mark.parametrize("turn", [(0, 0, 2.5), (0.01, -0.01, -3.1), (0.3, 0, 1.0), (np.pi, 0, 0.4)])
def test_a_heading_is_the_upright_part_of_a_turn(turn: tuple[float, float, float]) -> None:
    box = shown((A, labels(A, [0], [IDS[0]])))[0] | {"rotation": list(turn)}
    (seen,) = seen_cuboids([box], ORIGIN)
    assert seen.seen is not None
    whole = Rotation.from_euler("XYZ", turn)  # as three.js, which the App draws with
    if turn[0] == np.pi:
        ahead = whole.apply([1, 0, 0])
        assert seen.seen[6] == pytest.approx(np.arctan2(ahead[1], ahead[0]))
    else:
        rest = whole * Rotation.from_euler("z", -float(seen.seen[6]))
        assert rest.as_rotvec()[2] == pytest.approx(0, abs=1e-9)
    assert seen.is_tilted == (turn[0] == 0.3)


def test_what_cannot_be_taken_over_is_told_and_left_as_it_was() -> None:
    before = labels(A, [0, 2], [IDS[0], IDS[2]])
    boxes = shown((A, before))
    boxes[0]["rotation"][0] = 0.5
    boxes[1]["location"][0] = 300.0
    del boxes[1]["filled"]
    flat = {"_id": "1", "label": "car", "location": [3, 3, 1], "dimensions": [2, 0, 1]}
    endless = {**flat, "_id": "2", "dimensions": [2, 1, 1], "rotation": [0, 0, float("nan")]}
    stranger = {**flat, "_id": "3", "dimensions": [2, 1, 1], "label": "cow"}
    change = after(before, [*boxes, flat, endless, stranger, {"_id": "4", "label": "car"}])
    assert change.told == ""
    assert change.annotations == before
    told = "the tilt of 1 cuboid: they stand upright; 4 cuboids outside of the frame"
    assert change.refused == told


def test_a_copy_of_a_cuboid_has_an_id_of_its_own() -> None:
    before = labels(A, [0], [IDS[0]])
    (box,) = shown((A, before))
    copy = {**box, "_id": "copied", "location": [9.0, 2.0, 0.75]}
    change = after(before, [box, copy])
    assert change.told == "1 drawn"
    assert change.annotations.box_id[0] == IDS[0]
    assert change.annotations.box_id[1] != IDS[0]
    assert after(before, [box, copy]).annotations == change.annotations
    assert [one.kind for one in change.annotations.origin] == [OriginKind.DRAWN] * 2


def test_what_two_tiles_show_is_one_cuboid_and_is_changed_on_both() -> None:
    near = labels(A, [0, 1], [IDS[0], IDS[1]])
    far = labels(B, [1], [IDS[3]])
    boxes = shown((A, near), (B, far))
    assert [len(one["shown_as"]) for one in boxes] == [1, 2]
    boxes[1]["location"][1] += 1.0
    for frame_id, before in ((A, near), (B, far)):
        change = after(before, boxes, frame_id)
        assert change.told == "1 moved"
        (moved,) = shown((frame_id, change.annotations.take(np.array([len(before) - 1]))))
        np.testing.assert_allclose(moved["location"], [17, -2, 1], atol=1e-5)
    assert after(far, boxes[:1], B).told == "1 deleted"
    assert after(near, boxes[:1], A).told == "1 deleted"
    other_class = replace_class(far)
    assert [len(one["shown_as"]) for one in shown((A, near), (B, other_class))] == [1, 1, 1]


def replace_class(before: AnnotationSet) -> AnnotationSet:
    return AnnotationSet(before.boxes, [1], before.box_id, before.origin, before.height_m)


def test_a_new_cuboid_goes_to_the_frame_that_shows_it_best() -> None:
    grids = {frame_id: grid for frame_id, (grid, _) in FRAMES.items()}
    seven = np.array([16.0, 0, 1, 4, 2, 1.5, 0])
    new = SeenCuboid("1", "car", seven, None, {}, False)
    assert frame_below(new, grids) == A
    assert frame_below(replace(new, seen=seven + np.eye(7)[0] * 2), grids) == B
    assert frame_below(replace(new, seen=None), grids) in grids


def test_a_sweep_is_turned_for_the_grid_where_its_picture_is_there(tmp_path: Path) -> None:
    pixels = np.zeros((6, 4, 3), np.uint8)
    pixels[0, 3] = 255  # ahead, to the right
    cv2.imwrite(str(tmp_path / "above.png"), pixels)
    files = SceneFiles(tmp_path)
    frame = Frame("c" * 32, str(tmp_path / "above.png"), 4, 6, FrameKind.LIDAR_BEV)
    turned = files.preview(tmp_path / "1.fo3d", frame)
    assert turned is not None
    shown = cv2.imread(str(turned))
    assert shown is not None
    assert np.argwhere(shown[..., 0]).tolist() == [[3, 5]]
    assert files.preview(tmp_path / "2.fo3d", replace(frame, uri=str(tmp_path / "none"))) is None


def test_points_that_two_tiles_hold_are_joined_once() -> None:
    rng = np.random.default_rng(1)
    points = rng.uniform([-4, -14, 0], [38, 14, 2], (2000, 3))
    parts = []
    for frame_id, (grid, _) in FRAMES.items():
        low = np.array([grid.x_min_m - 4, grid.y_min_m - 4])
        inside = ((points[:, :2] >= low) & (points[:, :2] < low + 28)).all(axis=1)
        parts.append(around(frame_id, points[inside]))
    cloud = joined(parts)
    assert len(cloud) == len(points)
    np.testing.assert_allclose(np.sort(cloud.xyz_m[:, 0]), np.sort(points[:, 0]), atol=1e-5)
