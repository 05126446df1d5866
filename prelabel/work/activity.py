"""How long somebody worked, from what their page noticed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from prelabel.datasets.errors import InvalidValueError

_MAX_ID = 64


class ActivityKind(StrEnum):
    """What a page noticed."""

    OPEN = "open"  # the task is on the screen
    INPUT = "input"  # a key, the mouse, a touch
    HIDDEN = "hidden"  # another tab or window lies over the page
    SHOWN = "shown"
    CLOSE = "close"  # the task is left


STOPS = (ActivityKind.HIDDEN, ActivityKind.CLOSE)  # time stands still after these


@dataclass(frozen=True, slots=True)
class Activity:
    """One thing that a page noticed at `at` (with a zone); `event_id` is the page's, 1-64 long."""

    event_id: str
    at: datetime
    kind: ActivityKind

    def __post_init__(self) -> None:
        if not (1 <= len(self.event_id) <= _MAX_ID and self.event_id.isprintable()):
            raise InvalidValueError(f"event_id must be 1 to {_MAX_ID} printable characters")
        if self.at.tzinfo is None:
            raise InvalidValueError(f"times need a zone, but {self.at} has none")


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of time in which somebody worked."""

    begin: datetime
    end: datetime


def active_intervals(events: Iterable[Activity], idle_s: float) -> list[Interval]:
    """When somebody worked, from the events of one task: apart from each other and in order.

    From each event the time counts up to the next one, but for at most `idle_s` seconds, and not at
    all after the page was hidden or the task closed, until the next sign of life. Neither the order
    of the events nor events that come twice matter.
    """
    idle = timedelta(seconds=idle_s)
    once = {one.event_id: one for one in sorted(events, key=_place, reverse=True)}
    ordered = sorted(once.values(), key=_place)
    return merged(
        Interval(one.at, min(following.at, one.at + idle))
        for one, following in pairwise(ordered)
        if one.kind not in STOPS
    )


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """The same time without overlaps, in order."""
    found: list[Interval] = []
    for one in sorted(intervals, key=lambda one: (one.begin, one.end)):
        if found and one.begin <= found[-1].end:
            found[-1] = Interval(found[-1].begin, max(found[-1].end, one.end))
        elif one.end > one.begin:
            found.append(one)
    return found


def total_seconds(intervals: Sequence[Interval]) -> float:
    """How long intervals that do not overlap last together, in seconds."""
    return sum((one.end - one.begin for one in intervals), timedelta()).total_seconds()


def active_seconds(events: Iterable[Activity], idle_s: float) -> float:
    """How long somebody worked on a task, in seconds; see `active_intervals`."""
    return total_seconds(active_intervals(events, idle_s))


def _place(one: Activity) -> tuple[datetime, bool, str]:
    # Of what happened in the same millisecond, what stops the clock comes last.
    return one.at, one.kind in STOPS, one.event_id
