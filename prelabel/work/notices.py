"""Telling webhooks that a batch is done, in the transaction in which it happens."""

from sqlalchemy import func, select

from prelabel.store.changes import Change
from prelabel.store.work_tables import tasks
from prelabel.work.counting import UNFINISHED
from prelabel.work.webhooks import HookKind, queue_delivery

_UNFINISHED = [state.value for state in UNFINISHED]


def tell_if_batch_is_done(change: Change, round_number: int) -> None:
    """Have webhooks told that no task of a round asks for work or waits for a reviewer."""
    connection = change.connection
    left = (
        select(tasks.c.number)
        .where(tasks.c.round == round_number, tasks.c.state.in_(_UNFINISHED))
        .limit(1)
    )
    if connection.execute(left).first() is not None:
        return
    counted = (
        select(tasks.c.state, func.count().label("tasks"))
        .where(tasks.c.round == round_number)
        .group_by(tasks.c.state)
    )
    states = [(row.state, row.tasks) for row in connection.execute(counted)]
    queue_delivery(change, HookKind.BATCH_DONE, {"round": round_number, "tasks": dict(states)})
