"""Made-up checks: frames of which some are hard, so that their boxes fail together."""

import numpy as np

from prelabel.active.box_table import BoxTable
from prelabel.active.checks import Checks
from prelabel.datasets.predictions import ClassScores

CLASSES = 3


def a_world(
    frames: int, rng: np.random.Generator, *, unseen: float = 0.02, flattery: float = 0.0
) -> Checks:
    """Frames with up to nine boxes; scores overstate the logit of being right by `flattery`.

    The detector has no box at all on `unseen` objects a frame.
    """
    count = rng.poisson(4, frames).clip(0, 9)
    start = np.concatenate([np.zeros(1, np.intp), np.cumsum(count, dtype=np.intp)])
    boxes = int(start[-1])
    hardness = np.repeat(rng.normal(0, 1.5, frames), count)
    logit = rng.normal(3, 3, boxes) - hardness
    right = rng.random(boxes) < 1 / (1 + np.exp(-2 * logit))
    score = (1 / (1 + np.exp(-logit - flattery))).astype(np.float32)
    corners = rng.uniform(0, 50, (boxes, 2))
    xyxy = np.concatenate([corners, corners + rng.uniform(5, 40, (boxes, 2))], axis=1)
    table = BoxTable(
        start,
        score,
        ClassScores.INDEPENDENT,
        rng.integers(0, CLASSES, boxes),
        xyxy.astype(np.float32),
        support=rng.integers(1, 9, boxes),
    )
    objects = np.bincount(table.owner, right, frames) + rng.poisson(unseen, frames)
    return Checks(table, right, right.copy(), np.where(right, 0.8, 0.0), objects.astype(np.int64))
