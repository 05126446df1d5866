"""Pictures of any size fit their canvas, and boxes come back to the pixels they were on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prelabel.datasets.geometry import rotated_corners
from prelabel.models.letterbox import (
    GREY,
    Letterbox,
    grey_canvases,
    minimal_rectangle,
    stretched,
)
from prelabel.models.views import View

sides = st.integers(1, 5000)


@settings(deadline=None)
@given(sides, sides, st.sampled_from([64, 320, 640]))
def test_the_canvas_is_the_smallest_of_whole_strides(
    width: int, height: int, input_px: int
) -> None:
    box = minimal_rectangle(width, height, input_px, 32)
    rows, columns = box.canvas_shape
    assert max(rows, columns) == input_px
    assert rows % 32 == columns % 32 == 0
    assert 0 <= columns - box.resized_width_px < 32
    assert 0 <= rows - box.resized_height_px < 32
    assert abs(columns - box.resized_width_px - 2 * box.left_px) <= 1
    assert abs(rows - box.resized_height_px - 2 * box.top_px) <= 1


@settings(deadline=None)
@given(sides, sides, st.booleans())
def test_boxes_come_back(width: int, height: int, is_stretched: bool) -> None:
    box = (
        stretched(width, height, 320) if is_stretched else minimal_rectangle(width, height, 320, 32)
    )
    x, y = box.scale
    original = np.array([[0, 0, width, height], [0, 0, width / 2, height / 4]], np.float32)
    offset = np.array([box.left_px, box.top_px] * 2, np.float32)
    on_canvas = np.asarray(original * np.array([x, y] * 2) + offset, np.float32)
    assert box.to_picture(on_canvas) == pytest.approx(
        original, rel=1e-5, abs=1e-5 * max(width, height)
    )


@settings(deadline=None)
@given(st.integers(300, 5000), st.integers(300, 5000), st.floats(-3, 3, width=32))
def test_turned_boxes_come_back(width: int, height: int, angle: float) -> None:
    box = minimal_rectangle(width, height, 320, 32)
    canvas = np.array([[40, 20, 70, 30], [10, 20, 22, 31]], np.float32)
    turn = np.array([angle, angle], np.float32)
    corners = (rotated_corners(canvas, turn) - (box.left_px, box.top_px)) / box.scale
    again = rotated_corners(*box.turned_to_picture(canvas, turn))
    scale_x, scale_y = box.scale
    slant = abs(scale_x / scale_y - 1)  # what was square is not quite, where sides were rounded
    assert np.abs(again - corners).max() < 20 * slant / min(box.scale) + 1e-3
    assert np.allclose(again.mean(axis=1), corners.mean(axis=1), rtol=1e-5, atol=1e-3)


def test_a_picture_is_drawn_in_its_place_with_red_first() -> None:
    box = Letterbox(4, 2, 4, 2, left_px=1, top_px=3, canvas_width_px=6, canvas_height_px=8)
    picture = np.zeros((2, 4, 3), np.uint8)
    picture[..., 0] = 200  # blue
    (canvas,) = grey_canvases(1, box.canvas_shape)
    box.place(picture, canvas)
    inside = np.zeros((8, 6), bool)
    inside[3:5, 1:5] = True
    assert (canvas[inside] == (0, 0, 200)).all()
    assert (canvas[~inside] == GREY).all()


@pytest.mark.parametrize("view", View)
def test_boxes_of_changed_pictures_are_those_of_the_picture_as_it_is(view: View) -> None:
    picture = np.zeros((60, 100, 3), np.uint8)
    picture[12:36, 10:30] = 255
    box = minimal_rectangle(100, 60, 320, 32).viewed(view)
    (canvas,) = grey_canvases(1, box.canvas_shape)
    box.place(picture, canvas)
    rows, columns = np.nonzero(canvas[..., 0] > 200)
    found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    (xyxy,) = box.to_picture(np.array([found], np.float32))
    assert xyxy == pytest.approx([10, 12, 30, 36], abs=0.5)


@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("angle", [0, 0.4, -1.2])
def test_turned_boxes_of_changed_pictures_come_back(view: View, angle: float) -> None:
    box = stretched(100, 100, 320).viewed(view)
    canvas = np.array([[40, 20, 70, 30]], np.float32)
    turn = np.array([angle], np.float32)
    expected = box.to_picture(np.tile(rotated_corners(canvas, turn)[0], 2).astype(np.float32))
    found = rotated_corners(*box.turned_to_picture(canvas, turn))[0]
    np.testing.assert_allclose(np.sort(found[:, 0]), np.sort(expected[:, 0]), atol=1e-3)
    np.testing.assert_allclose(np.sort(found[:, 1]), np.sort(expected[:, 1]), atol=1e-3)


def test_what_is_known_of_a_side_follows_it() -> None:
    box = stretched(100, 100, 100).viewed(View.MIRRORED)
    canvas = np.array([[40, 20, 70, 30]], np.float32)
    of_sides = np.array([[8, 4, 2, 1]], np.float32)
    wider = canvas + of_sides * (-1, -1, 1, 1)
    grown = np.abs(box.to_picture(wider.astype(np.float32)) - box.to_picture(canvas))
    np.testing.assert_allclose(grown, box.sides_from_canvas(of_sides), atol=1e-4)
    # A turned box keeps its left side and is turned by half a circle more: its top is its bottom.
    assert box.turned_to_picture(canvas, np.zeros(1, np.float32))[1] == pytest.approx(np.pi)
    assert box.sides_from_canvas(of_sides, turned=True).tolist() == [[8, 1, 2, 4]]
