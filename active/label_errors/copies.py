"""Frames that are nearly the same picture, above all where one trains and the other tests."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.arrays import Float32s

SURPRISE = 6.0  # robust standard deviations above the usual likeness of nearest neighbours
LEAST_LIKE = 0.9  # cosine; below it nobody calls two pictures copies
_BLOCK = 2048


@dataclass(frozen=True, slots=True)
class Copies:
    """Two frames by row, the earlier first, and the cosine of their vectors; `leaks`: they are in
    different splits."""

    first: int
    second: int
    likeness: float
    leaks: bool


def near_copies(
    vectors: Float32s, splits: Sequence[str], recordings: Sequence[str | None]
) -> list[Copies]:
    """Pairs of frames that are far more alike than neighbours usually are, leaks first.

    `vectors` (n, d) are embeddings. What is usual is told by the data: the median likeness of a
    frame to its nearest neighbour of another recording, and how much that scatters; where most
    frames have a copy, copies are usual, and a pair counts from a likeness of 0.999 on. Neighbours
    within one recording count only if the recording spans splits.
    """
    if len(vectors) < 3:
        return []
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    centred = unit - unit.mean(axis=0)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)
    best = np.concatenate([block.max(axis=1) for _, block in _blocks(unit)])
    middle = float(np.median(best))
    spread = 1.4826 * float(np.median(np.abs(best - middle)))
    gate = min(max(LEAST_LIKE, middle + SURPRISE * spread), 0.999)
    found: list[Copies] = []
    for start, block in _blocks(unit):
        for row, column in np.argwhere(block >= gate).tolist():
            first, second = start + row, column
            if first < second and _counts(first, second, splits, recordings):
                leaks = splits[first] != splits[second]
                found.append(Copies(first, second, float(block[row, column]), leaks))
    return sorted(found, key=lambda one: (not one.leaks, -one.likeness, one.first, one.second))


def _blocks(unit: Float32s) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """The likeness of some frames to all, (b, n), from which row on; in bounded memory."""
    for start in range(0, len(unit), _BLOCK):
        yield start, _likeness(unit, start)


def _likeness(unit: Float32s, start: int) -> NDArray[np.float32]:
    block = unit[start : start + _BLOCK] @ unit.T
    block[np.arange(len(block)), start + np.arange(len(block))] = -1  # itself
    return np.asarray(block, np.float32)


def _counts(
    first: int, second: int, splits: Sequence[str], recordings: Sequence[str | None]
) -> bool:
    together = recordings[first] is not None and recordings[first] == recordings[second]
    return not together or splits[first] != splits[second]
