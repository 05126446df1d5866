"""What the store itself does to tasks: ending those whose frame got labels in another way."""

from collections.abc import Sequence

from sqlalchemy import Connection, select, update

from prelabel.store.work_tables import OPEN_STATES, tasks

_UNFINISHED = (*OPEN_STATES, "submitted", "set_aside")


def supersede_tasks(connection: Connection, frames: Sequence[int]) -> int:
    """End the unfinished tasks of frames, given by row number; how many there were.

    What people drew on them is kept.
    """
    wanted = (
        select(tasks.c.number)
        .where(tasks.c.frame.in_(frames), tasks.c.state.in_(_UNFINISHED))
        .order_by(tasks.c.number)  # everybody locks in this order, so that none wait in a circle
        .with_for_update()
    )
    found = connection.execute(wanted).scalars().all()
    if found:
        ended = {"state": "superseded", "leased_until": None, "held_until": None}
        connection.execute(update(tasks).where(tasks.c.number.in_(found)).values(ended))
    return len(found)
