"""How many label errors there are in all, from a small sample that people looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from prelabel.active.label_errors.suspects import Suspect
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.errors import InvalidValueError

STRATA = 6
_DRAWS = 20_000


@dataclass(frozen=True, slots=True)
class Stratum:
    """Suspects of about the same probability, of which some were looked at."""

    suspects: int
    looked_at: int
    errors: int


@dataclass(frozen=True, slots=True)
class ErrorCount:
    """How many of the suspects are errors: the most likely number, and the interval in which it
    lies with the probability `confidence`. Of these, `known` were found by looking."""

    expected: float
    low: float
    high: float
    confidence: float
    known: int
    strata: tuple[Stratum, ...]


def strata_of(suspects: Sequence[Suspect], count: int = STRATA) -> list[list[Suspect]]:
    """Suspects in groups of rising probability that hold about equally many expected errors.

    Looking at as many of each group finds most where most is unknown: the few that are probable
    are not drowned by the many that are not.
    """
    rising = sorted(suspects, key=lambda one: (one.probability, one.suspect_id))
    if not rising:
        return []
    weight = np.cumsum(np.sqrt([max(one.probability, 1e-6) for one in rising]))
    bounds = np.searchsorted(weight, np.linspace(0, weight[-1], count + 1)[1:-1])
    groups = np.split(np.arange(len(rising)), bounds)
    return [[rising[row] for row in group.tolist()] for group in groups if len(group)]


def audit_sample(suspects: Sequence[Suspect], size: int, rng: np.random.Generator) -> list[Suspect]:
    """Suspects to look at, so many of each stratum, drawn at random; in random order."""
    if size < 1:
        raise InvalidValueError(f"size must be at least 1, but is {size}")
    groups = strata_of(suspects)
    chosen: list[Suspect] = []
    left = min(size, len(suspects))
    # The smallest first, so that what a small one cannot give falls to the others.
    for turn, group in enumerate(sorted(groups, key=len)):
        take = min(len(group), -(-left // (len(groups) - turn)))
        rows = rng.permutation(len(group))[:take]
        chosen += [group[row] for row in rows.tolist()]
        left -= take
    return [chosen[row] for row in rng.permutation(len(chosen)).tolist()]


def estimate_errors(
    suspects: Sequence[Suspect],
    answers: Mapping[str, bool],
    rng: np.random.Generator,
    confidence: float = 0.95,
) -> ErrorCount:
    """How many of the suspects are errors, from answers by suspect id to a sample of them.

    The answers must be to a sample drawn by `audit_sample` from these suspects. The bounds are
    those of Clopper and Pearson (Biometrika 26, 1934) in each stratum, added up by drawing from
    the distributions whose quantiles they are: the interval rather is too wide than too narrow,
    and holds whether the probabilities do or not. A stratum nobody looked at may hold anything
    from none to all.
    """
    if not 0 < confidence < 1:
        raise InvalidValueError(f"confidence must lie between 0 and 1, but is {confidence}")
    least: Float64s = np.zeros(_DRAWS)
    most: Float64s = np.zeros(_DRAWS)
    strata, known = [], 0
    for group in strata_of(suspects):
        told = [answers[one.suspect_id] for one in group if one.suspect_id in answers]
        errors, rest = sum(told), len(group) - len(told)
        right = len(told) - errors
        least += errors + (rng.binomial(rest, rng.beta(errors, right + 1, _DRAWS)) if errors else 0)
        most += errors + (
            rng.binomial(rest, rng.beta(errors + 1, right, _DRAWS)) if right else rest
        )
        known += errors
        strata.append(Stratum(len(group), len(told), errors))
    tail = (1 - confidence) / 2
    low, high = float(np.quantile(least, tail)), float(np.quantile(most, 1 - tail))
    return ErrorCount(_expected(strata), low, high, confidence, known, tuple(strata))


def _expected(strata: Sequence[Stratum]) -> float:
    """Each stratum's errors at the share found in it; where nobody looked, at even chances."""
    return float(
        sum(one.suspects * (one.errors / one.looked_at if one.looked_at else 0.5) for one in strata)
    )
