"""Arithmetic on boxes, against slow and plain versions of it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prelabel.datasets.arrays import Float32s
from prelabel.datasets.geometry import (
    areas,
    clip_to_picture,
    intersection_areas,
    pairwise_iou,
    rotated_corners,
    xywh_from_xyxy,
    xyxy_from_xywh,
)

WIDTH_PX, HEIGHT_PX = 40, 30


@st.composite
def boxes(draw: st.DrawFn) -> Float32s:
    """Boxes with area on the grid of whole pixels, in and around the picture."""
    corner, side = st.integers(-20, 60), st.integers(1, 50)
    rows = draw(st.lists(st.tuples(corner, corner, side, side), min_size=1, max_size=5))
    return np.array([[x, y, x + w, y + h] for x, y, w, h in rows], np.float32)


def pixels(box: Float32s) -> set[tuple[int, int]]:
    left, top, right, bottom = (int(side) for side in box)
    return {(x, y) for x in range(left, right) for y in range(top, bottom)}


@given(left=boxes(), right=boxes())
def test_areas_and_overlap_count_pixels(left: Float32s, right: Float32s) -> None:
    assert areas(left).tolist() == [len(pixels(box)) for box in left]
    for row, one in enumerate(left):
        for column, other in enumerate(right):
            shared, union = pixels(one) & pixels(other), pixels(one) | pixels(other)
            assert intersection_areas(left, right)[row, column] == len(shared)
            assert pairwise_iou(left, right)[row, column] == pytest.approx(len(shared) / len(union))


@given(left=boxes(), right=boxes(), scale=st.sampled_from([0.25, 2.0, 1024.0]))
def test_iou_is_symmetric_bounded_and_knows_no_unit(
    left: Float32s, right: Float32s, scale: float
) -> None:
    iou = pairwise_iou(left, right)
    assert np.array_equal(iou, pairwise_iou(right, left).T)
    assert ((iou >= 0) & (iou <= 1)).all()
    assert np.allclose(np.diag(pairwise_iou(left, left)), 1)
    factor = np.float32(scale)
    assert np.allclose(iou, pairwise_iou(left * factor, right * factor))


def test_no_boxes_have_no_overlap() -> None:
    none, one = np.zeros((0, 4), np.float32), np.array([[0, 0, 1, 1]], np.float32)
    assert pairwise_iou(none, one).shape == (0, 1)
    assert pairwise_iou(one, none).shape == (1, 0)
    assert areas(none).shape == (0,)


@given(given_boxes=boxes())
def test_cutting_off_keeps_the_pixels_inside(given_boxes: Float32s) -> None:
    picture = pixels(np.array([0, 0, WIDTH_PX, HEIGHT_PX], np.float32))
    clipped, has_area = clip_to_picture(given_boxes, WIDTH_PX, HEIGHT_PX)
    for box, cut, inside in zip(given_boxes, clipped, has_area, strict=True):
        assert bool(inside) == bool(pixels(box) & picture)
        if inside:
            assert pixels(cut) == pixels(box) & picture
    again, _ = clip_to_picture(clipped, WIDTH_PX, HEIGHT_PX)
    assert np.array_equal(again, clipped)


@given(given_boxes=boxes())
def test_corners_and_sides_turn_into_each_other(given_boxes: Float32s) -> None:
    sides = xywh_from_xyxy(given_boxes)
    assert np.array_equal(sides[:, 2] * sides[:, 3], areas(given_boxes))
    assert np.array_equal(xyxy_from_xywh(sides), given_boxes)


@given(given_boxes=boxes(), angle=st.floats(-math.pi, math.pi))
def test_turned_corners_keep_centre_and_size(given_boxes: Float32s, angle: float) -> None:
    corners = rotated_corners(given_boxes, np.full(len(given_boxes), angle, np.float32))
    centre = (given_boxes[:, :2] + given_boxes[:, 2:]) / 2
    assert np.allclose(corners.mean(axis=1), centre, atol=1e-4)
    x, y = corners[..., 0], corners[..., 1]
    shoelace = (x * np.roll(y, -1, axis=1) - np.roll(x, -1, axis=1) * y).sum(axis=1) / 2
    assert np.allclose(shoelace, areas(given_boxes), rtol=1e-4)  # above 0: clockwise on the screen


def test_a_quarter_turn_goes_clockwise_on_the_screen() -> None:
    box, quarter = np.array([[0, 0, 4, 2]], np.float32), np.array([math.pi / 2], np.float32)
    assert np.allclose(
        rotated_corners(box, quarter), [[(3, -1), (3, 3), (1, 3), (1, -1)]], atol=1e-6
    )
    upright = rotated_corners(box, np.zeros(1, np.float32))
    assert upright.tolist() == [[[0, 0], [4, 0], [4, 2], [0, 2]]]
