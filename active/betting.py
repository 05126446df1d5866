"""Bets against a promise and for it, on losses that come one after another.

A loss is what one unit that is checked, a frame or a recording, says about a promise: above 0 where
it breaks it, below 0 where it keeps it with room to spare. Whoever bets on losses that are at least
0 on average, and stakes no more than there is, multiplies the money by a factor F only with a
chance of 1 / F, however long the game goes and whenever it is stopped (Ville 1939; Waudby-Smith and
Ramdas, "Estimating means of bounded random variables by betting", JRSS B 86, 2024). So the money
won is evidence, and nothing is lost by looking at it after each check.
"""

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from prelabel.datasets.arrays import Float64s
from prelabel.datasets.errors import InvalidValueError

BOLDEST = 0.95  # of what could be staked: a single loss of the worst kind does not end the game
RECENT = 10  # losses from which an alarm takes what is going on now
FAINT_STAKE = 0.02  # of what could be staked on an alarm while all is well

_Found = TypeVar("_Found", bound=float)


def log_evidence_kept(
    losses: Float64s, highest: float, known: Float64s | None = None, population: int | None = None
) -> Float64s:
    """After each loss, (n,), the logarithm of the evidence that the mean loss is below 0.

    `losses` (n,) are at most `highest`, in an order that has nothing to do with them; `known` are
    earlier ones that only guide the stakes, which are those of the approximate GRAPA of
    Waudby-Smith and Ramdas. `population` says that the losses were drawn without replacement from
    so many; None: independently, or from very many.

    With a mean of at least 0 the largest entry ever exceeds log(1 / d) with probability d at most.

    Raises InvalidValueError where a loss is higher than the highest.
    """
    if len(losses) and losses.max() > highest + 1e-9:
        raise InvalidValueError(f"a loss is {losses.max():g}, above the highest, {highest:g}")
    if highest <= 0 or not len(losses):  # without a possible loss there is nothing to bet on
        return np.zeros(len(losses))
    drift = _drift(losses, population)
    history = np.zeros(0) if known is None else known
    stake = np.clip(-_growth_stakes(losses, history), 0, BOLDEST / (highest - drift))
    return np.asarray(np.cumsum(np.log1p(-stake * (losses - drift))), np.float64)


def log_evidence_broken(losses: Float64s, lowest: float) -> Float64s:
    """After each loss, (n,), the logarithm of the evidence that the mean loss is above 0.

    `losses` are at least `lowest`, which is below 0. The stakes follow the last ten losses, and
    never fall to nothing, so that a break that comes late is seen. With a mean of at most 0 the
    largest entry ever exceeds log(1 / d) with probability d at most.
    """
    if len(losses) and losses.min() < lowest - 1e-9:
        raise InvalidValueError(f"a loss is {losses.min():g}, below the lowest, {lowest:g}")
    if not len(losses):
        return np.zeros(0)
    most = BOLDEST / -lowest
    wanted = [_recent_stake(losses[max(0, place - RECENT) : place]) for place in range(len(losses))]
    stake = np.clip(np.array(wanted), FAINT_STAKE * most, most)
    return np.asarray(np.cumsum(np.log1p(stake * losses)), np.float64)


def smallest_kept(holds: Callable[[float], bool], high: float = 1.0, steps: int = 30) -> float:
    """The smallest share in 0 to `high` for which a test still says that it holds.

    What holds for a share must hold for all above; `high` is given back where none holds.
    """
    low = 0.0
    for _ in range(steps):
        middle = (low + high) / 2
        if holds(middle):
            high = middle
        else:
            low = middle
    return high


def best_growth(losses: Float64s, highest: float) -> float:
    """The mean growth of the evidence that the mean of such losses is below 0, in nats a loss.

    With the best constant stake; 0 or less says that no number of checks is enough.
    """
    if highest <= 0 or not len(losses) or losses.mean() >= 0:
        return 0.0
    stakes = np.linspace(0, BOLDEST / highest, 40)[1:]
    return float(np.log1p(-stakes[:, None] * losses[None, :]).mean(axis=1).max(initial=0.0))


def _drift(losses: Float64s, population: int | None) -> Float64s:
    """How far below 0 the mean of what is left may lie though that of all is 0, (n,)."""
    before = np.concatenate([np.zeros(1), np.cumsum(losses)[:-1]])
    if population is None:
        return np.zeros(len(losses))
    if population < len(losses):
        raise InvalidValueError(f"{len(losses)} cannot be drawn from {population}")
    left = population - np.arange(len(losses))
    return np.asarray(np.minimum(-before / left, 0), np.float64)


def _growth_stakes(losses: Float64s, history: Float64s) -> Float64s:
    """mean / mean square of all that came before each loss, (n,)."""
    whole = np.concatenate([history, losses])
    count = np.arange(len(whole))
    total = np.concatenate([np.zeros(1), np.cumsum(whole)[:-1]])
    square = np.concatenate([np.zeros(1), np.cumsum(np.square(whole))[:-1]])
    with np.errstate(divide="ignore", invalid="ignore"):
        stakes = np.where(square > 0, total / square, -np.inf)
    stakes[count == 0] = -np.inf  # nothing is known: as bold as may be
    return np.asarray(stakes[len(history) :], np.float64)


def _recent_stake(recent: Float64s) -> float:
    square = float(np.square(recent).sum())
    return float(recent.sum()) / square if square > 0 else 0.0
