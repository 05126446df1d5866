"""Turned boxes for formats that have no angles: as the upright boxes around them."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.arrays import Float32s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.frames import LabelledFrame
from prelabel.datasets.geometry import clip_to_picture, enclosing
from prelabel.datasets.wording import counted


class UprightFrames:
    """Frames with upright boxes only; `note` says after a pass how many were turned."""

    def __init__(self, frames: Iterable[LabelledFrame]) -> None:
        self._frames = frames
        self._turned = 0

    def __iter__(self) -> Iterator[LabelledFrame]:
        for one in self._frames:
            labels = one.annotations
            if labels is None or labels.boxes.angle is None:
                yield one
                continue
            self._turned += int(np.count_nonzero(labels.boxes.angle))
            around = upright_boxes(labels.boxes, (one.frame.width_px, one.frame.height_px))
            kept = AnnotationSet(
                Boxes(around), labels.class_id, labels.box_id, labels.origin, labels.height_m
            )
            yield replace(one, annotations=kept)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the format could not carry, in words."""
        if not self._turned:
            return ()
        boxes = counted(self._turned, "turned box")
        return (f"{boxes} written as the upright boxes around them: the format has no angles",)


def upright_boxes(boxes: Boxes, size: tuple[int, int] | None) -> Float32s:
    """The upright box around each, (n, 4), cut off at the border of a picture of this size."""
    around = enclosing(boxes)
    if boxes.angle is None or size is None:
        return around
    clipped, has_area = clip_to_picture(around, *size)
    return np.where(has_area[:, None], clipped, around)
