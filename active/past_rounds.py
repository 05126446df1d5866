"""What strategies may know of the rounds before: how right proposals were, other detectors."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from prelabel.active.evidence import Evidence
from prelabel.active.rounds import RoundRecord
from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.frames import Frame
from prelabel.datasets.predictions import Prediction
from prelabel.models.detector import Detector, PredictOptions

COMMITTEE_MEMBERS = 3  # beside the newest detector; each costs a pass over the pool

Judged = tuple[Prediction, AnnotationSet]  # what was proposed on a frame, and what it came to


@dataclass(frozen=True, slots=True, eq=False)
class PastRounds:
    """The finished rounds of one arm, the start first; `open_round` gives the detector that a round
    left behind."""

    records: Sequence[RoundRecord]
    frames: Mapping[str, Frame]
    options: PredictOptions
    open_round: Callable[[RoundRecord], Detector]

    def evidence(self, newest: Sequence[Judged]) -> Evidence:
        """What was proposed on each batch before it was labelled, beside the labels.

        `newest` is what the newest detector says of labelled frames it has not learned from.
        """
        judged = list(newest)
        known = {prediction.frame_id for prediction, _ in judged}
        for prediction, labels in self._first_proposals():
            if prediction.frame_id not in known:
                judged.append((prediction, labels))
        return Evidence.of_the_newest_kind([one for one, _ in judged], [own for _, own in judged])

    def committee(self) -> list[Detector]:
        """The newest detectors but the last; the last alone where it is the only one, so that all
        agree."""
        earlier = [self.open_round(one) for one in self.records[-2 : -2 - COMMITTEE_MEMBERS : -1]]
        return earlier or [self.open_round(self.records[-1])]

    def _first_proposals(self) -> Iterator[Judged]:
        """The newest batch first."""
        for before, after in reversed(list(pairwise(self.records))):
            labels = after.labelled.labels
            batch = [self.frames[frame_id] for frame_id in labels]
            for prediction in self.open_round(before).predict(batch, self.options):
                yield prediction, labels[prediction.frame_id]


def checkpoint_of(folder: Path, record: RoundRecord) -> Path:
    """Where the detector of a round lies, below the folder of its simulation."""
    return folder / record.measured.checkpoint
