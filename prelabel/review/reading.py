"""Bodies of requests as the values that the rules of work take."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from prelabel.review.views import ActivityBody, EditBody
from prelabel.work.activity import Activity, ActivityKind
from prelabel.work.records import BoxState, BoxStatus, Edit

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def edits_of(bodies: Sequence[EditBody]) -> list[Edit]:
    """What people did to boxes; InvalidValueError where a box makes no sense."""
    return [Edit(one.edit_id, moment(one.at), _boxes(one), one.action) for one in bodies]


def activity_of(bodies: Sequence[ActivityBody]) -> list[Activity]:
    """What a page noticed."""
    return [Activity(one.id, moment(one.at), ActivityKind(one.kind)) for one in bodies]


def moment(milliseconds: int) -> datetime:
    """A time by milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _boxes(edit: EditBody) -> tuple[BoxState, ...]:
    return tuple(
        BoxState(
            box.id,
            (box.xyxy[0], box.xyxy[1], box.xyxy[2], box.xyxy[3]),
            box.angle,
            box.class_id,
            BoxStatus(box.status),
            None if box.height_m is None else (box.height_m[0], box.height_m[1]),
        )
        for box in edit.boxes
    )
