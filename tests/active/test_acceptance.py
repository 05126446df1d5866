"""Rules, losses, and the two promises."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from builders import annotations
from check_worlds import a_world
from pools import placed_prediction

from prelabel.active.acceptance import (
    Accepted,
    BoxLimit,
    Promises,
    Rule,
    calm_frames,
    missed_counts,
    sure_boxes,
    wrong_counts,
)
from prelabel.active.acceptance_plan import FIT_FRAMES, plan_acceptance
from prelabel.active.audit import Kept, audit, audit_classes
from prelabel.active.box_table import BoxTable
from prelabel.active.checks import Checks, Judged
from prelabel.active.loosening import Path, box_limits
from prelabel.active.promise_tests import Units, foretold_growth
from prelabel.datasets.arrays import Bools
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.predictions import ClassScores

FIT = np.arange(FIT_FRAMES)
EASY = Promises(precision=0.9, missed=0.2, confidence=0.9)


def three_frames() -> Checks:
    """A right and a wrong box; one of the wrong class, and an object without a box; nothing."""
    predictions = [
        placed_prediction("a", [[0.9, 0.1], [0.8, 0.1]], [[0, 0, 10, 10], [30, 30, 40, 40]]),
        placed_prediction("b", [[0.2, 0.7]]),
        placed_prediction("c", []),
    ]
    labels = [
        annotations([[0, 0, 10, 9]], [0]),
        annotations([[0, 0, 10, 10], [40, 20, 50, 40]], [0, 1]),
        annotations(np.zeros((0, 4)), []),
    ]
    return Checks.of(predictions, labels)


def test_checks_by_hand() -> None:
    checks = three_frames()
    assert checks.right.tolist() == [True, False, False]
    assert checks.found.tolist() == [True, False, True]
    assert checks.objects.tolist() == [1, 2, 0]
    assert checks.take(np.array([1, 2])).found.tolist() == [True]
    assert checks.take(np.array([2, 0])).boxes.start.tolist() == [0, 0, 2]


def test_losses_by_hand() -> None:
    checks = three_frames()
    every = np.ones(3, np.bool_)
    assert wrong_counts(checks, every).losses(0.1) == pytest.approx([1 - 0.2, 1 - 0.1, 0])
    accepted = Accepted(np.ones(3), every, np.zeros(3), np.array([True, True, False]))
    # the first frame misses nothing of one object, the second one of two
    missed = missed_counts(checks, accepted, 9)
    assert missed.losses(0.1) == pytest.approx([-0.1, 1 - 0.2, 0])
    assert missed_counts(checks, accepted, 0).losses(0.1)[1] == pytest.approx(-0.1)


def table(counts: list[int]) -> BoxTable:
    start = np.concatenate([np.zeros(1, np.intp), np.cumsum(counts, dtype=np.intp)])
    boxes = int(start[-1])
    classes = np.arange(boxes) % 2
    return BoxTable(start, np.ones(boxes, np.float32), ClassScores.INDEPENDENT, classes)


def test_a_rule_by_hand() -> None:
    probability = np.array([0.99, 0.8, 0.45, 0.9, 0.99, 0.95])
    boxes = table([3, 3])

    def sure(rule: Rule) -> list[int]:
        found: list[int] = sure_boxes(boxes, probability, rule).astype(int).tolist()
        return found

    assert sure(Rule({None: BoxLimit(0.9, 3)})) == [1, 0, 0, 1, 1, 1]
    assert sure(Rule({None: BoxLimit(0.9, 2)})) == [1, 0, 0, 0, 1, 1]  # the two likeliest
    assert sure(Rule({None: BoxLimit(0.0, 9)})) == [1, 1, 0, 1, 1, 1]  # likelier wrong: never
    by_class = Rule({0: BoxLimit(0.9, 1), 1: BoxLimit(0.8, 1)})  # classes 0 1 0 and 1 0 1
    assert sure(by_class) == [1, 1, 0, 0, 1, 1]
    assert by_class.most_boxes == 2
    calm = calm_frames(boxes, probability, by_class)
    assert calm.tolist() == [True, False]  # the second frame has three likely boxes


def test_limits_are_loosened_step_by_step() -> None:
    world = a_world(50, np.random.default_rng(7))
    fit = Judged(world, world.boxes.score.astype(np.float64))
    limits = box_limits(fit, None, 0.1)
    assert all((b.probability < a.probability) != (b.most > a.most) for a, b in pairwise(limits))
    assert limits[-1].probability == 0.5
    path = Path({0: limits[:3], 1: limits[:2]})
    assert path.at(2) == Rule({0: limits[2], 1: limits[1]})
    assert path.reached({0: 2, 1: 1}) == 2
    assert path.reached({0: 2, 1: 0}) == 0
    assert path.reached({0: None, 1: 1}) == -1


def test_growth_by_hand() -> None:
    # one sure box a frame: no more than 0.95 / 0.98 can be staked, and each check wins 0.02 of it
    growth = foretold_growth(np.zeros(3), np.ones(3), 0.02, 1)
    assert growth == pytest.approx(np.log1p(0.02 * 0.95 / 0.98))
    assert foretold_growth(np.full(3, 0.5), np.ones(3), 0.02, 1) < 0


def test_the_plan_stops_at_the_first_rule_that_fails() -> None:
    world = a_world(900, np.random.default_rng(0))
    plan = plan_acceptance(world.take(FIT), world.take(np.arange(50, 900)), EASY)
    tested = plan.precision[None]
    assert [step.kept for step in tested.steps[:-1]] == [True] * (len(tested.steps) - 1)
    assert plan.rule is not None
    assert tested.last_kept == sum(step.kept for step in tested.steps) - 1
    accepted = [step.accepted for step in tested.steps]
    assert accepted == sorted(accepted)
    assert tested.shown < EASY.wrong


def test_too_little_evidence_is_told_in_numbers() -> None:
    world = a_world(100, np.random.default_rng(1))
    plan = plan_acceptance(world.take(FIT), world.take(np.arange(50, 100)), Promises())
    assert plan.rule is None
    tested = plan.precision[None]
    assert tested.at_least == 149
    assert tested.needed is None or tested.needed > 149
    assert tested.shown > 0.02
    with pytest.raises(InvalidValueError, match="30 boxes are needed"):
        plan_acceptance(world.take(np.arange(2)), world, Promises())


def failed_shares(checks: Checks, sure: Bools, whole: Bools) -> tuple[float, float]:
    wrong = (sure & ~checks.right).sum() / max(sure.sum(), 1)
    found = checks.in_each_frame(sure & checks.found)[whole].sum()
    return float(wrong), 1 - float(found) / max(int(checks.objects[whole].sum()), 1)


def test_both_promises_hold_over_many_draws() -> None:
    rng = np.random.default_rng(2)
    pool = a_world(6000, rng)
    broken, accepted_some, whole_some = np.zeros(2), 0, 0
    draws = 120
    for _ in range(draws):
        drawn = rng.permutation(6000)[:350]
        plan = plan_acceptance(pool.take(drawn[:50]), pool.take(drawn[50:]), EASY)
        if plan.rule is None:
            continue
        accepted = plan.judge.accept(pool.boxes, plan.rule)
        shares = failed_shares(pool, accepted.sure, accepted.whole)
        accepted_some += 1
        whole_some += bool(accepted.whole.any())
        broken += (shares[0] > EASY.wrong, bool(accepted.whole.any()) and shares[1] > EASY.missed)
    assert accepted_some > draws / 2
    assert whole_some > draws / 4
    assert (broken / draws <= 0.1 + 2 * np.sqrt(0.1 * 0.9 / draws)).all()


def test_each_class_on_its_own() -> None:
    rng = np.random.default_rng(3)
    world = a_world(2500, rng)
    assert world.boxes.class_id is not None
    hopeless = world.boxes.class_id == 2
    right = world.right & ~(hopeless & (rng.random(len(hopeless)) < 0.5))
    world = replace(world, right=right)
    plan = plan_acceptance(
        world.take(FIT), world.take(np.arange(50, 2500)), EASY, classes=(0, 1, 2)
    )
    assert plan.rule is not None
    accepted = plan.judge.accept(world.boxes, plan.rule)
    assert world.boxes.class_id is not None
    assert set(np.unique(world.boxes.class_id[accepted.sure]).tolist()) == {0, 1}
    assert not accepted.whole.any()  # class 2 would be missed


def test_frames_of_a_recording_count_together() -> None:
    world = a_world(450, np.random.default_rng(4))
    test = world.take(np.arange(50, 450))
    alone = plan_acceptance(world.take(FIT), test, EASY)
    recordings = Units(np.arange(400) // 10, most_frames=10)
    together = plan_acceptance(world.take(FIT), test, EASY, recordings)
    assert recordings.count == together.precision[None].units == 40
    assert together.precision[None].shown > alone.precision[None].shown
    with pytest.raises(InvalidValueError, match="units are of 3 frames"):
        plan_acceptance(world.take(FIT), test, EASY, Units.single(3))


def test_an_audit_by_hand() -> None:
    checks = three_frames()
    precision, missed = audit(checks, np.array([True, True, False]), EASY, 3)
    assert (precision.promise, precision.checked, precision.failed) == (Kept.PRECISION, 3, 2)
    assert (missed.promise, missed.checked, missed.failed) == (Kept.MISSED, 3, 1)
    assert not precision.broken


def test_an_audit_calls_out_what_is_bad_and_only_that() -> None:
    rng = np.random.default_rng(5)
    good, bad = a_world(200, rng), a_world(200, rng)
    good = replace(good, right=np.ones_like(good.right), found=np.ones_like(good.found))
    bad = replace(bad, right=rng.random(len(bad.right)) < 0.7)
    whole = np.ones(200, np.bool_)
    assert not audit(good, np.zeros(200, np.bool_), EASY, 9)[0].broken
    precision, _ = audit(bad, whole, EASY, 9)
    assert precision.broken_at is not None
    assert precision.broken_at < 40


@pytest.mark.parametrize(
    "wrong", [{"precision": 1.0}, {"missed": 0.0}, {"confidence": 2.0}, {"iou": 0.3}]
)
def test_promises_out_of_range(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidValueError):
        Promises(**wrong)


def test_classes_are_audited_on_their_own() -> None:
    places = [[0, 0, 10, 10], [30, 30, 40, 40]]
    predictions = [
        placed_prediction(str(row), [[0.9, 0.1], [0.1, 0.9]], places) for row in range(40)
    ]
    truth = annotations([[0, 0, 10, 10]], [0])  # every box of class 1 is wrong
    checks = Checks.of(predictions, [truth] * 40)
    promises = Promises(precision=0.9, missed=0.1, confidence=0.9)
    tested = audit_classes(checks, promises, {0: 1, 1: 1})
    assert (tested[0].checked, tested[0].failed, tested[0].broken) == (40, 0, False)
    assert (tested[1].checked, tested[1].failed, tested[1].broken) == (40, 40, True)
    # Two classes share the confidence: more evidence is asked for than of one alone.
    alone = audit_classes(checks, promises, {1: 1})[1]
    assert alone.broken_at is not None
    assert tested[1].broken_at is not None
    assert alone.broken_at < tested[1].broken_at
    nothing = audit_classes(Checks.of([], []), promises, {0: 1})[0]
    assert (nothing.checked, nothing.broken) == (0, False)
