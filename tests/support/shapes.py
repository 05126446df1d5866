"""Pictures of plain shapes with exact boxes, on which a detector learns within seconds."""

from pathlib import Path

import cv2
import numpy as np
from builders import annotations, frame_id_of

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.frames import Frame, Split
from prelabel.models.detector import TrainingExample

SHAPES = ("disc", "square")


def shape_examples(
    folder: Path, count: int, seed: int = 0, side_px: int = 64, split: Split = Split.TRAIN
) -> list[TrainingExample]:
    """`count` pictures with one to three shapes each, and their boxes."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    return [shape_example(folder / f"{seed}-{i}.png", rng, side_px, split) for i in range(count)]


def shape_example(
    path: Path, rng: np.random.Generator, side_px: int = 64, split: Split = Split.TRAIN
) -> TrainingExample:
    """One picture: noise, and shapes that lie in different quarters of it."""
    height, width = side_px * 3 // 4, side_px
    picture = rng.integers(60, 120, (height, width, 3), dtype=np.uint8)
    quarters = rng.permutation(4)[: rng.integers(1, 4)]
    boxes, class_ids = [], []
    for quarter in quarters:
        radius = int(rng.integers(side_px // 10, side_px // 6))
        x = int(width * (0.25 + 0.5 * (quarter % 2)) + rng.integers(-2, 3))
        y = int(height * (0.25 + 0.5 * (quarter // 2)) + rng.integers(-2, 3))
        colour = tuple(int(v) for v in rng.integers(180, 256, 3))
        class_ids.append(int(rng.integers(2)))
        if class_ids[-1]:
            cv2.rectangle(picture, (x - radius, y - radius), (x + radius, y + radius), colour, -1)
        else:
            cv2.circle(picture, (x, y), radius, colour, -1)
        boxes.append((x - radius, y - radius, x + radius + 1, y + radius + 1))
    corners = np.clip(np.array(boxes), 0, (width, height, width, height))
    assert cv2.imwrite(str(path), picture)
    frame = Frame(frame_id_of(str(path)), str(path), width, height, split=split)
    return TrainingExample(frame, annotations(corners, class_ids, int(rng.integers(1 << 30))))


def without_boxes(example: TrainingExample) -> TrainingExample:
    """The same picture as one on which a person found nothing."""
    return TrainingExample(example.frame, AnnotationSet.empty())
