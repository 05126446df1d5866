"""Entropy without near-duplicates: by hand, and its corner cases."""

from math import log

import numpy as np
import pytest
from builders import frame_id_of
from numpy.typing import ArrayLike
from pools import pool_of, prediction_of

from prelabel.active.enms import EntropyWithoutDuplicates
from prelabel.active.scores import Aggregation, Measure
from prelabel.active.uncertainty import Uncertainty
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.predictions import ClassScores, Prediction


def frame(
    name: str, scores: list[float], classes: list[int], embedding: ArrayLike | None
) -> Prediction:
    probs = np.zeros((len(scores), 2), np.float32)
    probs[np.arange(len(scores)), classes] = scores
    return Prediction(
        frame_id_of(name),
        "model",
        Boxes([(9 * n, 0, 9 * n + 8, 8) for n in range(len(scores))]),
        scores,
        classes,
        ClassScores.EXCLUSIVE,
        class_probs=probs,
        box_embedding=embedding,
    )


def entropy(p: float) -> float:
    return -(p * log(p) + (1 - p) * log(1 - p))


def value_of(*frames: Prediction) -> list[float]:
    pool = pool_of({str(number): one for number, one in enumerate(frames)})
    values: list[float] = EntropyWithoutDuplicates().of(pool).values.tolist()
    return values


@pytest.fixture
def crowd() -> Prediction:
    # By entropy: 0.5 first; it drops 0.6 (cosine 0.8, same class) but not 0.8 (cosine 0);
    # 0.7 has its direction and another class.
    return frame("0", [0.8, 0.7, 0.6, 0.5], [0, 1, 0, 0], [(0, 1), (1, 0), (0.8, 0.6), (2, 0)])


def test_by_hand(crowd: Prediction) -> None:
    expected = entropy(0.5) + entropy(0.7) + entropy(0.8)
    assert value_of(crowd) == pytest.approx([expected], rel=1e-5)


def test_a_dropped_box_drops_no_other() -> None:
    # 0.6 is like 0.5 and goes; 0.7 is like 0.6 only, and stays.
    chain = frame("0", [0.7, 0.6, 0.5], [0, 0, 0], [(-0.1, 1), (0.7, 0.7), (1, 0)])
    assert value_of(chain) == pytest.approx([entropy(0.5) + entropy(0.7)], rel=1e-5)


def test_frames_do_not_meddle(crowd: Prediction) -> None:
    empty = Prediction(frame_id_of("1"), "model", Boxes.none(), (), (), ClassScores.EXCLUSIVE)
    other = frame("2", [0.5], [0], [(2, 0)])
    alone = value_of(crowd)[0]
    assert value_of(crowd, empty, other) == pytest.approx([alone, 0, entropy(0.5)], rel=1e-5)


def test_without_embeddings_of_boxes_it_is_the_sum() -> None:
    frames = {
        "0": prediction_of("0", [[0.6, 0.2], [0.5, 0.4]]),
        "1": prediction_of("1", [], class_peak=[0.03, 0.01]),
    }
    pool = pool_of(frames)
    plain = Uncertainty(Measure.ENTROPY, Aggregation.SUM).of(pool).values
    np.testing.assert_allclose(EntropyWithoutDuplicates().of(pool).values, plain)
