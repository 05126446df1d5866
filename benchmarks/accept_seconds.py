"""Human seconds for a whole pool: by hand, corrected, and with frames that a rule accepts."""

from dataclasses import dataclass

import numpy as np
from accept_rivals import Choice

from prelabel.active.checks import Checks
from prelabel.active.cost import DISPLAY_CHOICES, TIGHT_IOU, CostModel
from prelabel.datasets.arrays import Bools, Float64s

AUDIT_SHARE, LEAST_AUDIT = 0.05, 20


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds for all frames, checked ones included, and what is wrong in what comes out.

    `wrong` boxes and `missed` objects that stay are told as shares of the true objects of all
    frames; people are taken to make no mistakes.
    """

    by_hand_s: float
    corrected_s: float
    accepted_s: float
    saved: float
    wrong: float
    missed: float


def spent_seconds(checked: Checks, pool: Checks, choice: Choice, rng: np.random.Generator) -> Spent:
    """What labelling the checked frames and the pool takes under a choice of what to accept."""
    cost = CostModel()
    sure, whole = choice
    none = np.zeros(len(checked.right), np.bool_)
    limits = {one: _corrected(cost, checked, none, one).sum() for one in DISPLAY_CHOICES}
    shown = min(limits, key=lambda one: limits[one])
    nothing = np.zeros(len(pool.right), np.bool_)
    checking_s = float(_corrected(cost, checked, none, shown).sum())
    corrected_s = checking_s + float(_corrected(cost, pool, nothing, shown).sum())
    scratch = _scratch(cost, pool)
    by_hand_s = float(scratch.sum() + _scratch(cost, checked).sum())
    left = np.where(whole, 0.0, _corrected(cost, pool, sure, shown))
    audited = _audited(pool, sure, whole, rng)
    left = np.where(audited, scratch, left)
    accepted_s = checking_s + float(left.sum())
    kept = sure & ~audited[pool.boxes.owner]
    unseen = whole & ~audited
    objects = int(pool.objects.sum() + checked.objects.sum())
    missing = (pool.objects - pool.in_each_frame(sure & pool.found))[unseen].sum()
    return Spent(
        by_hand_s,
        corrected_s,
        accepted_s,
        1 - accepted_s / corrected_s,
        float((kept & ~pool.right).sum() / max(objects, 1)),
        float(missing / max(objects, 1)),
    )


def without_acceptance(checks: Checks) -> tuple[float, float]:
    """Seconds for frames by hand, and from proposals shown from the score that costs least."""
    cost = CostModel()
    none = np.zeros(len(checks.right), np.bool_)
    corrected_s = min(_corrected(cost, checks, none, one).sum() for one in DISPLAY_CHOICES)
    return float(_scratch(cost, checks).sum()), float(corrected_s)


def _corrected(cost: CostModel, checks: Checks, sure: Bools, shown: float) -> Float64s:
    """Seconds a frame; boxes that are sure are not looked at again."""
    seen = (checks.boxes.score >= shown) & ~sure
    loose = checks.found & (checks.iou < TIGHT_IOU)
    each = np.where(loose, cost.adjust_s, cost.verify_s)
    each = each + np.where(checks.found & ~checks.right, cost.class_s, 0)
    there = checks.in_each_frame((seen | sure) & checks.found)
    work = np.bincount(checks.boxes.owner, each * seen, len(checks))
    return np.asarray(cost.open_s + work + (checks.objects - there) * cost.missed_s(), np.float64)


def _scratch(cost: CostModel, checks: Checks) -> Float64s:
    return np.asarray(cost.open_s + checks.objects * cost.missed_s(), np.float64)


def _audited(pool: Checks, sure: Bools, whole: Bools, rng: np.random.Generator) -> Bools:
    some = np.flatnonzero(whole | (pool.in_each_frame(sure) > 0))
    count = min(max(round(AUDIT_SHARE * len(some)), LEAST_AUDIT), len(some))
    drawn = np.zeros(len(pool), np.bool_)
    drawn[rng.permutation(some)[:count]] = True
    return drawn
