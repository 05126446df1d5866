"""Training batches, each a function of the seed and its step alone.

Nothing random is carried from one step to the next, so a run that goes on after a kill sees the
very batches that it would have seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.frames import Frame
from prelabel.datasets.geometry import angle_of, moved_boxes
from prelabel.datasets.pictures import read_picture
from prelabel.models.augmentation import Augmentation, Floats, Pixels, View, placed
from prelabel.models.detector import TrainingExample

STRIDE_PX = 32  # the coarsest grid of the networks; sides of the canvas are multiples of it
_CACHE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class TrainingBatch:
    """b pictures (b, h, w, 3) uint8 RGB and their n boxes.

    `xywh` (n, 4) are centre and size as shares of the canvas, `class_id` (n,), and `picture` (n,)
    says in which of the pictures a box lies. `angle` (n,) radians, None where no example has any.
    `complete` (b,) says of which pictures all objects are among the boxes.
    """

    pixels: Pixels
    xywh: Floats
    class_id: NDArray[np.int64]
    picture: NDArray[np.int64]
    angle: Floats | None = None
    complete: NDArray[np.bool_] | None = None


class Batches:
    """The batches of a training run.

    Pictures are scaled to a longest side of `input_px`, or, with `stretched`, to a square; they
    are decoded when first needed and kept while they fit into `cache_bytes`.
    """

    def __init__(
        self,
        examples: Sequence[TrainingExample],
        input_px: int,
        batch_size: int,
        seed: int,
        *,
        stretched: bool = False,
        augmentation: Augmentation | None = None,
        cache_bytes: int = _CACHE_BYTES,
    ) -> None:
        self._examples = tuple(examples)
        self._batch_size = min(batch_size, len(self._examples))
        self._seed = seed
        self._augmentation = augmentation or Augmentation()
        self._is_turned = any(one.annotations.boxes.angle is not None for one in self._examples)
        self._sizes_hw = [scaled_hw(one.frame, input_px, stretched) for one in self._examples]
        self.canvas_hw = _canvas_hw(self._sizes_hw)
        self._kept: dict[int, Pixels] = {}
        self._room_bytes = cache_bytes

    def batch(self, step: int) -> TrainingBatch:
        """The batch of a step, the first being 0."""
        rng = np.random.default_rng((self._seed, 0, step))
        indices = self.indices(step)
        views = [self._view(index, rng) for index in indices]
        class_ids = [
            self._examples[index].annotations.class_id[view.in_view]
            for index, view in zip(indices, views, strict=True)
        ]
        angles = [view.angle for view in views if view.angle is not None]
        return TrainingBatch(
            np.stack([view.picture for view in views]),
            self._as_shares(np.concatenate([view.xyxy for view in views])),
            np.concatenate(class_ids),
            np.repeat(np.arange(len(views)), [len(view.xyxy) for view in views]),
            np.concatenate(angles) if self._is_turned else None,
            np.array([self._examples[index].is_complete for index in indices], np.bool_),
        )

    def _view(self, index: int, rng: np.random.Generator) -> View:
        frame, boxes = self._examples[index].frame, self._examples[index].annotations.boxes
        scale = np.array(self._sizes_hw[index][::-1]) / (frame.width_px, frame.height_px)
        angle = None
        if self._is_turned:
            xyxy, angle = moved_boxes(boxes.xyxy, angle_of(boxes), scale, np.zeros(2))
        else:
            xyxy = (boxes.xyxy * np.tile(scale, 2)).astype(np.float32)
        return placed(self._picture(index), xyxy, angle, self.canvas_hw, self._augmentation, rng)

    def indices(self, step: int) -> list[int]:
        """The examples of a step; all come once before any comes again."""
        count = len(self._examples)
        places = range(step * self._batch_size, (step + 1) * self._batch_size)
        orders = {
            turn: np.random.default_rng((self._seed, 1, turn)).permutation(count)
            for turn in {place // count for place in places}
        }
        return [int(orders[place // count][place % count]) for place in places]

    def _picture(self, index: int) -> Pixels:
        if index in self._kept:
            return self._kept[index]
        height, width = self._sizes_hw[index]
        bgr = read_picture(self._examples[index].frame)
        scaled = cv2.resize(bgr, (width, height), interpolation=cv2.INTER_LINEAR)
        picture = np.asarray(cv2.cvtColor(scaled, cv2.COLOR_BGR2RGB), np.uint8)
        if picture.nbytes <= self._room_bytes:
            self._kept[index] = picture
            self._room_bytes -= picture.nbytes
        return picture

    def _as_shares(self, xyxy: Floats) -> Floats:
        size = np.array(self.canvas_hw[::-1], np.float32)
        low, high = xyxy[:, :2] / size, xyxy[:, 2:] / size
        return np.concatenate([(low + high) / 2, high - low], axis=1)


def scaled_hw(frame: Frame, input_px: int, stretched: bool) -> tuple[int, int]:
    """Height and width in pixels of a frame as the network sees it, before padding."""
    if stretched:
        return input_px, input_px
    scale = input_px / max(frame.height_px, frame.width_px)
    return max(1, round(frame.height_px * scale)), max(1, round(frame.width_px * scale))


def _canvas_hw(sizes_hw: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The smallest canvas that holds pictures of all these sizes, in whole strides."""
    height, width = np.array(sizes_hw).max(axis=0)
    return _whole_strides(int(height)), _whole_strides(int(width))


def _whole_strides(side_px: int) -> int:
    return -(-side_px // STRIDE_PX) * STRIDE_PX
