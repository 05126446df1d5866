"""From values to the frames that are chosen; the order of a pool has no influence."""

from collections.abc import Sequence

import numpy as np

from prelabel.active.k_center import Indices, by_id
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.errors import InvalidValueError


def top(
    values: Float64s, frame_ids: Sequence[str], count: int, rng: np.random.Generator
) -> Indices:
    """The `count` frames of highest value, best first; ties fall by lot.

    The lot is drawn for the ids in their order, so that the same frames win in any pool order.
    """
    if not np.isfinite(values).all():
        raise InvalidValueError("values to choose by must be finite, but hold NaN or infinity")
    order = by_id(frame_ids)
    lot = np.empty(len(order), np.intp)
    lot[order] = rng.permutation(len(order))
    return np.lexsort((lot, -values))[:count]
