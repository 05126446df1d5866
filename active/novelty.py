"""The score of frames that look like nothing labelled so far."""

from dataclasses import dataclass

import numpy as np

from prelabel.active.k_center import distance_to_nearest
from prelabel.active.pool import Need, Pool, Rows
from prelabel.active.reasons import distance_reason
from prelabel.active.scoring import Scored, StrategyError


@dataclass(frozen=True, slots=True)
class Novelty:
    """Distance of the frame embedding to that of the nearest labelled frame.

    Where nothing is labelled it is that to the mean of the pool. Raises StrategyError where the
    detector gives no embeddings.
    """

    name: str = "novelty"
    needs: frozenset[Need] = frozenset({Need.EMBEDDINGS})

    def of(self, pool: Pool) -> Scored:
        check_embeddings(pool, self.name)
        values = distance_to_nearest(pool.embeddings, pool.labelled_embeddings)
        typical = float(np.median(values)) if len(values) else 0.0

        def reasons(rows: Rows) -> list[str]:
            return [distance_reason(values[row], typical) for row in rows]

        return Scored(values, reasons)


def check_embeddings(pool: Pool, name: str) -> None:
    """StrategyError where a pool cannot be compared by embeddings, naming the strategy."""
    width, labelled = pool.embeddings.shape[1], pool.labelled_embeddings
    if len(pool) and not width:
        raise StrategyError(
            f"strategy {name} compares frame embeddings, but the predictions hold none; "
            "predict with embeddings, or choose another strategy"
        )
    if len(labelled) and len(pool) and labelled.shape[1] != width:
        raise StrategyError(
            f"strategy {name}: embeddings of labelled frames have {labelled.shape[1]} "
            f"entries, those of the pool {width}; predict both with one model"
        )
