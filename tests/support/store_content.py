"""Frames with labels for tests of the store, the same for the same numbers."""

import uuid
from collections.abc import Iterator

import numpy as np
from builders import frame_id_of

from prelabel.datasets.annotations import DRAWN, IMPORTED, AnnotationSet, Origin, OriginKind
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.frames import Frame, LabelledFrame

CLASSES = ("van", "car", "bus")
ORIGINS = (
    IMPORTED,
    DRAWN,
    Origin(OriginKind.PROPOSED, "model a", 0.1 + 0.2),
    Origin(OriginKind.AUTO, "model a", 0.75, rule="accept 1: precision ≥ 98 %"),
    Origin(OriginKind.CHANGED, "modèle ü", 0.5, (0.1, 2.0, 30.25, 4e3), 2),
)


def labels_of(number: int, count: int = 2, origin: Origin | None = None) -> AnnotationSet:
    """`count` boxes that differ for different numbers, with all kinds of origin or this one."""
    rng = np.random.default_rng(number)
    corner = rng.random((count, 2), dtype=np.float32) * 100
    size = rng.random((count, 2), dtype=np.float32) * 50 + 1
    return AnnotationSet(
        Boxes(np.concatenate([corner, corner + size], axis=1)),
        rng.integers(0, len(CLASSES), count),
        [str(uuid.UUID(int=(number << 32) + row)) for row in range(count)],
        [origin or ORIGINS[(number + row) % len(ORIGINS)] for row in range(count)],
    )


def a_labelled_frame(number: int, count: int = 2) -> LabelledFrame:
    """Frame `number`, with imported boxes."""
    frame = Frame(frame_id_of(str(number)), f"/pictures/{number}.jpg", 640, 480)
    return LabelledFrame(frame, labels_of(number, count, IMPORTED))


def labelled_frames(total: int, count: int = 2) -> Iterator[LabelledFrame]:
    return (a_labelled_frame(number, count) for number in range(total))
