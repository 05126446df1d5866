"""What a strategy may look at when it chooses."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

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
    seconds; `labelled_embeddings` (m, d), of the frames that have labels already.
    """

    frames: tuple[Frame, ...]
    predictions: tuple[Prediction, ...]
    embeddings: Float32s
    cost_s: Float32s
    labelled_embeddings: Float32s

    def __init__(
        self,
        frames: Sequence[Frame],
        predictions: Sequence[Prediction],
        embeddings: ArrayLike,
        cost_s: ArrayLike,
        labelled_embeddings: ArrayLike,
    ) -> None:
        object.__setattr__(self, "frames", tuple(frames))
        object.__setattr__(self, "predictions", tuple(predictions))
        count = len(self.frames)
        if [p.frame_id for p in self.predictions] != [f.frame_id for f in self.frames]:
            raise InvalidValueError("predictions must be one a frame of the pool, in its order")
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


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """What a strategy chose: `indices` (k,) into the pool in working order, none twice.

    `values` (n,) holds the score of every frame of the pool, so that a choice can be looked into;
    `reasons` one sentence a chosen frame.
    """

    indices: np.ndarray[tuple[int], np.dtype[np.intp]]
    values: Float64s
    reasons: tuple[str, ...]
