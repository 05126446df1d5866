"""How much of a pool a rule accepts, and the human time that it leaves."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prelabel.active.acceptance import ACCEPTANCE_COLUMNS
from prelabel.active.acceptance_plan import Plan
from prelabel.active.box_source import BoxesInFiles
from prelabel.active.box_table import BoxTable
from prelabel.active.cost import CostForecast
from prelabel.datasets.arrays import Float64s, Int64s
from prelabel.datasets.frames import Split
from prelabel.proposing import cost_forecast, prediction_files
from prelabel.store.acceptances import awaiting_audit
from prelabel.store.records import ModelRecord
from prelabel.store.store import Store
from prelabel.training import learned_frames
from prelabel.work.counting import frames_in_hand
from prelabel.workspace import Workspace

LEAST_AUDIT = 20  # frames; fewer say too little, whatever the share


@dataclass(frozen=True, slots=True)
class Volume:
    """How much of the pool a rule accepts, and the human seconds that are foretold.

    `corrected_s` is the cost of correcting the proposals of the whole pool, `left_s` of what the
    rule leaves to people, `audit_s` of labelling the audited frames from nothing.
    """

    frames: int
    boxes: int
    sure_boxes: int
    whole: int
    half: int
    audited: int
    corrected_s: float
    left_s: float
    audit_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """What the time of frames is foretold with: from their proposals, and blind from nothing."""

    workspace: Workspace
    model: ModelRecord
    forecast: CostForecast
    blind_s: float  # labelling a usual frame on which nothing is proposed

    @classmethod
    def of(cls, workspace: Workspace, store: Store, model: ModelRecord) -> "Measure":
        """As the project's labels so far tell."""
        forecast = cost_forecast(workspace, store, model)
        blind_s = forecast.cost.scratch_seconds(round(boxes_a_frame(store)))
        return cls(workspace, model, forecast, blind_s)

    def volume(self, ids: Sequence[str], found: Plan | None) -> Volume:
        """How much of these frames of the pool a rule accepts, if there is one."""
        files = prediction_files(self.workspace, self.model.model_id)
        counts, seconds = np.zeros(4, np.int64), np.zeros(2)
        for _, table in BoxesInFiles.of(files, ids).chunks(ACCEPTANCE_COLUMNS):
            some = self._of_boxes(table, found)
            counts, seconds = counts + some[0], seconds + some[1]
        total, sure_boxes, whole, half = counts.tolist()
        corrected_s, left_s = seconds.tolist()
        audited = audit_size(whole + half, self.workspace.settings.acceptance.audit_share)
        return Volume(
            len(ids),
            total,
            sure_boxes,
            whole,
            half,
            audited,
            corrected_s,
            left_s,
            audited * self.blind_s,
        )

    def _of_boxes(self, table: BoxTable, found: Plan | None) -> tuple[Int64s, Float64s]:
        """Boxes, sure ones, frames whole and half done; seconds without the rule, and with it."""
        spared_s = self.forecast.cost.resolved().verify_s * self.forecast.factor
        each_s = self.forecast.seconds_of(table)
        sure, whole = np.zeros(len(table.score), np.bool_), np.zeros(table.frame_count, np.bool_)
        if found is not None and found.rule is not None:
            accepted = found.judge.accept(table, found.rule)
            sure, whole = accepted.sure, accepted.whole
        held = np.bincount(table.owner, sure, table.frame_count)
        left_s = np.where(whole, 0, np.maximum(each_s - spared_s * held, 0))
        counts = np.array([len(sure), sure.sum(), whole.sum(), ((held > 0) & ~whole).sum()])
        return counts, np.array([each_s.sum(), left_s.sum()])


def pool_ids(workspace: Workspace, store: Store, model: ModelRecord) -> list[str]:
    """Frames that a rule may accept: without labels, with proposals, and in nobody's hands.

    Those that trained the model are left out, for no check speaks for them, and those taken out of
    the work.
    """
    predicted = prediction_files(workspace, model.model_id).predicted_ids()
    learned = learned_frames(model) or set()
    kept = frames_in_hand(store) | set(awaiting_audit(store)) | learned | store.excluded()
    free = (one.frame_id for one in store.frames(Split.TRAIN, labelled=False))
    return [one for one in free if one in predicted and one not in kept]


def audit_size(frames: int, share: float) -> int:
    """How many of the frames that a rule accepts are labelled blind."""
    return min(max(math.ceil(share * frames), LEAST_AUDIT), frames)


def boxes_a_frame(store: Store) -> float:
    """How many boxes labelled frames have on average; 1 where there are none."""
    counts = store.counts()
    return counts.boxes / counts.labelled if counts.labelled else 1.0
