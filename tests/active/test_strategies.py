"""What every strategy must keep, and the words of reasons."""

import numpy as np
import pytest
from builders import a_frame, frame_id_of
from pools import pool_of, prediction_of, random_pool

from prelabel.active.budgets import Budget
from prelabel.active.pool import Pool, PoolExhaustedError, frame_embeddings
from prelabel.active.scoring import StrategyError
from prelabel.active.strategies import STRATEGIES, Strategy, strategy_by_name
from prelabel.active.usual_strategy import USUAL_STRATEGY
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.predictions import ClassScores

OF_DOUBT = [one for one in STRATEGIES if one.startswith(("entropy", "margin", "least_confident"))]

every_strategy = pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=list(STRATEGIES))


def chosen_ids(strategy: Strategy, pool: Pool, count: int, seed: int = 0) -> list[str]:
    selection = strategy.choose(pool, Budget(count), np.random.default_rng(seed))
    return [pool.frame_ids[row] for row in selection.indices]


def test_the_names() -> None:
    uncertain = {
        f"{measure}_{way}"
        for measure in ("entropy", "margin", "least_confident")
        for way in ("sum", "mean", "max", "top3")
    }
    by_embedding = {"kcenter", "typical", "typical_cover", "kmeans++"}
    by_class = {"balanced_random", "class_growth", "divproto", "pal", "ppal"}
    learned = {"lius_sum", "lius_max", "difficulty_sum", "expected_errors", "error_doubt"}
    compared = {"cald", "committee", "given"}
    per_second = {
        f"{score}_per_second" for score in ("entropy_sum", "expected_errors", "error_doubt")
    }
    apart = {"random_apart", "class_growth_apart"} | {f"{name}_apart" for name in per_second}
    others = {"random", "entropy_enms"} | by_embedding | by_class | learned | compared
    assert set(STRATEGIES) == others | uncertain | per_second | apart
    assert all(strategy_by_name(name).name == name for name in STRATEGIES)
    assert USUAL_STRATEGY in STRATEGIES
    with pytest.raises(StrategyError, match=r"unknown strategy 'best'; choose one of random, kc"):
        strategy_by_name("best")


@every_strategy
@pytest.mark.parametrize("seed", range(3))
def test_contract(strategy: Strategy, seed: int) -> None:
    pool = random_pool(30, seed)
    for count in (0, 1, 2, 7, 30):
        selection = strategy.choose(pool, Budget(count), np.random.default_rng(seed))
        assert len(selection.indices) == len(set(selection.indices.tolist())) == count
        assert all(0 <= row < 30 for row in selection.indices)
        assert selection.values.shape == (30,)
        assert np.isfinite(selection.values).all()
        assert len(selection.reasons) == count
        assert all(0 < len(reason) < 200 and "\n" not in reason for reason in selection.reasons)


@every_strategy
def test_the_same_seed_gives_the_same_choice(strategy: Strategy) -> None:
    pool = random_pool(30, seed=5)
    assert chosen_ids(strategy, pool, 9, seed=3) == chosen_ids(strategy, pool, 9, seed=3)


@every_strategy
@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_the_pool_does_not_matter(strategy: Strategy, seed: int) -> None:
    pool = random_pool(30, seed)
    shuffled = pool.take(np.random.default_rng(seed).permutation(30))
    assert chosen_ids(strategy, pool, 9) == chosen_ids(strategy, shuffled, 9)


@every_strategy
def test_an_exhausted_pool_is_refused(strategy: Strategy, rng: np.random.Generator) -> None:
    with pytest.raises(PoolExhaustedError, match="4 frames are asked for, but the pool holds 3"):
        strategy.choose(random_pool(3, seed=0), Budget(4), rng)
    empty = pool_of({}, np.zeros((0, 2)))
    assert len(strategy.choose(empty, Budget(0), rng).indices) == 0
    with pytest.raises(PoolExhaustedError):
        strategy.choose(empty, Budget(1), rng)


@every_strategy
def test_a_pool_of_one_frame(strategy: Strategy) -> None:
    pool = random_pool(1, seed=0)
    assert chosen_ids(strategy, pool, 1) == [frame_id_of("frame 0")]


@every_strategy
def test_no_detection_anywhere(strategy: Strategy) -> None:
    pool = random_pool(12, seed=2, empty_share=1)
    assert len(set(chosen_ids(strategy, pool, 5))) == 5


@every_strategy
def test_a_single_class(strategy: Strategy) -> None:
    pool = random_pool(12, seed=2, class_count=1)
    assert len(set(chosen_ids(strategy, pool, 5))) == 5


@pytest.mark.parametrize("name", OF_DOUBT)
def test_frames_without_boxes_do_not_come_first(name: str) -> None:
    frames = {f"empty {n}": prediction_of(f"empty {n}", [], class_peak=[0.02, 0]) for n in range(5)}
    frames["doubtful"] = prediction_of("doubtful", [[0.45, 0.4]])
    assert chosen_ids(strategy_by_name(name), pool_of(frames), 1) == [frame_id_of("doubtful")]


@pytest.mark.parametrize("name", OF_DOUBT)
def test_the_doubtful_frame_comes_before_the_clear_one(name: str) -> None:
    frames = {
        "clear": prediction_of("clear", [[0.98, 0.01]]),
        "doubtful": prediction_of("doubtful", [[0.5, 0.48]]),
        "fairly clear": prediction_of("fairly clear", [[0.9, 0.05]]),
    }
    expected = [frame_id_of(one) for one in ("doubtful", "fairly clear", "clear")]
    assert chosen_ids(strategy_by_name(name), pool_of(frames), 3) == expected


def test_sum_likes_crowds_and_mean_does_not() -> None:
    frames = {
        "crowd": prediction_of("crowd", [[0.9, 0.0]] * 8),
        "one odd box": prediction_of("one odd box", [[0.55, 0.0]]),
    }
    pool = pool_of(frames)
    assert chosen_ids(strategy_by_name("entropy_sum"), pool, 1) == [frame_id_of("crowd")]
    for name in ("entropy_mean", "entropy_max"):
        assert chosen_ids(strategy_by_name(name), pool, 1) == [frame_id_of("one odd box")]


def test_random_draws_every_frame_about_as_often() -> None:
    pool = random_pool(10, seed=0)
    drawn = [one for seed in range(400) for one in chosen_ids(STRATEGIES["random"], pool, 3, seed)]
    counts = np.unique(drawn, return_counts=True)[1]
    assert len(counts) == 10
    assert 80 < counts.min() <= counts.max() < 160  # 120 expected, 9 standard deviations wide


@pytest.mark.parametrize(
    ("probs", "words"),
    [
        (
            [[0.41, 0.38]],
            "1 box the model is unsure of; least sure: van 0.41 or nothing there 0.59",
        ),
        ([[0.61, 0.58]], "1 box the model is unsure of; least sure: van 0.61 or truck 0.58"),
        (
            [[0.95, 0.0], [0.6, 0.1]],
            "2 boxes, the model is unsure of 1; least sure: van 0.60 or nothing there 0.40",
        ),
        (
            [[0.5, 0.0]] * 9,
            "9 boxes the model is unsure of; least sure: van 0.50 or nothing there 0.50; "
            "van 0.50 or nothing there 0.50 and 7 more",
        ),
        (
            [[0.97, 0.0]],
            "1 box, fairly clear to the model; least sure: van 0.97 or nothing there 0.03",
        ),
    ],
)
def test_reasons_name_the_least_sure_boxes(
    probs: list[list[float]], words: str, rng: np.random.Generator
) -> None:
    pool = pool_of({"a": prediction_of("a", probs)})
    assert strategy_by_name("entropy_sum").choose(pool, Budget(1), rng).reasons == (words,)


def test_reasons_of_a_softmax_head_and_of_unnamed_classes(rng: np.random.Generator) -> None:
    softmax = prediction_of("a", [[0.41, 0.38]], class_scores=ClassScores.EXCLUSIVE)
    pool = pool_of({"a": softmax}, classes=())
    (reason,) = strategy_by_name("margin_max").choose(pool, Budget(1), rng).reasons
    assert reason.endswith("least sure: class 0 0.41 or class 1 0.38")


def test_reasons_of_frames_without_boxes(rng: np.random.Generator) -> None:
    frames = {
        "hint": prediction_of("hint", [], class_peak=[0.01, 0.04]),
        "nothing": prediction_of("nothing", []),
    }
    reasons = strategy_by_name("entropy_max").choose(pool_of(frames), Budget(2), rng).reasons
    assert reasons == (
        "no box found; strongest hint: truck 0.04",
        "no box found; the model gives no hint of an object",
    )


def test_reasons_of_k_center(rng: np.random.Generator) -> None:
    frames = {name: prediction_of(name, []) for name in "abc"}
    vectors = [[0.0], [1.0], [4.0]]
    labelled = STRATEGIES["kcenter"].choose(pool_of(frames, vectors, [[0.0]]), Budget(1), rng)
    assert labelled.reasons == (
        "unlike every labelled or chosen picture: distance 4 to the most similar one, "
        "4.0 times the median",
    )
    cold = STRATEGIES["kcenter"].choose(pool_of(frames, vectors), Budget(1), rng)
    assert cold.reasons == ("the most typical picture of the pool: nothing is labelled yet",)


def test_k_center_needs_embeddings_of_one_model(rng: np.random.Generator) -> None:
    frames = {name: prediction_of(name, []) for name in "ab"}
    with pytest.raises(StrategyError, match="the predictions hold none"):
        STRATEGIES["kcenter"].choose(pool_of(frames, np.zeros((2, 0))), Budget(1), rng)
    with pytest.raises(StrategyError, match="labelled frames have 3 entries, those of the pool 1"):
        STRATEGIES["kcenter"].choose(pool_of(frames, [[0], [1]], [[0, 0, 0]]), Budget(1), rng)


def test_embeddings_are_all_there_or_all_missing() -> None:
    with_one = prediction_of("a", [], embedding=[1, 2])
    without = prediction_of("b", [])
    assert frame_embeddings([without, without]).shape == (2, 0)
    assert frame_embeddings([with_one]).tolist() == [[1, 2]]
    with pytest.raises(InvalidValueError, match=f"frame {without.frame_id} has no embedding"):
        frame_embeddings([with_one, without])


def test_a_pool_holds_no_frame_twice() -> None:
    with pytest.raises(InvalidValueError, match="must not repeat"):
        Pool.of([a_frame("a")] * 2, [prediction_of("a", [])] * 2, [[0], [1]], [1, 1], [])
