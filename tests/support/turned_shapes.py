"""Pictures of rectangles turned any way, with their exact boxes."""

from pathlib import Path

import cv2
import numpy as np
from builders import annotations, frame_id_of
from numpy.typing import NDArray

from prelabel.datasets.arrays import Float64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.frames import Frame, Split
from prelabel.datasets.geometry import rotated_corners
from prelabel.models.detector import TrainingExample

BARS = ("full", "hollow")
_FINER = 8

Pixels = NDArray[np.uint8]


def turned_examples(
    folder: Path, count: int, seed: int = 0, side_px: int = 64, split: Split = Split.TRAIN
) -> list[TrainingExample]:
    """`count` pictures with one to three bars each, full or hollow, and their turned boxes."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    return [
        _turned_example(folder / f"turned-{seed}-{number}.png", rng, side_px, split)
        for number in range(count)
    ]


def _turned_example(
    path: Path, rng: np.random.Generator, side_px: int, split: Split
) -> TrainingExample:
    height, width = side_px * 3 // 4, side_px
    picture = rng.integers(60, 120, (height, width, 3), dtype=np.uint8)
    quarters = rng.permutation(4)[: rng.integers(1, 4)]
    middle = np.stack([quarters % 2, quarters // 2], 1) * 0.5 + 0.25
    middle = middle * (width, height) + rng.uniform(-2, 2, (len(quarters), 2))
    long = rng.uniform(0.28, 0.36, len(quarters)) * side_px
    half = np.stack([long, long * rng.uniform(0.35, 0.5, len(quarters))], 1) / 2
    boxes = Boxes(
        np.concatenate([middle - half, middle + half], 1), rng.uniform(-1.5, 1.5, len(quarters))
    )
    class_id = rng.integers(0, 2, len(quarters))
    for row in range(len(boxes)):
        _draw(picture, boxes.take([row]), bool(class_id[row]), rng)
    assert cv2.imwrite(str(path), picture)
    frame = Frame(frame_id_of(str(path)), str(path), width, height, split=split)
    seed = int(rng.integers(1 << 30))
    return TrainingExample(
        frame, annotations(boxes.xyxy, class_id.tolist(), seed, angle=boxes.angle)
    )


def _draw(picture: Pixels, box: Boxes, is_hollow: bool, rng: np.random.Generator) -> None:
    assert box.angle is not None
    (corners,) = rotated_corners(box.xyxy, box.angle)
    fill(picture, corners, tuple(rng.integers(180, 256, 3).tolist()))
    if is_hollow:
        middle = corners.mean(axis=0)
        fill(picture, middle + (corners - middle) * 0.5, (90, 90, 90))


def fill(picture: Pixels, corners: Float64s, colour: tuple[int, int, int]) -> None:
    """Draw a polygon (k, 2), each pixel by the share of it that is covered; changes `picture`."""
    height, width = picture.shape[:2]
    fine = np.zeros((height * _FINER, width * _FINER), np.uint8)
    cv2.fillPoly(fine, [(corners * _FINER - 0.5).round().astype(np.int32)], (255,))
    share = cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA)[..., None] / 255
    picture[:] = (picture * (1 - share) + np.array(colour) * share).round()
