"""Active time: by hand-made examples, and by what must hold for all events."""

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prelabel.datasets.errors import InvalidValueError
from prelabel.work.activity import (
    Activity,
    ActivityKind,
    Interval,
    active_intervals,
    active_seconds,
    merged,
    total_seconds,
)

START = datetime(2026, 1, 2, 9, 0, tzinfo=UTC)
IDLE_S = 30.0


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def events(told: str) -> list[Activity]:
    """Events such as `open 0, input 4.5, hidden 10`."""
    parts = [one.split() for one in told.split(",")]
    return [
        Activity(str(number), at(float(seconds)), ActivityKind(kind))
        for number, (kind, seconds) in enumerate(parts)
    ]


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("open 0", 0),
        ("open 0, input 10, close 12", 12),
        ("open 0, input 10, input 100, close 101", 10 + 30 + 1),  # idle: not more than 30 s count
        ("open 0, hidden 10, shown 500, close 505", 10 + 5),
        ("open 0, hidden 10, input 20, close 25", 10 + 5),  # a lost `shown`
        ("open 0, close 10, close 20", 10),
        ("open 0, close 10, open 3600, close 3605", 10 + 5),  # sent back and done again
        ("input 5, open 0, close 7", 7),
        ("open 0, input 5, hidden 5, close 8", 5),  # what stops the clock comes last
        ("hidden 0, shown 0, input 5", 0),
    ],
)
def test_what_counts(told: str, seconds: float) -> None:
    assert active_seconds(events(told), IDLE_S) == seconds


def test_nothing_was_noticed() -> None:
    assert active_seconds([], IDLE_S) == 0
    assert total_seconds(merged([])) == 0


anything = st.lists(
    st.builds(
        Activity,
        st.uuids().map(str),
        # Milliseconds, and often the same ones.
        st.integers(0, 200_000).map(lambda ms: at(ms / 1000)) | st.sampled_from([at(1), at(40)]),
        st.sampled_from(ActivityKind),
    ),
    max_size=40,
)
idle = st.floats(0.5, 120)


@given(anything, idle)
def test_time_is_never_negative_nor_more_than_passed(
    noticed: list[Activity], idle_s: float
) -> None:
    seconds = active_seconds(noticed, idle_s)
    assert seconds >= 0
    if noticed:
        times = [one.at for one in noticed]
        assert seconds <= (max(times) - min(times)).total_seconds()
        assert seconds <= idle_s * len(noticed)


@given(anything, idle, st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_matters(
    noticed: list[Activity], idle_s: float, chance: random.Random
) -> None:
    again = noticed + [chance.choice(noticed) for _ in noticed]
    chance.shuffle(again)
    assert active_intervals(again, idle_s) == active_intervals(noticed, idle_s)


@given(anything, idle)
def test_more_patience_never_counts_less(noticed: list[Activity], idle_s: float) -> None:
    assert active_seconds(noticed, idle_s) <= active_seconds(noticed, idle_s + 10)


@given(anything, idle)
def test_intervals_lie_apart_and_in_order(noticed: list[Activity], idle_s: float) -> None:
    found = active_intervals(noticed, idle_s)
    assert all(one.begin < one.end for one in found)
    assert all(one.end < after.begin for one, after in pairwise(found))


@given(anything, anything, idle)
def test_two_tabs_do_not_count_double(
    one: list[Activity], other: list[Activity], idle_s: float
) -> None:
    tabs = [active_intervals(events, idle_s) for events in (one, other)]
    both = total_seconds(merged([*tabs[0], *tabs[1]]))
    alone = [total_seconds(tab) for tab in tabs]
    assert max(alone) <= both <= sum(alone) + 1e-6
    assert total_seconds(merged([*tabs[0], *tabs[0]])) == alone[0]


def test_overlaps_are_merged() -> None:
    found = merged([Interval(at(5), at(9)), Interval(at(0), at(6)), Interval(at(20), at(20))])
    assert found == [Interval(at(0), at(9))]


@pytest.mark.parametrize("event_id", ["", "x" * 65, "a\nb"])
def test_ids_are_short_and_printable(event_id: str) -> None:
    with pytest.raises(InvalidValueError, match="event_id must be 1 to 64"):
        Activity(event_id, START, ActivityKind.INPUT)


def test_times_have_a_zone() -> None:
    with pytest.raises(InvalidValueError, match="times need a zone"):
        Activity("a", START.replace(tzinfo=None), ActivityKind.INPUT)
