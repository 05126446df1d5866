from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapes import shape_examples, without_boxes

from prelabel.datasets.errors import BadInputError
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
    shown, moved, in_view = placed(picture, box, (128, 128), moves, rng)
    red = shown[..., 0].astype(int) - shown[..., 1] > 127
    assert in_view.shape == (1,)
    if in_view[0]:
        rows, columns = np.nonzero(red)
        seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(moved[0], seen, atol=1.6)
    else:
        assert len(moved) == 0


def test_a_box_out_of_view_is_not_asked_for() -> None:
    boxes = np.array([[0, 0, 10, 10], [50, 50, 90, 90]], np.float32)
    picture = np.zeros((100, 100, 3), np.uint8)
    far = Augmentation(zoom=1, shift=0, mirror=0)
    _, moved, in_view = placed(picture, boxes, (64, 64), far, np.random.default_rng(0))
    assert in_view.tolist() == [False, True]  # the middle of the picture is in view: 18 to 82
    np.testing.assert_allclose(moved, [[32, 32, 64, 64]])


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
        shown, _, _ = placed(picture, none, (32, 32), Augmentation(zoom=1, shift=0), rng)
        middle = shown[8:24, 8:24]
        assert np.ptp(middle) == 0
        shades.append(int(middle[0, 0, 0]))
    assert min(shades) >= 59
    assert max(shades) <= 141
    assert len(set(shades)) > 10
