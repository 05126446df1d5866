"""Predictions as an Arrow table: one row a frame, each array a list in a column of its own.

Arrays are flattened row by row; the number of boxes is the length of `score`, and the widths of
`class_probs` and `box_embedding` are columns too, so that a frame without boxes comes back with
the shapes it had. A null is a field the detector did not give. Embeddings are kept as float16
(about three decimal digits), everything else as it is.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from prelabel.datasets.boxes import Boxes
from prelabel.datasets.predictions import ClassScores, Prediction

FORMAT_KEY = b"prelabel.predictions"
FORMAT = b"1"

EMBEDDINGS = ("box_embedding", "frame_embedding")
_LARGEST_HALF = float(np.finfo(np.float16).max)
_LISTS: dict[str, pa.DataType] = {
    "xyxy": pa.float32(),
    "angle": pa.float32(),
    "score": pa.float32(),
    "class_id": pa.int64(),
    "class_probs": pa.float32(),
    "spread_px": pa.float32(),
    "support": pa.int64(),
    "class_peak": pa.float32(),
    "box_embedding": pa.float16(),
    "frame_embedding": pa.float16(),
}
_WIDTHS = {"class_probs": "class_count", "box_embedding": "box_embedding_width"}

SCHEMA = pa.schema(
    [
        ("frame_id", pa.string()),
        ("model_id", pa.string()),
        ("class_scores", pa.string()),
        *((name, pa.int32()) for name in _WIDTHS.values()),
        *((name, pa.list_(kind)) for name, kind in _LISTS.items()),
    ],
    metadata={FORMAT_KEY: FORMAT},
)


def table_of(predictions: Sequence[Prediction]) -> pa.Table:
    """The predictions as a table of `SCHEMA`, one row each."""
    columns = [
        pa.array([one.frame_id for one in predictions], pa.string()),
        pa.array([one.model_id for one in predictions], pa.string()),
        pa.array([str(one.class_scores) for one in predictions], pa.string()),
        *(
            pa.array([_width(_field(one, name)) for one in predictions], pa.int32())
            for name in _WIDTHS
        ),
        *(
            _list_column([_field(one, name) for one in predictions], kind)
            for name, kind in _LISTS.items()
        ),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def predictions_of(batch: pa.RecordBatch) -> Iterator[Prediction]:
    """The predictions in a batch, in its order.

    Of the columns of `SCHEMA` those of optional fields may be missing: such a field is None.
    Raises InvalidValueError where the content is no prediction.
    """
    plain = {
        name: batch.column(name).to_pylist()
        for name in ("frame_id", "model_id", "class_scores", *_WIDTHS.values())
    }
    read = [name for name in _LISTS if name in batch.schema.names]
    lists = {name: _Lists(batch.column(name)) for name in read}
    for row in range(batch.num_rows):
        fields: dict[str, Any] = {name: lists[name].row(row) for name in read}
        for name, width in _WIDTHS.items():
            if fields.get(name) is not None:
                fields[name] = fields[name].reshape(len(fields["score"]), plain[width][row])
        if fields.get("spread_px") is not None:
            fields["spread_px"] = fields["spread_px"].reshape(-1, 4)
        boxes = Boxes(fields.pop("xyxy").reshape(-1, 4), fields.pop("angle"))
        yield Prediction(
            plain["frame_id"][row],
            plain["model_id"][row],
            boxes,
            class_scores=ClassScores(plain["class_scores"][row]),
            **fields,
        )


def list_values(column: pa.ListArray) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """All values of a list column, and where in them each row begins and the last one ends."""
    return column.values.to_numpy(zero_copy_only=False), column.offsets.to_numpy()


class _Lists:
    """The rows of a list column as arrays."""

    def __init__(self, column: pa.ListArray) -> None:
        self._values, self._starts = list_values(column)
        self._is_valid = column.is_valid().to_numpy(zero_copy_only=False)

    def row(self, row: int) -> NDArray[Any] | None:
        if not self._is_valid[row]:
            return None
        return self._values[self._starts[row] : self._starts[row + 1]]


def _field(prediction: Prediction, name: str) -> NDArray[Any] | None:
    if name in ("xyxy", "angle"):
        boxes_field: NDArray[Any] | None = getattr(prediction.boxes, name)
        return boxes_field
    field: NDArray[Any] | None = getattr(prediction, name)
    return field


def _width(array: NDArray[Any] | None) -> int | None:
    return None if array is None else array.shape[1]


def _list_column(arrays: Sequence[NDArray[Any] | None], kind: pa.DataType) -> pa.ListArray:
    sizes = [0 if one is None else one.size for one in arrays]
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    given = [one.ravel() for one in arrays if one is not None]
    values = np.concatenate(given) if given else np.zeros(0)
    if kind == pa.float16():
        values = values.clip(-_LARGEST_HALF, _LARGEST_HALF)
    is_null = pa.array([one is None for one in arrays], pa.bool_())
    flat = pa.array(values.astype(kind.to_pandas_dtype()), kind)
    return pa.ListArray.from_arrays(pa.array(starts), flat, mask=is_null)
