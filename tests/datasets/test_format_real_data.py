"""Real datasets, with the numbers their makers state."""

from collections import Counter
from pathlib import Path

import pytest

from prelabel.datasets.formats.base import ImportReport, ProblemKind
from prelabel.datasets.formats.registry import WRITERS, open_dataset, write_dataset
from prelabel.datasets.frames import LabelledFrame, Split
from prelabel.datasets.progress import Silent


def read(
    source: Path, images: Path | None = None
) -> tuple[str, tuple[str, ...], list[LabelledFrame], ImportReport]:
    report = ImportReport()
    opened = open_dataset(source, images=images, report=report)
    frames = list(opened.frames)
    assert opened.frame_total == len(frames)
    return opened.format, opened.classes, frames, report


def splits(frames: list[LabelledFrame]) -> dict[Split, int]:
    return dict(Counter(one.frame.split for one in frames))


def boxes_by_class(frames: list[LabelledFrame], classes: tuple[str, ...]) -> dict[str, int]:
    counted = Counter[int]()
    for one in frames:
        assert one.annotations is not None
        counted.update(one.annotations.class_id.tolist())
    return {classes[class_id]: count for class_id, count in counted.items()}


def test_playing_cards(test_data: Path) -> None:
    format, classes, frames, report = read(test_data / "playing_cards")

    assert format == "voc"
    assert splits(frames) == {Split.TRAIN: 296, Split.TEST: 67}
    assert {Path(one.frame.uri).suffix for one in frames} == {".jpg", ".JPG"}
    assert boxes_by_class(frames, classes) == {
        "ace": 118, "jack": 113, "king": 118, "nine": 115, "queen": 106, "ten": 100
    }  # fmt: skip
    assert classes == ("ace", "jack", "king", "nine", "queen", "ten")
    assert report.boxes_read == 670
    assert report.problems == []


def test_aquarium(test_data: Path) -> None:
    """4,817 boxes are stated; two of them have no area."""
    format, classes, frames, report = read(test_data / "aquarium")

    assert format == "yolo"
    assert splits(frames) == {Split.TRAIN: 448, Split.VAL: 127, Split.TEST: 63}
    assert classes == ("fish", "jellyfish", "penguin", "puffin", "shark", "starfish", "stingray")
    assert (report.boxes_read, report.boxes_left_out) == (4815, 2)
    assert [problem.kind for problem in report.problems] == [ProblemKind.BOX_LEFT_OUT] * 2
    assert all("has no area" in problem.reason for problem in report.problems)
    assert report.frames_unlabelled == 0
    assert sum(one.annotations is not None and not len(one.annotations) for one in frames) == 1


def test_bccd(test_data: Path) -> None:
    """4,888 boxes are stated; two of them have no area."""
    format, classes, frames, report = read(test_data / "bccd")

    assert format == "voc"
    assert splits(frames) == {Split.TRAIN: 205, Split.VAL: 87, Split.TEST: 72}
    assert classes == ("Platelets", "RBC", "WBC")
    assert (report.boxes_read, report.boxes_left_out) == (4886, 2)
    assert {Path(problem.file).name for problem in report.problems} == {
        "BloodImage_00338.xml",
        "BloodImage_00343.xml",
    }
    assert all("has no area" in problem.reason for problem in report.problems)


def test_kitti(test_data: Path) -> None:
    """62 objects; the 33 regions in which objects are not labelled are listed one by one."""
    format, classes, frames, report = read(test_data / "kitti_lidar_mini")

    assert format == "kitti"
    assert splits(frames) == {Split.TRAIN: 13}
    assert classes == ("Car", "Cyclist", "Misc", "Pedestrian", "Truck", "Van")
    assert (report.boxes_read, report.boxes_left_out) == (62, 33)
    assert all("DontCare" in problem.reason for problem in report.problems)


def test_a_folder_of_pictures(test_data: Path) -> None:
    format, classes, frames, report = read(test_data / "davis_car_shadow" / "images")

    assert (format, classes) == ("images", ())
    assert len(frames) == report.frames_unlabelled == 40


@pytest.mark.parametrize("format", WRITERS)
def test_real_labels_come_back_the_same(test_data: Path, tmp_path: Path, format: str) -> None:
    _, classes, frames, _ = read(test_data / "bccd")

    written = write_dataset(format, tmp_path / "out", classes, frames, Silent())
    found, read_classes, read_frames, report = read(written.annotations, written.images)

    assert (found, read_classes) == (format, classes)
    assert report.problems == []
    assert {one.frame.frame_id: (one.frame.split, one.annotations) for one in read_frames} == {
        one.frame.frame_id: (one.frame.split, one.annotations) for one in frames
    }
