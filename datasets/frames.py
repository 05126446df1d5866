"""Frames: pictures, and pictures made from lidar or video."""

import string
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.errors import InvalidValueError

FRAME_ID_LENGTH = 32
_HEX_DIGITS = frozenset(string.digits + "abcdef")


class FrameKind(StrEnum):
    """What a frame was made from."""

    IMAGE = "image"
    LIDAR_BEV = "lidar_bev"
    LIDAR_RANGE = "lidar_range"
    VIDEO = "video"


class Split(StrEnum):
    """What a frame may be used for; a frame without a split belongs to `train`."""

    TRAIN = "train"  # the pool, and what has been labelled out of it
    VAL = "val"  # choosing checkpoints and thresholds
    TEST = "test"  # figures in reports, nothing else


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a dataset.

    `frame_id` is 32 hexadecimal digits made from the picture's bytes, `uri` an absolute file path,
    `width_px` and `height_px` the size as shown, after an EXIF rotation. `group` joins cameras and
    lidar of one instant; `sequence` and `index` place it in a recording, and come together.

    Raises InvalidValueError where a rule is broken.
    """

    frame_id: str
    uri: str
    width_px: int
    height_px: int
    kind: FrameKind = FrameKind.IMAGE
    split: Split = Split.TRAIN
    group: str | None = None
    sequence: str | None = None
    index: int | None = None
    calibration: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if len(self.frame_id) != FRAME_ID_LENGTH or not _HEX_DIGITS.issuperset(self.frame_id):
            raise InvalidValueError(
                f"frame_id must be {FRAME_ID_LENGTH} hexadecimal digits, but is {self.frame_id!r}"
            )
        if not self.uri:
            raise InvalidValueError("uri must name a file, but is empty")
        if self.width_px < 1 or self.height_px < 1:
            raise InvalidValueError(
                f"width_px and height_px must be at least 1, but are {self.width_px} and "
                f"{self.height_px}"
            )
        if (self.sequence is None) != (self.index is None):
            raise InvalidValueError(
                f"sequence and index come together, but are {self.sequence!r} and {self.index!r}"
            )


@dataclass(frozen=True, slots=True)
class LabelledFrame:
    """A frame and its labels; None where nobody has labelled it yet, which is not "no boxes"."""

    frame: Frame
    annotations: AnnotationSet | None
