"""What several sources say of the same frames, beside each other."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from prelabel.active.box_source import BoxSource, Rows
from prelabel.active.box_table import BoxTable, Column, joined_angles
from prelabel.datasets.arrays import Float32s

BLOCK_FRAMES = 1 << 16  # held at a time


def side_by_side(
    sources: Sequence[BoxSource], columns: Sequence[Column], block: int = BLOCK_FRAMES
) -> Iterator[tuple[Rows, list[BoxTable]]]:
    """A pool block by block: rows, and for each source a table of just these rows in their order.

    Sources give their frames in orders of their own, so each is read once for every block; memory
    does not grow with the pool.
    """
    count = len(sources[0])
    for begin in range(0, count, block):
        rows = np.arange(begin, min(begin + block, count))
        yield rows, [_gathered(source.take(rows), columns) for source in sources]


def _gathered(source: BoxSource, columns: Sequence[Column]) -> BoxTable:
    parts = list(source.chunks(columns))
    if len(parts) == 1:
        rows, table = parts[0]
    else:
        rows = np.concatenate([one for one, _ in parts])
        table = _joined([one for _, one in parts])
    in_order = np.argsort(rows, kind="stable")
    return table if (in_order == np.arange(len(rows))).all() else table.take(in_order)


def _joined(tables: Sequence[BoxTable]) -> BoxTable:
    """One table of many of the same detector."""
    counts = np.concatenate([one.counts for one in tables])
    joined: dict[str, Any] = {}
    for field in fields(BoxTable):
        values = [getattr(one, field.name) for one in tables]
        if field.name == "start":
            joined["start"] = np.concatenate([np.zeros(1, np.intp), np.cumsum(counts)])
        elif field.name == "class_scores":
            joined["class_scores"] = values[0]
        elif field.name == Column.CLASS_PEAK:
            joined[field.name] = _joined_peaks(tables)
        elif field.name == "angle":
            joined["angle"] = joined_angles(values, np.array([len(one.score) for one in tables]))
        else:
            # A part without boxes says nothing about what its detector gives.
            told = [v for v, one in zip(values, tables, strict=True) if len(one.score)]
            given = [one for one in told if one is not None]
            joined[field.name] = np.concatenate(given) if given else values[0]
    return BoxTable(**joined)


def _joined_peaks(tables: Sequence[BoxTable]) -> Float32s | None:
    widths = [one.class_peak.shape[1] for one in tables if one.class_peak is not None]
    if not widths:
        return None
    unknown = (np.full((one.frame_count, widths[0]), np.nan, np.float32) for one in tables)
    pairs = zip(tables, unknown, strict=True)
    return np.concatenate([nan if one.class_peak is None else one.class_peak for one, nan in pairs])
