"""Selectors that look at classes and looks: balanced random, DivProto, k-means++."""

import numpy as np
import pytest
from builders import annotations, frame_id_of
from numpy.typing import ArrayLike
from pools import pool_of, prediction_of

from prelabel.active.balanced_random import BalancedRandom
from prelabel.active.budgets import Budget
from prelabel.active.divproto import DiversePrototypes
from prelabel.active.evidence import Evidence
from prelabel.active.kmeans_plus import KMeansPlusPlus
from prelabel.active.pool import Pool
from prelabel.active.scoring import StrategyError
from prelabel.active.selectors import Selector, Task
from prelabel.active.strategies import STRATEGIES
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.predictions import ClassScores, Prediction

NOTHING = np.zeros(0, np.intp)


def order_of(
    selector: Selector, pool: Pool, values: ArrayLike, count: int, seed: int = 0
) -> list[int]:
    task = Task.of(pool, np.asarray(values, np.float64), Budget(count), NOTHING)
    order = [place.row for place in selector.order(task, np.random.default_rng(seed))]
    assert sorted(order) == list(range(len(pool)))
    return order


def first_of(selector: Selector, pool: Pool, seed: int) -> int:
    task = Task.of(pool, np.zeros(len(pool)), Budget(1), NOTHING)
    return next(iter(selector.order(task, np.random.default_rng(seed)))).row


def looks(name: str, *boxes: tuple[int, float, ArrayLike]) -> Prediction:
    """A frame with boxes of a class, a score and a look."""
    return Prediction(
        frame_id_of(name),
        "model",
        Boxes([(20 * n, 0, 20 * n + 10, 10) for n in range(len(boxes))]),
        [one[1] for one in boxes],
        [one[0] for one in boxes],
        ClassScores.INDEPENDENT,
        box_embedding=np.array([one[2] for one in boxes]),
    )


def pool_of_vans_and_trucks(vans: int, trucks: int, empty: int = 0) -> Pool:
    frames = {f"van {n}": prediction_of(f"van {n}", [[0.9, 0]]) for n in range(vans)}
    frames |= {f"truck {n}": prediction_of(f"truck {n}", [[0, 0.9]]) for n in range(trucks)}
    frames |= {f"empty {n}": prediction_of(f"empty {n}", []) for n in range(empty)}
    return pool_of(frames)


def test_rare_classes_are_drawn_in_inverse_proportion() -> None:
    pool = pool_of_vans_and_trucks(90, 10)
    firsts = [first_of(BalancedRandom(), pool, seed) for seed in range(300)]
    trucks = np.mean(np.array(firsts) >= 90)
    assert abs(trucks - 0.9) < 0.06  # 1/10 against 1/90; three standard deviations are 0.052
    assert len(set(firsts)) > 20  # any frame of a class


def test_frames_on_which_nothing_is_seen_are_a_class_of_their_own() -> None:
    pool = pool_of_vans_and_trucks(40, 10, empty=10)
    firsts = [first_of(BalancedRandom(), pool, seed) for seed in range(300)]
    empty = np.mean(np.array(firsts) >= 50)
    assert abs(empty - 4 / 9) < 0.09


def test_reasons_of_balanced_random(rng: np.random.Generator) -> None:
    pool = pool_of_vans_and_trucks(9, 1)
    reasons = STRATEGIES["balanced_random"].choose(pool, Budget(10), rng).reasons
    assert "drawn at random among pictures that seem to show truck, 10% of the pool" in reasons
    assert "drawn at random among pictures that seem to show van, 90% of the pool" in reasons


def test_divproto_passes_by_what_looks_like_a_chosen_frame() -> None:
    # Class 1 is not among the rarer half by labels, so there are places for all.
    frames = {
        "0": looks("0", (1, 0.5, (1, 0))),
        "1": looks("1", (1, 0.5, (0.8, 0.6))),  # cosine 0.8
        "2": looks("2", (1, 0.5, (0.6, 0.8))),  # cosine 0.6
        "3": looks("3", (1, 0.5, (1, 0)), (0, 0.5, (1, 0))),  # a class that is new
    }
    pool = pool_of(frames, evidence=evidence_of_classes(0, 0, 0, 1))
    assert order_of(DiversePrototypes(), pool, [4, 3, 2, 1], 3) == [0, 2, 3, 1]


def evidence_of_classes(*class_id: int) -> Evidence:
    boxes = [(20 * n, 0, 20 * n + 9, 9) for n in range(len(class_id))]
    return Evidence.of([prediction_of("known", [])], [annotations(boxes, class_id)])


def test_divproto_keeps_places_for_the_rare_half_of_the_classes() -> None:
    # Trucks are rare: three of four places are theirs, though vans have the higher values.
    directions = np.eye(12)
    frames = {f"van {n}": looks(f"van {n}", (0, 0.5, directions[n])) for n in range(6)}
    frames |= {f"truck {n}": looks(f"truck {n}", (1, 0.5, directions[6 + n])) for n in range(6)}
    values = np.arange(12, 0, -1)
    pool = pool_of(frames, evidence=evidence_of_classes(0, 0, 0, 1))
    order = order_of(DiversePrototypes(), pool, values, 4)
    assert order[:4] == [0, 6, 7, 8]
    assert order[4:] == [1, 2, 3, 4, 5, 9, 10, 11]
    # Without labels, what is predicted tells which class is rare.
    fewer = pool_of({name: frames[name] for name in list(frames)[2:]})
    assert order_of(DiversePrototypes(), fewer, values[2:], 4)[:4] == [0, 1, 2, 3]


def test_a_prototype_is_weighted_by_entropy() -> None:
    # At score 0.999 a box says next to nothing about the look of a frame.
    frames = {
        "0": looks("0", (0, 0.999, (1, 0)), (0, 0.5, (0, 1))),
        "1": looks("1", (0, 0.5, (0, 1))),
        "2": looks("2", (0, 0.5, (1, 0))),
    }
    order = order_of(DiversePrototypes(), pool_of(frames, classes=("van",)), [3, 2, 1], 2)
    assert order == [0, 2, 1]


def test_divproto_needs_embeddings_of_boxes(rng: np.random.Generator) -> None:
    pool = pool_of({"a": prediction_of("a", [[0.9, 0]])})
    with pytest.raises(StrategyError, match="divproto compares embeddings of boxes"):
        STRATEGIES["divproto"].choose(pool, Budget(1), rng)


def embedded(vectors: ArrayLike, labelled: ArrayLike = ()) -> Pool:
    count = len(np.asarray(vectors))
    return pool_of({str(n): prediction_of(str(n), []) for n in range(count)}, vectors, labelled)


def test_kmeans_draws_in_proportion_to_squared_distance() -> None:
    # Labelled at 0; frames at 1 and 3: 1 in 10 draws is the near one. Of two tries the one that
    # leaves less is kept: far leaves 1, near leaves 4, so near is first in 1 of 100 cases.
    pool = embedded([[1.0], [3.0]], [[0.0]])
    firsts = [order_of(KMeansPlusPlus(), pool, [0, 0], 1, seed)[0] for seed in range(400)]
    assert 0 < firsts.count(0) < 14


def test_kmeans_takes_one_of_each_cluster_before_a_second() -> None:
    rng = np.random.default_rng(0)
    centres = np.repeat(np.eye(5) * 50, 8, axis=0)
    pool = embedded(centres + rng.normal(size=centres.shape) * 0.1)
    for seed in range(5):
        chosen = np.array(order_of(KMeansPlusPlus(), pool, np.zeros(40), 5, seed)[:5])
        assert sorted((chosen // 8).tolist()) == [0, 1, 2, 3, 4]


def test_kmeans_leaves_what_is_labelled_already_for_the_end() -> None:
    pool = embedded([[0.0], [0.0], [5.0], [0.0]], [[0.0]])
    assert order_of(KMeansPlusPlus(), pool, np.zeros(4), 2)[0] == 2
    alike = embedded(np.zeros((4, 2)))
    assert len(order_of(KMeansPlusPlus(), alike, np.zeros(4), 2)) == 4


def test_kmeans_looks_at_so_many_frames_at_most() -> None:
    pool = embedded(np.arange(20.0)[:, None])
    assert len(order_of(KMeansPlusPlus(most_frames=3), pool, np.zeros(20), 2)) == 20


def test_reasons_of_kmeans(rng: np.random.Generator) -> None:
    pool = embedded([[0.0], [1.0], [4.0]])
    first, second, _ = STRATEGIES["kmeans++"].choose(pool, Budget(3), rng).reasons
    assert first == "drawn at random"
    assert second.startswith("unlike every labelled or chosen picture: distance")
