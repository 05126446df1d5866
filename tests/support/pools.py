"""Pools of made-up predictions, for strategies."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from builders import a_frame, annotations, frame_id_of
from numpy.typing import ArrayLike, NDArray

from prelabel.active.box_source import BoxesInMemory
from prelabel.active.evidence import Evidence
from prelabel.active.frame_score import FrameScore
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
    support: ArrayLike | None = None,
    box_embedding: ArrayLike | None = None,
    class_count: int = 2,
) -> Prediction:
    """A prediction with one box a row of `class_probs`, sorted by score; boxes stand in a row.

    What is told of boxes is sorted with them.
    """
    probs = np.asarray(class_probs, np.float32).reshape(-1, class_count)
    order = np.argsort(-probs.max(axis=1, initial=0), kind="stable")
    probs = probs[order]
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
        support=None if support is None else np.asarray(support)[order],
        box_embedding=None if box_embedding is None else np.asarray(box_embedding)[order],
    )


def placed_prediction(
    name: str,
    probs: ArrayLike,
    xyxy: ArrayLike = ((0, 0, 10, 10),),
    peak: ArrayLike | None = None,
) -> Prediction:
    """A prediction of a softmax head of two classes, a box for each vector at these places."""
    vectors = np.asarray(probs, np.float32).reshape(-1, 2)
    return Prediction(
        frame_id_of(name),
        "model",
        Boxes(np.asarray(xyxy, np.float32).reshape(-1, 4)[: len(vectors)]),
        vectors.max(axis=1, initial=0),
        vectors.argmax(axis=1) if len(vectors) else np.zeros(0, np.int64),
        ClassScores.EXCLUSIVE,
        class_probs=vectors,
        class_peak=peak,
    )


def pool_of(
    predictions: dict[str, Prediction],
    embeddings: ArrayLike | None = None,
    labelled: ArrayLike = (),
    classes: Sequence[str] = ("van", "truck"),
    evidence: Evidence | None = None,
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
        evidence,
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
        one = prediction_of(
            f"frame {number}",
            probs,
            class_peak=rng.integers(0, 20, class_count) / 20 if rng.random() < 0.9 else None,
            support=rng.integers(1, 6, boxes),
            box_embedding=rng.normal(size=(boxes, 4)),
            class_count=class_count,
        )
        predictions.append(one)
    return predictions


def random_evidence(
    count: int, seed: int, class_count: int = 2, empty_share: float = 0.3
) -> Evidence:
    """Predictions of chance beside labels: the surer a box, the oftener it is right."""
    rng = np.random.default_rng([seed, 2])
    predictions = random_predictions(count, seed + 1000, class_count, empty_share)
    labels = []
    for one in predictions:
        is_true = rng.random(len(one)) < one.score
        is_missed = rng.random() < 0.4
        missed = [(300, 4, 310, 20)] * is_missed
        moved = one.boxes.xyxy[is_true] + rng.integers(0, 3, (int(is_true.sum()), 1)) * (0, 0, 1, 4)
        class_id = [*one.class_id[is_true], *rng.integers(0, class_count, int(is_missed))]
        labels.append(annotations([*moved.tolist(), *missed], class_id))
    return Evidence.of(predictions, labels)


def random_pool(count: int, seed: int, class_count: int = 2, empty_share: float = 0.3) -> Pool:
    """A pool of chance of which everything is known, with four labelled frames."""
    predictions = random_predictions(count, seed, class_count, empty_share)
    rng = np.random.default_rng([seed, 1])
    embeddings: NDArray[np.float64] = rng.normal(size=(count, 3))
    named = {f"frame {number}": one for number, one in enumerate(predictions)}
    pool = pool_of(
        named,
        embeddings,
        rng.normal(size=(4, 3)),
        evidence=random_evidence(20, seed, class_count, empty_share),
    )
    others = [
        BoxesInMemory(tuple(random_predictions(count, seed + turn, class_count, empty_share)))
        for turn in (2000, 3000, 4000)
    ]
    given = {
        one: FrameScore(one, number % 7, "somebody said so")
        for number, one in enumerate(pool.frame_ids)
        if number % 3
    }
    return replace(pool, views=tuple(others[:2]), committee=tuple(others[2:]), given=given)
