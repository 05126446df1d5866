"""Following objects without a framework: for tests of what is made of it."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from prelabel.datasets.arrays import Float32s, Int64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.geometry import boxes_iou


def follow_by_overlap(frames: Sequence[tuple[Boxes, Float32s]]) -> list[Int64s]:
    """A box goes on with the number of the last box that it overlaps."""
    last: dict[int, Boxes] = {}
    numbers = []
    for boxes, _ in frames:
        own = np.full(len(boxes), -1, np.int64)
        names = list(last)
        if names and len(boxes):
            known = Boxes(np.concatenate([last[name].xyxy for name in names]))
            overlap = boxes_iou(known, boxes)
            for row, column in zip(*linear_sum_assignment(-overlap), strict=True):
                if overlap[row, column] > 0.1:
                    own[column] = names[row]
        for row in np.flatnonzero(own < 0):
            own[row] = max(last, default=0) + 1
            last[int(own[row])] = boxes.take([int(row)])
        for row, number in enumerate(own.tolist()):
            last[number] = boxes.take([row])
        numbers.append(own)
    return numbers
