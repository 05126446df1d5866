"""Descriptors of pictures: what they tell apart, and that they are kept."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from builders import a_picture
from numpy.typing import NDArray

from prelabel.datasets.frames import Frame
from prelabel.datasets.pictures import UnusablePictureError, inspect_picture
from prelabel.datasets.progress import Silent
from prelabel.models.describing import describe_to_files
from prelabel.models.descriptors import (
    COLOUR_STEPS,
    DIRECTIONS,
    GRID,
    WIDTH,
    describe,
    describe_frame,
)
from prelabel.models.prediction_files import PredictionFiles, PredictionFilesError

EDGES = GRID * GRID * DIRECTIONS


def distance(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(first - second))


def pixels_of(path: Path) -> NDArray[np.uint8]:
    return np.asarray(cv2.imread(str(path)), np.uint8)


def resized(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(pixels, size), np.uint8)


def frame_of(path: Path) -> Frame:
    facts = inspect_picture(path)
    return Frame(facts.frame_id, str(path), facts.width_px, facts.height_px)


def test_a_plain_picture_by_hand() -> None:
    white = np.full((64, 64, 3), 255, np.uint8)
    told = describe(white)
    assert told.shape == (WIDTH,)
    assert not told[:EDGES].any()
    layout = told[EDGES : EDGES + GRID * GRID * 3].reshape(-1, 3)
    assert layout[0] * 255 * GRID == pytest.approx([255, 128, 128])  # L, a, b of white
    colours = told[EDGES + GRID * GRID * 3 :]
    assert colours[-1] == 1  # the brightest step of blue, green and red
    assert colours[:-1].sum() == 0
    assert len(colours) == COLOUR_STEPS**3


def test_edges_by_hand() -> None:
    half = np.zeros((64, 64, 3), np.uint8)
    half[:, 8:] = 255  # one upright edge in the left column of cells
    edges = describe(half)[:EDGES].reshape(GRID, GRID, DIRECTIONS)
    # 4 cells share the edge evenly; its gradient points along x: the first direction
    assert edges[:, 0, 0] == pytest.approx([0.5] * GRID)
    assert (edges**2).sum() == pytest.approx(1)
    flat = describe(np.ascontiguousarray(half.transpose(1, 0, 2)))[:EDGES]
    assert flat.reshape(GRID, GRID, DIRECTIONS)[0, :, DIRECTIONS // 2] == pytest.approx([0.5] * 4)


def test_near_duplicates_lie_closer_than_other_pictures(test_data: Path) -> None:
    folder = test_data / "aquarium" / "images" / "train"
    pictures = [pixels_of(path) for path in sorted(folder.iterdir())[:24]]
    told = [describe(one) for one in pictures]
    rng = np.random.default_rng(0)
    for number, picture in enumerate(pictures):
        noisy = np.clip(picture + rng.normal(6, 4, picture.shape), 0, 255).astype(np.uint8)
        shifted = np.roll(noisy, 3, axis=1)
        again = describe(shifted)
        others = [distance(again, one) for row, one in enumerate(told) if row != number]
        assert distance(again, told[number]) < min(others)


def test_a_picture_read_small_is_that_of_the_whole(test_data: Path) -> None:
    for path in sorted((test_data / "aquarium" / "images" / "test").iterdir())[:5]:
        whole = describe(pixels_of(path))
        assert distance(describe_frame(frame_of(path)), whole) < 0.25


def test_turned_pictures_are_described_as_shown(tmp_path: Path) -> None:
    from PIL import Image

    coarse = np.random.default_rng(1).integers(0, 256, (6, 4, 3), dtype=np.uint8)
    shown = resized(coarse, (256, 384))
    stored = np.ascontiguousarray(np.rot90(shown))[..., ::-1]
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    Image.fromarray(stored).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    frame = frame_of(tmp_path / "turned.jpg")
    assert (frame.width_px, frame.height_px) == (256, 384)
    assert distance(describe_frame(frame), describe(shown)) < 0.2


def test_every_kind_of_picture(tmp_path: Path, rng: np.random.Generator) -> None:
    pixels = resized(rng.integers(0, 256, (5, 5, 3), dtype=np.uint8), (90, 70))
    for suffix in ("png", "bmp", "tif", "webp"):
        path = tmp_path / f"one.{suffix}"
        assert cv2.imwrite(str(path), pixels)
        assert distance(describe_frame(frame_of(path)), describe(pixels)) < 0.2
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 nothing")
    broken = Frame("0" * 32, str(tmp_path / "broken.jpg"), 10, 10)
    with pytest.raises(UnusablePictureError, match="corrupt"):
        describe_frame(broken)


def test_files_are_gone_on_with(tmp_path: Path) -> None:
    frames = [a_picture(tmp_path / f"{number}.jpg", seed=number) for number in range(5)]
    files = PredictionFiles(tmp_path / "kept")
    lost = Frame("f" * 32, str(tmp_path / "lost.jpg"), 10, 10)
    assert describe_to_files(frames[:2], files, 2, Silent()) == ()
    Path(frames[0].uri).unlink()  # described already: not read again
    (unreadable,) = describe_to_files([*frames, lost, frames[1]], files, 2, Silent())
    assert (unreadable.frame_id, unreadable.uri) == (lost.frame_id, lost.uri)
    assert "cannot be read" in unreadable.reason
    vectors = files.frame_embeddings([one.frame_id for one in frames])
    assert vectors.shape == (5, WIDTH)
    assert vectors[3] == pytest.approx(describe_frame(frames[3]), abs=1e-3)  # kept in half
    assert describe_to_files(frames, files, 0, Silent()) == ()
    assert len(list(files.folder.glob("*.parquet"))) == 2


def test_files_of_something_else_are_refused(tmp_path: Path) -> None:
    files = PredictionFiles(tmp_path)
    files.check_settings({"model_id": "m"})
    with pytest.raises(PredictionFilesError, match="descriptor"):
        describe_to_files([], files, 1, Silent())
