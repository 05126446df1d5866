"""Strategies where little is known, over files, and for budgets that are not of frames."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import annotations
from pools import random_pool, random_predictions

from prelabel.active import side_by_side as module
from prelabel.active.box_source import BoxesInFiles, BoxesInMemory
from prelabel.active.box_table import BoxTable, Column
from prelabel.active.budgets import Budget, Unit
from prelabel.active.evidence import Evidence
from prelabel.active.pool import Need, Pool
from prelabel.active.side_by_side import side_by_side
from prelabel.active.strategies import STRATEGIES
from prelabel.datasets.predictions import Prediction
from prelabel.models.prediction_files import PredictionFiles

LEARNED = [name for name, one in STRATEGIES.items() if Need.EVIDENCE in one.needs]
COMPARED = [name for name, one in STRATEGIES.items() if one.needs & {Need.VIEWS, Need.COMMITTEE}]


def without(prediction: Prediction, *fields: str) -> Prediction:
    """The prediction of a detector that does not give these fields."""
    given = {
        name: None if name in fields else getattr(prediction, name)
        for name in ("class_probs", "support", "box_embedding", "class_peak")
    }
    return Prediction(
        prediction.frame_id,
        prediction.model_id,
        prediction.boxes,
        prediction.score,
        prediction.class_id,
        prediction.class_scores,
        **given,
    )


def choices(pool: Pool, name: str, budget: Budget) -> tuple[list[str], list[float]]:
    selection = STRATEGIES[name].choose(pool, budget, np.random.default_rng(0))
    chosen = [pool.frame_ids[row] for row in selection.indices]
    return chosen, selection.values[selection.indices].tolist()


def no_evidence(pool: Pool) -> Pool:
    return replace(pool, evidence=Evidence.none())


def one_labelled_frame(pool: Pool) -> Pool:
    (one,) = random_predictions(1, 77, empty_share=1)
    return replace(pool, evidence=Evidence.of([one], [annotations([(0, 0, 5, 5)], [1])]))


def evidence_of_another_kind(pool: Pool) -> Pool:
    """Labelled frames were predicted by a detector that gave less."""
    bare = [
        without(one, "class_probs", "support", "class_peak") for one in random_predictions(9, 5)
    ]
    labels = [annotations(one.boxes.xyxy, one.class_id.tolist()) for one in bare]
    return replace(pool, evidence=Evidence.of(bare, labels))


def head_without_nms(pool: Pool) -> Pool:
    held = pool.boxes.predictions(np.arange(len(pool)))
    return replace(pool, boxes=BoxesInMemory(tuple(without(one, "support") for one in held)))


def best_class_only(pool: Pool) -> Pool:
    held = pool.boxes.predictions(np.arange(len(pool)))
    bare = tuple(without(one, "support", "class_probs", "class_peak") for one in held)
    return replace(pool, boxes=BoxesInMemory(bare))


@pytest.mark.parametrize("name", LEARNED)
@pytest.mark.parametrize(
    "changed",
    [
        no_evidence,
        one_labelled_frame,
        evidence_of_another_kind,
        head_without_nms,
        best_class_only,
    ],
)
def test_learned_strategies_do_with_what_is_known(
    name: str, changed: Callable[[Pool], Pool]
) -> None:
    pool = changed(random_pool(20, seed=4))
    selection = STRATEGIES[name].choose(pool, Budget(20), np.random.default_rng(0))
    assert sorted(selection.indices.tolist()) == list(range(20))
    assert np.isfinite(selection.values).all()
    assert len(set(selection.values.tolist())) > 2
    assert all(0 < len(reason) < 200 for reason in selection.reasons)


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("budget", [Budget(60, Unit.SECONDS), Budget(7, Unit.BOXES)])
def test_budgets_of_seconds_and_boxes(name: str, budget: Budget) -> None:
    pool = random_pool(25, seed=6)
    selection = STRATEGIES[name].choose(pool, budget, np.random.default_rng(0))
    prices = budget.prices(pool)
    assert 0 < prices[selection.indices].sum() <= budget.amount * (1 + 1e-9)  # sums round
    assert len(set(selection.indices.tolist())) == len(selection.indices)


def in_files(source: BoxesInMemory, folder: Path, seed: int) -> BoxesInFiles:
    """The same boxes in three files, frames in an order of their own."""
    files = PredictionFiles(folder)
    held = source.predictions(np.arange(len(source)))
    for part in np.array_split(np.random.default_rng(seed).permutation(len(held)), 3):
        files.write([held[row] for row in part])
    return BoxesInFiles.of(files, [one.frame_id for one in held])


@pytest.mark.parametrize("name", [*LEARNED, *COMPARED, "balanced_random", "entropy_enms"])
def test_files_give_what_memory_gives(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK_FRAMES", 7)
    pool = random_pool(25, seed=8)
    sources = (pool.boxes, *pool.views, *pool.committee)
    streamed = [
        in_files(source, tmp_path / str(n), n)
        for n, source in enumerate(sources)
        if isinstance(source, BoxesInMemory)
    ]
    files = replace(
        pool, boxes=streamed[0], views=tuple(streamed[1:3]), committee=tuple(streamed[3:])
    )
    chosen, values = choices(files, name, Budget(9))
    expected, expected_values = choices(pool, name, Budget(9))
    assert chosen == expected
    np.testing.assert_allclose(values, expected_values, rtol=1e-6)


def test_side_by_side_puts_frames_in_order(tmp_path: Path) -> None:
    sources = [BoxesInMemory(tuple(random_predictions(23, seed))) for seed in (1, 2)]
    streamed = [in_files(one, tmp_path / str(n), n) for n, one in enumerate(sources)]
    seen = []
    for rows, tables in side_by_side(streamed, (Column.SUPPORT, Column.CLASS_PEAK), block=10):
        seen += rows.tolist()
        for source, table in zip(sources, tables, strict=True):
            expected = BoxTable.of(source.predictions(rows))
            for field in ("start", "score", "support", "class_peak"):
                np.testing.assert_array_equal(getattr(table, field), getattr(expected, field))
    assert seen == list(range(23))
