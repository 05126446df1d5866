"""What a person who knows the true boxes does on the review page, key by key and click by click.

The same decisions are carried out in a browser (see scripted_annotator) and counted without one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from prelabel.active.cost import TIGHT_IOU
from prelabel.active.matching import UNMATCHED, match
from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.predictions import ClassScores, Prediction

Corners = tuple[float, float, float, float]

# A corner is left alone where it is this near, in pixels or as a share of the box's side.
NEAR_PX, NEAR_SHARE = 2.0, 0.05


@dataclass(frozen=True, slots=True)
class SeenBox:
    """A proposal as the page shows it; `uncertainty` and `score` 0 to 1."""

    box_id: str
    xyxy: Corners
    class_id: int
    score: float
    uncertainty: float


@dataclass(frozen=True, slots=True)
class Effort:
    """Keys pressed and mouse buttons pressed; a drag is one click."""

    keys: int = 0
    clicks: int = 0

    def __add__(self, other: "Effort") -> "Effort":
        return Effort(self.keys + other.keys, self.clicks + other.clicks)


class Verdict(StrEnum):
    """What is to be done about a proposal."""

    RIGHT = "right"
    WRONG = "wrong"
    RECLASS = "reclass"
    ADJUST = "adjust"


class Reshape(StrEnum):
    """How a loose box is made tight: one of its corners is dragged, or it is drawn anew."""

    TOP_LEFT = "top left"
    BOTTOM_RIGHT = "bottom right"
    ANEW = "anew"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict with the true box behind the proposal, if there is one, and how to get there."""

    verdict: Verdict
    class_id: int | None = None
    xyxy: Corners | None = None
    reshape: Reshape | None = None
    changes_class: bool = False

    @property
    def effort(self) -> Effort:
        """A key for the verdict, one to draw anew, one for another class; a drag to reshape."""
        if self.reshape is None:
            return Effort(keys=1)
        return Effort(1 + (self.reshape is Reshape.ANEW) + self.changes_class, 1)


@dataclass(frozen=True, slots=True)
class Missing:
    """A true box without a proposal."""

    xyxy: Corners
    class_id: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Decisions by box id, and what is to be drawn, boxes of one class after the other."""

    decisions: Mapping[str, Decision]
    missing: tuple[Missing, ...]


def plan_of(shown: Sequence[SeenBox], truth: AnnotationSet, draw_class: int) -> Plan:
    """What turns the proposals that are shown into the true boxes.

    A proposal is right from an overlap of 0.75 on and about an object from 0.5 on, as the cost
    model has it. Drawing begins with the class `draw_class`, in which the page draws at first.
    """
    ranked = sorted(shown, key=lambda box: -box.score)
    matching = match(_prediction(ranked), truth)
    decisions = {
        box.box_id: _decision(box, truth, int(matching.truth_of[row]), float(matching.iou[row]))
        for row, box in enumerate(ranked)
    }
    for box in walk(shown):  # the page draws in the class that was given last
        decision = decisions[box.box_id]
        if decision.changes_class and decision.class_id is not None:
            draw_class = decision.class_id
    missing = [missing_of(truth, int(row)) for row in matching.missed]
    missing.sort(key=lambda one: (one.class_id != draw_class, one.class_id, one.xyxy))
    return Plan(decisions, tuple(missing))


def walk(shown: Iterable[SeenBox]) -> list[SeenBox]:
    """Proposals in the order in which the page goes through them: the most doubtful first."""
    return sorted(shown, key=lambda box: (-box.uncertainty, box.score, box.box_id))


def counted(shown: Sequence[SeenBox], truth: AnnotationSet, draw_class: int) -> tuple[Effort, int]:
    """The effort of one frame, and the class that the page draws in afterwards."""
    plan = plan_of(shown, truth, draw_class)
    effort = Effort()
    order = [plan.decisions[box.box_id] for box in walk(shown)]
    while order and any(one.verdict is not Verdict.RIGHT for one in order):
        decision = order.pop(0)
        effort += decision.effort
        if decision.changes_class and decision.class_id is not None:
            draw_class = decision.class_id
    if order and plan.missing:
        effort += Effort(keys=1)  # accept the rest
    if plan.missing:
        effort += Effort(keys=1)  # begin to draw
    for one in plan.missing:
        effort += Effort(keys=int(one.class_id != draw_class), clicks=1)
        draw_class = one.class_id
    return effort + Effort(keys=1), draw_class  # submit, with what is left accepted


def missing_of(truth: AnnotationSet, row: int) -> Missing:
    """A true box as one to draw."""
    return Missing(_corners(truth, row), int(truth.class_id[row]))


def _decision(box: SeenBox, truth: AnnotationSet, row: int, iou: float) -> Decision:
    if row == UNMATCHED:
        return Decision(Verdict.WRONG)
    class_id, xyxy = int(truth.class_id[row]), _corners(truth, row)
    changes_class = class_id != box.class_id
    if iou < TIGHT_IOU:
        reshape = _reshape(box.xyxy, xyxy)
        return Decision(Verdict.ADJUST, class_id, xyxy, reshape, changes_class)
    verdict = Verdict.RECLASS if changes_class else Verdict.RIGHT
    return Decision(verdict, class_id, xyxy, None, changes_class)


def _reshape(now: Corners, wanted: Corners) -> Reshape:
    sides = (wanted[2] - wanted[0], wanted[3] - wanted[1]) * 2
    near = [
        abs(wanted[edge] - now[edge]) <= max(NEAR_PX, NEAR_SHARE * sides[edge]) for edge in range(4)
    ]
    if near[0] and near[1]:
        return Reshape.BOTTOM_RIGHT
    if near[2] and near[3]:
        return Reshape.TOP_LEFT
    return Reshape.ANEW


def _corners(truth: AnnotationSet, row: int) -> Corners:
    left, top, right, bottom = truth.boxes.xyxy[row].tolist()
    return (left, top, right, bottom)


def _prediction(ranked: Sequence[SeenBox]) -> Prediction:
    return Prediction(
        "0" * 32,
        "shown",
        Boxes(np.array([box.xyxy for box in ranked], np.float32).reshape(-1, 4)),
        [box.score for box in ranked],
        [box.class_id for box in ranked],
        ClassScores.INDEPENDENT,
    )
