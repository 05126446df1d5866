"""What people did, as CSV, in bounded memory."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, TextIO

from sqlalchemy import ColumnElement, Select, select, tuple_

from prelabel.store.database import Database
from prelabel.store.store import Store
from prelabel.store.tables import classes, frames
from prelabel.store.work_tables import corrections, edits, judgements, submissions, tasks
from prelabel.work.statistics import statistics

_PAGE = 2000
_GEOMETRY = ("left", "top", "right", "bottom", "angle", "bottom_m", "top_m")


def corrections_csv(store: Store) -> Iterator[str]:
    """A line for each box of each submission, after a heading; the lines of a page at a time.

    `action` is one of `prelabel.work.records.Action`; the box before is what was proposed, or was
    labelled otherwise, and the one after what was handed in. `seconds` are those of the person on
    the task so far, the same in each line of a submission. Geometry is in pixels and radians;
    `bottom_m` and `top_m` are metres in the lidar's frame, of boxes seen from above whose height
    somebody has said, and empty for all others.
    """
    return _csv(store.database, _corrections(), [corrections.c.submission, corrections.c.box_id])


def edits_csv(store: Store) -> Iterator[str]:
    """A line for each edit as it came in, after a heading; the lines of a page at a time.

    `boxes` is JSON: of each box its id, four corners, angle, class id and status after the edit,
    then bottom and top in metres where a person has said the height.
    """
    return _csv(store.database, _edits(), [edits.c.task, edits.c.number])


def statistics_csv(store: Store) -> Iterator[str]:
    """What `prelabel.work.statistics.statistics` tells, a line each, after a heading."""
    yield _lines([("model_id", "class", "proposed", "right", "moved", "wrong", "missed")])
    yield _lines(
        (one.model_id, one.class_name, one.proposed, one.right, one.moved, one.wrong, one.missed)
        for one in statistics(store)
    )


def write_csv(lines: Iterable[str], file: TextIO) -> int:
    """Write one of these exports to a file; how many characters that were."""
    return sum(file.write(some) for some in lines)


def _corrections() -> Select[Any]:
    before, after = classes.alias("before"), classes.alias("after")
    return (
        select(
            corrections.c.submission,
            submissions.c.task,
            tasks.c.round,
            frames.c.frame_id,
            submissions.c.person,
            submissions.c.at,
            submissions.c.seconds,
            judgements.c.verdict,
            judgements.c.judge,
            corrections.c.box_id,
            corrections.c.action,
            corrections.c.model_id,
            corrections.c.score,
            before.c.name.label("before_class"),
            *(corrections.c[f"before_{name}"] for name in _GEOMETRY),
            after.c.name.label("after_class"),
            *(corrections.c[f"after_{name}"] for name in _GEOMETRY),
        )
        .select_from(corrections)
        .join(submissions, submissions.c.number == corrections.c.submission)
        .join(tasks, tasks.c.number == submissions.c.task)
        .join(frames, frames.c.number == tasks.c.frame)
        .outerjoin(judgements, judgements.c.submission == submissions.c.number)
        .outerjoin(before, before.c.class_id == corrections.c.before_class)
        .outerjoin(after, after.c.class_id == corrections.c.after_class)
    )


def _edits() -> Select[Any]:
    return (
        select(
            edits.c.task,
            edits.c.number,
            frames.c.frame_id,
            edits.c.person,
            edits.c.attempt,
            edits.c.reviews.label("reviewed_submission"),
            edits.c.edit_id,
            edits.c.at,
            edits.c.received_at,
            edits.c.action,
            edits.c.boxes,
        )
        .select_from(edits)
        .join(tasks, tasks.c.number == edits.c.task)
        .join(frames, frames.c.number == tasks.c.frame)
    )


def _csv(
    database: Database, wanted: Select[Any], key: Sequence[ColumnElement[Any]]
) -> Iterator[str]:
    """The heading, then page by page the rows in the order of their key, which is unique."""
    yield _lines([wanted.selected_columns.keys()])
    page = wanted = wanted.order_by(*key).limit(_PAGE)
    while True:
        with database.reading() as connection:
            rows = connection.execute(page).all()
        yield _lines(rows)
        if len(rows) < _PAGE:
            return
        last = [rows[-1]._mapping[column] for column in key]
        page = wanted.where(tuple_(*key) > tuple_(*last))


def _lines(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([_shown(value) for value in row] for row in rows)
    return text.getvalue()


def _shown(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    return json.dumps(value, separators=(",", ":")) if isinstance(value, list) else value
