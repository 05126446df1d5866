"""Models, and which of them was in use when."""

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, Table, func, insert, select

from prelabel.store.changes import Change, Entry
from prelabel.store.frame_rows import Places
from prelabel.store.labels import check_round
from prelabel.store.records import EventKind, ModelRecord
from prelabel.store.tables import adoptions, models


def add_model(change: Change, model: ModelRecord, places: Places) -> ModelRecord:
    """Take a model into use for its round; it is appended where its id is not known yet."""
    connection = change.connection
    if model.round_number is not None:
        check_round(connection, model.round_number)
    wanted = select(models.c.number).where(models.c.model_id == model.model_id)
    known: int | None = connection.execute(wanted).scalar()
    in_use = model_in_use(connection, places)
    if in_use is not None and _is_same_use(in_use, model):
        return in_use
    number = _append(change, model, places) if known is None else known
    if known is not None:
        told = {"model": model.model_id, "round": model.round_number}
        change.log(EventKind.MODEL_ADOPTED, [Entry(told)])
    row = {
        "number": _newest_number(connection, adoptions) + 1,
        "model": number,
        "round": model.round_number,
        "at": change.at,
    }
    connection.execute(insert(adoptions), row)
    taken = connection.execute(select(models).where(models.c.number == number)).one()
    return replace(_model(taken, places), round_number=model.round_number)


def model_in_use(connection: Connection, places: Places) -> ModelRecord | None:
    """The model taken into use last, with the round in which that was."""
    newest = (
        select(models, adoptions.c.round.label("in_round"))
        .join(adoptions, adoptions.c.model == models.c.number)
        .order_by(adoptions.c.number.desc())
        .limit(1)
    )
    row = connection.execute(newest).first()
    return None if row is None else replace(_model(row, places), round_number=row.in_round)


def all_models(connection: Connection, places: Places) -> list[ModelRecord]:
    """All models as they were added, oldest first."""
    wanted = select(models).order_by(models.c.number)
    return [_model(row, places) for row in connection.execute(wanted)]


def _is_same_use(one: ModelRecord, other: ModelRecord) -> bool:
    return (one.model_id, one.round_number) == (other.model_id, other.round_number)


def _append(change: Change, model: ModelRecord, places: Places) -> int:
    number = _newest_number(change.connection, models) + 1
    row = {
        "number": number,
        "model_id": model.model_id,
        "detector": model.detector,
        "checkpoint": places.kept(model.checkpoint),
        "train_frames": model.train_frames,
        "steps": model.steps,
        "seconds": model.seconds,
        "validation_map50": model.validation_map50,
        "round": model.round_number,
        "added_at": change.at,
    }
    change.connection.execute(insert(models), row)
    told = {"model": model.model_id, "detector": model.detector, "round": model.round_number}
    change.log(EventKind.MODEL_ADDED, [Entry(told)])
    return number


def _newest_number(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.max(table.c.number))).scalar() or 0


def _model(row: Row[Any], places: Places) -> ModelRecord:
    return ModelRecord(
        row.model_id,
        row.detector,
        places.absolute(row.checkpoint),
        row.train_frames,
        row.steps,
        row.seconds,
        row.validation_map50,
        row.round,
        row.added_at,
    )
