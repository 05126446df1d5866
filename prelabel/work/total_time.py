"""Active time over all tasks, added up inside the database.

The rule is that of `prelabel.work.activity`, which tests compare this with; people who worked for
a year have more events than should travel for one figure.
"""

from typing import Any

from sqlalchemy import Connection, Select, case, func, select

from prelabel.store.people_tables import activity
from prelabel.work.activity import STOPS


def total_seconds(
    connection: Connection, idle_s: float, person: str | None = None, since_ms: int | None = None
) -> dict[str, float]:
    """Seconds worked by each person, or this one, from a moment (ms since 1970) on.

    Time that somebody spends on two tasks at once, in two tabs, counts once.
    """
    stops = case((activity.c.kind.in_([kind.value for kind in STOPS]), 1), else_=0)
    order = (activity.c.at_ms, stops, activity.c.event_id)
    wanted = select(
        activity.c.person,
        activity.c.at_ms.label("begin"),
        stops.label("stops"),
        func.lead(activity.c.at_ms)
        .over(partition_by=(activity.c.person, activity.c.task), order_by=order)
        .label("following"),
    )
    if person is not None:
        wanted = wanted.where(activity.c.person == person)
    if since_ms is not None:
        wanted = wanted.where(activity.c.at_ms >= since_ms)
    summed = _without_overlaps(wanted, round(idle_s * 1000))
    return {name: int(ms) / 1000 for name, ms in connection.execute(summed)}


def _without_overlaps(wanted: Select[Any], idle_ms: int) -> Select[Any]:
    """Milliseconds by person, of events with the one that follows on the same task."""
    events = wanted.subquery()
    idle = events.c.begin + idle_ms
    intervals = (
        select(
            events.c.person,
            events.c.begin,
            case((events.c.following < idle, events.c.following), else_=idle).label("end"),
        )
        .where(events.c.stops == 0, events.c.following.is_not(None))
        .subquery()
    )
    # What lies before the latest end so far has been counted.
    counted = (
        func.max(intervals.c.end)
        .over(
            partition_by=intervals.c.person,
            order_by=(intervals.c.begin, intervals.c.end),
            rows=(None, -1),
        )
        .label("counted")
    )
    parts = select(intervals, counted).subquery()
    begin = case((parts.c.counted > parts.c.begin, parts.c.counted), else_=parts.c.begin)
    new = case((parts.c.end > begin, parts.c.end - begin), else_=0)
    return select(parts.c.person, func.sum(new)).group_by(parts.c.person)
