"""What may be accepted without a person, with two promises that hold.

Some checked frames fit the probabilities and say which limits are tested in which order; others
test. As long as the first stay the same, checks may be added and the plan made anew as often as one
likes: the bets behind the tests are valid whenever one stops.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from prelabel.active.acceptance import (
    NEVER,
    Judge,
    Promises,
    Rule,
    missed_losses,
    most_boxes_of,
    sure_boxes,
    with_missed_limit,
    wrong_losses,
)
from prelabel.active.checks import Checks
from prelabel.active.presence import classes_of
from prelabel.active.promise_tests import Tested, Units, foretold_growth, put_to_test
from prelabel.active.right_boxes import RightBoxes
from prelabel.datasets.arrays import Bools, Float64s
from prelabel.datasets.errors import InvalidValueError

FIT_FRAMES = 50  # checks that teach the probabilities, and test nothing
LEAST_FIT_BOXES = 30
BOX_LIMITS = (
    *(0.999, 0.998, 0.997, 0.995, 0.993, 0.99, 0.985, 0.98, 0.97, 0.96, 0.95, 0.93, 0.9),
    *(0.85, 0.8, 0.7, 0.6, 0.5),
)
MISSED_STEPS = 12  # limits for whole frames, each accepting as many frames more
PRIOR_BOXES = 20  # that count as much as what the probabilities say: they are dull at the top
CAUTION = 1.2  # rates flatter the frames that they were fitted on

Group = int | None  # a class, or all of them


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What the checks allow: the rule, None where no box may be accepted, and how it was found.

    `precision` holds the test of the boxes of all classes under the key None, or one a class.
    """

    promises: Promises
    judge: Judge
    rule: Rule | None
    precision: Mapping[Group, Tested]
    missed: Tested


def plan_acceptance(
    fit: Checks,
    test: Checks,
    promises: Promises,
    units: Units | None = None,
    classes: Sequence[int] | None = None,
) -> Plan:
    """Find the loosest limits under which both promises hold.

    The frames of both must have been drawn at random from those that the rule is for, stand in the
    order in which they were drawn, and have trained no detector. `units` are those of the test
    frames. With `classes` the promise for boxes is made for each of them, all with the confidence
    together, and boxes of other classes are left to people.

    Raises InvalidValueError with fewer than 30 boxes to fit on.
    """
    if len(fit.right) < LEAST_FIT_BOXES:
        raise InvalidValueError(
            f"{len(fit)} frames with {len(fit.right)} boxes are too few to fit probabilities on: "
            f"{LEAST_FIT_BOXES} boxes are needed"
        )
    units = units or Units.single(len(test))
    right = RightBoxes.fit(fit)
    most_boxes = most_boxes_of(fit.boxes, right.of(fit.boxes))
    groups: list[Group] = [None] if classes is None else list(classes)
    each = 1 - (1 - promises.confidence) / len(groups)
    trials = {one: BoxTrial.of(fit, right, most_boxes, one, promises.wrong) for one in groups}
    tested = {
        group: put_to_test(trial, fit, test, promises.wrong, each, units)
        for group, trial in trials.items()
    }
    strict = _rule({group: trial.limits[0] for group, trial in trials.items()}, most_boxes)
    judge = Judge.fit(fit, right, strict)
    trial = FrameTrial.of(fit, judge, promises.missed)
    missed = put_to_test(trial, fit, test, promises.missed, promises.confidence, units)
    limits = {group: one.limit for group, one in tested.items()}
    if all(limit is None for limit in limits.values()):
        return Plan(promises, judge, None, tested, missed)
    # The strict rule decides which boxes the second promise counts as accepted; where a class
    # failed its test fewer are, and nothing is known of what is missed.
    whole = missed.limit if all(limit is not None for limit in limits.values()) else None
    rule = with_missed_limit(_rule(limits, most_boxes), whole)
    return Plan(promises, judge, rule, tested, missed)


@dataclass(frozen=True, slots=True, eq=False)
class BoxTrial:
    """That of the boxes accepted, of one class or of all, at most a share is wrong."""

    right: RightBoxes
    group: Group
    worst: int  # the most boxes accepted on one frame
    limits: Sequence[float] = BOX_LIMITS

    @classmethod
    def of(
        cls, fit: Checks, right: RightBoxes, most_boxes: int, group: Group, share: float
    ) -> "BoxTrial":
        """Begins with the limit under which the evidence is foretold to grow fastest."""
        every = cls(right, group, most_boxes)
        probability = right.of(fit.boxes)

        def foretold(limit: float) -> float:
            sure = every._sure(fit, limit)
            accepted = fit.in_each_frame(sure).astype(np.float64)
            foretold = PRIOR_BOXES * float((1 - probability[sure]).mean()) if sure.any() else 0.0
            rate = ((sure & ~fit.right).sum() + foretold) / (sure.sum() + PRIOR_BOXES)
            return foretold_growth(rate * accepted, accepted, share, most_boxes)

        first = int(np.argmax([foretold(limit) for limit in BOX_LIMITS]))
        return cls(right, group, most_boxes, BOX_LIMITS[first:])

    def losses(self, checks: Checks, limit: float, share: float) -> Float64s:
        return wrong_losses(checks, self._sure(checks, limit), share)

    def tally(self, checks: Checks, limit: float) -> tuple[int, int]:
        sure = self._sure(checks, limit)
        return int(sure.sum()), int((sure & ~checks.right).sum())

    def _sure(self, checks: Checks, limit: float) -> Bools:
        rule = Rule(limit, self.worst)
        sure = sure_boxes(checks.boxes, self.right.of(checks.boxes), rule)
        return sure if self.group is None else sure & (classes_of(checks.boxes) == self.group)


@dataclass(frozen=True, slots=True, eq=False)
class FrameTrial:
    """That on frames accepted whole at most a share of the objects is missed.

    What the judge's strict rule accepts counts as found; any looser rule finds more. A frame is
    taken to miss at most `worst` objects: as many as any frame has that fitted the probabilities,
    but no more than boxes may be accepted on one. That is an assumption, not a test.
    """

    judge: Judge
    worst: int
    limits: Sequence[float]

    @classmethod
    def of(cls, fit: Checks, judge: Judge, share: float) -> "FrameTrial":
        """Begins with the limit under which the evidence is foretold to grow fastest."""
        worst = min(max(int(fit.objects.max(initial=0)), 1), judge.strict.most_boxes)
        all_calm = judge.accept(fit.boxes, with_missed_limit(judge.strict, np.inf))
        rates = all_calm.missed[all_calm.whole]
        if not len(rates):
            return cls(judge, worst, ())
        limits = np.unique(np.quantile(rates, np.arange(1, MISSED_STEPS + 1) / MISSED_STEPS))
        found = fit.in_each_frame(all_calm.sure).astype(np.float64)

        def foretold(limit: float) -> float:
            whole = all_calm.whole & (all_calm.missed <= limit)
            missed = np.where(whole, all_calm.missed * CAUTION, 0)
            return foretold_growth(missed, np.where(whole, found, 0), share, worst)

        first = int(np.argmax([foretold(limit) for limit in limits]))
        return cls(judge, worst, limits[first:].tolist())

    def losses(self, checks: Checks, limit: float, share: float) -> Float64s:
        rule = with_missed_limit(self.judge.strict, limit)
        return missed_losses(checks, self.judge.accept(checks.boxes, rule), share, self.worst)

    def tally(self, checks: Checks, limit: float) -> tuple[int, int]:
        accepted = self.judge.accept(checks.boxes, with_missed_limit(self.judge.strict, limit))
        objects = int(checks.objects[accepted.whole].sum())
        found = checks.in_each_frame(accepted.sure & checks.found)[accepted.whole]
        return objects, objects - int(found.sum())


def _rule(limits: Mapping[Group, float | None], most_boxes: int) -> Rule:
    if None in limits:
        limit = limits[None]
        return Rule(NEVER if limit is None else limit, most_boxes)
    of_classes = {one: NEVER if at is None else at for one, at in limits.items() if one is not None}
    return Rule(NEVER, most_boxes, class_limits=of_classes)
