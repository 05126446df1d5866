"""Whether what was accepted without a person keeps its promises, from frames labelled blind."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from prelabel.active.acceptance import Promises
from prelabel.active.betting import log_evidence_broken
from prelabel.active.checks import Checks
from prelabel.active.presence import classes_of
from prelabel.datasets.arrays import Bools, Float64s


class Kept(StrEnum):
    """What is promised of accepted labels."""

    PRECISION = "precision"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Audited:
    """What audited frames say of one promise.

    Of `checked` boxes (objects, where it is about missed ones) `failed` are wrong (missed).
    `evidence` against the promise, in nats, is the highest that it was after any frame; the promise
    is `broken` once it exceeds log(1 / (1 - confidence)), which happened with frame `broken_at`,
    counted from 0.
    """

    promise: Kept
    checked: int
    failed: int
    evidence: float
    broken_at: int | None

    @property
    def broken(self) -> bool:
        return self.broken_at is not None


def audit(
    accepted: Checks, whole: Bools, promises: Promises, most_boxes: int
) -> tuple[Audited, Audited]:
    """Test both promises on audited frames, in the order in which they were labelled.

    `accepted` holds the accepted boxes only, beside what people found who had not seen them;
    `whole` (n,) says which frames were accepted whole. The frames must be drawn at random from what
    was accepted. It may be asked after each frame: a promise that is kept is called broken with a
    probability of at most 1 - confidence, ever (see `prelabel.active.betting`).
    """
    boxes = accepted.boxes.counts.astype(np.float64)
    wrong = accepted.in_each_frame(~accepted.right).astype(np.float64)
    found = accepted.in_each_frame(accepted.found)
    missed = np.where(whole, accepted.objects - found, 0).astype(np.float64)
    objects = np.where(whole, accepted.objects, 0).astype(np.float64)
    return (
        _audited(Kept.PRECISION, boxes, wrong, promises.wrong, most_boxes, promises.confidence),
        _audited(Kept.MISSED, objects, missed, promises.missed, most_boxes, promises.confidence),
    )


def audit_classes(
    accepted: Checks, promises: Promises, most_boxes: Mapping[int, int]
) -> dict[int, Audited]:
    """Test the first promise for each class that it was made for, by the most boxes of a frame.

    They share the confidence: all of them together are called broken with a probability of at most
    1 - confidence while they are kept.
    """
    of_class = classes_of(accepted.boxes) if len(accepted.right) else np.zeros(0, np.int64)
    each = 1 - (1 - promises.confidence) / max(len(most_boxes), 1)
    found = {}
    for one, most in most_boxes.items():
        own = of_class == one
        boxes = accepted.in_each_frame(own).astype(np.float64)
        wrong = accepted.in_each_frame(own & ~accepted.right).astype(np.float64)
        found[one] = _audited(Kept.PRECISION, boxes, wrong, promises.wrong, most, each)
    return found


def _audited(
    promise: Kept,
    checked: Float64s,
    failed: Float64s,
    share: float,
    most_boxes: int,
    confidence: float,
) -> Audited:
    # Failures less their share of all: at its lowest where the most boxes are accepted, all right.
    evidence = log_evidence_broken(failed - share * checked, -share * most_boxes)
    enough = np.flatnonzero(evidence >= -math.log1p(-confidence))
    return Audited(
        promise,
        int(checked.sum()),
        int(failed.sum()),
        float(evidence.max(initial=0.0)),
        int(enough[0]) if len(enough) else None,
    )
