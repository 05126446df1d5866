from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapes import shape_examples, without_boxes
from turned_shapes import fill, turned_examples

from prelabel.datasets.errors import BadInputError
from prelabel.datasets.geometry import angle_of, rotated_corners
from prelabel.datasets.pictures import read_picture
from prelabel.models.augmentation import Augmentation, placed
from prelabel.models.training_batches import Batches

UNCHANGED = Augmentation(zoom=1, shift=0, mirror=0, hue=0, saturation=0, value=0)


@given(seed=st.integers(0, 10_000))
def test_boxes_go_where_the_pixels_go(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = int(rng.integers(40, 120)), int(rng.integers(40, 120))
    left, top = int(rng.integers(0, width - 16)), int(rng.integers(0, height - 16))
    right, bottom = int(rng.integers(left + 12, width)), int(rng.integers(top + 12, height))
    picture = np.zeros((height, width, 3), np.uint8)
    picture[top:bottom, left:right] = (255, 0, 0)
    box = np.array([[left, top, right, bottom]], np.float32)
    moves = Augmentation(hue=0, saturation=0, value=0)
    view = placed(picture, box, None, (128, 128), moves, rng)
    shown, moved, in_view = view.picture, view.xyxy, view.in_view
    red = shown[..., 0].astype(int) - shown[..., 1] > 127
    assert in_view.shape == (1,)
    if in_view[0]:
        rows, columns = np.nonzero(red)
        seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(moved[0], seen, atol=1.6)
    else:
        assert len(moved) == 0


@given(seed=st.integers(0, 10_000))
def test_turned_boxes_go_where_the_pixels_go(seed: int) -> None:
    rng = np.random.default_rng(seed)
    picture = np.zeros((100, 120, 3), np.uint8)
    box = np.array([[40, 42, 80, 58]], np.float32)
    angle = rng.uniform(-3, 3, 1).astype(np.float32)
    fill(picture, rotated_corners(box, angle)[0], (255, 0, 0))
    moves = Augmentation(hue=0, saturation=0, value=0)
    view = placed(picture, box, angle, (192, 192), moves, rng)
    assert view.angle is not None
    assert view.in_view.tolist() == [True]
    shown = rotated_corners(view.xyxy, view.angle)[0]
    seen, _ = cv2.findContours(
        (view.picture[..., 0] > 127).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    outline = np.concatenate(seen)[:, 0] + 0.5
    for corner in shown:
        assert np.linalg.norm(outline - corner, axis=1).min() < 2.5
    inside = cv2.contourArea(shown.astype(np.float32))
    assert (view.picture[..., 0] > 127).sum() == pytest.approx(inside, rel=0.06)


def test_turned_boxes_are_asked_for_while_their_middle_is_in_view() -> None:
    """A box half as large as the picture leaves it step by step; none is cut off."""
    picture, still = np.zeros((100, 100, 3), np.uint8), Augmentation(zoom=1, shift=0, mirror=0)
    x = np.array([50, 90, 99, 101, 140], np.float32)
    xyxy = np.stack([x - 25, np.full(5, 40), x + 25, np.full(5, 60)], axis=1).astype(np.float32)
    angle = np.full(5, 0.5, np.float32)
    view = placed(picture, xyxy, angle, (100, 100), still, np.random.default_rng(0))
    assert view.in_view.tolist() == [True, True, True, False, False]
    assert np.array_equal(view.xyxy, xyxy[:3])
    tiny = placed(
        picture,
        np.array([[50, 50, 60, 51.5]], np.float32),
        angle[:1],
        (100, 100),
        still,
        np.random.default_rng(0),
    )
    assert tiny.in_view.tolist() == [False]


def test_a_batch_has_angles_where_any_example_has(tmp_path: Path) -> None:
    mixed = [*turned_examples(tmp_path, 2), *shape_examples(tmp_path, 2)]
    batch = Batches(mixed, 64, 4, seed=0, augmentation=UNCHANGED).batch(0)
    assert batch.angle is not None
    assert len(batch.angle) == len(batch.xywh) == sum(len(one.annotations) for one in mixed)
    assert {round(float(one), 6) for one in batch.angle} == {
        round(float(one), 6) for example in mixed for one in angle_of(example.annotations.boxes)
    }
    upright = Batches(shape_examples(tmp_path, 2), 64, 2, seed=0).batch(0)
    assert upright.angle is None


def test_a_box_out_of_view_is_not_asked_for() -> None:
    boxes = np.array([[0, 0, 10, 10], [50, 50, 90, 90]], np.float32)
    picture = np.zeros((100, 100, 3), np.uint8)
    far = Augmentation(zoom=1, shift=0, mirror=0)
    view = placed(picture, boxes, None, (64, 64), far, np.random.default_rng(0))
    assert view.in_view.tolist() == [False, True]  # the middle of the picture is shown: 18 to 82
    np.testing.assert_allclose(view.xyxy, [[32, 32, 64, 64]])


def test_without_augmentation_a_batch_shows_the_pictures_themselves(tmp_path: Path) -> None:
    examples = shape_examples(tmp_path, 3, side_px=64)
    batch = Batches(examples, 64, 3, seed=0, augmentation=UNCHANGED).batch(0)
    assert batch.pixels.shape == (3, 64, 64, 3)  # 64 x 48, centred on whole strides
    boxes = 0
    for example in examples:
        stored = read_picture(example.frame)[..., ::-1]
        same = [
            row
            for row, shown in enumerate(batch.pixels)
            if np.abs(shown[8:56].astype(int) - stored).mean() < 2
        ]
        assert len(same) == 1
        mine = batch.picture == same[0]
        centre, size = batch.xywh[mine, :2] * 64, batch.xywh[mine, 2:] * 64
        corners = np.concatenate([centre - size / 2, centre + size / 2], axis=1)
        expected = example.annotations.boxes.xyxy + np.array([0, 8, 0, 8])
        np.testing.assert_allclose(corners, expected, atol=1e-3)
        assert batch.class_id[mine].tolist() == example.annotations.class_id.tolist()
        boxes += len(corners)
    assert boxes == len(batch.xywh)


def test_a_batch_depends_on_its_step_alone(tmp_path: Path) -> None:
    examples = shape_examples(tmp_path, 5)
    straight, jumped = (Batches(examples, 64, 2, seed=7) for _ in range(2))
    seen = [straight.batch(step) for step in range(4)]
    again = jumped.batch(3)
    np.testing.assert_array_equal(again.pixels, seen[3].pixels)
    np.testing.assert_array_equal(again.xywh, seen[3].xywh)
    other_seed = Batches(examples, 64, 2, seed=8).batch(3)
    assert not np.array_equal(other_seed.pixels, seen[3].pixels)


def test_pictures_that_do_not_fit_into_memory_are_read_again(tmp_path: Path) -> None:
    examples = shape_examples(tmp_path, 4)
    kept = Batches(examples, 64, 4, seed=1)
    read_again = Batches(examples, 64, 4, seed=1, cache_bytes=64 * 48 * 3)
    for step in range(2):
        np.testing.assert_array_equal(kept.batch(step).pixels, read_again.batch(step).pixels)
    for example in examples:
        Path(example.frame.uri).unlink()
    assert kept.batch(2).pixels.shape == (4, 64, 64, 3)
    with pytest.raises(BadInputError, match=r"\.png"):
        read_again.batch(2)


@pytest.mark.parametrize(("count", "batch_size"), [(5, 2), (7, 3), (4, 4)])
def test_every_example_comes_once_before_any_comes_again(
    tmp_path: Path, count: int, batch_size: int
) -> None:
    examples = shape_examples(tmp_path, count)
    batches = Batches(examples, 64, batch_size, seed=2)
    drawn = [index for step in range(count * 2) for index in batches.indices(step)]
    for turn in range(len(drawn) // count):
        assert sorted(drawn[turn * count : (turn + 1) * count]) == list(range(count))


def test_a_batch_is_no_larger_than_the_set(tmp_path: Path) -> None:
    empty = [without_boxes(one) for one in shape_examples(tmp_path, 2)]
    batch = Batches(empty, 64, 16, seed=0).batch(0)
    assert len(batch.pixels) == 2
    assert batch.xywh.shape == (0, 4)


def test_the_canvas_is_no_larger_than_the_pictures_need(tmp_path: Path) -> None:
    examples = shape_examples(tmp_path, 2, side_px=256)  # 256 x 192
    assert Batches(examples, 160, 2, seed=0).canvas_hw == (128, 160)
    assert Batches(examples, 160, 2, seed=0, stretched=True).canvas_hw == (160, 160)


def test_colours_change_but_grey_stays_grey() -> None:
    picture = np.full((32, 32, 3), 100, np.uint8)
    none = np.zeros((0, 4), np.float32)
    shades = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        only_colour = Augmentation(zoom=1, shift=0)
        shown = placed(picture, none, None, (32, 32), only_colour, rng).picture
        middle = shown[8:24, 8:24]
        assert np.ptp(middle) == 0
        shades.append(int(middle[0, 0, 0]))
    assert min(shades) >= 59
    assert max(shades) <= 141
    assert len(set(shades)) > 10
