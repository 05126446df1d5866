"""What is exported and read again is the same: frames, boxes, classes, ids, origins, splits."""

import tempfile
import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import a_picture
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from prelabel.datasets.annotations import DRAWN, IMPORTED, AnnotationSet, Origin, OriginKind
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import BadInputError
from prelabel.datasets.formats.base import ImportReport, Pictures
from prelabel.datasets.formats.registry import WRITERS, open_dataset, write_dataset
from prelabel.datasets.frames import Frame, LabelledFrame, Split
from prelabel.datasets.progress import Silent

CLASSES = ("zebra", "traffic light", "ape", "čáp & <co>")
WIDTH_PX, HEIGHT_PX = 61, 47
EXACT = ("coco", "csv", "voc", "kitti")
SMALLEST_SIDE_PX = 2**-16  # below it the fractions of a YOLO file run out of digits


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Frame]:
    """Four pictures, two of one name in different folders, one with blanks and accents."""
    root = tmp_path_factory.mktemp("pictures")
    paths = [root / "a.jpg", root / "deep" / "a.jpg", root / "čáp bílý.png", root / "b.c.JPG"]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
    return [a_picture(path, WIDTH_PX, HEIGHT_PX, row) for row, path in enumerate(paths)]


def sides(limit_px: int) -> st.SearchStrategy[tuple[float, float]]:
    coordinate = st.floats(0, limit_px, width=32, allow_subnormal=False)
    pair = st.tuples(coordinate, coordinate).map(sorted)
    return pair.filter(lambda both: both[1] - both[0] >= SMALLEST_SIDE_PX).map(
        lambda both: (both[0], both[1])
    )


def corners() -> st.SearchStrategy[tuple[float, float, float, float]]:
    return st.tuples(sides(WIDTH_PX), sides(HEIGHT_PX)).map(
        lambda both: (both[0][0], both[1][0], both[0][1], both[1][1])
    )


def origins() -> st.SearchStrategy[Origin]:
    score, class_id = st.floats(0, 1), st.integers(0, len(CLASSES) - 1)
    model = st.text("abc-19", min_size=1)
    proposed = st.builds(Origin, st.just(OriginKind.PROPOSED), model, score)
    changed = st.builds(Origin, st.just(OriginKind.CHANGED), model, score, corners(), class_id)
    return st.one_of(st.just(IMPORTED), st.just(DRAWN), proposed, changed)


@st.composite
def annotation_sets(draw: st.DrawFn) -> AnnotationSet:
    boxes = draw(st.lists(corners(), max_size=4))
    count = len(boxes)
    class_ids = st.integers(0, len(CLASSES) - 1)
    return AnnotationSet(
        Boxes(np.array(boxes, np.float32).reshape(-1, 4)),
        draw(st.lists(class_ids, min_size=count, max_size=count)),
        draw(st.lists(st.uuids().map(str), min_size=count, max_size=count, unique=True)),
        draw(st.lists(origins(), min_size=count, max_size=count)),
    )


labels = st.lists(
    st.tuples(st.sampled_from(Split), st.none() | annotation_sets()), min_size=1, max_size=4
)


def exported_and_read(
    format: str, frames: list[LabelledFrame], folder: Path, pictures: Pictures | None = None
) -> tuple[list[LabelledFrame], tuple[str, ...], ImportReport]:
    written = write_dataset(format, folder / "out", CLASSES, frames, Silent(), pictures)
    report = ImportReport()
    opened = open_dataset(written.annotations, images=written.images, report=report)
    assert written.frames == len(frames)
    return list(opened.frames), opened.classes, report


def by_id(frames: list[LabelledFrame]) -> dict[str, LabelledFrame]:
    return {one.frame.frame_id: one for one in frames}


@pytest.mark.parametrize("format", WRITERS)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)
@given(made=labels)
def test_reading_gives_back_what_was_written(
    format: str, pictures: list[Frame], made: list[tuple[Split, AnnotationSet | None]]
) -> None:
    ids = [one for _, boxes in made if boxes is not None for one in boxes.box_id]
    assume(len(set(ids)) == len(ids))
    frames = [
        LabelledFrame(replace(picture, split=split), boxes)
        for picture, (split, boxes) in zip(pictures, made, strict=False)
    ]
    with tempfile.TemporaryDirectory() as folder:
        read, classes, report = exported_and_read(format, frames, Path(folder))

    assert classes == CLASSES
    assert report.problems == []
    assert by_id(read).keys() == by_id(frames).keys()
    for frame_id, one in by_id(read).items():
        want = by_id(frames)[frame_id]
        assert one.frame.split is want.frame.split
        assert (one.frame.width_px, one.frame.height_px) == (WIDTH_PX, HEIGHT_PX)
        check_same_boxes(one.annotations, want.annotations, exact=format in EXACT)


def check_same_boxes(
    have: AnnotationSet | None, want: AnnotationSet | None, *, exact: bool
) -> None:
    if have is None or want is None:
        assert have is want
        return
    assert have.box_id == want.box_id
    assert have.class_id.tolist() == want.class_id.tolist()
    assert have.origin == want.origin
    if exact:
        assert have.boxes == want.boxes
    else:
        np.testing.assert_allclose(have.boxes.xyxy, want.boxes.xyxy, rtol=2**-23, atol=1e-9)


@pytest.mark.parametrize("format", WRITERS)
@pytest.mark.parametrize("mode", [Pictures.COPY, Pictures.LINK])
def test_pictures_travel_with_the_labels(
    tmp_path: Path, pictures: list[Frame], format: str, mode: Pictures
) -> None:
    box = AnnotationSet(Boxes([[1, 2, 3, 4]]), [1], [str(uuid.UUID(int=7))], [DRAWN])
    frames = [
        LabelledFrame(picture, box if row == 0 else None) for row, picture in enumerate(pictures)
    ]

    read, _, report = exported_and_read(format, frames, tmp_path, mode)

    assert report.problems == []
    assert len({Path(one.frame.uri).name for one in read}) == len(pictures)
    for one in read:
        assert Path(one.frame.uri).is_relative_to(tmp_path)
        original = next(p for p in pictures if p.frame_id == one.frame.frame_id)
        linked = Path(one.frame.uri).samefile(original.uri)
        assert linked is (mode is Pictures.LINK)


@pytest.mark.parametrize("format", WRITERS)
def test_an_export_never_writes_into_what_is_there(
    tmp_path: Path, pictures: list[Frame], format: str
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")

    with pytest.raises(BadInputError, match="is there already and is not empty"):
        write_dataset(format, tmp_path / "out", CLASSES, [], Silent())

    assert [path.name for path in tmp_path.glob("*/*")] == ["mine.txt"]


@pytest.mark.parametrize("format", WRITERS)
def test_an_export_that_fails_leaves_nothing_behind(
    tmp_path: Path, pictures: list[Frame], format: str
) -> None:
    gone = replace(pictures[0], uri=str(tmp_path / "gone.jpg"))

    with pytest.raises(BadInputError, match=r"gone\.jpg: cannot be copied"):
        write_dataset(
            format, tmp_path / "out", CLASSES, [LabelledFrame(gone, None)], Silent(), Pictures.COPY
        )

    assert [path for path in tmp_path.iterdir() if path.name != "home"] == []


@pytest.mark.parametrize("format", ["yolo", "voc", "kitti"])
def test_formats_that_hold_pictures_refuse_to_leave_them(tmp_path: Path, format: str) -> None:
    with pytest.raises(BadInputError, match="choose pictures=copy or pictures=link"):
        write_dataset(format, tmp_path / "out", CLASSES, [], Silent(), Pictures.IN_PLACE)


def test_kitti_refuses_classes_that_would_become_one(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="writes blanks as underscores"):
        write_dataset("kitti", tmp_path / "out", ["a b", "a_b"], [], Silent())


@pytest.mark.parametrize("format", ["yolo", "kitti"])
def test_a_changed_line_loses_its_id_and_no_other(
    tmp_path: Path, pictures: list[Frame], format: str
) -> None:
    ids = [str(uuid.UUID(int=row)) for row in range(3)]
    boxes = Boxes([[1, 2, 3, 4], [10, 12, 20, 22], [5, 5, 9, 9]])
    frames = [LabelledFrame(pictures[0], AnnotationSet(boxes, [0, 1, 2], ids, [DRAWN] * 3))]
    written = write_dataset(format, tmp_path / "out", CLASSES, frames, Silent())
    (path,) = (path for path in (tmp_path / "out").rglob("a.txt"))
    first, second, third = path.read_text().splitlines()
    path.write_text("\n".join([third, second.replace("1", "2", 1), first]))

    (read,) = open_dataset(written.annotations, report=ImportReport()).frames

    assert read.annotations is not None
    assert read.annotations.box_id[0::2] == (ids[2], ids[0])
    assert read.annotations.box_id[1] not in ids
    assert read.annotations.origin == (DRAWN, IMPORTED, DRAWN)


@pytest.mark.parametrize("format", WRITERS)
def test_the_same_file_gives_the_same_ids_twice(
    tmp_path: Path, pictures: list[Frame], format: str
) -> None:
    boxes = Boxes([[1, 2, 3, 4], [1, 2, 3, 4], [5, 5, 9, 9]])
    ids = [str(uuid.UUID(int=row)) for row in range(3)]
    frames = [LabelledFrame(pictures[0], AnnotationSet(boxes, [0, 0, 2], ids, [IMPORTED] * 3))]
    written = write_dataset(format, tmp_path / "out", CLASSES, frames, Silent())
    for path in (tmp_path / "out").rglob("*"):
        if path.name == "box_ids.csv":
            path.unlink()
        elif path.suffix in (".json", ".csv", ".xml"):
            text = path.read_text()
            for one in ids:
                text = text.replace(f'"box_id":"{one}"', "").replace(one, "")
            path.write_text(text.replace("<box_id></box_id>", ""))

    def read() -> tuple[str, ...]:
        opened = open_dataset(written.annotations, images=written.images, report=ImportReport())
        (one,) = opened.frames
        assert one.annotations is not None
        return one.annotations.box_id

    derived = read()
    assert derived == read()
    assert len(set(derived)) == 3
    assert not set(derived) & set(ids)
    assert {uuid.UUID(one).version for one in derived} == {5}
