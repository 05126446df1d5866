"""Disagreement of detectors by hand."""

from dataclasses import replace
from math import log

import numpy as np
import pytest
from pools import placed_prediction as frame
from pools import pool_of

from prelabel.active.box_source import BoxesInMemory
from prelabel.active.committee import Disagreement
from prelabel.active.scoring import StrategyError
from prelabel.datasets.predictions import Prediction

SURE, NONE = frame("a", [0.8, 0]), frame("a", [])


def value(own: Prediction, *others: Prediction) -> float:
    committee = tuple(BoxesInMemory((one,)) for one in others)
    pool = replace(pool_of({"a": own}), committee=committee)
    return float(Disagreement().of(pool).values[0])


def entropy(*outcomes: float) -> float:
    return -sum(p * log(p) for p in outcomes if p)


def test_members_of_one_mind_disagree_by_nothing() -> None:
    assert value(SURE, SURE, SURE) == pytest.approx(0, abs=1e-9)
    assert value(NONE, NONE) == 0


def test_another_class_by_hand() -> None:
    # (0.2, 0.8, 0) and (0.2, 0, 0.8): the mean is (0.2, 0.4, 0.4); both boxes say so.
    expected = entropy(0.2, 0.4, 0.4) - entropy(0.2, 0.8)
    assert value(SURE, frame("a", [0, 0.8])) == pytest.approx(expected, rel=1e-5)


def test_a_member_without_the_box_says_nothing_is_there() -> None:
    information = entropy(0.6, 0.4) - entropy(0.2, 0.8) / 2
    expected = (information + 0.8 * 0.5) / 2  # one box, two members
    assert value(SURE, NONE) == pytest.approx(expected, rel=1e-5)
    # Seen by the other member only it counts the same.
    assert value(NONE, SURE) == pytest.approx(expected, rel=1e-5)
    # As does a box that overlaps it by less than half, for its part.
    apart = frame("a", [0.8, 0], [(0, 0, 10, 4)])
    assert value(SURE, apart) == pytest.approx(2 * expected, rel=1e-5)


def test_a_faint_box_that_others_lack_weighs_little() -> None:
    assert value(frame("a", [0.05, 0]), NONE) < 0.1 * value(SURE, NONE)


def test_three_members_by_hand() -> None:
    # Found by two of three: (0.2, 0.8), (0.2, 0.8), (1, 0).
    information = entropy(1.4 / 3, 1.6 / 3) - 2 * entropy(0.2, 0.8) / 3
    expected = 2 * (information + 0.8 / 3) / 3
    assert value(SURE, SURE, NONE) == pytest.approx(expected, rel=1e-5)


def test_reasons_count_boxes_that_a_member_lacks() -> None:
    pool = replace(pool_of({"a": SURE}), committee=(BoxesInMemory((NONE,)),))
    (reason,) = Disagreement().of(pool).reasons(np.array([0]))
    assert reason == "2 detectors disagree by 0.41; boxes that one of them does not find: 1"


def test_without_a_committee_it_says_so() -> None:
    with pytest.raises(StrategyError, match="there is only one"):
        Disagreement().of(pool_of({"a": SURE}))
