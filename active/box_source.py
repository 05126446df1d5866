"""Where the boxes of a pool come from: memory, or prediction files of any size."""

from collections.abc import Iterator, Sequence
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

Rows = NDArray[np.intp]


class MissingPredictionError(PrelabelError):
    """A frame of a pool has no prediction."""


class BoxSource(Protocol):
    """The boxes of the n frames of a pool; its rows are numbered as the pool's."""

    def __len__(self) -> int: ...

    def chunks(self, columns: Sequence[Column]) -> Iterator[tuple[Rows, BoxTable]]:
        """All frames, part by part: which rows, in any order, and their boxes."""
        ...

    def predictions(self, rows: Rows) -> list[Prediction]:
        """All that is known of a few frames, in the order asked for."""
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
        return cls(files, np.array(frame_ids, "S32"))

    def __len__(self) -> int:
        return len(self.frame_ids)

    def chunks(self, columns: Sequence[Column]) -> Iterator[tuple[Rows, BoxTable]]:
        seen = np.zeros(len(self), np.bool_)
        for batch in self.files.raw_batches(columns_to_read(columns)):
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
        return list(self.files.read([self.frame_ids[row].decode() for row in rows]))

    def take(self, rows: Rows) -> "BoxesInFiles":
        return BoxesInFiles(self.files, self.frame_ids[rows])

    @cached_property
    def _order(self) -> Rows:
        return np.argsort(self.frame_ids, kind="stable")

    @cached_property
    def _sorted(self) -> NDArray[np.bytes_]:
        return self.frame_ids[self._order]

    def _rows_of(self, frame_ids: pa.StringArray) -> Rows:
        """The pool's row of each of these frames, -1 for frames that are not in it."""
        if not len(self):
            return np.full(len(frame_ids), -1, np.intp)
        wanted = frame_ids.to_numpy(zero_copy_only=False).astype("S32")
        place = np.searchsorted(self._sorted, wanted).clip(max=len(self) - 1)
        return np.where(self._sorted[place] == wanted, self._order[place], -1)
