"""PAL: rarity, budgets of classes, the second look, and the order."""

import numpy as np
import pytest
from builders import annotations, frame_id_of
from pools import pool_of, prediction_of

from prelabel.active.budgets import Budget, Unit
from prelabel.active.evidence import Evidence
from prelabel.active.guide import Guide, class_budgets, rarities
from prelabel.active.pool import Pool
from prelabel.active.presence import classes_seen
from prelabel.active.strategies import STRATEGIES
from prelabel.datasets.predictions import Prediction


def frame(name: str, *scores: tuple[float, float]) -> Prediction:
    return prediction_of(name, scores, support=[1] * len(scores))


def chosen(pool: Pool, names: list[str], budget: Budget, seed: int = 0) -> list[str]:
    name_of = {frame_id_of(name): name for name in names}
    selection = STRATEGIES["pal"].choose(pool, budget, np.random.default_rng(seed))
    return [name_of[pool.frame_ids[row]] for row in selection.indices]


def labelled(*class_id: int) -> Evidence:
    boxes = [(20 * n, 0, 20 * n + 9, 9) for n in range(len(class_id))]
    return Evidence.of([prediction_of("known", [])], [annotations(boxes, class_id)])


def test_rarity_by_hand() -> None:
    frames = {"a": frame("a", (0.9, 0), (0.8, 0), (0, 0.7)), "b": frame("b", (0.6, 0), (0.2, 0))}
    pool = pool_of(frames, evidence=labelled(0, 0, 0, 0, 1))
    seen = classes_seen(pool)  # from a score of 0.3: three vans, one truck
    assert seen.boxes.tolist() == [3, 1]
    assert rarities(pool, seen) == pytest.approx([1 - (4 / 5 + 3 / 4) / 2, 1 - (1 / 5 + 1 / 4) / 2])
    assert rarities(pool_of(frames), seen) == pytest.approx([1 / 4, 3 / 4])
    nothing = pool_of({"c": frame("c")})
    assert rarities(nothing, classes_seen(nothing)).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("frames", "rarity", "of_class", "budgets"),
    [
        (8, [0.75, 0.25], [9, 9], [6, 2]),
        (8, [0.75, 0.25], [4, 9], [4, 2]),  # what a class cannot take is left to the rest
        (5, [0.5, 0.5, 0.5], [9, 9, 9], [2, 2, 1]),
        (5, [0.9, 0.5], [0, 9], [0, 5]),
        (3, [0.0], [9], [3]),  # a single class
        (3, [1.0, 1.0], [0, 0], [0, 0]),
    ],
)
def test_budgets_by_hand(
    frames: int, rarity: list[float], of_class: list[int], budgets: list[int]
) -> None:
    found = class_budgets(frames, np.array(rarity), np.array(of_class))
    assert found.tolist() == budgets


def test_the_second_look_by_hand() -> None:
    # Falling by LIUS: b looks like a, c does not. Rarity: van 1/4, truck 3/4.
    frames = {
        "a": frame("a", (0.5, 0)),
        "b": frame("b", (0.5, 0)),
        "c": frame("c", (0.5, 0), (0, 0.5)),
    }
    pool = pool_of(frames, [[1, 0], [2, 0], [0, 3]])
    seen = classes_seen(pool)
    rarity = rarities(pool, seen)
    assert rarity.tolist() == [0.25, 0.75]
    guide = Guide.of(pool, seen, np.array([2, 0, 1]), 0.3)
    half = np.log(2)
    np.testing.assert_allclose(guide.doubt, [half / 4, half / 4, half])
    np.testing.assert_allclose(guide.variety, [0.25, 0.25, 1])
    score = guide.score(np.array([0, 1, 2]), np.array([0.6, 0.5, 0.4]))
    # Scaled: LIUS 1, 0.5, 0; RCSP 1, 0, 1; CWIE and RCDI 0, 0, 1.
    np.testing.assert_allclose(score, [0.9 + 0.02, 0.45, 0.02 + 0.04 * 2], atol=1e-7)


def test_without_embeddings_rcsp_is_left_out() -> None:
    frames = {name: frame(name, (0.5, 0)) for name in "ab"}
    pool = pool_of(frames, np.zeros((2, 0)))
    guide = Guide.of(pool, classes_seen(pool), np.array([0, 1]), 0.3)
    np.testing.assert_allclose(guide.score(np.array([0, 1]), np.array([1.0, 0.0])), [0.9, 0])


def test_the_order_by_hand() -> None:
    scores: dict[str, tuple[float, float]] = {
        "v5": (0.5, 0),
        "v6": (0.6, 0),
        "v7": (0.7, 0),
        "v8": (0.8, 0),
    }
    scores |= {"t5": (0, 0.5), "t9": (0, 0.9)}
    frames = {name: frame(name, one) for name, one in scores.items()}
    pool = pool_of(frames, np.eye(6))
    # Rarity 1/3 and 2/3: of three frames one goes to vans, two to trucks. Classes take turns.
    assert chosen(pool, list(frames), Budget(3)) == ["t5", "v5", "t9"]
    # Of six, two and four, of which there are only two: the rest goes by LIUS.
    assert chosen(pool, list(frames), Budget(6)) == ["t5", "v5", "t9", "v6", "v7", "v8"]
    # Ten seconds and up a frame: a batch that ends early still has both classes.
    cheap = chosen(pool, list(frames), Budget(25, Unit.SECONDS))
    assert {name[0] for name in cheap} == {"t", "v"}


def test_rare_classes_come_though_common_ones_are_more_doubtful() -> None:
    frames = {f"van {n}": frame(f"van {n}", (0.5, 0)) for n in range(30)}
    frames |= {f"truck {n}": frame(f"truck {n}", (0, 0.9)) for n in range(3)}
    pool = pool_of(frames, np.random.default_rng(0).normal(size=(33, 4)))
    names = chosen(pool, list(frames), Budget(6))
    assert sum(name.startswith("truck") for name in names) == 3
    best = STRATEGIES["lius_max"].choose(pool, Budget(6), np.random.default_rng(0))
    assert all(row < 30 for row in best.indices)


def test_a_frame_comes_once_though_chosen_for_two_classes(rng: np.random.Generator) -> None:
    frames = {name: frame(name, (0.5, 0), (0, 0.5)) for name in "abcd"}
    selection = STRATEGIES["pal"].choose(pool_of(frames), Budget(4), rng)
    assert sorted(selection.indices.tolist()) == [0, 1, 2, 3]


def test_a_reason_names_the_class(rng: np.random.Generator) -> None:
    frames = {"a": frame("a", (0.5, 0)), "b": frame("b", (0, 0.5)), "c": frame("c", (0.9, 0))}
    selection = STRATEGIES["pal"].choose(pool_of(frames), Budget(2), rng)
    assert selection.reasons[0] == (
        "chosen for truck, 33% of the boxes found: one may be real or not, doubt 1.00 of 1"
    )
