"""Boxes: what they hold, what they refuse."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prelabel.datasets.arrays import check_range, frozen_floats, frozen_ids
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import InvalidValueError


@st.composite
def xyxy(draw: st.DrawFn) -> list[list[float]]:
    """Corners of up to five boxes with area, in whole and half pixels."""
    half = st.integers(-200, 200).map(lambda twice: twice / 2)
    side = st.integers(1, 200).map(lambda twice: twice / 2)
    rows = draw(st.lists(st.tuples(half, half, side, side), max_size=5))
    return [[x, y, x + width, y + height] for x, y, width, height in rows]


@given(corners=xyxy())
def test_boxes_hold_what_they_are_given_and_cannot_be_changed(corners: list[list[float]]) -> None:
    given_array = np.array(corners, np.float32).reshape(-1, 4)
    boxes = Boxes(given_array, np.zeros(len(corners)))
    assert len(boxes) == len(corners)
    assert boxes.xyxy.dtype == np.float32
    assert np.array_equal(boxes.xyxy, given_array)
    given_array += 1
    assert boxes == Boxes(np.array(corners).reshape(-1, 4), np.zeros(len(corners)))
    assert not boxes.xyxy.flags.writeable
    assert boxes.angle is not None
    assert not boxes.angle.flags.writeable


@given(corners=xyxy(), data=st.data())
def test_taking_rows_keeps_their_order(corners: list[list[float]], data: st.DataObject) -> None:
    boxes = Boxes(corners, np.arange(len(corners), dtype=np.float32))
    rows = data.draw(st.permutations(range(len(corners))))
    taken = boxes.take(rows)
    assert taken == boxes.take(np.array(rows, np.intp))
    assert taken.xyxy.tolist() == [corners[row] for row in rows]
    assert taken.angle is not None
    assert taken.angle.tolist() == list(rows)
    mask = np.array([row % 2 == 0 for row in range(len(corners))], np.bool_)
    assert boxes.take(mask) == boxes.take(range(0, len(corners), 2))


@pytest.mark.parametrize(
    ("corners", "angle", "message"),
    [
        ([[1, 2, 3]], None, r"xyxy must have shape \(n, 4\), but has \(1, 3\)"),
        ([1, 2, 3, 4], None, r"xyxy must have shape \(n, 4\), but has \(4,\)"),
        ([[1, 2, 1, 4]], None, r"left < right and top < bottom, but row 0 is \[1\.0, 2\.0, 1\.0"),
        ([[0, 0, 1, 1], [1, 5, 2, 4]], None, "but row 1 is"),
        ([[1, 2, float("nan"), 4]], None, "xyxy must be finite, but holds NaN or infinity"),
        ([[1, 2, float("inf"), 4]], None, "xyxy must be finite"),
        ([[1, 2, 1e300, 4]], None, "xyxy must be finite"),
        ([["a", 2, 3, 4]], None, "xyxy must be an array of numbers"),
        ([[1, 2, 3], [4]], None, "xyxy must be an array of numbers"),
        ([[1, 2, 3, 4]], [0, 1], r"angle must have shape \(1\), but has \(2,\)"),
        ([[1, 2, 3, 4]], [float("nan")], "angle must be finite"),
    ],
)
def test_every_rule_of_boxes_is_told(corners: Any, angle: Any, message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        Boxes(corners, angle)


def test_no_boxes() -> None:
    assert len(Boxes.none()) == 0
    assert Boxes.none() == Boxes([])
    assert Boxes.none().xyxy.shape == (0, 4)


def test_boxes_are_equal_by_content_and_have_no_hash() -> None:
    one = Boxes([[1, 2, 3, 4]])
    assert one == Boxes(np.array([[1, 2, 3, 4]], np.float64))
    assert one != Boxes([[1, 2, 3, 5]])
    assert one != Boxes([[1, 2, 3, 4]], [0])
    assert Boxes([[1, 2, 3, 4]], [0]) != Boxes([[1, 2, 3, 4]], [1])
    assert one != "boxes"
    with pytest.raises(TypeError, match="unhashable"):
        hash(one)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([0.5], "ids must be whole numbers, but is of type float64"),
        ([True], "ids must be whole numbers, but is of type bool"),
        ([-1], "ids must be at least 0, but holds -1"),
        ([[1]], r"ids must have shape \(n\), but has \(1, 1\)"),
    ],
)
def test_every_rule_of_ids_is_told(value: Any, message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        frozen_ids("ids", value, (None,))


def test_an_empty_list_is_no_rows_of_any_shape() -> None:
    assert frozen_floats("vectors", [], (None, 7)).shape == (0, 7)
    assert frozen_ids("ids", [], (None,)).shape == (0,)


def test_a_range_tells_the_value_that_leaves_it() -> None:
    check_range("share", np.array([0.0, 1.0]), 0, 1)
    with pytest.raises(InvalidValueError, match=r"share must lie between 0 and 1, but holds 1\.5"):
        check_range("share", np.array([0.5, 1.5]), 0, 1)
