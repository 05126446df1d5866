"""What is peculiar to COCO files."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from builders import a_picture

from prelabel.datasets.annotations import DRAWN, IMPORTED
from prelabel.datasets.errors import BadInputError
from prelabel.datasets.formats.base import ImportReport, ImportRules, ProblemKind, Unannotated
from prelabel.datasets.formats.registry import open_dataset
from prelabel.datasets.frames import FrameKind, LabelledFrame, Split

CATEGORIES: list[dict[str, Any]] = [{"id": 3, "name": "dog"}, {"id": 1, "name": "cat"}]
IMAGE: dict[str, Any] = {"id": 1, "file_name": "a.jpg", "width": 64, "height": 48}
BOX: dict[str, Any] = {"id": 1, "image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for row, name in enumerate(("a.jpg", "b.jpg")):
        a_picture(tmp_path / name, seed=row)
    return tmp_path


def write(
    path: Path,
    images: list[Any],
    annotations: list[Any],
    categories: list[Any] = CATEGORIES,
) -> Path:
    content = {"images": images, "annotations": annotations, "categories": categories}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def read(
    path: Path, rules: ImportRules | None = None
) -> tuple[tuple[str, ...], list[LabelledFrame], ImportReport]:
    report = ImportReport()
    opened = open_dataset(path, report=report, rules=rules)
    return opened.classes, list(opened.frames), report


def only_problem(report: ImportReport) -> tuple[ProblemKind, str]:
    (problem,) = report.problems
    assert problem.file.endswith(".json")
    return problem.kind, problem.reason


def test_classes_stand_in_the_order_of_their_ids(folder: Path) -> None:
    classes, (frame,), report = read(write(folder / "a.json", [IMAGE], [BOX]))
    assert classes == ("cat", "dog")
    assert frame.annotations is not None
    assert frame.annotations.class_id.tolist() == [1]
    assert frame.annotations.boxes.xyxy.tolist() == [[1, 2, 4, 6]]
    assert report.problems == []


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({**BOX, "bbox": "1 2 3 4"}, "Expected `array | null`, got `str` - at `$.bbox`"),
        ({**BOX, "bbox": [1, 2, 3]}, "bbox must be four numbers, but is [1.0, 2.0, 3.0]"),
        ({**BOX, "bbox": None}, "bbox must be four numbers, but is None"),
        ({**BOX, "bbox": [1, 2, "x", 3]}, "Expected `float`, got `str` - at `$.bbox[2]`"),
        ({**BOX, "image_id": 77}, "there is no image with id 77"),
        ({**BOX, "iscrowd": 1}, "is a crowd region"),
        ({"id": 5}, "missing required field `image_id`"),
        ([], "Expected `object`, got `array`"),
        ({**BOX, "bbox": [float("nan"), 2, 3, 4]}, '"category_id": 3, "bbox": ["NaN"'),
    ],
)  # fmt: skip
def test_a_bad_annotation_is_listed_and_the_rest_is_read(
    folder: Path, record: object, told: str
) -> None:
    good = {**BOX, "id": 2}
    _, (frame,), report = read(write(folder / "a.json", [IMAGE], [record, good]))
    kind, reason = only_problem(report)
    assert kind is ProblemKind.BOX_LEFT_OUT
    assert reason.startswith("annotation at position 0: ")
    assert told in reason
    assert frame.annotations is not None
    assert len(frame.annotations) == 1


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"id": 9, "file_name": 5}, "image at position 1: Expected `str`, got `int`"),
        ({"file_name": "b.jpg"}, "missing required field `id`"),
        ({"id": 9}, "missing required field `file_name`"),
        ({**IMAGE, "file_name": "b.jpg"}, "image id 1 of 'b.jpg' is used before"),
        ("b.jpg", "Expected `object`, got `str`"),
    ],
)
def test_a_bad_image_is_listed_and_the_rest_is_read(
    folder: Path, record: object, told: str
) -> None:
    _, frames, report = read(write(folder / "a.json", [IMAGE, record], [BOX]))
    kind, reason = only_problem(report)
    assert kind is ProblemKind.FRAME_LEFT_OUT
    assert told in reason
    assert [Path(one.frame.uri).name for one in frames] == ["a.jpg"]


@pytest.mark.parametrize(
    ("category", "told"),
    [
        ({"id": "x", "name": "cow"}, "category at position 2: Expected `int`, got `str`"),
        ({"id": 3, "name": "cow"}, "category id 3 is used twice: 'cow' left out"),
        ({"id": 4, "name": "cat"}, "category 'cat' has two ids: taken as one class"),
    ],
)
def test_an_odd_category_is_noted(folder: Path, category: object, told: str) -> None:
    classes, _, report = read(write(folder / "a.json", [IMAGE], [BOX], [*CATEGORIES, category]))
    kind, reason = only_problem(report)
    assert kind is ProblemKind.NOTE
    assert told in reason
    assert classes == ("cat", "dog")


def test_repeated_annotation_ids_are_noted_and_kept(folder: Path) -> None:
    other = {**BOX, "bbox": [5, 5, 5, 5]}
    _, (frame,), report = read(write(folder / "a.json", [IMAGE], [BOX, other]))
    assert only_problem(report) == (
        ProblemKind.NOTE,
        "annotation id 1 is used 2 times: all were kept",
    )
    assert frame.annotations is not None
    assert len(frame.annotations) == 2


@pytest.mark.parametrize(
    ("box_id", "told"),
    [
        ("not-a-uuid", "box id 'not-a-uuid' is no lower-case UUID: a new id was given"),
        (str(uuid.UUID(int=5)), "was used before: a new id was given"),
    ],
)
def test_a_box_id_that_does_not_serve_is_replaced(folder: Path, box_id: str, told: str) -> None:
    first = {**BOX, "prelabel": {"box_id": str(uuid.UUID(int=5))}}
    second = {**BOX, "id": 2, "image_id": 2, "prelabel": {"box_id": box_id}}
    images = [IMAGE, {**IMAGE, "id": 2, "file_name": "b.jpg"}]
    _, frames, report = read(write(folder / "a.json", images, [first, second]))
    (problem,) = report.problems
    assert problem.kind is ProblemKind.CORRECTED
    assert told in problem.reason
    assert "annotation 2" in problem.reason
    assert len({one.annotations.box_id for one in frames if one.annotations is not None}) == 2


def test_an_origin_that_makes_no_sense_is_taken_as_imported(folder: Path) -> None:
    boxes = [
        {**BOX, "prelabel": {"origin": {"kind": "drawn"}}},
        {**BOX, "id": 2, "bbox": [5, 5, 5, 5], "prelabel": {"origin": {"kind": "guessed"}}},
    ]
    _, (frame,), report = read(write(folder / "a.json", [IMAGE], boxes))
    kind, reason = only_problem(report)
    assert kind is ProblemKind.CORRECTED
    assert "taken as imported" in reason
    assert frame.annotations is not None
    assert frame.annotations.origin == (DRAWN, IMPORTED)


def test_images_without_annotations_are_unlabelled_unless_said_otherwise(folder: Path) -> None:
    images = [IMAGE, {**IMAGE, "id": 2, "file_name": "b.jpg"}]
    path = write(folder / "a.json", images, [BOX])

    _, (_, frame), report = read(path)
    assert frame.annotations is None
    kind, reason = only_problem(report)
    assert kind is ProblemKind.NOTE
    assert reason.startswith("1 images without annotations were taken as unlabelled")

    _, (_, frame), report = read(path, ImportRules(unannotated=Unannotated.EMPTY))
    assert frame.annotations is not None
    assert len(frame.annotations) == 0
    assert report.problems == []


def test_a_file_without_any_annotations_is_unlabelled(folder: Path) -> None:
    path = folder / "image_info_test.json"
    path.write_text(json.dumps({"images": [IMAGE], "categories": CATEGORIES}))
    _, (frame,), _ = read(path, ImportRules(unannotated=Unannotated.EMPTY))
    assert frame.annotations is None
    assert frame.frame.split is Split.TEST


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ('{"images": [],\n "annotations": [}', "Expecting value at line 2, column 18"),
        ("[]", "is a list (a COCO results file?)"),
        ('{"annotations": []}', "is no COCO dataset: Object missing required field `images`"),
        ('{"images": {}, "categories": []}', "is no COCO dataset: Expected `array`, got `object`"),
        ('{"images": ' + "[" * 100_000, "is nested too deeply"),
        ('{"images": {"x": NaN}}', "is no COCO dataset: Expected `array`, got `object`"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_coco_is_refused_in_one_line(
    tmp_path: Path, text: str, told: str
) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(BadInputError) as raised:
        read(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


def test_half_a_surrogate_pair_harms_one_record(folder: Path) -> None:
    image = {**IMAGE, "id": 2, "file_name": "\ud800.jpg"}
    _, frames, report = read(write(folder / "a.json", [IMAGE, image], [BOX]))
    assert len(frames) == 1
    (problem,) = (one for one in report.problems if one.kind is ProblemKind.FRAME_LEFT_OUT)
    assert "picture '?.jpg' is missing" in problem.reason


def test_bytes_that_are_no_text_harm_one_record(folder: Path) -> None:
    path = write(folder / "a.json", [IMAGE, {**IMAGE, "id": 2, "file_name": "@"}], [BOX])
    path.write_bytes(path.read_bytes().replace(b"@", b"\xff"))
    _, frames, report = read(path)
    assert len(frames) == 1
    assert only_problem(report)[0] is ProblemKind.FRAME_LEFT_OUT


def test_bytes_that_are_no_text_in_a_file_that_is_no_json(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'{"images": \xff}')
    with pytest.raises(BadInputError, match="is not UTF-8 text: byte 11"):
        read(tmp_path / "a.json")


def test_a_byte_order_mark_is_accepted(folder: Path) -> None:
    path = write(folder / "a.json", [IMAGE], [BOX])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(read(path)[1]) == 1


def test_odd_ids_and_fractional_sizes_are_accepted(folder: Path) -> None:
    image = {**IMAGE, "id": "x", "width": 64.0}
    boxes = [{**BOX, "id": one, "image_id": "x", "iscrowd": False} for one in ("y", 2**70)]
    _, (frame,), report = read(write(folder / "a.json", [image], boxes))
    assert frame.annotations is not None
    assert len(frame.annotations) == 2
    assert report.problems == []


def test_a_folder_with_one_file_for_each_split(tmp_path: Path) -> None:
    for split, seed in (("train2017", 0), ("val2017", 1)):
        (tmp_path / "images" / split).mkdir(parents=True)
        a_picture(tmp_path / "images" / split / "a.jpg", seed=seed)
        write(tmp_path / "annotations" / f"instances_{split}.json", [IMAGE], [BOX])
    (tmp_path / "annotations" / "broken.json").write_text("")

    classes, frames, report = read(tmp_path)

    assert classes == ("cat", "dog")
    assert [one.frame.split for one in frames] == [Split.TRAIN, Split.VAL]
    kind, reason = only_problem(report)
    assert kind is ProblemKind.NOTE
    assert reason == "is empty: write or copy the file again: the file was not read"


def test_folders_as_roboflow_exports_them(tmp_path: Path) -> None:
    for folder, seed in (("train", 0), ("valid", 1), ("test", 2)):
        (tmp_path / folder).mkdir()
        a_picture(tmp_path / folder / "a.jpg", seed=seed)
        write(tmp_path / folder / "_annotations.coco.json", [IMAGE], [BOX])

    _, frames, report = read(tmp_path)

    assert sorted(one.frame.split for one in frames) == ["test", "train", "val"]
    assert report.problems == []


def test_what_only_prelabel_writes_about_images_comes_back(folder: Path) -> None:
    extras = {
        "kind": "video", "group": "g", "sequence": "s", "index": 4, "split": "val",
        "labelled": True,
    }  # fmt: skip
    image = {**IMAGE, "prelabel": extras, "split": 7, "group": [], "kind": "any"}
    _, (frame,), report = read(write(folder / "a.json", [image], []))
    assert frame.frame.kind is FrameKind.VIDEO
    assert (frame.frame.group, frame.frame.sequence, frame.frame.index) == ("g", "s", 4)
    assert frame.frame.split is Split.VAL
    assert frame.annotations is not None
    assert report.problems == []


def test_classes_of_the_caller_set_names_and_order(folder: Path) -> None:
    path = write(folder / "a.json", [IMAGE], [BOX, {**BOX, "id": 2, "category_id": 1}])
    report = ImportReport()
    opened = open_dataset(path, classes=("dog", "cow"), report=report)
    (frame,) = opened.frames
    assert opened.classes == ("dog", "cow")
    assert frame.annotations is not None
    assert frame.annotations.class_id.tolist() == [0]
    assert "class 'cat' is not among the classes" in only_problem(report)[1]


def test_a_frame_whose_extras_contradict_each_other_is_listed(folder: Path) -> None:
    image = {**IMAGE, "prelabel": {"sequence": "s"}}
    _, frames, report = read(write(folder / "a.json", [image], [BOX]))
    assert frames == []
    kind, reason = only_problem(report)
    assert kind is ProblemKind.FRAME_LEFT_OUT
    assert "sequence and index come together" in reason


def test_an_id_that_moved_to_another_box_is_not_given_out_again(folder: Path) -> None:
    """A box without id takes the place of one whose id was once made from that place."""
    _, (before,), _ = read(write(folder / "a.json", [IMAGE], [BOX]))
    assert before.annotations is not None
    (box_id,) = before.annotations.box_id
    moved = {**BOX, "id": 2, "bbox": [9, 9, 9, 9], "prelabel": {"box_id": box_id}}
    _, (after,), report = read(write(folder / "a.json", [IMAGE], [BOX, moved]))
    assert report.problems == []
    assert after.annotations is not None
    assert after.annotations.box_id[1] == box_id != after.annotations.box_id[0]
