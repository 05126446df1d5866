"""Datumaro as an independent reader of what we write, and as a bridge to formats we do not read."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import a_picture, annotations

from prelabel.datasets.errors import BadInputError, MissingExtraError
from prelabel.datasets.formats.base import (
    ImportReport,
    ImportRules,
    Pictures,
    ProblemKind,
    Unannotated,
)
from prelabel.datasets.formats.registry import open_dataset, write_dataset
from prelabel.datasets.frames import LabelledFrame, Split
from prelabel.datasets.progress import Silent

datumaro = pytest.importorskip("datumaro", reason="the extra `datumaro` is not installed")

# Datumaro's own files hold an escape that Python warns about when it compiles them.
pytestmark = pytest.mark.filterwarnings("ignore:invalid escape sequence")

CLASSES = ("zebra", "ape", "crane")
ROUNDING_PX = 0.0051  # Datumaro keeps two decimals

Seen = dict[tuple[str, str], list[tuple[str, list[float]]]]


@pytest.fixture
def frames(tmp_path: Path) -> list[LabelledFrame]:
    """Twelve frames in three splits, one of them empty, boxes with fractions of pixels."""
    (tmp_path / "pictures").mkdir()
    rng = np.random.default_rng(0)
    made = []
    for row, split in enumerate([Split.TRAIN, Split.VAL, Split.TEST] * 4):
        frame = a_picture(tmp_path / "pictures" / f"p{row:02d}.jpg", seed=row)
        count = 0 if row == 3 else int(rng.integers(1, 5))
        corner = rng.uniform(0, 30, (count, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(3, 15, (count, 2))], axis=1)
        labels = annotations(boxes, rng.integers(0, 3, count).tolist(), seed=row)
        made.append(LabelledFrame(replace(frame, split=split), labels))
    return made


def ours(frames: list[LabelledFrame]) -> Seen:
    seen: Seen = {}
    for one in frames:
        assert one.annotations is not None
        seen[one.frame.split, Path(one.frame.uri).stem] = sorted(
            (CLASSES[class_id], box)
            for class_id, box in zip(
                one.annotations.class_id.tolist(),
                one.annotations.boxes.xyxy.tolist(),
                strict=True,
            )
        )
    return seen


def seen_by_datumaro(folder: Path, format: str, split: str | None = None) -> Seen:
    dataset = datumaro.Dataset.import_from(str(folder), format)
    labels = dataset.categories()[datumaro.AnnotationType.label]
    return {
        (split or item.subset, item.id.split("/")[-1]): sorted(
            (labels[one.label].name, list(one.points))
            for one in item.annotations
            if one.type is datumaro.AnnotationType.bbox
        )
        for item in dataset
    }


def check_same(have: Seen, want: Seen) -> None:
    assert have.keys() == want.keys()
    for key, boxes in want.items():
        assert [name for name, _ in have[key]] == [name for name, _ in boxes]
        for (_, one), (_, other) in zip(have[key], boxes, strict=True):
            assert one == pytest.approx(other, abs=ROUNDING_PX)


def test_datumaro_sees_our_coco(tmp_path: Path, frames: list[LabelledFrame]) -> None:
    """It wants the file in a folder `annotations`, named for the split."""
    for split in Split:
        part = [one for one in frames if one.frame.split is split]
        folder = tmp_path / split
        write_dataset("coco", folder, CLASSES, part, Silent(), Pictures.COPY)
        (folder / "annotations").mkdir()
        (folder / "annotations.json").rename(folder / "annotations" / f"instances_{split}.json")
        check_same(seen_by_datumaro(folder, "coco"), ours(part))


@pytest.mark.parametrize(("format", "theirs"), [("yolo", "yolo"), ("voc", "voc_detection")])
def test_datumaro_sees_our_folders(
    tmp_path: Path, frames: list[LabelledFrame], format: str, theirs: str
) -> None:
    write_dataset(format, tmp_path / "out", CLASSES, frames, Silent())
    check_same(seen_by_datumaro(tmp_path / "out", theirs), ours(frames))


def test_datumaro_sees_our_kitti(tmp_path: Path, frames: list[LabelledFrame]) -> None:
    """One split at a time: it numbers classes as they occur, and refuses splits that differ."""
    write_dataset("kitti", tmp_path / "out", CLASSES, frames, Silent())
    for split in Split:
        part = [one for one in frames if one.frame.split is split]
        have = seen_by_datumaro(tmp_path / "out" / split, "kitti_detection", split)
        check_same(have, ours(part))


@pytest.mark.parametrize("format", ["cvat", "label_me", "datumaro", "open_images"])
def test_other_formats_go_through_datumaro(
    tmp_path: Path, frames: list[LabelledFrame], format: str
) -> None:
    name = f"datumaro:{format}"
    written = write_dataset(name, tmp_path / "out", CLASSES, frames, Silent())
    report = ImportReport()
    opened = open_dataset(
        written.annotations,
        format=name,
        classes=CLASSES,
        report=report,
        rules=ImportRules(unannotated=Unannotated.EMPTY),
    )
    read = list(opened.frames)

    assert opened.format == written.format == name
    assert "box ids and origins are not carried" in written.notes
    assert [one.kind for one in report.problems] == [ProblemKind.NOTE]
    assert {one.frame.frame_id for one in read} == {one.frame.frame_id for one in frames}
    have, want = ours(read), ours(frames)
    assert sorted(stem for _, stem in have) == sorted(stem for _, stem in want)
    by_stem = {stem: boxes for (_, stem), boxes in want.items()}
    for (_, stem), boxes in have.items():
        assert len(boxes) == len(by_stem[stem])
        for (label, one), (want_label, other) in zip(boxes, by_stem[stem], strict=True):
            assert label == want_label
            assert one == pytest.approx(other, abs=1.0 if format == "label_me" else 0.02)


def test_what_is_no_box_is_noted(tmp_path: Path) -> None:
    frame = a_picture(tmp_path / "a.jpg")
    item = datumaro.DatasetItem(
        "a",
        media=datumaro.Image.from_file(frame.uri),
        annotations=[datumaro.Label(0), datumaro.Bbox(1, 2, 3, 4)],
    )
    made = datumaro.Dataset.from_iterable([item], categories=["x"])
    made.export(str(tmp_path / "out"), "datumaro", save_media=True)
    report = ImportReport()
    opened = open_dataset(tmp_path / "out", format="datumaro:datumaro", report=report)
    (read,) = opened.frames
    assert read.annotations is None  # there is a box, of no class that is known
    _, passed, classless, unlabelled = report.problems
    assert unlabelled.reason.endswith("only unknown classes: taken as unlabelled")
    assert passed.reason == "1 annotations that are no boxes were passed"
    assert "class '(without class)' is not among the classes" in classless.reason


def test_formats_that_datumaro_does_not_know_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="Datumaro reads no such format"):
        open_dataset(tmp_path, format="datumaro:none", report=ImportReport())
    with pytest.raises(BadInputError, match="Datumaro writes no such format"):
        write_dataset("datumaro:none", tmp_path / "out", CLASSES, [], Silent())


def test_what_datumaro_cannot_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.json").write_text(json.dumps({"x": 1}))
    with pytest.raises(BadInputError, match="Datumaro cannot read it"):
        open_dataset(tmp_path / "d", format="datumaro:cvat", report=ImportReport())


def test_without_the_extra_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datumaro", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'prelabel\[datumaro\]'"):
        open_dataset(tmp_path, format="datumaro:cvat", report=ImportReport())
