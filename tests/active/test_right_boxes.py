"""Calibrated probabilities of boxes."""

from dataclasses import replace

import numpy as np
import pytest
from check_worlds import a_world

from prelabel.active.calibration_error import detection_ece
from prelabel.active.checks import Checks
from prelabel.active.right_boxes import Look, RightBoxes


def test_scores_that_flatter_become_probabilities() -> None:
    rng = np.random.default_rng(0)
    checks, fresh = a_world(150, rng, flattery=2), a_world(600, rng, flattery=2)
    after = RightBoxes.fit(checks).of(fresh.boxes)
    before = fresh.boxes.score.astype(np.float64)
    assert detection_ece(after, fresh.right) < 0.4 * detection_ece(before, fresh.right)


def test_a_rare_class_goes_by_the_others() -> None:
    checks = a_world(150, np.random.default_rng(1))
    class_id = np.zeros(len(checks.right), np.int64)
    rare = np.flatnonzero(checks.right)[:2]
    class_id[rare] = 1  # two boxes, both right, which says next to nothing
    boxes = replace(checks.boxes, class_id=class_id)
    model = RightBoxes.fit(replace(checks, boxes=boxes))
    frequent = model.of(boxes)
    as_rare = model.of(replace(boxes, class_id=np.ones_like(class_id)))
    unseen = model.of(replace(boxes, class_id=np.full_like(class_id, 5)))
    assert np.abs(as_rare - frequent).max() < 0.15
    assert np.isfinite(unseen).all()


def test_a_frequent_class_has_its_own_offset() -> None:
    rng = np.random.default_rng(2)
    checks = a_world(300, rng)
    class_id = rng.integers(0, 2, len(checks.right))
    right = checks.right & ((class_id == 0) | (rng.random(len(class_id)) < 0.5))
    boxes = replace(checks.boxes, class_id=class_id)
    probability = RightBoxes.fit(replace(checks, boxes=boxes, right=right)).of(boxes)
    for one in (0, 1):
        own = class_id == one
        assert probability[own].mean() == pytest.approx(right[own].mean(), abs=0.02)


def test_size_is_looked_at_where_it_foretells() -> None:
    checks = a_world(300, np.random.default_rng(3))
    assert RightBoxes.fit(checks).look is Look.SCORE
    assert checks.boxes.xyxy is not None
    sides = checks.boxes.xyxy[:, 2:] - checks.boxes.xyxy[:, :2]
    is_large = sides.prod(axis=1) > 400
    assert RightBoxes.fit(replace(checks, right=checks.right & is_large)).look is not Look.SCORE


def test_all_right() -> None:
    checks = a_world(40, np.random.default_rng(4))
    everything = np.ones(len(checks.right), np.bool_)
    probability = RightBoxes.fit(replace(checks, right=everything)).of(checks.boxes)
    assert (probability > 0.99).all()
    nothing = checks.take(np.zeros(0, np.intp))
    assert isinstance(nothing, Checks)
    assert RightBoxes.fit(checks).of(nothing.boxes).shape == (0,)
