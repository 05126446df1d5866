"""Finding the loosest rule under which a promise holds, by testing one rule after another.

For each rule there is the hypothesis that the promise does not hold with it. Rules are tested in
an order that was fixed before, and testing ends at the first that cannot be refused; so the chance
that any rule that is kept breaks the promise is at most 1 - confidence, however many are tested
(fixed-sequence testing; Angelopoulos, Bates, Candès, Jordan, Lei, "Learn then test", Annals of
Applied Statistics, 2025). Each test is a bet on whole units, see `prelabel.active.betting`.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from prelabel.active.betting import BOLDEST, best_growth, log_evidence_kept, smallest_kept
from prelabel.active.checks import Counts, Judged
from prelabel.active.exact_bounds import checks_needed
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.errors import InvalidValueError


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """What is drawn at random and bound together: frames, or the frames of one recording.

    `number` (n,) says which unit each of n frames belongs to, counted from 0 in the order in which
    they were drawn; no unit has more than `most_frames`, those not drawn included. `population` is
    how many units there are, where they were drawn without replacement; None: very many.
    """

    number: NDArray[np.intp]
    most_frames: int = 1
    population: int | None = None

    @classmethod
    def single(cls, frames: int, population: int | None = None) -> "Units":
        """Each frame stands for itself."""
        return cls(np.arange(frames), 1, population)

    @property
    def count(self) -> int:
        return int(self.number.max(initial=-1)) + 1

    def summed(self, losses: Float64s) -> Float64s:
        """The losses of each unit, (count,)."""
        return np.asarray(np.bincount(self.number, losses, self.count), np.float64)


class Trial(Protocol):
    """One promise and the rules that are tested for it, in that order; they are called steps."""

    def __len__(self) -> int: ...

    def worst(self, step: int) -> int:
        """The largest number of failures of one frame."""
        ...

    def counts(self, judged: Judged, step: int) -> Counts:
        """How much is accepted on each frame, and how much of it fails."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """One rule put to the test: how much of what was checked it accepts, how much of that failed,
    and the evidence for the promise in nats; `kept` where that is enough."""

    accepted: int
    failed: int
    evidence: float
    kept: bool


@dataclass(frozen=True, slots=True)
class Tested:
    """What came of testing that at most `share` fails, on so many `units`.

    `steps` are the rules that were tested, up to the first that was not kept. For the first one
    `shown` is the smallest share that the checks prove (1: none), and `needed` the number of units
    that prove `share`, as far as they foretell it; None where no number would. `at_least` is that
    number if nothing ever fails and each unit counted alike.
    """

    share: float
    units: int
    steps: tuple[Step, ...]
    shown: float
    needed: int | None
    at_least: int

    @property
    def last_kept(self) -> int | None:
        """The last step that was kept, None where none was."""
        kept = sum(step.kept for step in self.steps)
        return kept - 1 if kept else None


def put_to_test(
    trial: Trial, fit: Judged, test: Judged, share: float, confidence: float, units: Units
) -> Tested:
    """Test the steps of a trial on `test`; the losses on `fit` only guide the stakes."""
    if len(units.number) != len(test):
        raise InvalidValueError(f"units are of {len(units.number)} frames, checks of {len(test)}")
    at_least = checks_needed(share, confidence)
    if not len(trial):
        return Tested(share, units.count, (), 1.0, None, at_least)

    enough = -math.log1p(-confidence)
    evidence = _Evidence(trial, fit, test, units)
    steps: list[Step] = []
    for step in range(len(trial)):
        counts = trial.counts(test, step)
        won = evidence.of(step, counts, share)
        tally = int(counts.accepted.sum()), int(counts.failed.sum())
        steps.append(Step(*tally, won, won >= enough))
        if not steps[-1].kept:
            break
    first = trial.counts(test, 0)
    shown = smallest_kept(lambda other: evidence.of(0, first, other) >= enough)
    needed = _needed(trial, fit, first.losses(share), share, enough, units)
    return Tested(share, units.count, tuple(steps), shown, needed, at_least)


def foretold_growth(failed: Float64s, accepted: Float64s, share: float, worst: int) -> float:
    """How fast evidence for a promise is foretold to grow, in nats a frame.

    `failed` (n,) are expected on frames of which `accepted` (n,) counts; failures come by chance.
    """
    none = np.exp(-failed)
    together = np.divide(failed, 1 - none, out=np.ones_like(failed), where=none < 1)
    stakes = np.linspace(0, BOLDEST / ((1 - share) * worst), 40)[1:, None]
    kept = np.log1p(stakes * share * accepted)
    lost = np.log1p(-stakes * np.minimum(together - share * accepted, (1 - share) * worst))
    return float((none * kept + (1 - none) * lost).mean(axis=1).max(initial=-np.inf))


@dataclass(frozen=True, slots=True, eq=False)
class _Evidence:
    """That a promise holds; what is known of the fitting frames guides the stakes."""

    trial: Trial
    fit: Judged
    test: Judged
    units: Units

    def of(self, step: int, counts: Counts, share: float) -> float:
        losses, known = self.units.summed(counts.losses(share)), None
        if self.units.most_frames == 1:
            known = self.trial.counts(self.fit, step).losses(share)
        highest = _highest(self.trial, step, share, self.units)
        return float(
            log_evidence_kept(losses, highest, known, self.units.population).max(initial=0)
        )


def _highest(trial: Trial, step: int, share: float, units: Units) -> float:
    return (1 - share) * trial.worst(step) * units.most_frames


def _needed(
    trial: Trial, fit: Judged, tested: Float64s, share: float, enough: float, units: Units
) -> int | None:
    losses = units.summed(tested)
    if units.most_frames == 1:
        losses = np.concatenate([trial.counts(fit, 0).losses(share), losses])
    growth = best_growth(losses, _highest(trial, 0, share, units))
    return math.ceil(enough / growth) if growth > 0 else None
