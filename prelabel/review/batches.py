"""What is the same for all tasks of a batch, looked up once."""

import threading

from sqlalchemy import func, select

from prelabel.store.store import Store
from prelabel.store.tables import batches, picks

_LOOKED_AT = 50  # frames from which it is told whether boxes are turned


class Batches:
    """Facts about batches, which never change once they are chosen; used by many threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sizes: dict[int, int] = {}
        self._rotated: dict[int, bool] = {}
        self._lock = threading.Lock()

    def newest(self) -> int | None:
        """The round of the newest batch; None where there is none yet."""
        with self._store.database.reading() as connection:
            return connection.execute(select(func.max(batches.c.round))).scalar()

    def size(self, round_number: int) -> int:
        """How many frames the batch of a round has."""
        with self._lock:
            known = self._sizes.get(round_number)
        if known is not None:
            return known
        counted = select(func.count()).select_from(picks).where(picks.c.round == round_number)
        with self._store.database.reading() as connection:
            size = connection.execute(counted).scalar_one()
        with self._lock:
            self._sizes[round_number] = size
        return size

    def is_rotated(self, round_number: int | None) -> bool:
        """Whether boxes proposed on a batch are turned, or labels where nothing was proposed."""
        key = round_number or 0
        with self._lock:
            known = self._rotated.get(key)
        if known is None:
            known = self._any_turned(round_number)
            with self._lock:
                self._rotated[key] = known
        return known

    def _any_turned(self, round_number: int | None) -> bool:
        batch = None if round_number is None else self._store.batch(round_number)
        for pick in batch.picks[:_LOOKED_AT] if batch else ():
            shown = self._store.shown(round_number or 0, pick.frame_id)
            if shown is not None and len(shown.proposals):
                return shown.proposals.boxes.angle is not None
        labelled = self._store.labelled_frames()
        for _, one in zip(range(_LOOKED_AT), labelled, strict=False):
            if one.annotations is not None and len(one.annotations):
                return one.annotations.boxes.angle is not None
        return False
