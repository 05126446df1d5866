"""Labels of one frame and the origin of each box."""

import time
import uuid
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prelabel.datasets.annotations import (
    DRAWN,
    IMPORTED,
    AnnotationSet,
    Origin,
    OriginKind,
    is_box_id,
    new_box_ids,
)
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import InvalidValueError

TWO_BOXES = Boxes([[0, 0, 1, 1], [1, 1, 3, 3]])
IDS = tuple(str(uuid.UUID(int=number)) for number in range(2))
BOX = (1.0, 2.0, 3.0, 4.0)


def two(**changes: Any) -> AnnotationSet:
    parts: dict[str, Any] = {
        "boxes": TWO_BOXES,
        "class_id": [0, 1],
        "box_id": IDS,
        "origin": [IMPORTED, DRAWN],
    }
    return AnnotationSet(**{**parts, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"class_id": [0]}, r"class_id must have shape \(2\), but has \(1,\)"),
        ({"class_id": [0, -1]}, "class_id must be at least 0, but holds -1"),
        ({"class_id": [0, 0.5]}, "class_id must be whole numbers"),
        ({"box_id": IDS[:1]}, "box_id must have one entry a box, 2: 1"),
        ({"origin": [DRAWN] * 3}, "origin must have one entry a box, 2: 3"),
        ({"box_id": [IDS[0]] * 2}, f"box_id must not repeat, but {IDS[0]} does"),
        ({"box_id": [IDS[0], "x"]}, "box_id must be a lower-case UUID, but is 'x'"),
        ({"box_id": [IDS[0], f"{IDS[1]}\n"]}, "box_id must be a lower-case UUID"),
        ({"height_m": [[0, 1]]}, "height_m must have one row a box, 2: 1"),
        ({"height_m": [[0, 1], [1, 1]]}, "end above where it begins, but row 1 is"),
        ({"height_m": [[0, 1], [np.nan, 1]]}, "must be finite"),
    ],
)
def test_every_rule_of_labels_is_told(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        two(**changes)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"kind": OriginKind.PROPOSED}, "origin proposed needs model_id and score"),
        ({"kind": OriginKind.PROPOSED, "model_id": "m"}, "needs model_id and score"),
        ({"kind": OriginKind.DRAWN, "score": 0.5}, "origin drawn has no model_id and score"),
        ({"kind": OriginKind.PROPOSED, "model_id": "m", "score": 1.5}, "score must lie between"),
        ({"kind": OriginKind.PROPOSED, "model_id": "m", "score": float("nan")}, "score must lie"),
        ({"kind": OriginKind.CHANGED, "model_id": "m", "score": 1.0}, "needs original_xyxy"),
        ({"kind": OriginKind.CARRIED}, "carried needs a finite spread_px"),
        ({"kind": OriginKind.CARRIED, "spread_px": float("inf")}, "needs a finite spread_px"),
        ({"kind": OriginKind.DRAWN, "spread_px": 1.0}, "drawn has no spread_px"),
        (
            {"kind": OriginKind.PROPOSED, "model_id": "m", "score": 1.0, "original_xyxy": BOX},
            "has no original_xyxy",
        ),
        (
            {"kind": OriginKind.IMPORTED, "original_class_id": 1},
            "origin imported has no original_xyxy",
        ),
    ],
)
def test_every_rule_of_an_origin_is_told(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        Origin(**parts)


def test_every_kind_of_origin_can_be_made() -> None:
    assert Origin(OriginKind.IMPORTED) == IMPORTED
    assert Origin(OriginKind.DRAWN) == DRAWN
    assert Origin(OriginKind.PROPOSED, "m", 0.0).original_xyxy is None
    assert Origin(OriginKind.CHANGED, "m", 1.0, BOX, 3).original_class_id == 3


def test_nothing_found_is_not_the_same_as_something() -> None:
    assert len(AnnotationSet.empty()) == 0
    assert AnnotationSet.empty() == AnnotationSet(Boxes.none(), [], [], [])
    assert AnnotationSet.empty() != two()


def test_labels_are_equal_by_content_and_have_no_hash() -> None:
    assert two() == two()
    assert two() != two(class_id=[0, 2])
    assert two() != two(origin=[DRAWN, DRAWN])
    assert two() != two(box_id=IDS[::-1])
    assert two() != "labels"
    with pytest.raises(TypeError, match="unhashable"):
        hash(two())


@given(rows=st.lists(st.integers(0, 1), unique=True))
def test_taking_rows_takes_all_their_parts(rows: list[int]) -> None:
    taken = two().take(np.array(rows, np.intp))
    assert taken.boxes == TWO_BOXES.take(rows)
    assert taken.class_id.tolist() == rows
    assert taken.box_id == tuple(IDS[row] for row in rows)
    assert taken.origin == tuple((IMPORTED, DRAWN)[row] for row in rows)


@given(count=st.integers(0, 50), seed=st.integers(0, 2**32))
def test_new_ids_are_uuids_that_follow_from_the_generator(count: int, seed: int) -> None:
    ids = new_box_ids(count, np.random.default_rng(seed))
    assert ids == new_box_ids(count, np.random.default_rng(seed))
    assert len(set(ids)) == count
    assert all(uuid.UUID(one).version == 4 and is_box_id(one) for one in ids)


@given(text=st.one_of(st.text(), st.uuids().map(str), st.uuids().map(lambda one: one.hex)))
def test_a_box_id_is_a_uuid_in_its_usual_form(text: str) -> None:
    try:
        usual = str(uuid.UUID(text)) == text
    except ValueError:
        usual = False
    assert is_box_id(text) is usual
    assert not is_box_id(text.upper()) or text.upper() == text


def test_checking_labels_is_cheap() -> None:
    """A dataset has a million boxes: a hundred thousand frames may take a few seconds."""
    ids = new_box_ids(10, np.random.default_rng(0))
    corners = np.tile(np.array([1, 2, 3, 4], np.float32), (10, 1))
    origins = [IMPORTED] * 10
    took = []
    for _ in range(5):  # one of them is not interrupted by Python's collecting of garbage
        start = time.process_time()
        for _ in range(200):
            AnnotationSet(Boxes(corners), range(10), ids, origins)
        took.append(time.process_time() - start)
    assert min(took) < 0.1  # about 0.006 on a quiet machine


def test_heights_are_part_of_labels_and_may_be_unsaid() -> None:
    unsaid = [np.nan, np.nan]
    labels = two(height_m=[unsaid, [-1.75, 0.25]])
    assert labels == two(height_m=[unsaid, [-1.75, 0.25]])
    assert labels != two(height_m=[unsaid, [-1.75, 0.5]])
    assert labels != two()
    assert two(height_m=[unsaid, unsaid]) == two()
    second = labels.take(np.array([1]))
    assert second.height_m is not None
    assert second.height_m.tolist() == [[-1.75, 0.25]]
    assert labels.take(np.array([0])).height_m is None
