"""Choosing the frames that people correct next."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from prelabel.active.cost import CostForecast
from prelabel.active.estimator import FrameIds, object_array
from prelabel.active.learner import DetectionLearner
from prelabel.active.pool import Pool, frame_embeddings
from prelabel.active.query import BatchQuery
from prelabel.active.strategies import strategy_by_name
from prelabel.datasets.batches import Batch
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import PrelabelError
from prelabel.datasets.frames import Frame, Split
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.datasets.wording import counted
from prelabel.proposals import shown_proposals
from prelabel.proposing import (
    NoProposalsError,
    cost_forecast,
    read_predictions,
    shown_score,
)
from prelabel.store.records import ModelRecord, RoundRecord, Shown
from prelabel.store.store import Store
from prelabel.work.counting import frames_in_hand
from prelabel.workspace import Workspace

COLD_START = "random"  # without a model there is nothing a strategy could look at


class EmptyPoolError(PrelabelError):
    """No frame is left to choose from."""


@dataclass(frozen=True, slots=True)
class Selected:
    """A batch, the round it begins, and the frames in working order.

    `without_proposals` unlabelled frames could not be chosen: they are new, or their pictures
    could not be read.
    """

    round: RoundRecord
    batch: Batch
    frames: tuple[Frame, ...]
    without_proposals: int = 0

    @property
    def cost_s(self) -> float:
        """Human seconds that correcting the whole batch is foretold to take."""
        return sum(pick.cost_s for pick in self.batch.picks)


def select(
    workspace: Workspace, store: Store, budget_frames: int, strategy: str | None, author: str
) -> Selected:
    """Choose the next batch and begin a round with it.

    As long as nobody has labelled a frame of the newest batch, asking for the same again gives the
    same batch. Fewer than `budget_frames` come back where the pool holds fewer. Frames that people
    have begun, handed in or set aside on the review page are not chosen.
    """
    model = store.latest_model()
    wanted = _settings(workspace, store, model, budget_frames, strategy)
    again = _untouched_batch(store, wanted)
    if again is not None:
        return again
    in_hand = frames_in_hand(store)
    unlabelled = store.frames(Split.TRAIN, labelled=False)
    pool = [frame for frame in unlabelled if frame.frame_id not in in_hand]
    if not pool:
        raise EmptyPoolError(f"{workspace.folder}: {_why_empty(len(in_hand))}")
    number = len(store.rounds()) + 1
    seed = int(np.random.SeedSequence((workspace.settings.seed, number)).generate_state(1)[0])
    query = BatchQuery(strategy_by_name(wanted["strategy"]), wanted["control_share"])
    recorded = _Recorded.of(workspace, store, pool, model)
    learner = DetectionLearner(recorded, query)
    _, _, batch = learner.query(
        object_array(list(recorded.frames)),
        n_instances=min(budget_frames, len(recorded.frames)),
        seed=seed,
        return_metrics=True,
    )
    _finish_last_round(store, author)
    record = store.start_round(author, wanted)
    store.record_batch(record.number, batch, author, _shown(recorded, batch, wanted["shown_score"]))
    return _selected(store, record, batch, len(pool) - len(recorded.frames))


def _why_empty(in_hand: int) -> str:
    if in_hand:
        return (
            f"{counted(in_hand, 'frame')} without labels are in people's hands or set aside, and "
            "there are no others; go on with `prelabel review`"
        )
    return (
        "every frame to train on has labels; bring in more pictures with `prelabel import FOLDER`, "
        "or export with `prelabel export`"
    )


def _shown(recorded: "_Recorded", batch: Batch, shown_score: float | None) -> dict[str, Shown]:
    """What is proposed on the frames of the batch; nothing where there is no model yet."""
    if shown_score is None:
        return {}
    predictions = [recorded.predictions[pick.frame_id] for pick in batch.picks]
    return {one.frame_id: shown_proposals(one, shown_score) for one in predictions}


class _Recorded(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no stubs
    """A fitted estimator for modAL whose predictions lie in files already."""

    def __init__(
        self,
        frames: dict[str, Frame],
        predictions: dict[str, Prediction],
        labelled: list[str],
        classes: tuple[str, ...],
        forecast: CostForecast | float,
    ) -> None:
        self.frames = frames
        self.predictions = predictions
        self.labelled = labelled
        self.classes = classes
        self.forecast = forecast

    @classmethod
    def of(
        cls, workspace: Workspace, store: Store, pool: list[Frame], model: ModelRecord | None
    ) -> "_Recorded":
        frames = {frame.frame_id: frame for frame in pool}
        if model is None:
            nothing = {frame_id: _nothing_predicted(frame_id) for frame_id in frames}
            seconds = _seconds_without_proposals(workspace, store)
            return cls(frames, nothing, [], store.classes(), seconds)
        labelled = [frame.frame_id for frame in store.frames(Split.TRAIN, labelled=True)]
        found = read_predictions(
            workspace, model.model_id, [*frames, *labelled], without=("box_embedding",)
        )
        proposed = {frame_id: frame for frame_id, frame in frames.items() if frame_id in found}
        if not proposed:
            raise NoProposalsError(
                f"{workspace.folder}: none of {len(frames)} unlabelled frames has proposals of "
                f"the newest model, {model.model_id}: run `prelabel propose` first"
            )
        known = [frame_id for frame_id in labelled if frame_id in found]
        forecast = cost_forecast(workspace, store, model)
        return cls(proposed, found, known, store.classes(), forecast)

    def pool(self, X: FrameIds, labelled: NDArray[np.object_] | None) -> Pool:
        """What a strategy looks at when it chooses among the frames `X`."""
        predictions = [self.predictions[frame_id] for frame_id in X]
        return Pool.of(
            [self.frames[frame_id] for frame_id in X],
            predictions,
            frame_embeddings(predictions),
            [self._seconds(one) for one in predictions],
            frame_embeddings([self.predictions[frame_id] for frame_id in self.labelled]),
            self.classes,
        )

    def _seconds(self, prediction: Prediction) -> float:
        forecast = self.forecast
        return forecast if isinstance(forecast, float) else forecast.seconds(prediction)


def _settings(
    workspace: Workspace,
    store: Store,
    model: ModelRecord | None,
    budget_frames: int,
    strategy: str | None,
) -> dict[str, Any]:
    chosen = strategy or (workspace.settings.selection.strategy if model else COLD_START)
    strategy_by_name(chosen)
    if model is None and chosen != COLD_START:
        raise NoProposalsError(
            f"strategy {chosen} looks at proposals, and there is no trained detector yet: choose "
            f"the first frames with `prelabel select --strategy {COLD_START}`"
        )
    return {
        "strategy": chosen,
        "budget_frames": budget_frames,
        "control_share": workspace.settings.selection.control_share,
        "model_id": model.model_id if model else None,
        "shown_score": shown_score(workspace, store, model) if model else None,
        "proposals": workspace.settings.proposals.kept_boxes() if model else None,
    }


def _untouched_batch(store: Store, wanted: dict[str, Any]) -> Selected | None:
    newest = store.latest_batch()
    if newest is None:
        return None
    number, batch = newest
    record = next(one for one in store.rounds() if one.number == number)
    if dict(record.settings) != wanted or record.finished_at is not None:
        return None
    if store.labelled_among([pick.frame_id for pick in batch.picks]):
        return None
    return _selected(store, record, batch)


def _finish_last_round(store: Store, author: str) -> None:
    rounds = store.rounds()
    if not rounds or rounds[-1].finished_at is not None:
        return
    batch = store.batch(rounds[-1].number)
    ids = [pick.frame_id for pick in batch.picks] if batch else []
    figures = {"frames": len(ids), "labelled": len(store.labelled_among(ids))}
    store.finish_round(rounds[-1].number, author, figures)


def _selected(
    store: Store, record: RoundRecord, batch: Batch, without_proposals: int = 0
) -> Selected:
    frames = store.find_frames([pick.frame_id for pick in batch.picks])
    return Selected(record, batch, tuple(frames), without_proposals)


def _nothing_predicted(frame_id: str) -> Prediction:
    return Prediction(frame_id, "none", Boxes.none(), (), (), ClassScores.INDEPENDENT)


def _seconds_without_proposals(workspace: Workspace, store: Store) -> float:
    """Drawing as many boxes as labelled frames have on average, or one where there are none."""
    counts = store.counts()
    boxes = counts.boxes / counts.labelled if counts.labelled else 1.0
    cost = workspace.settings.cost.model()
    return cost.resolved().open_s + boxes * cost.missed_s()
