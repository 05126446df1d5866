"""Where the boxes of a pool come from: memory, or prediction files of any size."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from prelabel.active.box_table import BoxTable, Column, columns_to_read
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import PrelabelError
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.models.prediction_files import PredictionFiles
from prelabel.models.prediction_table import EMBEDDINGS

Rows = NDArray[np.intp]

_ID_BYTES = 32
# Odd, from the digits of pi: the sum of products takes all bytes of an id into account.
_MULTIPLIERS = np.array(
    [0x243F6A8885A308D3, 0x13198A2E03707345, 0xA4093822299F31D1, 0x082EFA98EC4E6C89], np.uint64
)


class MissingPredictionError(PrelabelError):
    """A frame of a pool has no prediction."""


class BoxSource(Protocol):
    """The boxes of the n frames of a pool; its rows are numbered as the pool's."""

    def __len__(self) -> int: ...

    def chunks(self, columns: Sequence[Column]) -> Iterator[tuple[Rows, BoxTable]]:
        """All frames, part by part: which rows, in any order, and their boxes."""
        ...

    def predictions(self, rows: Rows) -> list[Prediction]:
        """What is known of a few frames, in the order asked for; embeddings may be left out."""
        ...

    def take(self, rows: Rows) -> "BoxSource":
        """The source of these rows, in that order."""
        ...


@dataclass(frozen=True)
class BoxesInMemory:
    """Predictions that are there already."""

    held: tuple[Prediction, ...]

    def __len__(self) -> int:
        return len(self.held)

    def chunks(self, columns: Sequence[Column]) -> Iterator[tuple[Rows, BoxTable]]:
        if self.held:
            yield np.arange(len(self.held)), self._table

    def predictions(self, rows: Rows) -> list[Prediction]:
        return [self.held[row] for row in rows]

    def take(self, rows: Rows) -> "BoxesInMemory":
        return BoxesInMemory(tuple(self.held[row] for row in rows))

    @cached_property
    def _table(self) -> BoxTable:
        return BoxTable.of(self.held)


@dataclass(frozen=True)
class NoBoxes:
    """Frames that no detector has looked at."""

    frame_ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.frame_ids)

    def chunks(self, columns: Sequence[Column]) -> Iterator[tuple[Rows, BoxTable]]:
        count = len(self)
        if count:
            starts, scores = np.zeros(count + 1, np.intp), np.zeros(0, np.float32)
            yield np.arange(count), BoxTable(starts, scores, ClassScores.INDEPENDENT)

    def predictions(self, rows: Rows) -> list[Prediction]:
        return [
            Prediction(self.frame_ids[row], "none", Boxes.none(), (), (), ClassScores.INDEPENDENT)
            for row in rows
        ]

    def take(self, rows: Rows) -> "NoBoxes":
        return NoBoxes(tuple(self.frame_ids[row] for row in rows))


@dataclass(frozen=True)
class BoxesInFiles:
    """Predictions in Parquet files, read anew for every pass and never held as a whole.

    Raises MissingPredictionError in mid-pass where a frame has none.
    """

    files: PredictionFiles
    frame_ids: NDArray[np.bytes_]  # (n,) of 32 bytes each

    @classmethod
    def of(cls, files: PredictionFiles, frame_ids: Sequence[str]) -> "BoxesInFiles":
        """The boxes of these frames in `files`."""
        return cls(files, np.array(frame_ids, f"S{_ID_BYTES}"))

    def __len__(self) -> int:
        return len(self.frame_ids)

    def chunks(self, columns: Sequence[Column]) -> Iterator[tuple[Rows, BoxTable]]:
        seen = np.zeros(len(self), np.bool_)
        for batch in _read_ahead(self.files.raw_batches(columns_to_read(columns))):
            rows = self._rows_of(batch.column("frame_id"))
            # A frame may stand in two files: a worker died between writing and saying so.
            fresh = np.flatnonzero(rows >= 0)
            fresh = fresh[~seen[rows[fresh]]]
            fresh = fresh[np.sort(np.unique(rows[fresh], return_index=True)[1])]
            seen[rows[fresh]] = True
            if len(fresh):
                table = BoxTable.of_batch(batch)
                yield rows[fresh], table if len(fresh) == len(rows) else table.take(fresh)
        if not seen.all():
            missing = self.frame_ids[int(seen.argmin())].decode()
            raise MissingPredictionError(
                f"{self.files.folder}: frame {missing} and {int((~seen).sum()) - 1} more have no "
                "prediction; run `prelabel propose` first"
            )

    def predictions(self, rows: Rows) -> list[Prediction]:
        ids = [self.frame_ids[row].decode() for row in rows]
        found = self.files.find(ids, without=EMBEDDINGS)
        return [found[frame_id] for frame_id in ids]

    def take(self, rows: Rows) -> "BoxesInFiles":
        return BoxesInFiles(self.files, self.frame_ids[rows])

    @cached_property
    def _keys(self) -> tuple[NDArray[np.uint64], Rows]:
        """A number for each id, rising, and the row it stands for."""
        keys = _numbers(self.frame_ids)
        order = np.argsort(keys, kind="stable")
        return keys[order], order

    def _rows_of(self, frame_ids: pa.StringArray) -> Rows:
        """The pool's row of each of these frames, -1 for frames that are not in it."""
        wanted = _as_bytes(frame_ids)
        if not len(self) or not len(wanted):
            return np.full(len(wanted), -1, np.intp)
        keys, order = self._keys
        numbers = _numbers(wanted)
        rising = np.argsort(numbers)  # neighbours are looked for side by side, in the cache
        place = np.empty(len(wanted), np.intp)
        place[rising] = np.searchsorted(keys, numbers[rising]).clip(max=len(self) - 1)
        rows = order[place]
        # Ids of one number are told apart here; numbers of 64 bits hardly ever repeat.
        for step in range(1, len(self)):
            is_next = (self.frame_ids[rows] != wanted) & (place + step < len(self))
            is_next[is_next] = keys[place[is_next] + step] == keys[place[is_next]]
            if not is_next.any():
                break
            rows[is_next] = order[place[is_next] + step]
        return np.where(self.frame_ids[rows] == wanted, rows, -1)


def _read_ahead(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same; a thread reads the next one while one is worked on."""
    with ThreadPoolExecutor(1, "boxes") as reader:
        waiting = reader.submit(next, batches, None)
        while (batch := waiting.result()) is not None:
            waiting = reader.submit(next, batches, None)
            yield batch


def _as_bytes(frame_ids: pa.StringArray) -> NDArray[np.bytes_]:
    """Ids as (n,) of 32 bytes, without a Python object each where they are as long as they are."""
    offsets = np.frombuffer(frame_ids.buffers()[1], np.int32)[frame_ids.offset :]
    offsets = offsets[: len(frame_ids) + 1]
    if not len(frame_ids) or (np.diff(offsets) != _ID_BYTES).any():
        return np.array(frame_ids.to_pylist(), f"S{_ID_BYTES}")
    text = np.frombuffer(frame_ids.buffers()[2], np.uint8)
    return text[offsets[0] : offsets[-1]].view(f"S{_ID_BYTES}")


def _numbers(frame_ids: NDArray[np.bytes_]) -> NDArray[np.uint64]:
    """A number for each id: ids are searched by it ten times faster than by their bytes."""
    words = np.ascontiguousarray(frame_ids).view(np.uint64).reshape(len(frame_ids), -1)
    return np.asarray((words * _MULTIPLIERS).sum(axis=1, dtype=np.uint64), np.uint64)
