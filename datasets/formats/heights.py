"""Heights of boxes seen from above, for formats that have no place for them."""

from collections.abc import Iterable, Iterator

import numpy as np

from prelabel.datasets.frames import LabelledFrame
from prelabel.datasets.wording import counted

WITH_HEIGHTS = frozenset({"coco"})


class FramesWithoutHeights:
    """Frames as they are; `notes` say after a pass how many heights were left out of a file."""

    def __init__(self, frames: Iterable[LabelledFrame]) -> None:
        self._frames = frames
        self._heights = 0

    def __iter__(self) -> Iterator[LabelledFrame]:
        for one in self._frames:
            if one.annotations is not None and one.annotations.height_m is not None:
                self._heights += int(np.isfinite(one.annotations.height_m[:, 0]).sum())
            yield one

    @property
    def notes(self) -> tuple[str, ...]:
        """What the format could not carry, in words."""
        if not self._heights:
            return ()
        heights = counted(self._heights, "height")
        return (f"{heights} left out: only {', '.join(sorted(WITH_HEIGHTS))} has a place for them",)
