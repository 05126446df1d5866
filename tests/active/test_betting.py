"""Bets for and against a promise."""

import numpy as np
import pytest

from prelabel.active.betting import (
    BOLDEST,
    best_growth,
    log_evidence_broken,
    log_evidence_kept,
    smallest_kept,
)
from prelabel.datasets.errors import InvalidValueError

GAMES = 400


def test_checks_without_a_failure_by_hand() -> None:
    # each loss is -0.02 and could be 0.98: at most 0.95 / 0.98 is staked, so each check multiplies
    # the money by 1 + 0.02 * 0.95 / 0.98
    evidence = log_evidence_kept(np.full(200, -0.02), 0.98)
    growth = np.log1p(0.02 * BOLDEST / 0.98)
    assert evidence == pytest.approx(growth * np.arange(1, 201))
    assert np.flatnonzero(evidence >= np.log(20))[0] + 1 == 157
    assert best_growth(np.full(5, -0.02), 0.98) == pytest.approx(growth)


def test_a_failure_costs_what_was_staked() -> None:
    evidence = log_evidence_kept(np.array([-0.1, 0.9]), 0.9)
    # -0.1 before: stake mean / mean square = 10, held to 0.95 / 0.9
    assert evidence[1] - evidence[0] == pytest.approx(np.log(1 - BOLDEST))


@pytest.mark.parametrize("population", [None, 400])
def test_a_promise_that_does_not_hold_is_seldom_called_kept(population: int | None) -> None:
    rng = np.random.default_rng(1)
    wins = 0
    for _ in range(GAMES):
        world = np.repeat([0.9, -0.1], [40, 360])  # a mean of 0: just not kept
        losses = rng.permutation(world)[:200] if population else rng.choice(world, 200)
        wins += log_evidence_kept(losses, 0.9, None, population).max() >= np.log(20)
    assert wins / GAMES <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / GAMES)


def test_a_promise_that_holds_is_called_kept() -> None:
    rng = np.random.default_rng(2)
    games = [rng.choice([0.9, -0.1], 300, p=[0.02, 0.98]) for _ in range(50)]
    wins = [log_evidence_kept(losses, 0.9).max() >= np.log(20) for losses in games]
    assert np.mean(wins) > 0.9


def test_an_alarm_is_seldom_false_however_long_it_listens() -> None:
    rng = np.random.default_rng(3)
    games = [rng.choice([0.9, -0.1], 1000, p=[0.1, 0.9]) for _ in range(GAMES)]
    alarms = np.mean([log_evidence_broken(one, -0.1).max() >= np.log(20) for one in games])
    assert alarms <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / GAMES)


def test_an_alarm_is_raised_soon_and_late_too() -> None:
    rng = np.random.default_rng(4)
    good, bad = rng.choice([0.9, -0.1], 100, p=[0.02, 0.98]), np.tile([0.9, -0.1], 50)
    at_once = np.flatnonzero(log_evidence_broken(bad, -0.1) >= np.log(20))
    late = np.flatnonzero(log_evidence_broken(np.concatenate([good, bad]), -0.1) >= np.log(20))
    assert at_once[0] < 20
    assert 100 <= late[0] < 140


def test_nothing_to_bet_on() -> None:
    assert log_evidence_kept(np.zeros(0), 1.0).shape == (0,)
    assert log_evidence_broken(np.zeros(0), -1.0).shape == (0,)
    assert log_evidence_kept(np.zeros(3), 0.0).tolist() == [0, 0, 0]
    assert best_growth(np.array([0.5]), 1.0) == 0


def test_losses_beyond_their_bounds_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="above the highest"):
        log_evidence_kept(np.array([2.0]), 1.0)
    with pytest.raises(InvalidValueError, match="below the lowest"):
        log_evidence_broken(np.array([-2.0]), -1.0)
    with pytest.raises(InvalidValueError, match="cannot be drawn"):
        log_evidence_kept(np.zeros(3), 1.0, None, 2)


def test_the_smallest_share_that_holds() -> None:
    assert smallest_kept(lambda share: share >= 0.3) == pytest.approx(0.3)
    assert smallest_kept(lambda _: False) == 1
