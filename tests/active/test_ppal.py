"""PPAL: difficulty of classes, weighted doubt, distances class by class, and medoids."""

from math import exp, log

import numpy as np
import pytest
from builders import frame_id_of
from numpy.typing import ArrayLike
from pools import pool_of

from prelabel.active import class_distance
from prelabel.active.box_table import BoxTable
from prelabel.active.budgets import Budget
from prelabel.active.class_distance import FrameObjects, class_distances
from prelabel.active.difficulty import class_difficulties, difficulty_weights
from prelabel.active.evidence import Evidence
from prelabel.active.medoids import k_medoids
from prelabel.active.ppal import DifficultyWeighted
from prelabel.active.scoring import StrategyError
from prelabel.active.strategies import STRATEGIES
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.predictions import ClassScores, Prediction

CLASSES = ("van", "truck", "bus", "tram")


def frame(
    name: str,
    score: list[float],
    class_id: list[int],
    embedding: ArrayLike | None = None,
    xyxy: ArrayLike | None = None,
    class_peak: ArrayLike | None = None,
) -> Prediction:
    corners = [(30 * n, 0, 30 * n + 20, 20) for n in range(len(score))] if xyxy is None else xyxy
    return Prediction(
        frame_id_of(name),
        "model",
        Boxes(corners),
        score,
        class_id,
        ClassScores.INDEPENDENT,
        box_embedding=embedding,
        class_peak=class_peak,
    )


def evidence_of(
    score: list[float], class_id: list[int], iou: list[float], truth_class: list[int]
) -> Evidence:
    """A frame whose boxes overlap true ones of their class so far."""
    return Evidence(
        BoxTable.of([frame("known", score, class_id)]),
        np.array(iou),
        np.array(iou) >= 0.5,
        np.zeros(1, np.int64),
        np.array(truth_class, np.int64),
    )


def test_difficulty_by_hand() -> None:
    evidence = evidence_of([0.9, 0.8, 0.7], [0, 1, 0], [0.8, 0.6, 0], [0, 0, 1, 2])
    van = 1 - (0.9**0.6 * 0.8**0.4) / 2  # two vans, of which one was found
    truck = 1 - 0.8**0.6 * 0.6**0.4
    # No bus was found; of trams there was none to be found, they get the median.
    expected = [van, truck, 1, van]
    assert class_difficulties(evidence, 4) == pytest.approx(expected, rel=1e-6)
    assert class_difficulties(Evidence.none(), 2).tolist() == [0.5, 0.5]


def test_weights_by_hand() -> None:
    weights = difficulty_weights(np.array([0, 0.5, 1]))
    middle = 1 + 0.06 * log((exp(1 / 0.3) - 1) * 0.5 + 1)
    assert weights == pytest.approx([1, middle, 1.2])


def test_the_value_of_a_frame_by_hand() -> None:
    evidence = evidence_of([0.999], [0], [0.999], [0, 1])  # vans are easy, trucks are not
    weight = difficulty_weights(class_difficulties(evidence, 2))
    big, thin, tiny = (0, 0, 20, 20), (0, 0, 60, 12), (0, 0, 4, 4)
    frames = {
        "all": frame("all", [0.7, 0.6], [0, 1]),
        "filtered": frame("filtered", [0.5, 0.5, 0.5, 0.04], [0] * 4, xyxy=[big, thin, tiny, big]),
        "faint": frame("faint", [], [], class_peak=[0.01, 0.03]),
        "nothing": frame("nothing", [], []),
    }
    values = DifficultyWeighted().of(pool_of(frames, evidence=evidence)).values

    def entropy(p: float) -> float:
        return -(p * log(p) + (1 - p) * log(1 - p))

    expected = [
        weight[0] * entropy(0.7) + weight[1] * entropy(0.6),
        weight[0] * entropy(0.5),  # not what is thin, tiny or below 0.05
        weight[1] * entropy(0.03),
        0,
    ]
    assert values == pytest.approx(expected, rel=1e-5)


def distances_of(*frames: Prediction, classes: tuple[str, ...] = CLASSES) -> Float64s:
    pool = pool_of({str(n): one for n, one in enumerate(frames)}, classes=classes)
    return class_distances(FrameObjects.of(pool, "ppal"))


def test_distance_by_hand() -> None:
    a = frame("0", [0.8, 0.4], [0, 1], [(1, 0), (0, 1)])
    b = frame("1", [0.5], [0], [(0.6, 0.8)])
    # From a: 0.8 at 1 - 0.6, and 0.4 of a class that b has not; from b: 1 - 0.6.
    expected = ((0.8 * 0.4 + 0.4 * 2) / 1.2 + 0.4) / 2
    np.testing.assert_allclose(distances_of(a, b), [[0, expected], [expected, 0]], atol=1e-6)


def test_unlike_objects_of_one_class_are_not_at_distance_0() -> None:
    # The released code sets the distance of k-th to k-th box to 0 for every pair of frames.
    across = distances_of(frame("0", [0.9], [0], [(1, 0)]), frame("1", [0.9], [0], [(0, 1)]))
    assert across[0, 1] == pytest.approx(1)
    rng = np.random.default_rng(0)
    crowd = [frame(str(n), [0.5] * 6, [0] * 6, rng.normal(size=(6, 16))) for n in range(12)]
    found = distances_of(*crowd)
    apart = found[~np.eye(12, dtype=np.bool_)]
    assert apart.min() > 0.2
    np.testing.assert_array_equal(np.diag(found), 0)


def test_a_frame_without_boxes_is_like_no_other_but_its_kind() -> None:
    full = frame("0", [0.9], [0], [(1, 0)])
    found = distances_of(full, frame("1", [], []), frame("2", [], []))
    assert found.tolist() == [[0, 2, 2], [2, 0, 0], [2, 0, 0]]
    assert distances_of(frame("0", [], []), frame("1", [], [])).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("block", [1, 50, 1 << 22])
def test_distances_are_those_of_a_plain_loop(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(class_distance, "_BLOCK", block)
    rng = np.random.default_rng(1)
    frames = []
    for number in range(15):
        count = int(rng.integers(0, 6))
        score = np.sort(rng.uniform(0.1, 0.9, count))[::-1].tolist()
        class_id = rng.integers(0, 4, count).tolist()
        frames.append(frame(str(number), score, class_id, rng.normal(size=(count, 5))))
    expected = [[plain_distance(one, other) for other in frames] for one in frames]
    np.testing.assert_allclose(distances_of(*frames), expected, atol=1e-5)


def plain_distance(one: Prediction, other: Prediction) -> float:
    if one is other:
        return 0
    if not len(one) or not len(other):
        return 2.0 * (len(one) != len(other))
    return (plain_directed(one, other) + plain_directed(other, one)) / 2


def plain_directed(one: Prediction, other: Prediction) -> float:
    assert one.box_embedding is not None
    assert other.box_embedding is not None
    total = 0.0
    for score, class_id, own in zip(one.score, one.class_id, one.box_embedding, strict=True):
        alike = other.box_embedding[other.class_id == class_id]
        lengths = np.linalg.norm(alike, axis=1) * np.linalg.norm(own)
        nearest = 1 - (alike @ own / lengths).max() if len(alike) else 2
        total += float(score * nearest)
    return total / float(one.score.sum())


def test_only_the_best_boxes_of_a_frame_are_compared() -> None:
    crowd = frame("0", [0.9, 0.8, 0.7], [0] * 3, [(1, 0), (1, 0), (0, 1)])
    pool = pool_of({"0": crowd})
    assert len(FrameObjects.of(pool, "ppal", most_boxes=2).owner) == 2


def test_with_few_classes_boxes_are_compared_whatever_their_class() -> None:
    looks = [(0, (1, 0)), (0, (1, 0.01)), (0, (1, 0.02)), (1, (1, 0.005)), (0, (0.9, 0.4))]
    frames = {
        str(n): frame(str(n), [0.5], [class_id], [look]) for n, (class_id, look) in enumerate(looks)
    }

    def chosen(classes: tuple[str, ...]) -> list[int]:
        pool = pool_of(frames, classes=classes)
        rows = STRATEGIES["ppal"].choose(pool, Budget(2), np.random.default_rng(0)).indices
        return list(rows)

    assert 4 in chosen(("van", "truck"))  # the truck looks like the vans
    assert 3 in chosen(CLASSES)  # but is another class


def test_boxes_without_embeddings_are_refused() -> None:
    pool = pool_of({"a": frame("a", [0.5], [0])})
    with pytest.raises(StrategyError, match="compares embeddings of boxes"):
        STRATEGIES["ppal"].choose(pool, Budget(1), np.random.default_rng(0))


def test_medoids_by_hand() -> None:
    place = np.array([0, 1, 2, 10, 11, 12.0])
    medoids, sizes = k_medoids(np.abs(place[:, None] - place), 2)
    assert sorted(medoids.tolist()) == [1, 4]
    assert sizes.tolist() == [3, 3]


@pytest.mark.parametrize("count", [0, 1, 3, 5])
def test_medoids_of_duplicates_differ_and_none_stands_for_nothing(count: int) -> None:
    # All distances 0: with plain nearest medoids all points would join the first.
    medoids, sizes = k_medoids(np.zeros((5, 5)), count)
    assert len(set(medoids.tolist())) == count
    assert sizes.sum() == (5 if count else 0)
    assert (sizes >= 1).all()
    two_places = np.repeat([0.0, 1.0], [4, 1])
    medoids, sizes = k_medoids(np.abs(two_places[:, None] - two_places), count)
    assert len(set(medoids.tolist())) == count


def test_the_batch_is_spread_over_the_doubtful_frames() -> None:
    rng = np.random.default_rng(2)
    frames = {}
    for number in range(12):  # three looks, four frames of each, the first the most doubtful
        look = np.eye(3)[number // 4] + 0.01 * rng.normal(size=3)
        doubt = 0.5 + 0.02 * (number // 4)
        frames[str(number)] = frame(str(number), [doubt], [0], [look])
    pool = pool_of(frames, classes=CLASSES)
    chosen = STRATEGIES["ppal"].choose(pool, Budget(3), rng).indices
    assert sorted((chosen // 4).tolist()) == [0, 1, 2]
    plain = STRATEGIES["difficulty_sum"].choose(pool, Budget(3), rng).indices
    assert set((plain // 4).tolist()) == {0}


def test_reasons(rng: np.random.Generator) -> None:
    frames = {str(n): frame(str(n), [0.5], [0], [(1, 0)]) for n in range(4)}
    pool = pool_of(frames, classes=CLASSES)
    (reason,) = STRATEGIES["ppal"].choose(pool, Budget(1), rng).reasons
    assert reason == "stands for 4 alike pictures of the 4 most doubtful ones"
    (reason,) = STRATEGIES["difficulty_sum"].choose(pool, Budget(1), rng).reasons
    assert reason == "1 box; most doubtful: van 0.50, difficulty weight 1.16"
