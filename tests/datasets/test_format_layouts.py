"""Layouts and oddities of YOLO, VOC, KITTI, CSV and picture folders, and finding the format."""

from pathlib import Path

import pytest
from builders import a_picture
from foreign_datasets import (
    CLASSES,
    FOREIGN_FORMATS,
    GOOD_BOX,
    ForeignPicture,
    picture_path,
    write_foreign,
)

from prelabel.datasets.errors import BadInputError
from prelabel.datasets.formats.base import ImportReport, ImportRules, ProblemKind, Unannotated
from prelabel.datasets.formats.registry import detect_format, open_dataset
from prelabel.datasets.frames import LabelledFrame, Split


def read(
    source: Path, **options: object
) -> tuple[tuple[str, ...], list[LabelledFrame], ImportReport]:
    report = ImportReport()
    opened = open_dataset(source, report=report, **options)  # type: ignore[arg-type]  # any of them
    return opened.classes, list(opened.frames), report


def put(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def put_picture(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    a_picture(path, seed=seed)


def told(report: ImportReport) -> list[tuple[str, ProblemKind, str]]:
    return [(Path(one.file).name, one.kind, one.reason) for one in report.problems]


@pytest.mark.parametrize("format", FOREIGN_FORMATS)
def test_formats_are_found_by_their_layout(tmp_path: Path, format: str) -> None:
    put_picture(picture_path(format, tmp_path / "d", "a.jpg"))
    write_foreign(format, tmp_path / "d", [ForeignPicture("a.jpg", [GOOD_BOX])])
    assert detect_format(tmp_path / "d") == format


def test_a_folder_of_pictures_is_found_last(tmp_path: Path) -> None:
    put_picture(tmp_path / "d" / "e" / "a.jpg")
    assert detect_format(tmp_path / "d") == "images"


def test_what_is_no_dataset_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    with pytest.raises(BadInputError, match="is none of the formats coco, yolo"):
        detect_format(tmp_path / "d")
    with pytest.raises(BadInputError, match=r"is no folder and no \.json"):
        detect_format(put(tmp_path / "a.docx"))
    with pytest.raises(BadInputError, match="is not there: check the path"):
        read(tmp_path / "gone")
    with pytest.raises(BadInputError, match="format 'xls' is not one of coco, yolo"):
        read(tmp_path, format="xls")


def test_two_formats_in_one_folder_are_not_guessed(tmp_path: Path) -> None:
    for format in ("coco", "voc"):
        put_picture(picture_path(format, tmp_path / "d", "a.jpg"))
        write_foreign(format, tmp_path / "d", [ForeignPicture("a.jpg", [GOOD_BOX])])
    with pytest.raises(BadInputError, match="may be coco or voc: say which"):
        read(tmp_path / "d")
    assert len(read(tmp_path / "d", format="voc")[1]) == 1


@pytest.mark.parametrize("names", [("a", "a"), ("a", ""), (" a",), ("a\nb",)])
def test_class_names_that_break_files_are_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    put_picture(tmp_path / "d" / "a.jpg")
    with pytest.raises(BadInputError, match="classes: class"):
        read(tmp_path / "d", classes=names)


@pytest.mark.parametrize("format", ["yolo", "voc", "kitti"])
def test_a_picture_without_label_file_is_unlabelled(tmp_path: Path, format: str) -> None:
    for row, name in enumerate(("a.jpg", "b.jpg", "c.jpg")):
        put_picture(picture_path(format, tmp_path / "d", name), row)
    labelled = [ForeignPicture("a.jpg", [GOOD_BOX]), ForeignPicture("b.jpg")]
    source = write_foreign(format, tmp_path / "d", labelled)

    _, frames, report = read(source, classes=CLASSES)

    assert [None if one.annotations is None else len(one.annotations) for one in frames] == [
        1, 0, None,
    ]  # fmt: skip
    assert report.problems == []
    assert report.frames_unlabelled == 1


def test_yolo_splits_by_data_file_as_roboflow_writes_it(tmp_path: Path) -> None:
    """Its entries lead one folder up, to where the dataset is not."""
    for row, split in enumerate(("train", "valid", "test")):
        put_picture(tmp_path / "d" / split / "images" / "a.jpg", row)
        put(tmp_path / "d" / split / "labels" / "a.txt", "0 0.5 0.5 0.25 0.25\n")
    put(
        tmp_path / "d" / "data.yaml",
        "train: ../train/images\nval: ../valid/images\ntest: ../test/images\nnc: 1\nnames: ['x']\n",
    )
    classes, frames, report = read(tmp_path / "d")
    assert classes == ("x",)
    assert [one.frame.split for one in frames] == list(Split)
    assert report.boxes_read == 3
    assert report.problems == []


def test_yolo_lists_of_pictures_and_names_by_number(tmp_path: Path) -> None:
    for row, name in enumerate(("a.jpg", "b.jpg")):
        put_picture(tmp_path / "d" / "images" / name, row)
    put(tmp_path / "d" / "train.txt", "./images/a.jpg\n\n")
    put(tmp_path / "d" / "val.txt", "./images/b.jpg\n../../secret.jpg\n")
    put(tmp_path / "d" / "labels" / "b.txt", "7 0.5 0.5 0.25 0.25\n")
    put(tmp_path / "d" / "data.yaml", "train: train.txt\nval: val.txt\nnames: {2: two, 7: seven}\n")
    classes, frames, report = read(tmp_path / "d")
    assert classes == ("two", "seven")
    assert [one.frame.split for one in frames] == [Split.TRAIN, Split.VAL]
    assert frames[1].annotations is not None
    assert frames[1].annotations.class_id.tolist() == [1]
    (problem,) = report.problems
    assert "is refused: it lies outside" in problem.reason


def test_yolo_data_file_that_names_a_folder_twice_or_outside(tmp_path: Path) -> None:
    put_picture(tmp_path / "d" / "images" / "a.jpg")
    (tmp_path / "other").mkdir()
    data = "train: images\nval: images\ntest: ../other\nnames: [x]\n"
    put(tmp_path / "d" / "data.yaml", data)
    _, frames, report = read(tmp_path / "d")
    assert len(frames) == 1
    assert [reason for _, _, reason in told(report)] == [
        "images is given for train and val: taken as the first",
        f"test: ../other is not in {tmp_path / 'd'}: nothing was read from it",
    ]


def test_yolo_lines_that_are_no_boxes(tmp_path: Path) -> None:
    put_picture(tmp_path / "d" / "images" / "a.jpg")
    put(tmp_path / "d" / "names.txt", "x\ny\n")
    lines = [
        "0 0.5 0.5 0.25 0.25 0.9",
        "0 0.5 0.5 0.25",
        "0.5 0.5 0.5 0.25 0.25",
        "",
        "1 0.25 0.25 0.5 0.25 0.5 0.75",
    ]
    put(tmp_path / "d" / "labels" / "a.txt", "\n".join(lines))
    _, (frame,), report = read(tmp_path / "d")
    assert told(report) == [
        ("a.txt", ProblemKind.BOX_LEFT_OUT,
         "line 1: has 6 columns: a box with a confidence is a prediction, not a label"),
        ("a.txt", ProblemKind.BOX_LEFT_OUT,
         "line 2: must have 5 columns (class and box), but has 4"),
        ("a.txt", ProblemKind.BOX_LEFT_OUT, "line 3: class must be a whole number, but is 0.5"),
        ("a.txt", ProblemKind.CORRECTED, "line 5: the box around a polygon was taken"),
    ]  # fmt: skip
    assert frame.annotations is not None
    assert frame.annotations.boxes.xyxy.tolist() == [[16, 12, 32, 36]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("names: [", "is not valid YAML"),
        ("7", "must map names, train and val, not be a int"),
        ("names: 7", "names must be a list, or map class numbers to names"),
        ("names: {a: b}", "names must be a list, or map class numbers to names"),
        ("names: [a, a]", "class 'a' is named twice"),
        ("train: images", "has no class names"),
    ],
)
def test_yolo_data_file_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    put(tmp_path / "d" / "data.yaml", text)
    (tmp_path / "d" / "images").mkdir()
    with pytest.raises(BadInputError, match=message):
        read(tmp_path / "d")


@pytest.mark.parametrize("format", ["yolo", "kitti"])
def test_label_files_that_are_no_text_are_listed(tmp_path: Path, format: str) -> None:
    put_picture(picture_path(format, tmp_path / "d", "a.jpg"))
    source = write_foreign(format, tmp_path / "d", [ForeignPicture("a.jpg", [GOOD_BOX])])
    next(source.rglob("a.txt")).write_bytes(b"\xff\xfe\x00")
    _, (frame,), report = read(source)
    assert frame.annotations is None
    assert told(report) == [
        ("a.txt", ProblemKind.CORRECTED,
         "is not UTF-8 text: byte 0: the picture counts as unlabelled")
    ]  # fmt: skip


@pytest.mark.parametrize("table", ["x,y\n", "labels,text,box_id,origin\n1,2\n", "\0"])
def test_a_table_of_ids_that_cannot_be_read_is_noted(tmp_path: Path, table: str) -> None:
    put_picture(picture_path("yolo", tmp_path / "d", "a.jpg"))
    source = write_foreign("yolo", tmp_path / "d", [ForeignPicture("a.jpg", [GOOD_BOX])])
    put(tmp_path / "d" / "box_ids.csv", table)
    _, (frame,), report = read(source)
    assert frame.annotations is not None
    assert len(frame.annotations) == 1
    ((name, kind, reason),) = told(report)
    assert (name, kind) == ("box_ids.csv", ProblemKind.NOTE)
    assert reason.endswith("new box ids were given")


@pytest.mark.parametrize("origin", ["{", "[]", '{"kind": "x"}'])
def test_an_origin_in_the_table_of_ids_that_cannot_be_read(tmp_path: Path, origin: str) -> None:
    put_picture(tmp_path / "d" / "images" / "a.jpg")
    put(tmp_path / "d" / "names.txt", "x\n")
    put(tmp_path / "d" / "labels" / "a.txt", "0 0.5 0.5 0.25 0.25\n")
    quoted = origin.replace('"', '""')
    row = f'labels/a.txt,0 0.5 0.5 0.25 0.25,00000000-0000-0000-0000-000000000001,"{quoted}"\n'
    put(tmp_path / "d" / "box_ids.csv", f"labels,text,box_id,origin\n{row}")
    _, (frame,), report = read(tmp_path / "d")
    assert frame.annotations is not None
    assert frame.annotations.box_id == ("00000000-0000-0000-0000-000000000001",)
    assert [kind for _, kind, _ in told(report)] == [ProblemKind.CORRECTED]


VOC_BOX = (
    "<object><name>x</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax>"
    "</bndbox></object>"
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty (0 bytes)"),
        (" ", "is empty"),
        ("<annotation>", "is not valid XML: no element found: line 1, column 12"),
        ("<html/>", "is no VOC annotation: its root is <html>"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><annotation/>', "declares a document type"),
    ],
)
def test_voc_files_that_cannot_be_read_are_listed(tmp_path: Path, text: str, reason: str) -> None:
    for row, name in enumerate(("a.jpg", "b.jpg")):
        put_picture(tmp_path / "d" / name, row)
    put(tmp_path / "d" / "a.xml", text)
    put(tmp_path / "d" / "b.xml", f"<annotation><filename>b.jpg</filename>{VOC_BOX}</annotation>")
    _, frames, report = read(tmp_path / "d")
    assert [Path(one.frame.uri).name for one in frames] == ["b.jpg"]
    ((name, kind, have),) = told(report)
    assert (name, kind) == ("a.xml", ProblemKind.FRAME_LEFT_OUT)
    assert have.startswith(reason)


def test_voc_objects_that_cannot_be_read_are_listed(tmp_path: Path) -> None:
    put_picture(tmp_path / "d" / "a.jpg")
    nameless = VOC_BOX.replace("x</name>", "</name>")
    sideless = VOC_BOX.replace("<xmin>1</xmin>", "")
    sceptic = VOC_BOX.replace("</object>", "<origin><kind>guess</kind></origin></object>")
    text = f"<annotation>{nameless}{sideless}{sceptic}</annotation>"
    put(tmp_path / "d" / "a.xml", text)
    _, (frame,), report = read(tmp_path / "d")
    assert [(kind, reason[:46]) for _, kind, reason in told(report)] == [
        (ProblemKind.BOX_LEFT_OUT, "object 1: has no name"),
        (ProblemKind.BOX_LEFT_OUT, "object 2: bndbox must be four numbers, but is "),
        (ProblemKind.CORRECTED, "object 3: origin {'kind': 'guess'} cannot be r"),
    ]
    assert frame.annotations is not None
    assert len(frame.annotations) == 1


def test_voc_picture_of_another_name_is_found_by_the_stem(tmp_path: Path) -> None:
    put_picture(tmp_path / "d" / "JPEGImages" / "a.png")
    text = f"<annotation><filename>old.bmp</filename>{VOC_BOX}</annotation>"
    put(tmp_path / "d" / "Annotations" / "a.xml", text)
    _, (frame,), report = read(tmp_path / "d")
    assert frame.annotations is not None
    ((_, kind, reason),) = told(report)
    assert kind is ProblemKind.CORRECTED
    assert reason == "names the picture 'old.bmp', which is not there: JPEGImages/a.png was taken"


def test_voc_stem_in_two_lists_is_held_back(tmp_path: Path) -> None:
    put_picture(tmp_path / "d" / "JPEGImages" / "a.jpg")
    put(tmp_path / "d" / "Annotations" / "a.xml", f"<annotation>{VOC_BOX}</annotation>")
    for name in ("train", "test", "trainval"):
        put(tmp_path / "d" / "ImageSets" / "Main" / f"{name}.txt", "a\n")
    put(tmp_path / "d" / "ImageSets" / "Main" / "val.txt").write_bytes(b"\xff")
    _, (frame,), report = read(tmp_path / "d")
    assert frame.frame.split is Split.TEST
    assert [(name, kind) for name, kind, _ in told(report)] == [
        ("val.txt", ProblemKind.NOTE),
        ("test.txt", ProblemKind.NOTE),
    ]


def test_voc_devkit_below_the_folder_given(tmp_path: Path) -> None:
    base = tmp_path / "d" / "VOC2012"
    put_picture(base / "JPEGImages" / "a.jpg")
    put(
        base / "Annotations" / "a.xml",
        f"<annotation><folder>VOC2012</folder><filename>a.jpg</filename>{VOC_BOX}</annotation>",
    )
    put(base / "ImageSets" / "Main" / "val.txt", "a\n")
    classes, (frame,), report = read(tmp_path / "d")
    assert classes == ("x",)
    assert frame.frame.split is Split.VAL
    assert report.problems == []


def test_kitti_lines_that_are_no_boxes(tmp_path: Path) -> None:
    put_picture(tmp_path / "d" / "training" / "image_2" / "0.png")
    put(tmp_path / "d" / "training" / "label_2" / "0.txt", "Car 0 0\n\n")
    _, _, report = read(tmp_path / "d")
    assert told(report) == [
        ("0.txt", ProblemKind.BOX_LEFT_OUT, "line 1: must have 15 columns, but has 3: left out")
    ]
    with pytest.raises(BadInputError, match="holds no folder image_2 beside label_2"):
        read(tmp_path, format="kitti")


def test_csv_rows_in_any_order_and_rows_that_are_no_boxes(tmp_path: Path) -> None:
    for row, name in enumerate(("a.jpg", "b.jpg", "c.jpg")):
        put_picture(tmp_path / "d" / "images" / name, row)
    rows = [
        "filename,class,xmin,ymin,xmax,ymax,origin",
        "a.jpg,x,1,2,3,4,",
        "b.jpg,y,1,2,3,4,drawn",
        "a.jpg,x,5,5,9,9,guess",
        ",x,1,2,3,4,",
        "a.jpg,x,1",
        "c.jpg,,,,,,",
    ]
    path = put(tmp_path / "d" / "boxes.csv", "\n".join(rows))
    classes, frames, report = read(tmp_path / "d")
    assert classes == ("x", "y")
    assert [Path(one.frame.uri).name for one in frames] == ["a.jpg", "b.jpg", "c.jpg"]
    assert [None if one.annotations is None else len(one.annotations) for one in frames] == [
        2, 1, None,
    ]  # fmt: skip
    assert sorted(reason.split(":")[0] for _, _, reason in told(report)) == [
        "line 4", "line 5", "line 6",
    ]  # fmt: skip
    empty = ImportRules(unannotated=Unannotated.EMPTY)
    assert read(path, rules=empty)[1][2].annotations is not None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "lacks the columns filename, class"),
        (b"filename,class\n", "lacks the columns xmin, ymin"),
        (b"filename,class,xmin,ymin,xmax,ymax\n\xff", "is not UTF-8 text"),
    ],
)
def test_csv_files_that_are_no_table_of_boxes(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(BadInputError, match=message):
        read(tmp_path / "a.csv")


def test_a_picture_folder_tells_what_it_passed(tmp_path: Path) -> None:
    put_picture(tmp_path / "d" / "b" / "a.jpg")
    for name in ("x.heic", "notes.txt", ".hidden.jpg", "b/more.txt", "LICENSE"):
        put(tmp_path / "d" / name)
    classes, frames, report = read(tmp_path / "d", classes=("heron",))
    assert classes == ("heron",)
    assert [Path(one.frame.uri).name for one in frames] == ["a.jpg"]
    assert frames[0].annotations is None
    assert told(report) == [
        ("x.heic", ProblemKind.FRAME_LEFT_OUT,
         ".heic pictures are not read: turn it into JPEG or PNG"),
        ("d", ProblemKind.NOTE, "files that are no pictures were passed: 2 .txt, 1 no suffix"),
    ]  # fmt: skip


def test_pictures_may_lie_in_another_folder(tmp_path: Path) -> None:
    put_picture(tmp_path / "photos" / "a.jpg")
    source = write_foreign("coco", tmp_path / "d", [ForeignPicture("a.jpg", [GOOD_BOX])])
    _, frames, report = read(source, images=tmp_path / "photos")
    assert [one.frame.uri for one in frames] == [str(tmp_path / "photos" / "a.jpg")]
    assert report.problems == []
    with pytest.raises(
        BadInputError, match="is no folder: name the folder that holds the pictures"
    ):
        read(source, images=tmp_path / "nowhere")
