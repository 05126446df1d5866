"""Pools of made-up predictions, for strategies."""

from collections.abc import Sequence

import numpy as np
from builders import a_frame, frame_id_of
from numpy.typing import ArrayLike, NDArray

from prelabel.active.pool import Pool
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.predictions import ClassScores, Prediction


def prediction_of(
    name: str,
    class_probs: ArrayLike,
    *,
    class_scores: ClassScores = ClassScores.INDEPENDENT,
    class_peak: ArrayLike | None = None,
    embedding: ArrayLike | None = None,
    class_count: int = 2,
) -> Prediction:
    """A prediction with one box a row of `class_probs`, sorted by score; boxes stand in a row."""
    probs = np.asarray(class_probs, np.float32).reshape(-1, class_count)
    probs = probs[np.argsort(-probs.max(axis=1, initial=0), kind="stable")]
    corners = [(12 * row, 4, 12 * row + 10, 20) for row in range(len(probs))]
    return Prediction(
        frame_id_of(name),
        "model",
        Boxes(corners),
        probs.max(axis=1, initial=0),
        probs.argmax(axis=1) if len(probs) else np.zeros(0, np.int64),
        class_scores,
        class_probs=probs,
        class_peak=class_peak,
        frame_embedding=embedding,
    )


def pool_of(
    predictions: dict[str, Prediction],
    embeddings: ArrayLike | None = None,
    labelled: ArrayLike = (),
    classes: Sequence[str] = ("van", "truck"),
) -> Pool:
    """The pool of these predictions by the name of their frame; cost is 10 seconds and up."""
    count = len(predictions)
    vectors = np.arange(count)[:, None] if embeddings is None else embeddings
    return Pool.of(
        [a_frame(name) for name in predictions],
        list(predictions.values()),
        vectors,
        10 + np.arange(count),
        labelled,
        classes,
    )


def random_predictions(
    count: int, seed: int, class_count: int = 2, empty_share: float = 0.3
) -> list[Prediction]:
    """Predictions of chance: some frames without boxes, some values equal."""
    rng = np.random.default_rng(seed)
    predictions = []
    for number in range(count):
        boxes = 0 if rng.random() < empty_share else int(rng.integers(1, 5))
        probs = rng.integers(1, 20, (boxes, class_count)) / 20  # coarse: values repeat
        predictions.append(prediction_of(f"frame {number}", probs, class_count=class_count))
    return predictions


def random_pool(count: int, seed: int, class_count: int = 2, empty_share: float = 0.3) -> Pool:
    """A pool of chance, with four labelled frames."""
    predictions = random_predictions(count, seed, class_count, empty_share)
    rng = np.random.default_rng([seed, 1])
    embeddings: NDArray[np.float64] = rng.normal(size=(count, 3))
    named = {f"frame {number}": one for number, one in enumerate(predictions)}
    return pool_of(named, embeddings, rng.normal(size=(4, 3)))
