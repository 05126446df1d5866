"""Rounds, and the batch of each."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from prelabel.datasets.batches import Batch, Pick
from prelabel.store.changes import Change, Entry, plain_json
from prelabel.store.errors import ConflictError, UnknownEntryError
from prelabel.store.frame_rows import numbers_of
from prelabel.store.labels import check_round
from prelabel.store.records import EventKind, RoundRecord, Shown
from prelabel.store.showing import record_shown
from prelabel.store.tables import batches, frames, picks, rounds


def start_round(change: Change, settings: Mapping[str, Any]) -> RoundRecord:
    """Append a round, numbered from 1."""
    number = _newest_number(change.connection) + 1
    record = RoundRecord(number, change.author, change.at, plain_json(settings, "settings"))
    row = {
        "number": number,
        "author": change.author,
        "started_at": change.at,
        "settings": record.settings,
    }
    change.connection.execute(insert(rounds), row)
    change.log(EventKind.ROUND_STARTED, [Entry({"round": number, "settings": record.settings})])
    return record


def finish_round(change: Change, number: int, figures: Mapping[str, Any]) -> RoundRecord:
    """Close a round with its figures; closing it again with the same ones changes nothing."""
    plain = plain_json(figures, "figures")
    record = get_round(change.connection, number)
    if record.finished_at is not None:
        if record.figures != plain:
            raise ConflictError(f"round {number} is finished already, with other figures")
        return record
    change.connection.execute(
        update(rounds).where(rounds.c.number == number).values(finished_at=change.at, figures=plain)
    )
    change.log(EventKind.ROUND_FINISHED, [Entry({"round": number, "figures": plain})])
    return RoundRecord(number, record.author, record.started_at, record.settings, change.at, plain)


def all_rounds(connection: Connection) -> list[RoundRecord]:
    return [_round(row) for row in connection.execute(select(rounds).order_by(rounds.c.number))]


def record_batch(
    change: Change, round_number: int, batch: Batch, proposed: Mapping[str, Shown]
) -> None:
    """Keep the batch of a round, with what is proposed on its frames.

    Recording the same batch again changes nothing.
    """
    connection = change.connection
    check_round(connection, round_number)
    known = batch_of(connection, round_number)
    if known is not None:
        if known != batch:
            raise ConflictError(f"round {round_number} has another batch already: start a new one")
        return
    numbers = numbers_of(connection, [pick.frame_id for pick in batch.picks])
    connection.execute(
        insert(batches),
        {
            "round": round_number,
            "strategy": batch.strategy,
            "seed": batch.seed,
            "at": change.at,
        },
    )
    rows = [
        {
            "round": round_number,
            "position": position,
            "frame": numbers[pick.frame_id],
            "score": pick.score,
            "reason": pick.reason,
            "cost_s": pick.cost_s,
            "is_control": pick.is_control,
        }
        for position, pick in enumerate(batch.picks)
    ]
    if rows:
        connection.execute(insert(picks), rows)
    record_shown(change, round_number, proposed, numbers)
    told = {"round": round_number, "strategy": batch.strategy, "seed": batch.seed}
    change.log(EventKind.BATCH_RECORDED, [Entry({**told, "frames": len(batch)})])


def batch_of(connection: Connection, round_number: int) -> Batch | None:
    """The batch of a round, None as long as it has none."""
    wanted = select(batches.c.strategy, batches.c.seed).where(batches.c.round == round_number)
    head = connection.execute(wanted).first()
    if head is None:
        return None
    chosen = connection.execute(
        select(frames.c.frame_id, picks.c.score, picks.c.reason, picks.c.cost_s, picks.c.is_control)
        .join(frames, frames.c.number == picks.c.frame)
        .where(picks.c.round == round_number)
        .order_by(picks.c.position)
    )
    return Batch(head.strategy, head.seed, tuple(Pick(*row) for row in chosen))


def newest_batch(connection: Connection) -> tuple[int, Batch] | None:
    """The number of the newest round that has a batch, and its batch."""
    number = connection.execute(select(func.max(batches.c.round))).scalar()
    batch = None if number is None else batch_of(connection, number)
    return None if number is None or batch is None else (number, batch)


def get_round(connection: Connection, number: int) -> RoundRecord:
    """The round of this number; UnknownEntryError where there is none."""
    row = connection.execute(select(rounds).where(rounds.c.number == number)).first()
    if row is None:
        raise UnknownEntryError(f"round {number} is not in the store: start it first")
    return _round(row)


def _newest_number(connection: Connection) -> int:
    return connection.execute(select(func.max(rounds.c.number))).scalar() or 0


def _round(row: Row[Any]) -> RoundRecord:
    return RoundRecord(
        row.number, row.author, row.started_at, row.settings, row.finished_at, row.figures
    )
