"""Why a frame was chosen, in words and numbers an annotator understands."""

import numpy as np

from prelabel.active.box_table import BoxTable
from prelabel.active.pool import Pool
from prelabel.active.scores import Measure, PoolBoxes
from prelabel.datasets.predictions import ClassScores, Prediction

SURE_FROM = 0.8  # probability of the likeliest outcome from which a box is not called unsure
MOST_BOXES_TOLD = 2  # more than these are only counted

NOTHING = "nothing there"


RANDOM_REASON = "drawn at random"
CONTROL_REASON = "drawn at random as a control, whatever the model thinks of it"
FIRST_REASON = "the most typical picture of the pool: nothing is labelled yet"


def uncertainty_reason(pool: Pool, prediction: Prediction, measure: Measure) -> str:
    """Which boxes of a frame the model is least sure of."""
    if not len(prediction):
        return f"no box found; {_hint(pool, prediction)}"
    boxes = PoolBoxes.of(BoxTable.of([prediction]))
    unsure = int((boxes.distribution.max(axis=1) < SURE_FROM).sum())
    told = min(max(unsure, 1), MOST_BOXES_TOLD)
    least_sure = np.argsort(-boxes.values(measure), kind="stable")[:told]
    doubts = "; ".join(_doubt(pool, prediction, int(box)) for box in least_sure)
    more = f" and {unsure - told} more" if unsure > told else ""
    return f"{_counted(len(prediction), unsure)}; least sure: {doubts}{more}"


def distance_reason(distance: float, typical: float) -> str:
    """How far a frame lies from what is labelled or chosen; `typical` is the pool's median."""
    if typical > 0:
        return (
            f"unlike every labelled or chosen picture: distance {distance:.3g} to the most similar "
            f"one, {distance / typical:.1f} times the median"
        )
    return f"distance {distance:.3g} to the most similar labelled or chosen picture"


def _counted(boxes: int, unsure: int) -> str:
    noun = "box" if boxes == 1 else "boxes"
    if unsure == 0:
        return f"{boxes} {noun}, {'all ' if boxes > 1 else ''}fairly clear to the model"
    if unsure == boxes:
        return f"{boxes} {noun} the model is unsure of"
    return f"{boxes} {noun}, the model is unsure of {unsure}"


def _doubt(pool: Pool, prediction: Prediction, box: int) -> str:
    """The two likeliest outcomes of one box: "van 0.41 or truck 0.38"."""
    outcomes = sorted(_outcomes(pool, prediction, box), key=lambda one: -one[1])[:2]
    outcomes.sort(key=lambda one: one[0] == NOTHING)  # name the object before its absence
    return " or ".join(f"{name} {probability:.2f}" for name, probability in outcomes)


def _outcomes(pool: Pool, prediction: Prediction, box: int) -> list[tuple[str, float]]:
    if prediction.class_probs is None:
        score = float(prediction.score[box])
        return [(pool.class_name(int(prediction.class_id[box])), score), (NOTHING, 1 - score)]
    probs = prediction.class_probs[box].astype(float)
    independent = prediction.class_scores is ClassScores.INDEPENDENT
    taken = probs.max() if independent else probs.sum()
    classes = [(pool.class_name(number), float(p)) for number, p in enumerate(probs)]
    return [*classes, (NOTHING, max(1 - float(taken), 0.0))]


def _hint(pool: Pool, prediction: Prediction) -> str:
    peak = prediction.class_peak
    if peak is None or not peak.size:
        return "the model gives no hint of an object"
    likeliest = int(peak.argmax())
    return f"strongest hint: {pool.class_name(likeliest)} {peak[likeliest]:.2f}"
