"""What a strategy may look at when it chooses."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from prelabel.datasets.arrays import Float32s, Float64s, frozen_floats
from prelabel.datasets.errors import InvalidValueError, PrelabelError
from prelabel.datasets.frames import Frame
from prelabel.datasets.predictions import Prediction


class PoolExhaustedError(PrelabelError):
    """More frames are asked for than the pool holds."""


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Frames without accepted labels, in a fixed order; indices of a strategy are relative to it.

    With n frames: `predictions` one a frame; `embeddings` (n, d); `cost_s` (n,), predicted human
    seconds; `labelled_embeddings` (m, d), of the frames that have labels already. `classes` are
    the names that reasons use; without them a class is called by its number.
    """

    frames: tuple[Frame, ...]
    predictions: tuple[Prediction, ...]
    embeddings: Float32s
    cost_s: Float32s
    labelled_embeddings: Float32s
    classes: tuple[str, ...]

    def __init__(
        self,
        frames: Sequence[Frame],
        predictions: Sequence[Prediction],
        embeddings: ArrayLike,
        cost_s: ArrayLike,
        labelled_embeddings: ArrayLike,
        classes: Sequence[str] = (),
    ) -> None:
        object.__setattr__(self, "frames", tuple(frames))
        object.__setattr__(self, "predictions", tuple(predictions))
        object.__setattr__(self, "classes", tuple(classes))
        count = len(self.frames)
        if [p.frame_id for p in self.predictions] != [f.frame_id for f in self.frames]:
            raise InvalidValueError("predictions must be one a frame of the pool, in its order")
        if len({frame.frame_id for frame in self.frames}) != count:
            raise InvalidValueError("frames of a pool must not repeat")
        vectors = frozen_floats("embeddings", embeddings, (count, None))
        object.__setattr__(self, "embeddings", vectors)
        object.__setattr__(self, "cost_s", frozen_floats("cost_s", cost_s, (count,)))
        object.__setattr__(
            self,
            "labelled_embeddings",
            frozen_floats("labelled_embeddings", labelled_embeddings, (None, None)),
        )

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def frame_ids(self) -> tuple[str, ...]:
        """The ids of the frames, in order."""
        return tuple(frame.frame_id for frame in self.frames)

    def class_name(self, class_id: int) -> str:
        """What a reason calls a class."""
        return self.classes[class_id] if class_id < len(self.classes) else f"class {class_id}"

    def take(self, rows: NDArray[np.intp]) -> "Pool":
        """The pool of these row numbers, in that order."""
        return Pool(
            [self.frames[row] for row in rows],
            [self.predictions[row] for row in rows],
            self.embeddings[rows],
            self.cost_s[rows],
            self.labelled_embeddings,
            self.classes,
        )

    def check_holds(self, count: int) -> None:
        """Raise PoolExhaustedError where `count` frames are more than there are."""
        if count > len(self):
            raise PoolExhaustedError(
                f"{count} frames are asked for, but the pool holds {len(self)}; ask for at most "
                "that many, or add frames"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """What a strategy chose: `indices` (k,) into the pool in working order, none twice.

    `values` (n,) holds the score of every frame of the pool, so that a choice can be looked into;
    `reasons` one sentence a chosen frame.
    """

    indices: NDArray[np.intp]
    values: Float64s
    reasons: tuple[str, ...]


def frame_embeddings(predictions: Sequence[Prediction]) -> Float32s:
    """The frame embeddings of predictions, (n, d); d is 0 where the detector gives none."""
    vectors = [p.frame_embedding for p in predictions if p.frame_embedding is not None]
    if not vectors:
        return np.zeros((len(predictions), 0), np.float32)
    if len(vectors) != len(predictions):
        missing = next(p.frame_id for p in predictions if p.frame_embedding is None)
        raise InvalidValueError(
            f"frame {missing} has no embedding, though others have; predict it again with "
            "embeddings"
        )
    return np.stack(vectors)
