"""Small valid values for tests, each of whose parts a test may set."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import ArrayLike

from prelabel.datasets.annotations import IMPORTED, AnnotationSet, new_box_ids
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.frames import Frame
from prelabel.datasets.predictions import ClassScores, Prediction


def frame_id_of(text: str) -> str:
    """A valid frame id that differs for different texts."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def a_frame(name: str = "a", width_px: int = 64, height_px: int = 48) -> Frame:
    """A frame whose file does not exist."""
    return Frame(frame_id_of(name), f"/pictures/{name}.jpg", width_px, height_px)


def a_picture(path: Path, width_px: int = 64, height_px: int = 48, seed: int = 0) -> Frame:
    """A frame with a real JPEG of noise behind it."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height_px, width_px, 3), dtype=np.uint8)
    assert cv2.imwrite(str(path), pixels)
    frame_id = hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    return Frame(frame_id, str(path), width_px, height_px)


def annotations(
    xyxy: ArrayLike, class_id: Sequence[int], seed: int = 0, angle: ArrayLike | None = None
) -> AnnotationSet:
    """Imported boxes with fresh ids."""
    boxes = Boxes(xyxy, angle)
    ids = new_box_ids(len(boxes), np.random.default_rng(seed))
    return AnnotationSet(boxes, class_id, ids, [IMPORTED] * len(boxes))


def a_prediction(
    frame_id: str,
    xyxy: ArrayLike,
    class_probs: ArrayLike,
    model_id: str = "m",
    angle: ArrayLike | None = None,
) -> Prediction:
    """A prediction whose score and class follow from its class vectors; sorted by score."""
    probs = np.asarray(class_probs, np.float32).reshape(len(np.asarray(xyxy)), -1)
    order = np.argsort(-probs.max(axis=1, initial=0), kind="stable")
    probs, corners = probs[order], np.asarray(xyxy, np.float32).reshape(-1, 4)
    return Prediction(
        frame_id,
        model_id,
        Boxes(corners, angle).take(order),
        probs.max(axis=1, initial=0),
        probs.argmax(axis=1) if len(probs) else np.zeros(0, np.int64),
        ClassScores.INDEPENDENT,
        class_probs=probs,
    )
