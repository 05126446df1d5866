"""Events of activity are kept once, counted fairly, and exported; people see their own record."""

import csv
import io
import threading
from collections.abc import Sequence
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from people_rules import START
from work_content import ManualClock

from prelabel.store.store import Store
from prelabel.work.activity import (
    Activity,
    ActivityKind,
    active_intervals,
    active_seconds,
    merged,
    total_seconds,
)
from prelabel.work.timesheet import FutureActivityError, TimeSheet

IDLE_S = 30.0
OPEN, INPUT, CLOSE = ActivityKind.OPEN, ActivityKind.INPUT, ActivityKind.CLOSE


@pytest.fixture
def now() -> ManualClock:
    clock = ManualClock()
    clock.pass_by(hours=2)
    return clock


@pytest.fixture
def sheet(store: Store, now: ManualClock) -> TimeSheet:
    return TimeSheet(store.database, now, IDLE_S)


def noticed(
    *seconds: float, kind: ActivityKind = INPUT, page: str = "p", ahead: float = 0
) -> list[Activity]:
    """Events of one page so many seconds after the start."""
    return [
        Activity(f"{page}{one}", START + timedelta(seconds=one + ahead), kind) for one in seconds
    ]


def test_events_count_once_however_often_they_are_sent(sheet: TimeSheet) -> None:
    assert sheet.append("ann", 1, []) == 0
    assert sheet.append("ann", 1, noticed(0, 10)) == 2
    assert sheet.append("ann", 1, noticed(0, 10, 15)) == 1
    assert sheet.append("ann", 1, noticed(5)) == 1  # late
    assert sheet.active_seconds(1, "ann") == 15
    assert sheet.active_seconds(2, "ann") == sheet.active_seconds(1, "ben") == 0
    assert sheet.append("ben", 1, noticed(0, 10)) == 2  # ids are each person's own
    assert sheet.active_seconds(1, "ben") == 10


def test_the_same_events_sent_at_the_same_time(sheet: TimeSheet) -> None:
    gate = threading.Barrier(4)
    kept: list[int] = []

    def send() -> None:
        gate.wait()
        kept.append(sheet.append("ann", 1, noticed(*range(50))))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(kept) == [0, 0, 0, 50]


def test_a_clock_that_is_ahead_is_set_back_by_the_time_of_arrival(
    sheet: TimeSheet, now: ManualClock
) -> None:
    now.now = START + timedelta(seconds=11)
    sheet.append("ann", 1, noticed(0, 10, ahead=3600, page="a"))
    kept = list(sheet.events())
    assert [one.told_at - START for one in kept] == [
        timedelta(seconds=3600),
        timedelta(seconds=3610),
    ]
    assert [one.at - START for one in kept] == [timedelta(seconds=1), timedelta(seconds=11)]
    assert all(one.at <= one.received_at == now.now for one in kept)
    assert sheet.active_seconds(1, "ann") == 10  # differences stay as they were


def test_events_of_the_far_future_are_refused(sheet: TimeSheet) -> None:
    with pytest.raises(FutureActivityError, match="25 h in the future: set the clock"):
        sheet.append("ann", 1, [*noticed(0), *noticed(0, ahead=27 * 3600, page="q")])
    assert list(sheet.events()) == []


def test_time_offline_counts_when_it_arrives(sheet: TimeSheet, now: ManualClock) -> None:
    now.now = START + timedelta(days=3)
    sheet.append("ann", 1, noticed(0, 10, 20))
    assert sheet.active_seconds(1, "ann") == 20


def test_totals_are_of_all_tasks_but_no_time_counts_twice(sheet: TimeSheet) -> None:
    sheet.append("ann", 1, noticed(0, 10, 20, page="a"))
    sheet.append("ann", 2, noticed(15, 25, page="b"))  # in another tab
    sheet.append("ann", 3, noticed(100, 110, page="c"))
    sheet.append("ben", 3, noticed(100, 105, page="d"))
    assert sheet.total_seconds("ann") == 25 + 10
    assert sheet.total_seconds("ben") == 5
    assert sheet.total_seconds("ann", since=START + timedelta(seconds=12)) == 10 + 10
    assert sheet.total_seconds("nobody") == 0


steps = st.lists(
    st.tuples(
        st.sampled_from(["ann", "ben"]),
        st.integers(1, 3),
        st.integers(0, 90_000) | st.sampled_from([1000, 31_000]),
        st.sampled_from(ActivityKind),
    ),
    max_size=25,
)


crowds = count(1)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps, st.sampled_from([0.5, 7.25, 30.0]))
def test_the_database_adds_up_as_the_rule_says(
    store: Store,
    now: ManualClock,
    told: Sequence[tuple[str, int, int, ActivityKind]],
    idle_s: float,
) -> None:
    sheet = TimeSheet(store.database, now, idle_s)
    crowd = next(crowds)  # other people in each example: what was kept cannot be removed
    for name in ("ann", "ben"):
        person = f"{name} {crowd}"
        intervals = []
        for task in (1, 2, 3):
            events = [
                Activity(str(number), START + timedelta(milliseconds=ms), kind)
                for number, (who, what, ms, kind) in enumerate(told)
                if (who, what) == (name, task)
            ]
            sheet.append(person, task, events)
            intervals += active_intervals(events, idle_s)
            assert sheet.active_seconds(task, person) == active_seconds(events, idle_s)
        assert sheet.total_seconds(person) == pytest.approx(total_seconds(merged(intervals)))


def test_all_events_are_exported_page_by_page(sheet: TimeSheet) -> None:
    total = 4100  # three pages
    sheet.append("ben, jr", 2, noticed(3, kind=CLOSE))
    for first in range(0, total, 500):
        sheet.append("ann", 1, noticed(*range(first, min(first + 500, total))))
    file = io.StringIO()
    assert sheet.export_csv(file) == total + 1
    rows = list(csv.DictReader(io.StringIO(file.getvalue())))
    assert len(rows) == total + 1
    assert [row["event_id"] for row in rows[:-1]] == [f"p{number}" for number in range(total)]
    assert rows[-1] == {
        "person": "ben, jr",
        "task": "2",
        "event_id": "p3",
        "kind": "close",
        "told_at": "2026-03-04T05:06:10.000+00:00",
        "at": "2026-03-04T05:06:10.000+00:00",
        "received_at": "2026-03-04T07:06:07.000+00:00",
    }
