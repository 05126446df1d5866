"""Scores from a table."""

from pathlib import Path

import numpy as np
import pytest
from pools import random_pool

from prelabel.active.budgets import Budget
from prelabel.active.frame_score import FrameScore
from prelabel.active.given import NOT_TOLD, read_scores, write_scores
from prelabel.active.scoring import StrategyError
from prelabel.active.strategies import strategy_by_name
from prelabel.datasets.errors import BadInputError, InvalidValueError


def test_what_is_written_is_read(tmp_path: Path) -> None:
    scores = [FrameScore("a", 0.1 + 0.2, 'a "quoted", reason'), FrameScore("b", 2, "höher\nso")]
    write_scores(tmp_path / "scores.csv", scores)
    given = read_scores(tmp_path / "scores.csv")
    assert list(given.by_frame.values()) == scores[::-1]
    write_scores(tmp_path / "other.csv", scores[:1])
    assert read_scores(tmp_path / "other.csv").digest != given.digest


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("frame_id,score\na,1\n", "line 1: has no column reason"),
        ("frame_id,score,reason\na,1,x\nb,-1,x\n", "line 3: the score of frame b must be finite"),
        ("frame_id,score,reason\na,nan,x\n", "line 2: the score of frame a"),
        ("frame_id,score,reason\na,much,x\n", "line 2: could not convert"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "scores.csv"
    path.write_text(text)
    with pytest.raises(BadInputError, match=told):
        read_scores(path)
    with pytest.raises(BadInputError, match="cannot be read"):
        read_scores(tmp_path / "none.csv")


def test_the_highest_given_scores_come_first() -> None:
    pool = random_pool(6, 0)
    first, second = pool.frame_ids[4], pool.frame_ids[1]
    from dataclasses import replace

    told = {one.frame_id: one for one in (FrameScore(first, 3, "why"), FrameScore(second, 1, ""))}
    given = replace(pool, given=told)
    chosen = strategy_by_name("given").choose(given, Budget(3), np.random.default_rng(0))
    assert chosen.indices[:2].tolist() == [4, 1]
    assert chosen.reasons[::2] == ("why", NOT_TOLD)
    with pytest.raises(StrategyError, match="takes its scores from a table"):
        strategy_by_name("given").choose(
            replace(pool, given=None), Budget(1), np.random.default_rng(0)
        )


def test_scores_are_finite() -> None:
    with pytest.raises(InvalidValueError, match="at least 0"):
        FrameScore("a", float("inf"), "")
