"""Which frames of a recording a person should correct, so that carrying does for the others."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from scipy.optimize import linear_sum_assignment

from prelabel.datasets.arrays import Float64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.geometry import boxes_iou
from prelabel.datasets.lidar.cuboids import Cuboids, footprint_iou

_SAME_OBJECT = 0.1  # overlap from which a carried and a proposed box may be of one object


def disagreement(overlap: Float64s, score: Float64s) -> float:
    """How far carried boxes are from proposals: the sum of what is missing of full overlaps.

    `overlap` (n, m) is the IoU of n carried boxes and m proposals, `score` (m,) the proposals'. A
    pair counts 1 - IoU by its score, a proposal without partner its score, and a carried box
    without partner 1/2: detectors overlook more than people do.
    """
    rows, columns = linear_sum_assignment(-overlap) if overlap.size else ((), ())
    paired = [(r, c) for r, c in zip(rows, columns, strict=True) if overlap[r, c] >= _SAME_OBJECT]
    fit = float(sum(float(score[c]) * (1 - float(overlap[r, c])) for r, c in paired))
    new = float(score.sum()) - sum(float(score[c]) for _, c in paired)
    return fit + new + 0.5 * float(overlap.shape[0] - len(paired))


def cuboid_disagreement(carried: Cuboids, proposed: Cuboids, score: Float64s) -> float:
    """`disagreement` of cuboids seen from above."""
    return disagreement(footprint_iou(carried, proposed), score)


def box_disagreement(carried: Boxes, proposed: Boxes, score: Float64s) -> float:
    """`disagreement` of boxes."""
    return disagreement(boxes_iou(carried, proposed), score)


@dataclass(frozen=True, slots=True)
class KeyFrames:
    """The frames chosen, in the order they were asked for, and what was expected of each.

    `expected` is the failure that was foretold for a frame when it was chosen; `left` the greatest
    that is foretold for a frame that nobody looks at.
    """

    frames: tuple[int, ...]
    expected: tuple[float, ...]
    left: float


def choose_key_frames(
    count: int,
    failure: Callable[[Sequence[int]], Float64s],
    *,
    tolerated: float,
    most: int | None = None,
) -> KeyFrames:
    """Ask a person for one frame after another, where carrying is expected to fail most.

    `failure` carries from the key frames it is given, which have been corrected by then, and
    foretells for each of `count` frames how badly that went; that of key frames is not looked at.
    The first and the last frame come first. It ends when no frame is expected to fail by more than
    `tolerated`, or with `most` frames.
    """
    if count < 1 or (most is not None and most < 1):
        raise InvalidValueError(f"count and most must be at least 1, but are {count} and {most}")
    limit = count if most is None else min(most, count)
    frames = [0, count - 1][: min(limit, count)]
    expected = [float("inf")] * len(frames)
    while True:
        foretold = np.array(failure(tuple(sorted(frames))), np.float64)
        foretold[frames] = 0
        worst = int(foretold.argmax())
        if foretold[worst] <= tolerated or len(frames) >= limit:
            return KeyFrames(tuple(frames), tuple(expected), float(foretold[worst]))
        frames.append(worst)
        expected.append(float(foretold[worst]))


class Carriable(Protocol):
    """A recording some of whose frames a person has corrected."""

    @property
    def count(self) -> int:
        """How many frames it has."""
        ...

    @property
    def key_frames(self) -> Collection[int]:
        """Those that a person has corrected."""
        ...

    def foretold(self) -> Float64s:
        """How badly carrying is expected to fail in each frame, (count,), at least 0."""
        ...

    def with_guess(self, frame: int) -> Self:
        """The same as if a person had found in a frame what is expected there."""
        ...


def ask_for_key_frames(recording: Carriable, most: int, tolerated: float = 0.0) -> KeyFrames:
    """The next frames to correct, the most useful first, all at once.

    After each it is foretold anew as if the person had found there what is expected, so that
    neighbours are not asked for one failure. It ends with `most` frames, or when none is expected
    to fail by more than `tolerated`.
    """
    frames, expected = list[int](), list[float]()
    while True:
        foretold = recording.foretold().copy()
        foretold[list(recording.key_frames)] = 0
        worst = int(foretold.argmax()) if len(foretold) else 0
        left = float(foretold[worst]) if len(foretold) else 0.0
        if left <= tolerated or len(frames) >= most:
            return KeyFrames(tuple(frames), tuple(expected), left)
        frames.append(worst)
        expected.append(left)
        recording = recording.with_guess(worst)
