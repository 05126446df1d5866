"""Whatever is wrong in a source is listed with its file, and the rest is read."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from builders import a_picture
from foreign_datasets import (
    CLASSES,
    FOREIGN_FORMATS,
    GOOD_BOX,
    ForeignBox,
    ForeignPicture,
    picture_path,
    write_foreign,
)
from PIL import Image

from prelabel.datasets.formats.base import ImportReport, ImportRules, ProblemKind
from prelabel.datasets.formats.registry import open_dataset
from prelabel.datasets.frames import LabelledFrame

LEFT_OUT = ProblemKind.FRAME_LEFT_OUT


def read(
    source: Path, rules: ImportRules | None = None
) -> tuple[list[LabelledFrame], ImportReport]:
    report = ImportReport()
    opened = open_dataset(source, classes=CLASSES, report=report, rules=rules)
    return list(opened.frames), report


def names(frames: list[LabelledFrame]) -> list[str]:
    return sorted(Path(one.frame.uri).name for one in frames)


@pytest.fixture(scope="module")
def huge_picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real PNG of 20,000 x 20,000 pixels."""
    path = tmp_path_factory.mktemp("huge") / "huge.png"
    Image.new("1", (20_000, 20_000)).save(path)
    return path


def remove(path: Path) -> None:
    path.unlink()


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def replace_by_text(path: Path) -> None:
    path.write_text("<html>not found</html>")


def replace_by_link_out(path: Path) -> None:
    outside = path.parents[4] / "outside.jpg"
    shutil.move(path, outside)
    path.symlink_to(outside)


@pytest.mark.parametrize("format", FOREIGN_FORMATS)
@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (remove, "missing"),
        (cut_off, "truncated"),
        (empty, "empty (0 bytes)"),
        (replace_by_text, "is not a JPEG, PNG"),
        (replace_by_link_out, "refused: a link out of"),
    ],
)
def test_a_picture_that_cannot_be_used_is_listed(
    tmp_path: Path, format: str, damage: Callable[[Path], None], told: str
) -> None:
    folder = tmp_path / "a" / "b" / "c"
    for row, name in enumerate(("good.jpg", "bad.jpg")):
        a_picture(picture_path(format, folder, name), seed=row)
    source = write_foreign(
        format,
        folder,
        [ForeignPicture("bad.jpg", [GOOD_BOX, GOOD_BOX]), ForeignPicture("good.jpg", [GOOD_BOX])],
    )
    damage(picture_path(format, folder, "bad.jpg"))

    frames, report = read(source)

    assert names(frames) == ["good.jpg"]
    (problem,) = report.problems
    assert problem.kind is LEFT_OUT
    assert told in problem.reason
    assert problem.boxes == 2
    assert "bad" in problem.file + problem.reason
    assert (report.boxes_read, report.boxes_left_out) == (1, 2)


@pytest.mark.parametrize("format", FOREIGN_FORMATS)
def test_a_picture_above_the_pixel_limit_is_listed(
    tmp_path: Path, format: str, huge_picture: Path
) -> None:
    os.link(huge_picture, picture_path(format, tmp_path / "d", "huge.png"))
    a_picture(picture_path(format, tmp_path / "d", "good.jpg"))
    pictures = [
        ForeignPicture("huge.png", [GOOD_BOX], (20_000, 20_000)),
        ForeignPicture("good.jpg", [GOOD_BOX]),
    ]
    source = write_foreign(format, tmp_path / "d", pictures)

    frames, report = read(source)

    assert names(frames) == ["good.jpg"]
    assert [problem.kind for problem in report.problems] == [LEFT_OUT]
    assert "20000 x 20000 pixels, more than the limit" in report.problems[0].reason
    frames, report = read(source, ImportRules(max_pixels=400_000_000))
    assert names(frames) == ["good.jpg", "huge.png"]
    assert report.problems == []


@pytest.mark.parametrize("format", FOREIGN_FORMATS)
@pytest.mark.parametrize(
    ("box", "kind", "told"),
    [
        (ForeignBox("cat", (10, 10, 10, 10)), ProblemKind.BOX_LEFT_OUT, "has no area"),
        (ForeignBox("cat", (30, 10, 20, 40)), ProblemKind.BOX_LEFT_OUT, "has no area"),
        (ForeignBox("cat", (70, 10, 90, 40)), ProblemKind.BOX_LEFT_OUT, "lies outside"),
        (ForeignBox("cat", (50, 10, 90, 40)), ProblemKind.CORRECTED, "was cut off"),
        (ForeignBox("cow", (10, 10, 20, 20)), ProblemKind.BOX_LEFT_OUT, "not among the classes"),
        (ForeignBox("cat", ("x", 1, 2, 3)), ProblemKind.BOX_LEFT_OUT, "x"),
        (ForeignBox("cat", ("NaN", 1, 2, 3)), ProblemKind.BOX_LEFT_OUT, "NaN|not finite"),
        (ForeignBox("cat", ("1e999", 1, 2, 3)), ProblemKind.BOX_LEFT_OUT, "1e999|not finite"),
    ],
)
def test_a_box_that_cannot_be_used_is_listed(
    tmp_path: Path, format: str, box: ForeignBox, kind: ProblemKind, told: str
) -> None:
    a_picture(picture_path(format, tmp_path / "d", "a.jpg"))
    source = write_foreign(format, tmp_path / "d", [ForeignPicture("a.jpg", [box, GOOD_BOX])])

    frames, report = read(source)

    (problem,) = report.problems
    assert problem.kind is kind
    assert any(part in problem.reason for part in told.split("|")), problem.reason
    annotations = frames[0].annotations
    assert annotations is not None
    assert annotations.boxes.xyxy[-1].tolist() == [8, 6, 24, 30]
    if kind is ProblemKind.CORRECTED:
        assert annotations.boxes.xyxy[0].tolist() == pytest.approx([50, 10, 64, 40])
    assert report.boxes_read + report.boxes_left_out == 2


@pytest.mark.parametrize("format", FOREIGN_FORMATS)
def test_the_same_picture_twice_is_listed(tmp_path: Path, format: str) -> None:
    first = picture_path(format, tmp_path / "d", "a.jpg")
    a_picture(first)
    shutil.copy(first, picture_path(format, tmp_path / "d", "b.jpg"))
    pictures = [ForeignPicture(name, [GOOD_BOX]) for name in ("a.jpg", "b.jpg")]

    frames, report = read(write_foreign(format, tmp_path / "d", pictures))

    assert names(frames) == ["a.jpg"]
    (problem,) = report.problems
    assert problem.kind is LEFT_OUT
    assert problem.file.endswith("b.jpg")
    assert problem.reason.startswith("picture is the same as ")


@pytest.mark.parametrize("format", FOREIGN_FORMATS)
def test_names_in_other_scripts_are_read(tmp_path: Path, format: str) -> None:
    written = ["čáp bílý.jpg", "カモメ.jpg", "цапля-é.jpg"]
    for row, name in enumerate(written):
        a_picture(picture_path(format, tmp_path / "dátá", name), seed=row)
    pictures = [ForeignPicture(name, [GOOD_BOX]) for name in written]

    frames, report = read(write_foreign(format, tmp_path / "dátá", pictures))

    assert names(frames) == sorted(written)
    assert report.problems == []


def turned_picture(path: Path, orientation: int) -> None:
    """A JPEG stored as 64 x 48 and shown by its EXIF orientation."""
    pixels = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(path, exif=exif)


@pytest.mark.parametrize("format", ["coco", "voc", "csv"])
def test_boxes_of_the_stored_raster_are_turned_with_it(tmp_path: Path, format: str) -> None:
    turned_picture(picture_path(format, tmp_path / "d", "a.jpg"), orientation=6)
    source = write_foreign(format, tmp_path / "d", [ForeignPicture("a.jpg", [GOOD_BOX])])

    ((frame,), report) = read(source)

    assert (frame.frame.width_px, frame.frame.height_px) == (48, 64)
    assert frame.annotations is not None
    assert frame.annotations.boxes.xyxy.tolist() == [[18, 8, 42, 24]]
    (problem,) = report.problems
    assert problem.kind is ProblemKind.CORRECTED
    assert "turned with the picture (EXIF orientation 6)" in problem.reason


@pytest.mark.parametrize("format", FOREIGN_FORMATS)
def test_boxes_of_the_picture_as_shown_stay(tmp_path: Path, format: str) -> None:
    turned_picture(picture_path(format, tmp_path / "d", "a.jpg"), orientation=6)
    picture = ForeignPicture("a.jpg", [GOOD_BOX], (48, 64))

    ((frame,), report) = read(write_foreign(format, tmp_path / "d", [picture]))

    assert frame.annotations is not None
    assert frame.annotations.boxes.xyxy.tolist() == [[8, 6, 24, 30]]
    assert report.problems == []


@pytest.mark.parametrize("format", ["coco", "voc", "csv"])
def test_a_size_that_is_not_the_pictures_is_noted(tmp_path: Path, format: str) -> None:
    a_picture(picture_path(format, tmp_path / "d", "a.jpg"))
    picture = ForeignPicture("a.jpg", [GOOD_BOX], (128, 96))

    ((frame,), report) = read(write_foreign(format, tmp_path / "d", [picture]))

    assert frame.annotations is not None
    assert frame.annotations.boxes.xyxy.tolist() == [[8, 6, 24, 30]]
    assert [problem.kind for problem in report.problems] == [ProblemKind.NOTE]
    assert "is said to have 128 x 96 pixels but has 64 x 48" in report.problems[0].reason


def test_links_out_of_the_folder_are_read_when_allowed(tmp_path: Path) -> None:
    a_picture(tmp_path / "cache.jpg")
    linked = picture_path("yolo", tmp_path / "d", "a.jpg")
    linked.symlink_to(tmp_path / "cache.jpg")
    source = write_foreign("yolo", tmp_path / "d", [ForeignPicture("a.jpg", [GOOD_BOX])])

    frames, report = read(source, ImportRules(follow_links=True))

    assert names(frames) == ["a.jpg"]
    assert report.problems == []


@pytest.mark.parametrize("format", ["coco", "csv"])
@pytest.mark.parametrize("name", ["../../secret.jpg", "/etc/passwd", "a\0b.jpg", ""])
def test_a_name_that_leads_out_of_the_folder_is_refused(
    tmp_path: Path, format: str, name: str
) -> None:
    a_picture(tmp_path / "secret.jpg", seed=1)
    a_picture(picture_path(format, tmp_path / "d" / "e", "a.jpg"))
    pictures = [ForeignPicture(one, [GOOD_BOX]) for one in (name, "a.jpg")]

    frames, report = read(write_foreign(format, tmp_path / "d" / "e", pictures))

    assert names(frames) == ["a.jpg"]
    (problem,) = report.problems
    assert problem.boxes == 1
    assert "refused" in problem.reason or "name" in problem.reason


def test_upper_and_lower_case_of_a_suffix_do_not_matter(tmp_path: Path) -> None:
    a_picture(picture_path("voc", tmp_path / "d", "a.JPG"))
    source = write_foreign("voc", tmp_path / "d", [ForeignPicture("a.jpg", [GOOD_BOX])])

    frames, report = read(source)

    assert names(frames) == ["a.JPG"]
    assert cv2.imread(frames[0].frame.uri) is not None
    assert report.problems == []
