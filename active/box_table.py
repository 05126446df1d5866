"""The boxes of many frames in columns, so that a score looks at a million frames without a loop."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from prelabel.datasets.arrays import Float32s, Int64s
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.models.prediction_table import list_values


class Column(StrEnum):
    """A field of predictions that a score may ask for; those it does not ask for stay unread."""

    XYXY = "xyxy"  # brings the angles of turned boxes with it
    CLASS_ID = "class_id"
    CLASS_PROBS = "class_probs"
    SPREAD_PX = "spread_px"
    SUPPORT = "support"
    CLASS_PEAK = "class_peak"
    BOX_EMBEDDING = "box_embedding"


_ANGLE = "angle"
_OF_BOXES = tuple(column for column in Column if column is not Column.CLASS_PEAK)
_WIDTHS = {Column.XYXY: 4, Column.SPREAD_PX: 4}  # of the others, the files tell
_KEPT_WIDTHS = {
    Column.CLASS_PROBS: "class_count",
    Column.BOX_EMBEDDING: "box_embedding_width",
}


@dataclass(frozen=True, slots=True, eq=False)
class BoxTable:
    """The boxes of n frames of one detector, m in all, frame after frame.

    Those of frame i stand in rows `start[i]` to `start[i + 1]`, best score first; `start` is
    (n + 1,). `score` (m,), `class_id` (m,), `xyxy` (m, 4), `class_probs` (m, C), `spread_px`
    (m, 4), `support` (m,), `box_embedding` (m, d) are those of `Prediction`; `angle` (m,) comes
    with `xyxy`, None where all boxes are upright; `class_peak` is (n, C), NaN for a frame of which
    it is not known. A column that was not asked for, or that the detector does not give, is None.
    """

    start: NDArray[np.intp]
    score: Float32s
    class_scores: ClassScores
    class_id: Int64s | None = None
    xyxy: Float32s | None = None
    class_probs: Float32s | None = None
    spread_px: Float32s | None = None
    support: Int64s | None = None
    box_embedding: Float32s | None = None
    class_peak: Float32s | None = None
    angle: Float32s | None = None

    @classmethod
    def of(cls, predictions: Sequence[Prediction]) -> "BoxTable":
        """All columns of these predictions."""
        counts = np.array([len(one) for one in predictions], np.intp)
        columns = {str(column): _stacked(column, predictions, counts) for column in _OF_BOXES}
        columns[str(Column.CLASS_PEAK)] = _a_row_each([one.class_peak for one in predictions])
        columns[_ANGLE] = joined_angles([one.boxes.angle for one in predictions], counts)
        score = np.concatenate([np.zeros(0, np.float32), *(one.score for one in predictions)])
        kind = _kind({one.class_scores for one in predictions})
        return cls(_starts(counts), score, kind, **columns)

    @classmethod
    def of_batch(cls, batch: pa.RecordBatch) -> "BoxTable":
        """The columns that a batch of prediction files holds (see models.prediction_table)."""
        score, start = list_values(batch.column("score"))
        first, last = (int(start[0]), int(start[-1])) if batch.num_rows else (0, 0)
        kinds = {ClassScores(one) for one in batch.column("class_scores").unique().to_pylist()}
        given = set(batch.schema.names)
        columns = {
            str(column): _column(column, batch, last - first)
            for column in _OF_BOXES
            if column in given
        }
        if Column.CLASS_PEAK in given:
            columns[str(Column.CLASS_PEAK)] = _peaks(batch.column(Column.CLASS_PEAK))
        if _ANGLE in given:
            columns[_ANGLE] = _angles(batch.column(_ANGLE), np.diff(start))
        starts = (start - first).astype(np.intp) if batch.num_rows else np.zeros(1, np.intp)
        return cls(starts, score[first:last], _kind(kinds), **columns)

    @property
    def frame_count(self) -> int:
        return len(self.start) - 1

    @property
    def counts(self) -> NDArray[np.intp]:
        """How many boxes each frame has, (n,)."""
        return np.diff(self.start)

    @property
    def owner(self) -> NDArray[np.intp]:
        """The frame each box belongs to, (m,), rising."""
        return np.repeat(np.arange(self.frame_count), self.counts)

    def take(self, frames: NDArray[np.intp]) -> "BoxTable":
        """The boxes of these frames, in that order."""
        counts = self.counts[frames]
        starts = _starts(counts)
        rows = np.arange(starts[-1]) + np.repeat(self.start[frames] - starts[:-1], counts)
        taken: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in ("start", "class_scores") or value is None:
                taken[field.name] = value
            else:
                taken[field.name] = value[frames if field.name == Column.CLASS_PEAK else rows]
        return BoxTable(**(taken | {"start": starts}))


def columns_to_read(wanted: Iterable[Column]) -> list[str]:
    """The columns of prediction files that a table of the wanted columns is made from."""
    chosen = list(dict.fromkeys(wanted))
    widths = [_KEPT_WIDTHS[column] for column in chosen if column in _KEPT_WIDTHS]
    angle = [_ANGLE] if Column.XYXY in chosen else []
    return ["score", "class_scores", *map(str, chosen), *widths, *angle]


def joined_angles(parts: Sequence[Float32s | None], counts: NDArray[np.intp]) -> Float32s | None:
    """The angles of boxes in parts of so many; None for upright ones, or where all are."""
    if all(one is None for one in parts):
        return None
    pairs = zip(parts, counts.tolist(), strict=True)
    return np.concatenate([np.zeros(n, np.float32) if one is None else one for one, n in pairs])


def _starts(counts: NDArray[np.intp]) -> NDArray[np.intp]:
    return np.concatenate([np.zeros(1, np.intp), np.cumsum(counts, dtype=np.intp)])


def _stacked(
    column: Column, predictions: Sequence[Prediction], counts: NDArray[np.intp]
) -> NDArray[Any] | None:
    arrays = [
        one.boxes.xyxy if column is Column.XYXY else getattr(one, column) for one in predictions
    ]
    # A frame without boxes says nothing about what its detector gives.
    told = [a for a, count in zip(arrays, counts, strict=True) if count]
    given = [one for one in told if one is not None]
    if not given:
        return None
    if len(given) < len(told):
        raise _mixed(column)
    _check_one({one.shape[1:] for one in given}, column)
    return np.concatenate(given)


def _column(column: Column, batch: pa.RecordBatch, boxes: int) -> NDArray[Any] | None:
    lists = batch.column(column)
    if lists.null_count == batch.num_rows:
        return None
    values, starts = list_values(lists)
    flat = values[starts[0] : starts[-1]]
    width = _width(column, batch)
    if flat.size != boxes * (1 if width is None else width):
        raise _mixed(column)
    shaped = flat if width is None else flat.reshape(boxes, width)
    return shaped.astype(np.float32) if shaped.dtype == np.float16 else shaped


def _angles(lists: pa.ListArray, counts: NDArray[np.int32]) -> Float32s | None:
    if lists.null_count == len(lists):
        return None
    values, starts = list_values(lists)
    flat = values[starts[0] : starts[-1]]
    if not lists.null_count:
        return flat
    angles = np.zeros(int(counts.sum()), np.float32)
    is_turned = lists.is_valid().to_numpy(zero_copy_only=False)
    angles[np.repeat(is_turned, counts)] = flat
    return angles


def _peaks(lists: pa.ListArray) -> Float32s | None:
    values, starts = list_values(lists)
    sizes = np.diff(starts)
    if not lists.null_count and len(sizes) and (sizes == sizes[0]).all():
        return values[starts[0] : starts[-1]].reshape(len(sizes), -1)
    given = [None if one.values is None else one.values.to_numpy() for one in lists]
    return _a_row_each(given)


def _a_row_each(arrays: Sequence[NDArray[Any] | None]) -> Float32s | None:
    widths = {len(one) for one in arrays if one is not None}
    if not widths:
        return None
    _check_one(widths, Column.CLASS_PEAK)
    rows = np.full((len(arrays), widths.pop()), np.nan, np.float32)
    for row, array in enumerate(arrays):
        if array is not None:
            rows[row] = array
    return rows


def _width(column: Column, batch: pa.RecordBatch) -> int | None:
    """Entries a box; None where it is a single number."""
    if column in (Column.CLASS_ID, Column.SUPPORT):
        return None
    if column in _WIDTHS:
        return _WIDTHS[column]
    told = {one for one in batch.column(_KEPT_WIDTHS[column]).unique().to_pylist() if one}
    _check_one(told, column)
    return int(max(told, default=0))


def _kind(kinds: set[ClassScores]) -> ClassScores:
    _check_one(kinds, "class_scores")
    return next(iter(kinds), ClassScores.INDEPENDENT)


def _check_one(values: set[Any], what: str) -> None:
    if len(values) > 1:
        raise _mixed(what)


def _mixed(what: str) -> InvalidValueError:
    return InvalidValueError(
        f"{what} of a pool must be of one detector, but differs or is missing for some frames; "
        "predict the whole pool again with one model"
    )
