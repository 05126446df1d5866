"""How good models are on frames that were drawn by lot, before they learn from them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prelabel.active.learning_curve import CONTROL, CurvePoint
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.frames import LabelledFrame
from prelabel.datasets.predictions import Prediction
from prelabel.models.evaluation import evaluate

GROUPS = 10
LEAST_FRAMES = 10


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """Frames with their labels, and what a model proposed on them before it learned from them.

    `seconds` are people's, spent until the model was trained. A frame without a prediction is one
    on which nothing was found.
    """

    seconds: float
    predictions: Sequence[Prediction]
    truth: Sequence[LabelledFrame]


def control_points(rounds: Sequence[Shown], classes: Sequence[str]) -> list[CurvePoint]:
    """Points of the learning curve from the control frames of each round, oldest first.

    The control frames of a batch are a random sample of the pool, whatever strategy chose the rest,
    and the model that is measured had not learned from them (prequential). A batch holds few of
    them, so rounds that follow each other are put together, from the newest on, until a point
    rests on 10 frames; it stands at their mean seconds. What is left of the oldest is left out.
    """
    points: list[CurvePoint | None] = []
    group: list[Shown] = []
    for one in reversed(rounds):
        group.append(one)
        if sum(len(shown.truth) for shown in group) >= LEAST_FRAMES:
            points.append(measured_point(_together(group), classes, CONTROL))
            group = []
    return [point for point in reversed(points) if point is not None]


def measured_point(shown: Shown, classes: Sequence[str], source: str) -> CurvePoint | None:
    """mAP50 on these frames with its standard error; None where fewer than 2 have a true box.

    The error is that of the delete-a-group jackknife with 10 groups in the order of ids (Kott, "The
    delete-a-group jackknife", Journal of Official Statistics, 2001), and at least 1 / (2 + frames
    with boxes): a few frames that are all right, or all wrong, do not make a model sure.
    """
    truth = sorted(shown.truth, key=lambda one: one.frame.frame_id)
    with_boxes = sum(bool(one.annotations is not None and len(one.annotations)) for one in truth)
    if with_boxes < 2:
        return None
    by_id = {one.frame_id: one for one in shown.predictions}

    def map50(frames: Sequence[LabelledFrame]) -> float:
        found = [by_id[o.frame.frame_id] for o in frames if o.frame.frame_id in by_id]
        return evaluate(found, frames, classes).map50

    whole, groups = map50(truth), min(GROUPS, len(truth))
    without = []
    for group in range(groups):
        try:
            without.append(map50([o for n, o in enumerate(truth) if n % groups != group]))
        except InvalidValueError:  # every box is in this group
            continue
    error = np.sqrt((groups - 1) * np.var(without))
    return CurvePoint(shown.seconds, whole, max(float(error), 1 / (2 + with_boxes)), source)


def _together(group: Sequence[Shown]) -> Shown:
    counts = [len(one.truth) for one in group]
    seconds = float(np.average([one.seconds for one in group], weights=counts))
    predictions = [prediction for one in group for prediction in one.predictions]
    return Shown(seconds, predictions, [frame for one in group for frame in one.truth])
