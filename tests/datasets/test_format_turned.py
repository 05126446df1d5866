"""Turned boxes in every format: kept where it has angles, put upright and told where it has not."""

import json
import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from builders import a_picture, annotations

from prelabel.datasets.annotations import AnnotationSet, Origin, OriginKind
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.formats.base import ImportReport, ProblemKind
from prelabel.datasets.formats.registry import WITH_ANGLES, WRITERS, open_dataset, write_dataset
from prelabel.datasets.frames import LabelledFrame, Split
from prelabel.datasets.geometry import boxes_iou, enclosing, rotated_corners
from prelabel.datasets.progress import Silent

CLASSES = ("ship", "plane")
SIZE = (120, 90)


def frames_of(folder: Path) -> list[LabelledFrame]:
    """Turned boxes, one reaching out of its picture; upright ones; none; and nothing known."""
    folder.mkdir()
    pictures = [a_picture(folder / f"{row}.png", *SIZE, seed=row) for row in range(4)]
    turned = annotations(
        np.array([[10, 20, 70, 40], [30.5, 30.25, 45.125, 80], [100, 40, 130, 60]]),
        [0, 1, 0],
        angle=[0.5, -2.875, 1.0625],
    )
    proposed = Origin(OriginKind.CHANGED, "m", 0.5, (1.0, 2.0, 3.0, 4.0), 1, 0.25)
    turned = AnnotationSet(
        turned.boxes, turned.class_id, turned.box_id, [proposed, *turned.origin[1:]]
    )
    upright = annotations([[5, 5, 30, 40]], [1], seed=1)
    labels = [turned, upright, AnnotationSet.empty(), None]
    return [
        LabelledFrame(replace(picture, split=Split.VAL), one)
        for picture, one in zip(pictures, labels, strict=True)
    ]


def read(
    path: Path, images: Path | None = None, format: str | None = None
) -> tuple[dict[str, LabelledFrame], ImportReport]:
    report = ImportReport()
    opened = open_dataset(path, images=images, report=report, format=format)
    return {Path(one.frame.uri).name: one for one in opened.frames}, report


def labels_of(one: LabelledFrame) -> AnnotationSet:
    assert one.annotations is not None
    return one.annotations


@pytest.mark.parametrize("format", sorted(WITH_ANGLES))
def test_turned_boxes_come_back(format: str, tmp_path: Path) -> None:
    frames = frames_of(tmp_path / "pictures")
    written = write_dataset(format, tmp_path / "out", CLASSES, frames, Silent())
    assert written.notes == ()
    again, report = read(written.annotations, written.images)
    assert report.problems == []
    for one in frames:
        back = again[Path(one.frame.uri).name]
        if one.annotations is None:
            assert back.annotations is None
            continue
        labels = labels_of(back)
        assert labels.box_id == one.annotations.box_id
        assert labels.origin == one.annotations.origin
        assert labels.class_id.tolist() == one.annotations.class_id.tolist()
        if format == "yolo":
            assert labels.boxes.angle is not None
            assert np.allclose(labels.boxes.xyxy, one.annotations.boxes.xyxy, rtol=1e-6)
            assert np.allclose(np.diag(boxes_iou(labels.boxes, one.annotations.boxes)), 1)
        else:
            assert labels.boxes == one.annotations.boxes


def test_heights_come_back_from_coco_and_wrong_ones_are_told(tmp_path: Path) -> None:
    frames = frames_of(tmp_path / "pictures")
    old = labels_of(frames[0])
    said = [[-1.7, 0.1], [math.nan, math.nan], [812.25, 813]]
    high = AnnotationSet(old.boxes, old.class_id, old.box_id, old.origin, said)
    frames[0] = replace(frames[0], annotations=high)
    written = write_dataset("coco", tmp_path / "out", CLASSES, frames, Silent())
    again, report = read(written.annotations, written.images)
    assert report.problems == []
    assert labels_of(again["0.png"]) == high

    csv = write_dataset("csv", tmp_path / "csv", CLASSES, frames, Silent())
    assert csv.notes == ("2 heights left out: only coco has a place for them",)

    text = written.annotations.read_text(encoding="utf-8")
    assert '"height_m":[-1.7,0.1]' in text
    upside_down = text.replace('"height_m":[-1.7,0.1]', '"height_m":[0.1,-1.7]')
    written.annotations.write_text(upside_down, encoding="utf-8")
    again, report = read(written.annotations, written.images)
    (problem,) = report.problems
    assert "must be a bottom and a top above it" in problem.reason
    heights = labels_of(again["0.png"]).height_m
    assert heights is not None
    assert np.isnan(heights[0]).all()


@pytest.mark.parametrize("format", sorted({*WRITERS, "datumaro:voc"} - WITH_ANGLES))
def test_formats_without_angles_get_the_upright_box_around(format: str, tmp_path: Path) -> None:
    frames = frames_of(tmp_path / "pictures")
    written = write_dataset(format, tmp_path / "out", CLASSES, frames, Silent())
    told = "3 turned boxes written as the upright boxes around them: the format has no angles"
    assert told in written.notes
    again, _ = read(written.annotations, format=format)
    boxes = labels_of(again["0.png"]).boxes
    assert boxes.angle is None
    wanted = enclosing(labels_of(frames[0]).boxes).clip(0, [*SIZE, *SIZE])
    assert np.allclose(boxes.xyxy, wanted, atol=0.01)
    if not format.startswith("datumaro"):
        assert labels_of(again["1.png"]) == labels_of(frames[1])


def test_without_turned_boxes_nothing_is_noted(tmp_path: Path) -> None:
    upright = [one for one in frames_of(tmp_path / "pictures") if not is_turned(one)]
    for format in sorted(WRITERS):
        assert write_dataset(format, tmp_path / format, CLASSES, upright, Silent()).notes == ()


def is_turned(one: LabelledFrame) -> bool:
    return one.annotations is not None and one.annotations.boxes.angle is not None


def test_other_tools_see_the_box_around_and_the_outline_in_coco(tmp_path: Path) -> None:
    frames = frames_of(tmp_path / "pictures")
    written = write_dataset("coco", tmp_path / "out", CLASSES, frames, Silent())
    first, _, reaching, upright = json.loads(written.annotations.read_text())["annotations"]
    boxes = labels_of(frames[0]).boxes
    left, top, width, height = first["bbox"]
    assert [left, top, left + width, top + height] == pytest.approx(enclosing(boxes)[0].tolist())
    outline = np.array(first["segmentation"][0], np.float32).reshape(-1, 2)
    assert cv2.contourArea(outline) == pytest.approx(60 * 20, abs=0.1)
    assert first["area"] == 60 * 20
    assert first["prelabel"]["angle"] == 0.5
    assert first["prelabel"]["xyxy"] == [10, 20, 70, 40]
    left, _, width, _ = reaching["bbox"]
    assert left + width <= SIZE[0]
    assert "angle" not in upright["prelabel"]
    assert upright["segmentation"] == []


def test_a_turned_box_that_another_tool_moved_in_coco_is_upright(tmp_path: Path) -> None:
    frames = frames_of(tmp_path / "pictures")
    written = write_dataset("coco", tmp_path / "out", CLASSES, frames, Silent())
    document = json.loads(written.annotations.read_text())
    document["annotations"][0]["bbox"][0] += 1
    document["annotations"][1]["bbox"] = [
        round(one, 2) for one in document["annotations"][1]["bbox"]
    ]
    written.annotations.write_text(json.dumps(document))
    again, report = read(written.annotations, written.images)
    boxes = labels_of(again["0.png"]).boxes
    assert boxes.angle is not None
    assert boxes.angle.tolist() == [0, -2.875, 1.0625]
    assert boxes.xyxy[0].tolist() == pytest.approx(
        [*(enclosing(labels_of(frames[0]).boxes)[0] + [1, 0, 1, 0])]
    )
    (problem,) = report.problems
    assert problem.kind is ProblemKind.CORRECTED
    assert "annotation 1: its bbox was changed since its angle was written" in problem.reason


def oriented_dataset(folder: Path, lines: list[str]) -> Path:
    """A dataset as Ultralytics wants it for oriented boxes, of one picture."""
    for part in ("images/train", "labels/train"):
        (folder / part).mkdir(parents=True)
    a_picture(folder / "images/train/a.png", *SIZE)
    (folder / "labels/train/a.txt").write_text("".join(f"{line}\n" for line in lines))
    (folder / "data.yaml").write_text("train: images/train\nnames: [ship, plane]\n")
    return folder


def corners_line(class_id: int, corners: list[tuple[float, float]]) -> str:
    return " ".join(map(str, [class_id, *(v for x, y in corners for v in (x / 120, y / 90))]))


def test_four_corners_in_any_turn_are_a_turned_box(tmp_path: Path) -> None:
    diamond: list[tuple[float, float]] = [(60, 20), (80, 40), (60, 60), (40, 40)]
    rounded: list[tuple[float, float]] = [(10, 10), (40, 20), (37, 28), (7, 18)]
    lines = [
        corners_line(0, diamond),
        corners_line(0, diamond[::-1]),
        corners_line(1, diamond[2:] + diamond[:2]),
        corners_line(1, rounded),
    ]
    again, report = read(oriented_dataset(tmp_path / "data", lines))
    assert report.problems == []
    boxes = labels_of(again["a.png"]).boxes
    wanted = Boxes([[60 - 200**0.5, 40 - 200**0.5, 60 + 200**0.5, 40 + 200**0.5]], [math.pi / 4])
    assert boxes_iou(boxes, wanted)[:3, 0].tolist() == pytest.approx([1, 1, 1], abs=1e-5)
    assert boxes.angle is not None
    assert math.tan(float(boxes.angle[3])) == pytest.approx(1 / 3, abs=0.03)


def test_a_quadrilateral_becomes_the_smallest_rectangle_around_it(tmp_path: Path) -> None:
    kite: list[tuple[float, float]] = [(60, 20), (80, 40), (60, 80), (40, 40)]
    again, report = read(oriented_dataset(tmp_path / "data", [corners_line(0, kite)]))
    (problem,) = report.problems
    assert problem.kind is ProblemKind.CORRECTED
    assert "line 1: is no rectangle: the smallest one around it was taken" in problem.reason
    boxes = labels_of(again["a.png"]).boxes
    outline = np.array(kite, np.float32)
    assert boxes.angle is not None
    around = cv2.convexHull(
        np.concatenate([rotated_corners(boxes.xyxy, boxes.angle)[0], outline]).astype(np.float32)
    )
    area = float(np.prod(boxes.xyxy[0, 2:] - boxes.xyxy[0, :2]))
    assert cv2.contourArea(around) == pytest.approx(area, rel=1e-4)  # no corner lies outside
    assert area < 40 * 60


def test_a_dataset_of_polygons_stays_one_of_upright_boxes(tmp_path: Path) -> None:
    square: list[tuple[float, float]] = [(60, 20), (80, 40), (60, 60), (40, 40)]
    lines = [corners_line(0, square), corners_line(0, [*square, (30, 30)])]
    again, report = read(oriented_dataset(tmp_path / "data", lines))
    assert labels_of(again["a.png"]).boxes.angle is None
    assert ["the box around a polygon was taken" in one.reason for one in report.problems] == [
        True
    ] * 2


def test_turned_boxes_that_cannot_serve_are_listed(tmp_path: Path) -> None:
    picture = a_picture(tmp_path / "a.png", *SIZE)
    header = "filename,class,xmin,ymin,xmax,ymax,angle\n"
    rows = (
        "a.png,ship,10,10,50,30,0.5\n"
        "a.png,ship,100,10,150,30,0.5\n"
        "a.png,ship,10,10,10,30,0.5\n"
        "a.png,ship,10,10,50,30,nan\n"
        "a.png,ship,10,10,50,30,half\n"
        "a.png,plane,20,20,60,40,\n"
    )
    (tmp_path / "boxes.csv").write_text(header + rows)
    again, report = read(tmp_path / "boxes.csv")
    labels = labels_of(again[Path(picture.uri).name])
    assert labels.boxes == Boxes([[10, 10, 50, 30], [20, 20, 60, 40]], [0.5, 0])
    told = [problem.reason for problem in report.problems]
    assert len(told) == 4
    for words in ("has its middle outside 120 x 90", "has no area", "is not finite", "half"):
        assert any(words in one for one in told), words


@pytest.mark.parametrize(("orientation", "angle"), [(6, 0.5), (8, 0.5), (5, -0.5), (7, -0.5)])
def test_turned_boxes_turn_with_a_picture_that_is_shown_turned(
    orientation: int, angle: float, tmp_path: Path
) -> None:
    """A bright turned rectangle in the stored raster is under the box in the picture as shown."""
    from PIL import Image

    from prelabel.datasets.pictures import read_picture

    stored = np.zeros((*SIZE[::-1], 3), np.uint8)
    box, turn = np.array([[20, 30, 80, 50]], np.float32), np.array([0.5], np.float32)
    cv2.fillPoly(stored, [rotated_corners(box, turn)[0].round().astype(np.int32)], (255,) * 3)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(tmp_path / "a.png", exif=exif)
    header = "filename,width,height,class,xmin,ymin,xmax,ymax,angle\n"
    (tmp_path / "boxes.csv").write_text(f"{header}a.png,{SIZE[0]},{SIZE[1]},ship,20,30,80,50,0.5\n")
    again, _ = read(tmp_path / "boxes.csv")
    boxes = labels_of(again["a.png"]).boxes
    assert boxes.angle is not None
    assert boxes.angle.tolist() == [angle]
    shown = read_picture(again["a.png"].frame)
    covered = np.zeros(shown.shape[:2], np.uint8)
    corners = rotated_corners(boxes.xyxy, boxes.angle)[0]
    cv2.fillPoly(covered, [corners.round().astype(np.int32)], (255,))
    both, either = (covered & shown[..., 0]) > 127, (covered | shown[..., 0]) > 127
    assert both.sum() / either.sum() > 0.9


def test_the_same_turned_box_has_the_same_id_at_every_import(tmp_path: Path) -> None:
    a_picture(tmp_path / "a.png", *SIZE)
    header = "filename,class,xmin,ymin,xmax,ymax,angle\n"
    path = tmp_path / "boxes.csv"
    ids = []
    for turn in ("0.5", "0.5", "0.6"):
        path.write_text(f"{header}a.png,ship,10,10,50,30,{turn}\n")
        ids.append(labels_of(read(path)[0]["a.png"]).box_id[0])
    assert ids[0] == ids[1] != ids[2]
