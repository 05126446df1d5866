"""How many objects of each class a frame is expected to show, found ones and missed ones."""

import numpy as np

from prelabel.active.ahead import worked_ahead
from prelabel.active.box_table import BoxTable
from prelabel.active.error_models import ERROR_COLUMNS, error_models
from prelabel.active.pool import Pool, Rows
from prelabel.active.presence import class_count, classes_of
from prelabel.datasets.arrays import Float64s

_LEAST_PEAK = 1e-6
_Part = tuple[Rows, Float64s, Float64s, Float64s]  # rows, objects found, missed, peaks


def known_objects(pool: Pool) -> Float64s:
    """How many labelled objects of each class there are, (C,).

    Where the pool does not tell, those of the frames that its evidence is of.
    """
    counts = pool.labelled_boxes
    if not len(counts):
        counts = np.bincount(pool.evidence.truth_class)
    known = np.zeros(class_count(pool))
    known[: len(counts)] = counts[: len(known)]
    return known


def expected_objects(pool: Pool) -> Float64s:
    """The expected number of objects of each class on each frame, (n, C).

    Every box counts as much as it is likely to lie on an object (`error_models`), split over the
    classes by its class vector. The objects that no box lies on are split by how many labels a
    class has (and 1), times how its best candidate on the frame, however faint, compares with the
    mean of the pool: a detector that has seen a class twice does not find it yet, but scores it
    higher where it is.
    """
    expected = error_models(pool.evidence)
    classes = class_count(pool)

    def looked_at(part: tuple[Rows, BoxTable]) -> _Part:
        rows, table = part
        boxes, missed = expected(table)
        found = _by_class(table, boxes.is_object, classes)
        return rows, found, missed, _peaks(table, classes)

    found, peaks = np.zeros((len(pool), classes)), np.zeros((len(pool), classes))
    missed = np.zeros(len(pool))
    for rows, *told in worked_ahead(looked_at, pool.boxes.chunks(ERROR_COLUMNS)):
        found[rows], missed[rows], peaks[rows] = told
    usual = np.maximum(peaks.mean(axis=0), _LEAST_PEAK) if len(pool) else 1.0
    share = (known_objects(pool) + 1) * np.maximum(peaks, _LEAST_PEAK) / usual
    hidden = missed[:, None] * share / share.sum(axis=1, keepdims=True)
    return np.asarray(found + hidden, np.float64)


def _by_class(table: BoxTable, weight: Float64s, classes: int) -> Float64s:
    """Sums over each frame's boxes, split by class, (n, C)."""
    sums = np.zeros((table.frame_count, classes))
    if table.class_probs is None:
        np.add.at(sums, (table.owner, classes_of(table)), weight)
        return sums
    share = table.class_probs[:, :classes].astype(np.float64)
    share /= np.maximum(share.sum(axis=1, keepdims=True), 1e-9)
    for class_id in range(share.shape[1]):
        by_frame = np.bincount(table.owner, weight * share[:, class_id], table.frame_count)
        sums[:, class_id] = by_frame
    return sums


def _peaks(table: BoxTable, classes: int) -> Float64s:
    """The best candidate of each class on each frame, (n, C); the same for all where not told."""
    peaks = np.ones((table.frame_count, classes))
    if table.class_peak is not None and table.class_peak.shape[1]:
        told = table.class_peak[:, :classes].astype(np.float64)
        known = np.isfinite(told).all(axis=1)
        peaks[known] = _LEAST_PEAK
        peaks[known, : told.shape[1]] = told[known]
    return peaks
