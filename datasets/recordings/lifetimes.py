"""In which frames of a recording an object is carried."""

from collections.abc import Collection

import numpy as np

from prelabel.datasets.arrays import Float64s, Int64s

# How long an object is carried past where it was seen: where a detector follows what is there, and
# where nothing does.
GONE_S, GONE_UNSEEN_S = 0.2, 1.5


def lifetime(
    shown: Collection[int],
    followed: Collection[int],
    keys: Collection[int],
    times_s: Float64s,
    *,
    is_watched: bool,
) -> Int64s:
    """The frames on which a track is carried, ascending, key frames that do not show it among them.

    `shown` are the key frames that show it, `followed` the frames in which a detector was seen to
    follow it, `keys` all key frames. It is carried through between the first and the last of them,
    and beyond for a while: 0.2 seconds where a detector watches (`is_watched`), else 1.5. A key
    frame beyond the last one that shows it ends it, since there it is no more.
    """
    first, last = min(shown), max(shown)
    before = max((key for key in keys if key < first), default=-1)
    after = min((key for key in keys if key > last), default=len(times_s))
    known = [*shown, *(frame for frame in followed if before < frame < after)]
    reach = GONE_S if is_watched else GONE_UNSEEN_S
    frames = np.arange(before + 1, after)
    early = times_s[frames] >= times_s[min(known)] - reach
    late = times_s[frames] <= times_s[max(known)] + reach
    return np.asarray(frames[early & late], np.int64)
