"""Other ways to choose what to accept, from the same checked frames.

Each is given the checked frames and the pool, and says which boxes of the pool it accepts and which
frames whole. All of them but a fixed threshold look at the labels of every checked frame.
"""

from collections.abc import Callable

import numpy as np

from prelabel.active.acceptance import Promises
from prelabel.active.checks import Checks
from prelabel.datasets.arrays import Bools, Float64s

Choice = tuple[Bools, Bools]
FIXED = 0.9
DOUBTFUL_FROM = 0.3  # a box of at least this score that is not accepted keeps a frame from people


def fixed(checked: Checks, pool: Checks, promises: Promises) -> Choice:
    """Boxes of a score of at least 0.9; frames on which no other box reaches 0.3."""
    sure = pool.boxes.score >= FIXED
    return sure, _doubt(pool, sure) < DOUBTFUL_FROM


def tuned(checked: Checks, pool: Checks, promises: Promises) -> Choice:
    """The loosest thresholds under which the checked frames keep both promises."""
    limit = _tuned_limit(checked, promises.wrong)
    sure = checked.boxes.score >= limit
    order, missed, objects = _by_doubt(checked, sure)
    share = np.cumsum(missed) / np.maximum(np.cumsum(objects), 1)
    kept = np.flatnonzero(share <= promises.missed)
    most = order[kept[-1]] if len(kept) else -1.0
    on_pool = pool.boxes.score >= limit
    return on_pool, _doubt(pool, on_pool) <= most


def conformal(checked: Checks, pool: Checks, promises: Promises) -> Choice:
    """Split conformal: boxes by p-values against wrong ones and the Benjamini-Hochberg procedure
    ("Conformal labeling", arXiv 2510.14581), frames by conformal risk control of the missed share
    (Angelopoulos et al., ICLR 2024). Both take boxes and frames for exchangeable one by one.
    """
    sure = _benjamini_hochberg(checked, pool, promises.wrong)
    limit = float(pool.boxes.score[sure].min(initial=2.0))
    order, missed, objects = _by_doubt(checked, checked.boxes.score >= limit)
    loss = np.cumsum(missed / np.maximum(objects, 1)) / (len(checked) + 1)
    kept = np.flatnonzero(loss + 1 / (len(checked) + 1) <= promises.missed)
    most = order[kept[-1]] if len(kept) else -1.0
    return sure, _doubt(pool, sure) <= most


RIVALS: dict[str, Callable[[Checks, Checks, Promises], Choice]] = {
    "fixed": fixed,
    "tuned": tuned,
    "conformal": conformal,
}


def _tuned_limit(checked: Checks, share: float) -> float:
    order = np.argsort(-checked.boxes.score, kind="stable")
    wrong = np.cumsum(~checked.right[order]) / np.arange(1, len(order) + 1)
    kept = np.flatnonzero(wrong <= share)
    return float(checked.boxes.score[order[kept[-1]]]) if len(kept) else 2.0


def _benjamini_hochberg(checked: Checks, pool: Checks, share: float) -> Bools:
    wrong = np.sort(checked.boxes.score[~checked.right])
    above = len(wrong) - np.searchsorted(wrong, pool.boxes.score, side="left")
    p_value = (1 + above) / (1 + len(wrong))
    order = np.argsort(p_value, kind="stable")
    passed = p_value[order] <= share * np.arange(1, len(order) + 1) / len(order)
    last = np.flatnonzero(passed)
    sure = np.zeros(len(order), np.bool_)
    sure[order[: last[-1] + 1 if len(last) else 0]] = True
    return sure


def _doubt(checks: Checks, sure: Bools) -> Float64s:
    """The highest score of the boxes of each frame that are not accepted."""
    highest = np.zeros(len(checks))
    np.maximum.at(highest, checks.boxes.owner, np.where(sure, 0, checks.boxes.score))
    return highest


def _by_doubt(checks: Checks, sure: Bools) -> tuple[Float64s, Float64s, Float64s]:
    """Doubt, missed objects and objects of each frame, the least doubtful first."""
    doubt = _doubt(checks, sure)
    missed = checks.objects - checks.in_each_frame(sure & checks.found)
    order = np.argsort(doubt, kind="stable")
    return doubt[order], missed[order].astype(np.float64), checks.objects[order].astype(np.float64)
