"""Which frames a person may look at."""

from sqlalchemy import Boolean, and_, bindparam, or_, select

from prelabel.store.database import Database
from prelabel.store.tables import frames
from prelabel.store.work_tables import tasks
from prelabel.work.records import TaskState

# Made once, as every picture asks it.
_SEEN = (
    select(tasks.c.number)
    .join(frames, frames.c.number == tasks.c.frame)
    .where(
        frames.c.frame_id == bindparam("frame_id"),
        or_(
            tasks.c.person == bindparam("person"),
            and_(
                bindparam("waiting_too", type_=Boolean),
                tasks.c.state == TaskState.SUBMITTED.value,
            ),
        ),
    )
    .limit(1)
)


class Sight:
    """Tells whose eyes a frame is for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def may_see(self, frame_id: str, person: str, waiting_too: bool) -> bool:
        """Whether a person has, or had last, a task of this frame.

        `waiting_too`: or whether one waits to be judged.
        """
        asked = {"frame_id": frame_id, "person": person, "waiting_too": waiting_too}
        with self._database.reading() as connection:
            return connection.execute(_SEEN, asked).first() is not None
