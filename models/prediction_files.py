"""The predictions of one model run: a folder of Parquet files that many processes may add to.

Every write makes one new file, whole or not at all, so a kill at any moment loses only what was
not written yet. A frame that was predicted twice, because a worker died between writing and saying
so, is read once.
"""

import fcntl
import json
import os
import uuid
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from io import BufferedWriter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from prelabel.datasets.arrays import Float32s
from prelabel.datasets.errors import InvalidValueError, PrelabelError
from prelabel.datasets.files import write_whole
from prelabel.datasets.predictions import Prediction
from prelabel.models.prediction_table import (
    EMBEDDINGS,
    FORMAT,
    FORMAT_KEY,
    SCHEMA,
    list_values,
    predictions_of,
    table_of,
)

_PART = "part-*.parquet"
_UNFINISHED = "part-*.unfinished"
_SETTINGS = "settings.json"
_ROWS_AT_ONCE = 256  # crowded frames with embeddings take half a megabyte each
_SLIM_ROWS_AT_ONCE = 8192  # without those of boxes, a few kilobytes
_FEW = 8192  # frames, which are looked for in the columns before anything becomes a Python object
# Embeddings hardly get smaller, and text columns hold the same word over and over.
_COMPRESSION = {field.name: "none" if field.name in EMBEDDINGS else "zstd" for field in SCHEMA}


class PredictionFilesError(PrelabelError):
    """The files of a run cannot be read or used as asked."""


class PredictionFiles:
    """The predictions in `folder`, which is made at the first write.

    Opening it removes what killed writers left unfinished. Instances of many processes may write
    at the same time; reading sees the files that were whole when it began.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for path in folder.glob(_UNFINISHED):
            _remove_if_abandoned(path)

    def write(self, predictions: Sequence[Prediction]) -> None:
        """Add predictions as one new file; they are on the disk when this returns."""
        self.write_table(table_of(predictions))

    def write_table(self, table: pa.Table) -> None:
        """The same for predictions that are a table already (see prediction_table)."""
        if not table.num_rows:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with _new_file(self.folder) as file:
            pq.write_table(
                table,
                file,
                compression=_COMPRESSION,
                use_dictionary=["model_id", "class_scores"],
                write_statistics=False,
                write_page_checksum=True,
            )
            file.flush()
            os.fsync(file.fileno())
            os.replace(file.name, Path(file.name).with_suffix(".parquet"))
        _sync_folder(self.folder)

    def parts(self) -> list[str]:
        """The names of the files; a file never changes, so new predictions are in new files."""
        return sorted(path.name for path in self.folder.glob(_PART))

    def ids_in(self, parts: Collection[str]) -> set[str]:
        """The ids of the frames in files of these names."""
        return {
            frame_id
            for name in parts
            for batch in _read_part(self.folder / name, ["frame_id"])
            for frame_id in batch.column("frame_id").to_pylist()
        }

    def predicted_ids(self) -> set[str]:
        """The ids of all frames with a prediction."""
        return set(_ids(self.raw_batches(["frame_id"])))

    def give_embeddings(self) -> bool:
        """Whether the first predictions come with frame embeddings; some detectors have none."""
        first = next(self.raw_batches(["frame_embedding"]), None)
        return first is not None and bool(len(list_values(first.column("frame_embedding"))[0]))

    def read(
        self, frame_ids: Sequence[str] | None = None, without: Collection[str] = ()
    ) -> Iterator[Prediction]:
        """The predictions of these frames in the order given, those without one left out.

        None: of all frames, in no particular order. What comes early from the files is held back
        until its turn. Optional fields named in `without` stay unread and are None; embeddings are
        most of what a prediction takes.
        """
        columns = [name for name in SCHEMA.names if name not in without]
        if frame_ids is None:
            for batch in self.batches(columns):
                yield from self._predictions(batch)
            return
        predicted = set(_ids(self.batches(["frame_id"], frame_ids)))
        turns = deque(one for one in dict.fromkeys(frame_ids) if one in predicted)
        waiting: dict[str, Prediction] = {}
        for batch in self.batches(columns, frame_ids):
            for prediction in self._predictions(batch):
                waiting[prediction.frame_id] = prediction
            while turns and turns[0] in waiting:
                yield waiting.pop(turns.popleft())

    def find(
        self, frame_ids: Sequence[str], without: Collection[str] = ()
    ) -> dict[str, Prediction]:
        """The predictions of a few frames by id, those without one left out, in a single pass.

        All of them are held; optional fields named in `without` stay unread and are None.
        """
        columns = [name for name in SCHEMA.names if name not in without]
        found = (self._predictions(batch) for batch in self.batches(columns, frame_ids))
        return {one.frame_id: one for part in found for one in part}

    def frame_embeddings(self, frame_ids: Sequence[str]) -> Float32s:
        """The embedding of each of these frames, (n, e) float32, in the order given.

        Raises PredictionFilesError where a frame has none or they differ in width.
        """
        row_of = {frame_id: row for row, frame_id in enumerate(dict.fromkeys(frame_ids))}
        vectors: Float32s | None = None
        found = 0
        for batch in self.batches(["frame_embedding"], frame_ids):
            values, starts = list_values(batch.column("frame_embedding"))
            widths = set(np.diff(starts).tolist())
            if vectors is None:
                vectors = np.empty((len(row_of), max(widths)), np.float32)
            if widths != {vectors.shape[1]} or not vectors.shape[1]:
                raise PredictionFilesError(
                    f"{self.folder}: frame embeddings are missing or differ in width; predict the "
                    "frames again, with embeddings"
                )
            rows = [row_of[frame_id] for frame_id in batch.column("frame_id").to_pylist()]
            vectors[rows] = values[starts[0] : starts[-1]].reshape(len(rows), -1)
            found += len(rows)
        if found < len(row_of):
            raise PredictionFilesError(
                f"{self.folder}: {len(row_of) - found} of {len(row_of)} frames have no prediction; "
                "predict them first"
            )
        if vectors is None:
            return np.empty((0, 0), np.float32)
        if len(row_of) == len(frame_ids):
            return vectors
        return vectors[[row_of[frame_id] for frame_id in frame_ids]]

    def batches(
        self, columns: Sequence[str] | None = None, frame_ids: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Rows of the table (see prediction_table) with these columns and `frame_id`.

        Only the columns asked for are read from the disk. Each frame comes once; `frame_ids` None
        means all of them. Raises PredictionFilesError naming a file that is corrupt.
        """
        wanted = None if frame_ids is None else set(frame_ids)
        few = None if wanted is None or len(wanted) > _FEW else pa.array(wanted, pa.string())
        seen: set[str] = set()
        for raw in self.raw_batches(columns):
            batch = raw if few is None else raw.filter(pc.is_in(raw.column("frame_id"), few))
            rows = _fresh_rows(batch, seen, wanted)
            if rows:
                yield batch if len(rows) == batch.num_rows else batch.take(pa.array(rows))

    def raw_batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """The same as the files hold it: a frame may come twice."""
        names = None if columns is None else list(dict.fromkeys(["frame_id", *columns]))
        for path in sorted(self.folder.glob(_PART)):
            yield from _read_part(path, names)

    def check_settings(self, settings: Mapping[str, object]) -> None:
        """Note what the predictions are made with; refuse to mix them with others.

        `settings` must be plain JSON values. Raises PredictionFilesError naming what differs.
        """
        path = self.folder / _SETTINGS
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(path, json.dumps(dict(settings), indent=2).encode())
            return
        before = json.loads(path.read_bytes())
        for name, value in settings.items():
            if before.get(name) != value:
                raise PredictionFilesError(
                    f"{self.folder}: holds predictions made with {name} {before.get(name)}, not "
                    f"{value}; set it back, or delete that folder and predict anew"
                )

    def _predictions(self, batch: pa.RecordBatch) -> Iterator[Prediction]:
        try:
            yield from predictions_of(batch)
        except InvalidValueError as error:
            raise PredictionFilesError(
                f"{self.folder}: a prediction is corrupt: {error}"
            ) from error


def _read_part(path: Path, columns: list[str] | None) -> Iterator[pa.RecordBatch]:
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as part:
            _check_format(path, part.schema_arrow)
            is_slim = columns is not None and "box_embedding" not in columns
            rows = _SLIM_ROWS_AT_ONCE if is_slim else _ROWS_AT_ONCE
            yield from part.iter_batches(rows, columns=columns)
    except (pa.ArrowInvalid, OSError, KeyError) as error:
        told = " ".join(str(error).split())
        raise PredictionFilesError(
            f"{path}: cannot be read: {told}; delete this file, its frames are then predicted again"
        ) from error


def _check_format(path: Path, schema: pa.Schema) -> None:
    found = (schema.metadata or {}).get(FORMAT_KEY)
    if found != FORMAT:
        raise PredictionFilesError(
            f"{path}: has predictions of format {None if found is None else found.decode()}, but "
            f"this version reads {FORMAT.decode()}; use the version that wrote it, or delete it"
        )


def _ids(batches: Iterator[pa.RecordBatch]) -> Iterator[str]:
    for batch in batches:
        yield from batch.column("frame_id").to_pylist()


def _fresh_rows(batch: pa.RecordBatch, seen: set[str], wanted: set[str] | None) -> list[int]:
    rows = []
    for row, frame_id in enumerate(batch.column("frame_id").to_pylist()):
        if frame_id not in seen and (wanted is None or frame_id in wanted):
            seen.add(frame_id)
            rows.append(row)
    return rows


def _new_file(folder: Path) -> BufferedWriter:
    """An unfinished file that this process holds the lock of for as long as it is open."""
    while True:
        path = folder / f"part-{uuid.uuid4().hex}.unfinished"
        file = path.open("xb")
        fcntl.flock(file, fcntl.LOCK_EX)
        if path.exists():
            return file
        file.close()  # somebody opened the folder just then and took the file for abandoned


def _remove_if_abandoned(path: Path) -> None:
    """Remove a file whose writer is gone: the system has then let go of its lock."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    except (BlockingIOError, FileNotFoundError):
        return  # it is being written, or was finished just now


def _sync_folder(folder: Path) -> None:
    """Make the new name in the folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
