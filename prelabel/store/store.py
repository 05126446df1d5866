"""The store: what a project knows, in SQLite or PostgreSQL."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import select

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.batches import Batch
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.frames import Frame, LabelledFrame, Split
from prelabel.store import (
    classes,
    counting,
    excluding,
    frame_rows,
    labels,
    model_rows,
    rounds,
    showing,
)
from prelabel.store.changes import Clock, changing, read_events
from prelabel.store.database import Database
from prelabel.store.importing import Importer
from prelabel.store.migrate import migrate
from prelabel.store.moving import copy_everything
from prelabel.store.overview import Overview, frames_changed_since, stream_overviews
from prelabel.store.records import (
    Event,
    ImportCounts,
    LabelVersion,
    ModelRecord,
    RoundRecord,
    Shown,
    StoreCounts,
)
from prelabel.store.tables import frames as frame_table

CHUNK_FRAMES = 2000


def utc_now() -> datetime:
    """The clock that a store uses unless it is given another one."""
    return datetime.now(UTC)


def open_store(url: str, root: Path, clock: Callable[[], datetime] = utc_now) -> "Store":
    """Open the store at a database address, creating or migrating its tables as needed.

    `url` is `sqlite:///file` (a relative file lies in `root`) or `postgresql://user@host/database`;
    file names below the folder `root`, the workspace, are kept relative to it.

    Raises StoreError where it cannot be opened, StoreTooNewError where a newer prelabel wrote it,
    MissingExtraError where PostgreSQL is asked for and its driver is not installed.
    """
    database = Database(url, root)
    try:
        migrate(database)
    except BaseException:
        database.close()
        raise
    return Store(database, root, clock)


class Store:
    """Frames, label versions, rounds, models, batches, and the log of all that was done.

    What a method that writes has returned from is on disk: neither a kill of the process nor, with
    an honest disk, a power cut loses it, and what was under way leaves no trace. Several processes
    may use one store; writers wait for one another. Iterators read page by page, in bounded memory,
    and leave the store free for writing meanwhile.

    All methods raise StoreError where the database fails, and UnknownEntryError where they are
    given a frame, class or round that is not in the store.
    """

    def __init__(self, database: Database, root: Path, clock: Clock) -> None:
        self._database = database
        self._places = frame_rows.Places.under(root)
        self._clock = clock

    @property
    def database(self) -> Database:
        """The database, for what people do with a batch (see `prelabel.work`)."""
        return self._database

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database; using the store again opens it anew."""
        self._database.close()

    # Classes

    def add_classes(self, names: Sequence[str], author: str) -> tuple[str, ...]:
        """Append the names that are not known yet; all names, in the order of their class ids."""
        with changing(self._database, author, self._clock) as change:
            return classes.add_classes(change, names)

    def classes(self) -> tuple[str, ...]:
        """All class names; their positions are the class ids, which never change."""
        with self._database.reading() as connection:
            return classes.class_names(connection)

    # Frames

    def import_frames(
        self,
        incoming: Iterable[LabelledFrame],
        author: str,
        *,
        round_of: Mapping[str, int] | None = None,
        chunk_frames: int = CHUNK_FRAMES,
    ) -> ImportCounts:
        """Bring frames in, and labels where they have some, `chunk_frames` in a transaction.

        Doing it again adds nothing, so an import that was killed is simply repeated. Of a frame
        that is known already, labels that differ from all it has had become a new version; labels
        it had in the past do not, so that an old file never undoes a correction. An import may set
        `val` or `test`, a group, a sequence or a calibration, and takes none of them away; a file
        name changes only where the old file is gone. `round_of` names, by frame id, the round that
        new labels of a frame belong to.

        Add the classes first: UnknownEntryError names a frame with a class id beyond them.
        """
        if chunk_frames < 1:
            raise InvalidValueError(f"chunk_frames must be at least 1, but is {chunk_frames}")
        importer = Importer(self._database, self._places, author, self._clock, round_of or {})
        return importer.run(incoming, chunk_frames)

    def frame(self, frame_id: str) -> Frame:
        """The frame with this id."""
        return self.find_frames([frame_id])[0]

    def find_frames(self, frame_ids: Sequence[str]) -> list[Frame]:
        """The frames with these ids, in the order asked for."""
        with self._database.reading() as connection:
            rows = frame_rows.known_rows(connection, frame_ids)
            found = {row.frame_id: frame_rows.frame_of(row, self._places) for row in rows}
        return [found[frame_id] for frame_id in frame_ids]

    def frames(self, split: Split | None = None, labelled: bool | None = None) -> Iterator[Frame]:
        """Frames in the order they came in: of one split or all, with labels, without, or both."""
        wanted = select(frame_table)
        if split is not None:
            wanted = wanted.where(frame_table.c.split == split.value)
        if labelled is not None:
            version = frame_table.c.label_version
            wanted = wanted.where(version.is_not(None) if labelled else version.is_(None))
        for row in frame_rows.page_through(self._database, wanted):
            yield frame_rows.frame_of(row, self._places)

    def labelled_among(self, frame_ids: Sequence[str]) -> set[str]:
        """Those of these frames that have labels."""
        with self._database.reading() as connection:
            rows = frame_rows.rows_of(connection, frame_ids)
            return {row.frame_id for row in rows if row.label_version is not None}

    def set_split(self, frame_ids: Iterable[str], split: Split, author: str) -> int:
        """Move frames to a split; how many were in another one."""
        with changing(self._database, author, self._clock) as change:
            return frame_rows.set_split(change, frame_ids, split)

    def exclude(self, frame_ids: Sequence[str], author: str, reason: str) -> int:
        """Take frames out of the work; how many were not out yet. Their labels stay as they are.

        They are not chosen, learned from, proposed on or exported until they are included again.
        """
        with changing(self._database, author, self._clock) as change:
            return excluding.exclude(change, frame_ids, reason)

    def include(self, frame_ids: Sequence[str], author: str) -> int:
        """Let excluded frames take part again; how many were out."""
        with changing(self._database, author, self._clock) as change:
            return excluding.include(change, frame_ids)

    def excluded(self) -> set[str]:
        """The ids of the frames that are taken out of the work."""
        with self._database.reading() as connection:
            return excluding.excluded_ids(connection)

    # Labels

    def labelled_frames(self, split: Split | None = None) -> Iterator[LabelledFrame]:
        """Frames that have labels, with the current ones, in the order they came in."""
        return labels.stream_labelled(self._database, self._places, split)

    def labels(self, frame_id: str) -> LabelVersion | None:
        """The current labels of a frame; None where nobody has labelled it."""
        with self._database.reading() as connection:
            return labels.current_version(connection, frame_id)

    def label_history(self, frame_id: str) -> list[LabelVersion]:
        """All labels that a frame has had, oldest first."""
        with self._database.reading() as connection:
            return labels.history(connection, frame_id)

    def replay(self, frame_id: str) -> list[LabelVersion]:
        """The same as `label_history`, made from the event log alone."""
        with self._database.reading() as connection:
            return labels.replay(connection, frame_id)

    def write_labels(
        self,
        frame_id: str,
        annotations: AnnotationSet,
        author: str,
        seconds: float | None = None,
        round_number: int | None = None,
    ) -> LabelVersion:
        """Append a version that took a person `seconds`, even if it equals the one before."""
        with changing(self._database, author, self._clock) as change:
            return labels.write_labels(change, frame_id, annotations, seconds, round_number)

    def write_labels_after(
        self, frame_id: str, annotations: AnnotationSet, author: str, expected: int, source: str
    ) -> LabelVersion | None:
        """Append a version that was made from version `expected` of the frame, 0: from none.

        None, and nothing is written, where the frame has got another version meanwhile. `source`
        says in words how the labels came about.
        """
        with changing(self._database, author, self._clock) as change:
            return labels.write_expected(change, frame_id, annotations, expected, source)

    def keep_labels_beside(
        self, frame_id: str, annotations: AnnotationSet, author: str, source: str
    ) -> LabelVersion:
        """Keep labels in the history of a frame whose current ones stay what they are."""
        with changing(self._database, author, self._clock) as change:
            return labels.keep_beside(change, frame_id, annotations, source)

    # Rounds, batches, models

    def start_round(self, author: str, settings: Mapping[str, Any] | None = None) -> RoundRecord:
        """Begin a round; `settings` are plain JSON values."""
        with changing(self._database, author, self._clock) as change:
            return rounds.start_round(change, settings or {})

    def finish_round(
        self, round_number: int, author: str, figures: Mapping[str, Any] | None = None
    ) -> RoundRecord:
        """End a round; again with the same `figures` changes nothing, else ConflictError."""
        with changing(self._database, author, self._clock) as change:
            return rounds.finish_round(change, round_number, figures or {})

    def rounds(self) -> list[RoundRecord]:
        """All rounds, oldest first; the last one may still be running."""
        with self._database.reading() as connection:
            return rounds.all_rounds(connection)

    def record_batch(
        self,
        round_number: int,
        batch: Batch,
        author: str,
        shown: Mapping[str, Shown] | None = None,
    ) -> None:
        """Keep the batch of a round, and by frame id what a model proposes on its frames.

        The same batch again changes nothing, another one is a ConflictError.
        """
        with changing(self._database, author, self._clock) as change:
            rounds.record_batch(change, round_number, batch, shown or {})

    def batch(self, round_number: int) -> Batch | None:
        """The batch of a round; None where it has none."""
        with self._database.reading() as connection:
            return rounds.batch_of(connection, round_number)

    def latest_batch(self) -> tuple[int, Batch] | None:
        """The newest round that has a batch, by number, and that batch."""
        with self._database.reading() as connection:
            return rounds.newest_batch(connection)

    def shown(self, round_number: int, frame_id: str) -> Shown | None:
        """What a model proposed on a frame of a round's batch when it was chosen.

        None where nothing was kept: there was no model yet, or the frame is not in the batch.
        """
        with self._database.reading() as connection:
            return showing.shown_on(connection, round_number, frame_id)

    def add_model(self, model: ModelRecord, author: str) -> ModelRecord:
        """Take a model into use for its round; it is appended where its id is not known yet.

        One that is known comes back as it was recorded the first time, but for the round. Doing
        it again changes nothing.
        """
        with changing(self._database, author, self._clock) as change:
            return model_rows.add_model(change, model, self._places)

    def models(self) -> list[ModelRecord]:
        """All models as they were added, oldest first."""
        with self._database.reading() as connection:
            return model_rows.all_models(connection, self._places)

    def latest_model(self) -> ModelRecord | None:
        """The model in use: the one taken into use last, with the round in which that was."""
        with self._database.reading() as connection:
            return model_rows.model_in_use(connection, self._places)

    # The whole

    def overviews(self, frame_ids: Sequence[str] | None = None) -> Iterator[Overview]:
        """Frames with their labels and the work on them; None: all, in the order they came in."""
        return stream_overviews(self._database, self._places, frame_ids)

    def has_groups(self) -> bool:
        """Whether any frame belongs to a group of cameras and lidar of one instant."""
        wanted = select(frame_table.c.number).where(frame_table.c.group_name.is_not(None)).limit(1)
        with self._database.reading() as connection:
            return connection.execute(wanted).first() is not None

    def changed_since(self, event: int) -> tuple[list[str], int]:
        """Ids of frames that may look different than after this event, and the newest event."""
        with self._database.reading() as connection:
            return frames_changed_since(connection, event)

    def events(self, after: int = 0) -> Iterator[Event]:
        """The log from the event numbered `after` + 1 on, oldest first."""
        return read_events(self._database, after)

    def counts(self) -> StoreCounts:
        """How much the store holds."""
        with self._database.reading() as connection:
            return counting.count_everything(connection, classes.class_names(connection))

    def copy_to(self, target: "Store") -> int:
        """Copy everything into an empty store, all or nothing; how many rows that were."""
        return copy_everything(self._database, target._database)
