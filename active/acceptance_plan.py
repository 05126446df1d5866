"""What may be accepted without a person, with two promises that hold.

Some checked frames fit the probabilities and say which rules are tested in which order; others
test. As long as the first stay the same, checks may be added and the plan made anew as often as one
likes: the bets behind the tests are valid whenever one stops.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from prelabel.active.acceptance import (
    BoxLimit,
    Group,
    Judge,
    Promises,
    Rule,
    calm_frames,
    missed_counts,
    sure_boxes,
    wrong_counts,
)
from prelabel.active.checks import Checks, Counts, Judged
from prelabel.active.loosening import Path, box_limits
from prelabel.active.promise_tests import Tested, Units, foretold_growth, put_to_test
from prelabel.active.right_boxes import RightBoxes
from prelabel.datasets.arrays import Bools, Float64s
from prelabel.datasets.errors import InvalidValueError

FIT_FRAMES = 50  # checks that teach the probabilities, and test nothing
LEAST_FIT_BOXES = 30
MISSED_STEPS = 12  # limits for whole frames, each accepting as many frames more
CAUTION = 1.2  # rates flatter the frames that they were fitted on
SLOWER = 0.5  # of the fastest growth of evidence: so much is given up to accept more frames


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What the checks allow: the rule, None where no box may be accepted, and how it was found.

    `precision` holds the test of the boxes of all classes under the key None, or one a class.
    `missed` is the test of whole frames.
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
    """Find the loosest rule under which both promises hold.

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
    fitted, tests = Judged(fit, right.of(fit.boxes)), Judged(test, right.of(test.boxes))
    groups: list[Group] = [None] if classes is None else list(classes)
    each = 1 - (1 - promises.confidence) / len(groups)
    path = Path({group: box_limits(fitted, group, promises.wrong) for group in groups})
    precision = {
        group: put_to_test(
            BoxTrial(group, path.limits[group]), fitted, tests, promises.wrong, each, units
        )
        for group in groups
    }
    frames = FrameTrial.of(path, fitted, right, promises.missed)
    missed = put_to_test(frames, fitted, tests, promises.missed, promises.confidence, units)
    kept = {group: one.last_kept for group, one in precision.items()}
    limits = {group: path.limits[group][last] for group, last in kept.items() if last is not None}
    step = frames.step_for(path.reached(kept), missed)
    judge = frames.judges[0 if step is None else step]
    if not limits:
        return Plan(promises, judge, None, precision, missed)
    return Plan(promises, judge, Rule(limits, frames.limit_of(step)), precision, missed)


@dataclass(frozen=True, slots=True, eq=False)
class BoxTrial:
    """That of the boxes accepted, of one class or of all, at most a share is wrong."""

    group: Group
    limits: Sequence[BoxLimit]

    def __len__(self) -> int:
        return len(self.limits)

    def worst(self, step: int) -> int:
        return self.limits[step].most

    def counts(self, judged: Judged, step: int) -> Counts:
        return wrong_counts(judged.checks, self._sure(judged, step))

    def _sure(self, judged: Judged, step: int) -> Bools:
        rule = Rule({self.group: self.limits[step]})
        return sure_boxes(judged.checks.boxes, judged.probability, rule)


@dataclass(frozen=True, slots=True, eq=False)
class FrameTrial:
    """That on frames accepted whole at most a share of the objects is missed.

    The steps are stages of the rule for boxes: first the loosest in which evidence is foretold to
    grow at half the best speed or more, then stricter ones. A looser rule finds all that a stricter
    one does; so what was shown of a stage holds whenever the boxes were allowed that stage or a
    looser one.

    A frame is taken to miss at most as many objects as any frame holds that fitted the
    probabilities and was calm enough to be accepted whole. That is an assumption, not a test.
    """

    judges: Sequence[Judge]
    missed_limits: Sequence[float]
    most_objects: Sequence[int]

    @classmethod
    def of(cls, path: Path, fit: Judged, right: RightBoxes, share: float) -> "FrameTrial":
        """The stages of a path, each with the limit that its fitting frames speak for."""
        judges, limits, most, growth = [], [], [], []
        for stage in reversed(range(path.stages)):
            judge = Judge.fit(fit, right, path.at(stage))
            calm = calm_frames(fit.checks.boxes, fit.probability, judge.strict)
            judges.append(judge)
            most.append(max(int(fit.checks.objects[calm].max(initial=0)), 1))
            limit, speed = _missed_limit(judge, fit, share, most[-1])
            limits.append(limit)
            growth.append(speed)
        first = _first_enough(np.array(growth))
        return cls(judges[first:], limits[first:], most[first:])

    def __len__(self) -> int:
        return len(self.judges)

    def worst(self, step: int) -> int:
        return self.most_objects[step]

    def step_for(self, stage: int, tested: Tested) -> int | None:
        """The step whose rule boxes are allowed in this stage; None where it was not kept."""
        step = max(len(self.judges) - 1 - stage, 0)
        kept = tested.last_kept
        return step if stage >= 0 and kept is not None and step <= kept else None

    def limit_of(self, step: int | None) -> float | None:
        """The expected number of missed objects up to which frames are accepted whole."""
        return None if step is None else self.missed_limits[step]

    def counts(self, judged: Judged, step: int) -> Counts:
        accepted = self.judges[step].judged(judged, self.missed_limits[step])
        return missed_counts(judged.checks, accepted, self.most_objects[step])


def _missed_limit(judge: Judge, fit: Judged, share: float, worst: int) -> tuple[float, float]:
    """The loosest limit under which evidence is foretold to grow at half the best speed or more,
    and that best speed."""
    every = judge.judged(fit, np.inf)
    rates = every.missed[every.whole]
    if not len(rates):
        return 0.0, -np.inf
    limits = np.unique(np.quantile(rates, np.arange(1, MISSED_STEPS + 1) / MISSED_STEPS))
    found = fit.checks.in_each_frame(every.sure).astype(np.float64)

    def foretold(limit: float) -> float:
        whole = every.whole & (every.missed <= limit)
        missed = np.where(whole, every.missed * CAUTION, 0)
        return foretold_growth(missed, np.where(whole, found, 0), share, worst)

    growth = np.array([foretold(limit) for limit in limits])
    best = float(growth.max())
    return float(limits[::-1][_first_enough(growth[::-1])]), best


def _first_enough(growth: Float64s) -> int:
    """The first at half the best speed or more."""
    best = growth.max()
    return int(np.argmax(growth >= (SLOWER * best if best > 0 else best)))
