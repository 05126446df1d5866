"""Which frames a person may look at."""

from sqlalchemy import or_, select

from prelabel.store.database import Database
from prelabel.store.tables import frames
from prelabel.store.work_tables import tasks
from prelabel.work.records import TaskState


class Sight:
    """Tells whose eyes a frame is for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def may_see(self, frame_id: str, person: str, waiting_too: bool) -> bool:
        """Whether a person has, or had last, a task of this frame.

        `waiting_too`: or whether one waits to be judged.
        """
        theirs = tasks.c.person == person
        if waiting_too:
            theirs = or_(theirs, tasks.c.state == TaskState.SUBMITTED.value)
        wanted = (
            select(tasks.c.number)
            .join(frames, frames.c.number == tasks.c.frame)
            .where(frames.c.frame_id == frame_id, theirs)
            .limit(1)
        )
        with self._database.reading() as connection:
            return connection.execute(wanted).first() is not None
