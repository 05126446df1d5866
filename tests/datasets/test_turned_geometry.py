"""Arithmetic on turned boxes, against shapely's polygons and against upright boxes."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prelabel.datasets.arrays import Float64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.geometry import (
    areas,
    boxes_from_corners,
    boxes_iou,
    enclosing,
    moved_boxes,
    paired_iou,
    pairwise_iou,
    rotated_corners,
    turned_intersection_areas,
)

ANGLES = st.floats(-7, 7, width=32) | st.sampled_from([0, math.pi / 4, math.pi / 2, math.pi])


@st.composite
def turned(draw: st.DrawFn) -> Boxes:
    """Turned boxes on the grid of whole pixels, so that sides often lie on one line."""
    corner, side = st.integers(-20, 60), st.integers(1, 50)
    rows = draw(st.lists(st.tuples(corner, corner, side, side, ANGLES), max_size=5))
    return Boxes(
        np.array([[x, y, x + w, y + h] for x, y, w, h, _ in rows]).reshape(-1, 4),
        [row[4] for row in rows],
    )


def corners_of(boxes: Boxes) -> Float64s:
    assert boxes.angle is not None
    return rotated_corners(boxes.xyxy, boxes.angle)


@given(left=turned(), right=turned())
def test_shared_areas_are_those_of_polygons(left: Boxes, right: Boxes) -> None:
    shapely: Any = pytest.importorskip("shapely")
    sides = [shapely.polygons(corners_of(boxes)) for boxes in (left, right)]
    shared = shapely.area(shapely.intersection(sides[0][:, None], sides[1][None]))
    assert np.allclose(turned_intersection_areas(left, right), shared, rtol=0, atol=1e-4)


@given(left=turned(), right=turned(), upright=st.booleans())
def test_pairs_have_the_iou_of_the_table_of_all_pairs(
    left: Boxes, right: Boxes, upright: bool
) -> None:
    rows = np.arange(min(len(left), len(right)))
    first, second = left.take(rows), right.take(rows)
    if upright:
        first, second = Boxes(first.xyxy), Boxes(second.xyxy)
    assert np.allclose(paired_iou(first, second), np.diag(boxes_iou(first, second)), atol=1e-12)
    straight = Boxes(second.xyxy)
    assert np.allclose(paired_iou(first, straight), np.diag(boxes_iou(first, straight)), atol=1e-12)


@given(left=turned(), right=turned())
def test_iou_of_turned_boxes_is_symmetric_and_bounded(left: Boxes, right: Boxes) -> None:
    iou = boxes_iou(left, right)
    assert iou.shape == (len(left), len(right))
    assert ((iou >= 0) & (iou <= 1)).all()
    assert np.allclose(iou, boxes_iou(right, left).T, atol=1e-9)
    assert np.allclose(np.diag(boxes_iou(left, left)), 1)


@given(left=turned(), right=turned(), quarters=st.integers(-3, 3))
def test_boxes_turned_by_quarters_are_upright_ones(
    left: Boxes, right: Boxes, quarters: int
) -> None:
    wanted = pairwise_iou(left.xyxy, right.xyxy)
    assert np.array_equal(boxes_iou(Boxes(left.xyxy), Boxes(right.xyxy)), wanted)
    about_right = Boxes(right.xyxy, np.zeros(len(right)))
    assert np.allclose(boxes_iou(Boxes(left.xyxy), about_right), wanted, atol=1e-12)
    angle = np.full(len(left), quarters * math.pi / 2, np.float32)
    turned_back = Boxes(enclosing(Boxes(left.xyxy, angle)))
    assert np.allclose(
        boxes_iou(Boxes(left.xyxy, angle), about_right),
        boxes_iou(turned_back, about_right),
        atol=1e-5,
    )


@given(boxes=turned(), size=st.floats(0.2, 5), mirror=st.booleans(), x=st.floats(-99, 99))
def test_moving_boxes_moves_their_corners(
    boxes: Boxes, size: float, mirror: bool, x: float
) -> None:
    factors, offset = np.array([-size if mirror else size, size]), np.array([x, 7.0])
    assert boxes.angle is not None
    moved = Boxes(*moved_boxes(boxes.xyxy, boxes.angle, factors, offset))
    wanted = corners_of(boxes) * factors + offset
    if mirror:  # the corners run the other way round then
        wanted = wanted[:, [1, 0, 3, 2]]
    near = np.abs(corners_of(moved) - wanted).max(axis=(1, 2), initial=0)
    turned_by_half = np.abs(corners_of(moved) - wanted[:, [2, 3, 0, 1]]).max(axis=(1, 2), initial=0)
    assert (np.minimum(near, turned_by_half) < 1e-3).all()


@given(boxes=turned())
def test_moving_nothing_changes_nothing(boxes: Boxes) -> None:
    assert boxes.angle is not None
    xyxy, angle = moved_boxes(boxes.xyxy, boxes.angle, np.ones(2), np.zeros(2))
    assert np.array_equal(xyxy, boxes.xyxy)
    within = np.abs(boxes.angle) < math.pi
    assert np.array_equal(angle[within], boxes.angle[within])


@given(boxes=turned())
def test_unequal_factors_keep_middle_and_lengths_of_sides(boxes: Boxes) -> None:
    factors = np.array([0.48, 0.481])  # as of a picture whose sides are rounded to whole pixels
    assert boxes.angle is not None
    moved = Boxes(*moved_boxes(boxes.xyxy, boxes.angle, factors, np.zeros(2)))
    wanted, got = corners_of(boxes) * factors, corners_of(moved)
    assert np.allclose(got.mean(axis=1), wanted.mean(axis=1), atol=1e-4)
    for side in range(4):
        first, second = (
            np.linalg.norm(one[:, side] - one[:, side - 1], axis=1) for one in (got, wanted)
        )
        assert np.allclose(first, second, atol=1e-4)
    assert np.abs(got - wanted).max(initial=0) < 0.03  # a thousandth of half the longest diagonal


@given(boxes=turned(), backwards=st.booleans(), first=st.integers(0, 3))
def test_corners_become_the_box_again(boxes: Boxes, backwards: bool, first: int) -> None:
    corners = np.roll(corners_of(boxes), first, axis=1)
    xyxy, angle, off = boxes_from_corners(corners[:, ::-1] if backwards else corners)
    assert (off < 1e-9).all()
    again = Boxes(xyxy, angle)
    assert np.allclose(np.diag(boxes_iou(again, boxes)), 1, atol=1e-4)
    if not first and not backwards:
        assert np.allclose(again.xyxy, boxes.xyxy, rtol=1e-6, atol=1e-6)


def test_other_quadrilaterals_are_noticed() -> None:
    kite = np.array([[(0, 0), (10, -4), (20, 0), (10, 12)]], np.float64)
    assert boxes_from_corners(kite)[2][0] > 3
    assert boxes_from_corners(np.zeros((0, 4, 2)))[2].shape == (0,)


@given(boxes=turned())
def test_the_enclosing_box_touches_the_corners(boxes: Boxes) -> None:
    corners, around = corners_of(boxes), enclosing(boxes)
    assert np.allclose(around[:, :2], corners.min(axis=1), atol=1e-4)
    assert np.allclose(around[:, 2:], corners.max(axis=1), atol=1e-4)
    assert (areas(around) >= areas(boxes.xyxy) * (1 - 1e-5)).all()
    assert np.array_equal(enclosing(Boxes(boxes.xyxy)), boxes.xyxy)
