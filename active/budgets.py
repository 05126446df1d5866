"""What a batch may cost: frames, boxes, or seconds of people."""

import re
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from prelabel.active.box_table import BoxTable
from prelabel.active.pool import Pool
from prelabel.active.scoring import frame_by_frame
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.errors import InvalidValueError

LEAST_BOXES = 0.1

_IN_WORDS = re.compile(r"(?P<amount>\d+(\.\d+)?)\s*(?P<unit>frames?|box(es)?|s|min|h|)")


class Unit(StrEnum):
    """What is counted."""

    FRAMES = "frames"
    BOXES = "boxes"  # true ones, as far as the detector foretells
    SECONDS = "seconds"  # of people, as foretold by the cost model


_UNITS = {
    **dict.fromkeys(("", "frame", "frames"), (1, Unit.FRAMES)),
    **dict.fromkeys(("box", "boxes"), (1, Unit.BOXES)),
    "s": (1, Unit.SECONDS),
    "min": (60, Unit.SECONDS),
    "h": (3600, Unit.SECONDS),
}


@dataclass(frozen=True, slots=True)
class Budget:
    """So much of a unit; 0 buys nothing."""

    amount: float
    unit: Unit = Unit.FRAMES

    def __post_init__(self) -> None:
        if not (np.isfinite(self.amount) and self.amount >= 0):
            raise InvalidValueError(f"a budget must be finite and at least 0, not {self.amount}")
        if self.unit is Unit.FRAMES and self.amount != int(self.amount):
            raise InvalidValueError(f"a budget of frames must be whole, but is {self.amount}")

    def __str__(self) -> str:
        return f"{self.amount:g} {self.unit}"

    @classmethod
    def parse(cls, text: str) -> "Budget":
        """The budget in words: `200` or `200 frames`, `500 boxes`, `90 s`, `45 min`, `2 h`."""
        found = _IN_WORDS.fullmatch(text.strip().lower())
        if found is None:
            raise InvalidValueError(
                f"{text!r} is no budget: write 200 (frames), 500 boxes, 45 min or 2 h"
            )
        factor, unit = _UNITS[found["unit"]]
        return cls(float(found["amount"]) * factor, unit)

    def prices(self, pool: Pool) -> Float64s:
        """What each frame of a pool takes of the budget, (n,).

        The foretold boxes of a frame are the sum of its scores, and never less than `LEAST_BOXES`:
        a frame is not free because nothing was found on it.
        """
        if self.unit is Unit.FRAMES:
            return np.ones(len(pool))
        if self.unit is Unit.SECONDS:
            return pool.cost_s.astype(np.float64)
        return np.maximum(frame_by_frame(pool, (), _expected_boxes), LEAST_BOXES)

    def share(self, share: float) -> "Budget":
        """This part of it; of frames a whole number, rounded half up."""
        part = share * self.amount
        return Budget(np.floor(part + 0.5) if self.unit is Unit.FRAMES else part, self.unit)

    def about_frames(self, prices: Float64s) -> int:
        """How many frames of average price it buys."""
        if not len(prices):
            return 0
        return min(len(prices), max(1, round(self.amount / max(float(prices.mean()), 1e-9))))


def _expected_boxes(boxes: BoxTable) -> Float64s:
    return np.asarray(np.bincount(boxes.owner, boxes.score, boxes.frame_count), np.float64)
