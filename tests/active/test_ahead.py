"""Working ahead of whoever uses a stream."""

import threading
from collections.abc import Iterator

import pytest

from prelabel.active.ahead import worked_ahead


def test_results_come_in_the_order_of_the_items() -> None:
    assert list(worked_ahead(lambda one: one * one, range(20))) == [one * one for one in range(20)]


def test_only_a_few_items_are_taken_before_the_first_result_is() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for one in range(20):
            taken.append(one)
            yield one

    done = worked_ahead(str, items())
    assert next(done) == "0"
    assert len(taken) <= 3
    assert list(done)[-1] == "19"


def test_an_error_comes_in_its_turn_and_no_thread_stays() -> None:
    before = threading.active_count()
    done = worked_ahead(lambda one: 6 // one, (3, 2, 0, 1))
    assert [next(done), next(done)] == [2, 3]
    with pytest.raises(ZeroDivisionError):
        next(done)
    assert threading.active_count() == before
