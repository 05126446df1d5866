"""From values to choices."""

import numpy as np
import pytest
from builders import frame_id_of
from hypothesis import given
from hypothesis import strategies as st

from prelabel.active.scoring import Scored
from prelabel.active.selectors import top
from prelabel.datasets.errors import InvalidValueError


def ids(count: int) -> list[str]:
    return [frame_id_of(str(number)) for number in range(count)]


def test_top_takes_the_highest_in_order(rng: np.random.Generator) -> None:
    assert top(np.array([0.1, 0.9, 0.5]), ids(3), 2, rng).tolist() == [1, 2]
    assert top(np.array([0.1, 0.9, 0.5]), ids(3), 0, rng).tolist() == []


def test_ties_fall_by_lot_and_not_by_place() -> None:
    firsts = {
        int(top(np.zeros(5), ids(5), 1, np.random.default_rng(seed))[0]) for seed in range(60)
    }
    assert firsts == {0, 1, 2, 3, 4}


@given(seed=st.integers(0, 1000), count=st.integers(0, 8))
def test_top_does_not_look_at_the_order_of_the_pool(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    names, values = np.array(ids(8)), rng.integers(0, 3, 8).astype(np.float64)
    order = rng.permutation(8)
    chosen = top(values, names.tolist(), count, np.random.default_rng(7))
    shuffled = top(values[order], names[order].tolist(), count, np.random.default_rng(7))
    assert names[chosen].tolist() == names[order][shuffled].tolist()


def test_values_that_are_not_numbers_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="must be finite"):
        Scored(np.array([0.1, np.nan]), lambda rows: [])
