"""The score of frames whose boxes a detector is unsure of."""

from dataclasses import dataclass

from prelabel.active.box_table import BoxTable, Column
from prelabel.active.pool import Need, Pool
from prelabel.active.reasons import uncertainty_reason
from prelabel.active.scores import Aggregation, Measure, PoolBoxes, frame_values
from prelabel.active.scoring import NO_NEEDS, Scored, frame_by_frame, told
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.predictions import Prediction


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """How unsure the boxes of a frame are: a measure of each, aggregated."""

    measure: Measure
    aggregation: Aggregation
    needs: frozenset[Need] = NO_NEEDS

    @property
    def name(self) -> str:
        return f"{self.measure}_{self.aggregation}"

    def of(self, pool: Pool) -> Scored:
        values = frame_by_frame(pool, (Column.CLASS_PROBS, Column.CLASS_PEAK), self._values)

        def reason(row: int, prediction: Prediction) -> str:
            return uncertainty_reason(pool, prediction, self.measure)

        return Scored(values, told(pool, reason))

    def _values(self, table: BoxTable) -> Float64s:
        boxes = PoolBoxes.of(table)
        return frame_values(boxes, boxes.values(self.measure), self.aggregation)
