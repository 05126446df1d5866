"""Spreads of cuboids, made what they say."""

import numpy as np
import pytest

from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.lidar.cuboids import Cuboids
from prelabel.datasets.lidar.proposals import CuboidProposals
from prelabel.datasets.lidar.spread_scale import SpreadErrors, SpreadScale


def sweeps(count: int, seed: int) -> tuple[list[CuboidProposals], list[Cuboids]]:
    """Cars whose proposals are off by 0.3 m, and say 0.1; turned by 0.05, and say 0.2."""
    rng = np.random.default_rng(seed)
    proposals, truths = [], []
    for _ in range(count):
        centre = np.array([[x, y, 0] for x in (0, 20, 40) for y in (-10, 10)]) + rng.normal(0, 1, 3)
        true = Cuboids(centre, np.tile([4.5, 1.9, 1.6], (6, 1)), rng.uniform(-3, 3, 6))
        off = rng.normal(0, 0.3, (6, 3))
        flip = np.pi * rng.integers(0, 2, 6)
        made = Cuboids(centre + off, true.size_m + rng.normal(0, 0.1, (6, 3)),
                       true.yaw + rng.normal(0, 0.05, 6) + flip)  # fmt: skip
        proposals.append(
            CuboidProposals(
                made,
                np.full(6, 0.9, np.float32),
                np.zeros(6, np.int64),
                np.full(6, 50),
                np.full((6, 6), 0.1),
                np.full(6, 0.2),
            )
        )
        truths.append(true)
    return proposals, truths


def test_scaled_spreads_hold_what_they_promise_on_other_sweeps() -> None:
    scale = SpreadScale.fitted(SpreadErrors.of(*sweeps(60, 0)))
    other, truths = sweeps(60, 1)
    before = SpreadErrors.of(other, truths)
    after = SpreadErrors.of([scale.of(one) for one in other], truths)

    assert len(before.off) == 360
    assert before.coverage(0.9)[0] < 0.6
    assert before.coverage(0.9)[6] > 0.99
    assert (np.abs(after.coverage(0.9) - 0.9) < 0.06).all()
    np.testing.assert_allclose(scale.factors[:3], 3, rtol=0.2)
    np.testing.assert_allclose(scale.factors[6], 0.25, rtol=0.2)


def test_too_few_errors_scale_nothing() -> None:
    few = SpreadErrors.of(*sweeps(3, 0))
    with pytest.raises(InvalidValueError, match="at least 20 errors"):
        SpreadScale.fitted(few)
    bare = CuboidProposals(
        Cuboids.none(), np.zeros(0, np.float32), np.zeros(0, np.int64), np.zeros(0, np.int64)
    )
    assert SpreadScale.fitted(SpreadErrors.of(*sweeps(9, 0))).of(bare) is bare
    with pytest.raises(InvalidValueError, match="nothing of their spread"):
        SpreadErrors.of([bare], [Cuboids.none()])
