"""Which labelled frames choose checkpoints and thresholds instead of training."""

import hashlib
from collections.abc import Sequence


def validation_ids(frame_ids: Sequence[str], share: float) -> set[str]:
    """The frames that choose checkpoints and thresholds instead of training.

    A share of them, rounded, at least one where there are two frames and the share is above 0;
    never all. Which ones follows from the ids alone, so that a frame seldom changes sides while
    the labelled set grows.
    """
    if share <= 0 or len(frame_ids) < 2:
        return set()
    count = min(max(round(share * len(frame_ids)), 1), len(frame_ids) - 1)
    shuffled = sorted(frame_ids, key=lambda one: hashlib.blake2b(one.encode()).digest())
    return set(shuffled[:count])
