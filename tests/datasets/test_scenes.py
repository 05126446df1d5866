"""Generated scenes: the same from the same seed, with exact boxes and the mix that is promised."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prelabel.datasets.errors import BadInputError, InvalidValueError
from prelabel.datasets.frames import LabelledFrame, Split
from prelabel.datasets.pictures import frame_id_of, read_picture
from prelabel.datasets.progress import Silent
from prelabel.datasets.scenes.layout import sample_scene
from prelabel.datasets.scenes.light import LIGHTS
from prelabel.datasets.scenes.options import SCENE_CLASSES, SceneOptions
from prelabel.datasets.scenes.rendering import DRAWING_SCALE, RenderedScene, render_scene
from prelabel.datasets.scenes.writing import LABELS_NAME, plan_scenes, write_scenes

OPTIONS = SceneOptions(train=230, val=15, test=15)
FEW = SceneOptions(train=6, val=2, test=2, width_px=96, height_px=72)


def rendered(seed: int, options: SceneOptions = OPTIONS) -> RenderedScene:
    rng = np.random.default_rng(seed)
    return render_scene(sample_scene(options, rng, DRAWING_SCALE), options, rng)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> list[LabelledFrame]:
    return write_scenes(tmp_path_factory.mktemp("scenes"), OPTIONS, Silent())


def class_counts(frames: list[LabelledFrame]) -> Counter[str]:
    ids = (i for one in frames if one.annotations is not None for i in one.annotations.class_id)
    return Counter(SCENE_CLASSES[i] for i in ids)


def test_same_options_give_the_same_bytes_and_labels(tmp_path: Path) -> None:
    first = write_scenes(tmp_path / "a", FEW, Silent())
    second = write_scenes(tmp_path / "b", FEW, Silent())
    assert [one.frame.frame_id for one in first] == [one.frame.frame_id for one in second]
    assert [one.annotations for one in first] == [one.annotations for one in second]
    for one in first:
        assert frame_id_of(Path(one.frame.uri).read_bytes()) == one.frame.frame_id


def test_another_seed_gives_other_pictures(tmp_path: Path) -> None:
    first = write_scenes(tmp_path / "a", FEW, Silent())
    second = write_scenes(tmp_path / "b", replace(FEW, seed=1), Silent())
    assert not {one.frame.frame_id for one in first} & {one.frame.frame_id for one in second}


def test_more_pictures_leave_those_before_as_they_were(tmp_path: Path) -> None:
    few = write_scenes(tmp_path / "a", replace(FEW, sequence_share=0.0), Silent())
    more = write_scenes(tmp_path / "b", replace(FEW, sequence_share=0.0, train=9), Silent())
    assert {one.frame.frame_id for one in few} < {one.frame.frame_id for one in more}


def test_goes_on_after_a_stop_and_then_only_reads(tmp_path: Path) -> None:
    whole = write_scenes(tmp_path, FEW, Silent())
    (tmp_path / LABELS_NAME).unlink()
    Path(whole[3].frame.uri).unlink()
    kept = Path(whole[0].frame.uri).stat().st_mtime_ns
    again = write_scenes(tmp_path, FEW, Silent())
    assert [one.frame for one in again] == [one.frame for one in whole]
    assert Path(whole[0].frame.uri).stat().st_mtime_ns == kept
    read = write_scenes(tmp_path, FEW, Silent())
    assert [one.frame for one in read] == [one.frame for one in whole]
    assert [one.annotations for one in read] == [one.annotations for one in whole]


def test_refuses_a_folder_with_scenes_of_other_options(tmp_path: Path) -> None:
    write_scenes(tmp_path, FEW, Silent())
    with pytest.raises(BadInputError, match="other options; give an empty folder"):
        write_scenes(tmp_path, replace(FEW, seed=1), Silent())


def test_never_writes_over_another_picture(tmp_path: Path) -> None:
    mine = tmp_path / next(plan_scenes(FEW)).file_name
    mine.write_bytes(b"my own picture")
    with pytest.raises(BadInputError, match="is another picture already"):
        write_scenes(tmp_path, FEW, Silent())
    assert mine.read_bytes() == b"my own picture"


def test_refuses_a_label_file_of_something_else(tmp_path: Path) -> None:
    (tmp_path / LABELS_NAME).write_text("[]")
    with pytest.raises(BadInputError, match="is not a file of scenes"):
        write_scenes(tmp_path, FEW, Silent())


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_boxes_are_tight_around_visible_pixels_inside_the_picture(seed: int) -> None:
    scene = rendered(seed)
    for seen in (*scene.labelled, *scene.hidden):
        left, top, right, bottom = seen.xyxy
        assert 0 <= left < right <= OPTIONS.width_px
        assert 0 <= top < bottom <= OPTIONS.height_px
        rows, columns = np.nonzero(scene.owners == seen.owner)
        edges = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert tuple(edge / DRAWING_SCALE for edge in edges) == seen.xyxy
        assert 0 < seen.visible_share <= 1


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), least=st.floats(0.05, 0.9))
def test_what_is_too_hidden_or_too_small_has_no_label(seed: int, least: float) -> None:
    scene = rendered(seed, replace(OPTIONS, visible_share=least))
    assert all(one.visible_share >= least for one in scene.labelled)
    for one in scene.labelled:
        left, top, right, bottom = one.xyxy
        assert max(right - left, bottom - top) >= OPTIONS.smallest_px
    everything = rendered(seed, replace(OPTIONS, visible_share=1e-6, smallest_px=1.0))
    assert np.array_equal(scene.pixels, everything.pixels)


def test_the_middle_of_a_box_differs_from_the_same_place_without_the_object() -> None:
    """Objects are really drawn where their boxes are: without them these pixels look different."""
    checked = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        scene = sample_scene(OPTIONS, rng, DRAWING_SCALE)
        full = render_scene(scene, OPTIONS, np.random.default_rng(0))
        bare = render_scene(replace(scene, actors=()), OPTIONS, np.random.default_rng(0))
        assert not bare.labelled
        change = np.abs(full.pixels.astype(int) - bare.pixels.astype(int)).max(axis=2)
        for seen in full.labelled:
            left, top, right, bottom = (int(edge) for edge in seen.xyxy)
            assert (change[top : bottom + 1, left : right + 1] > 8).mean() > 0.1
            checked += 1
    assert checked > 10


def test_counts_splits_and_sizes_are_as_asked(dataset: list[LabelledFrame]) -> None:
    splits = Counter(one.frame.split for one in dataset)
    assert splits == {Split.TRAIN: 230, Split.VAL: 15, Split.TEST: 15}
    assert len({one.frame.frame_id for one in dataset}) == len(dataset)
    pixels = read_picture(dataset[0].frame)
    assert pixels.shape == (OPTIONS.height_px, OPTIONS.width_px, 3)
    ids = [i for one in dataset if one.annotations is not None for i in one.annotations.box_id]
    assert len(set(ids)) == len(ids)


def test_classes_have_a_long_tail_with_a_rare_one(dataset: list[LabelledFrame]) -> None:
    counts = class_counts(dataset)
    assert set(counts) == set(SCENE_CLASSES)
    assert counts["car"] == max(counts.values())
    assert counts["cyclist"] == min(counts.values())
    assert counts["cyclist"] / counts.total() < 0.04
    assert counts["van"] > counts["truck"] > counts["cyclist"]


def test_there_are_empty_and_crowded_pictures(dataset: list[LabelledFrame]) -> None:
    sizes = [len(one.annotations) for one in dataset if one.annotations is not None]
    assert len(sizes) == len(dataset)
    assert 0.02 < sizes.count(0) / len(sizes) < 0.2
    assert max(sizes) >= 8


def test_sequences_hold_near_duplicates_and_stay_in_the_pool(dataset: list[LabelledFrame]) -> None:
    sequences: dict[str, list[LabelledFrame]] = {}
    for one in dataset:
        if one.frame.sequence is not None:
            sequences.setdefault(one.frame.sequence, []).append(one)
    assert 0.2 < sum(map(len, sequences.values())) / 230 < 0.5
    within, across = [], []
    members = list(sequences.values())
    for number, frames in enumerate(members):
        assert [one.frame.index for one in frames] == list(range(len(frames)))
        assert {one.frame.split for one in frames} == {Split.TRAIN}
        pictures = [small(one) for one in frames]
        within.append(np.abs(pictures[1] - pictures[0]).mean())
        across.append(np.abs(small(members[number - 1][0]) - pictures[0]).mean())
    assert max(within) < np.median(across) / 2


def small(one: LabelledFrame) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    shrunk = cv2.resize(read_picture(one.frame), (32, 24), interpolation=cv2.INTER_AREA)
    return shrunk.astype(np.float64)


def test_day_and_night_look_different() -> None:
    seen: dict[str, list[float]] = {light.name: [] for light in LIGHTS}
    for seed in range(30):
        rng = np.random.default_rng(seed)
        scene = sample_scene(FEW, rng, DRAWING_SCALE)
        seen[scene.light.name].append(float(render_scene(scene, FEW, rng).pixels.mean()))
    assert all(seen.values())
    assert np.mean(seen["night"]) < 0.6 * np.mean(seen["clear day"])


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"train": -1}, "train must be at least 0"),
        ({"width_px": 10}, "width_px must lie between 64 and 4096"),
        ({"cyclist_share": 1.5}, "cyclist_share must lie between 0 and 1"),
        ({"empty_share": 0.6, "crowded_share": 0.6}, "must not exceed 1 together"),
        ({"visible_share": 0.0}, "visible_share must lie above 0"),
        ({"smallest_px": 0.5}, "smallest_px must be at least 1"),
        ({"jpeg_quality": 0}, "jpeg_quality must lie between 1 and 100"),
    ],
)
def test_options_out_of_range_are_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidValueError, match=told):
        replace(SceneOptions(), **wrong)


def test_shares_of_one_fill_every_picture_or_none() -> None:
    empty = replace(FEW, empty_share=1.0, crowded_share=0.0)
    assert not any(rendered(seed, empty).labelled for seed in range(8))
