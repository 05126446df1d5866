"""Choosing the frames that people correct next."""

from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np

from prelabel.active.budgets import Budget, Unit
from prelabel.active.estimator import object_array
from prelabel.active.given import read_scores
from prelabel.active.learner import DetectionLearner
from prelabel.active.pool import Need
from prelabel.active.query import BatchQuery
from prelabel.active.strategies import WITHOUT_MODEL, strategy_by_name
from prelabel.datasets.batches import Batch
from prelabel.datasets.errors import PrelabelError
from prelabel.datasets.frames import Frame, Split
from prelabel.datasets.progress import Progress
from prelabel.datasets.wording import counted
from prelabel.models.prediction_table import EMBEDDINGS
from prelabel.pooling import Candidates, ProjectEstimator, candidates_of, describe_project
from prelabel.proposals import shown_proposals
from prelabel.proposing import (
    NoProposalsError,
    prediction_files,
    read_predictions,
    shown_score,
)
from prelabel.store.acceptances import awaiting_audit
from prelabel.store.records import ModelRecord, RoundRecord, Shown
from prelabel.store.store import Store
from prelabel.work.counting import frames_in_hand
from prelabel.workspace import Workspace

COLD_START = "typical"  # without a model only pictures can be looked at


class EmptyPoolError(PrelabelError):
    """No frame is left to choose from."""


class EmptyBatchError(PrelabelError):
    """The budget is too small for any frame."""


@dataclass(frozen=True, slots=True)
class Selected:
    """A batch, the round it begins, and the frames in working order.

    `without_proposals` unlabelled frames could not be chosen: they are new, or their pictures
    could not be read. Without a model it is `unreadable` ones.
    """

    round: RoundRecord
    batch: Batch
    frames: tuple[Frame, ...]
    without_proposals: int = 0
    unreadable: int = 0

    @property
    def cost_s(self) -> float:
        """Human seconds that correcting the whole batch is foretold to take."""
        return sum(pick.cost_s for pick in self.batch.picks)


def select(
    workspace: Workspace,
    store: Store,
    budget: Budget,
    strategy: str | None,
    author: str,
    progress: Progress,
) -> Selected:
    """Choose the next batch and begin a round with it.

    As long as nobody has labelled a frame of the newest batch, asking for the same again gives the
    same batch. All frames come where the pool holds fewer than asked for. Excluded frames are not
    chosen, nor those that people have begun, handed in or set aside on the review page. Without a
    model pictures are compared by descriptors, made where they are missing; stopped, it goes on
    with the rest.
    """
    model = store.latest_model()
    wanted = _settings(workspace, store, model, budget, strategy)
    again = _untouched_batch(store, wanted)
    if again is not None:
        return again
    choice = _choice(_Asked(workspace, store, model, wanted, budget), progress)
    _finish_rounds(store, author)
    record = store.start_round(author, wanted)
    shown = _shown(workspace, model, choice.batch, wanted["shown_score"])
    store.record_batch(record.number, choice.batch, author, shown)
    chosen = _selected(store, record, choice.batch)
    if model is None:
        return replace(chosen, unreadable=choice.left_out)
    return replace(chosen, without_proposals=choice.left_out)


def preview(
    workspace: Workspace, store: Store, budget: Budget, strategy: str | None, progress: Progress
) -> Batch:
    """The batch that `select` would choose, where it does not give an earlier one again.

    Nothing is recorded.
    """
    model = store.latest_model()
    wanted = _settings(workspace, store, model, budget, strategy)
    return _choice(_Asked(workspace, store, model, wanted, budget), progress).batch


@dataclass(frozen=True, slots=True)
class _Asked:
    workspace: Workspace
    store: Store
    model: ModelRecord | None
    wanted: dict[str, Any]
    budget: Budget


@dataclass(frozen=True, slots=True)
class _Choice:
    batch: Batch
    left_out: int


def _choice(asked: _Asked, progress: Progress) -> _Choice:
    workspace, store, model, wanted = asked.workspace, asked.store, asked.model, asked.wanted
    query = BatchQuery(strategy_by_name(wanted["strategy"]), wanted["control_share"])
    needs = query.strategy.needs
    candidates = _candidates(workspace, store, model, needs, progress)
    number = len(store.rounds()) + 1
    seed = int(np.random.SeedSequence((workspace.settings.seed, number)).generate_state(1)[0])
    estimator = ProjectEstimator(workspace, store, model, candidates, needs)
    _, _, batch = DetectionLearner(estimator, query).query(
        object_array(candidates.frame_ids),
        budget=_within(asked.budget, len(candidates.frame_ids)),
        seed=seed,
        return_metrics=True,
    )
    if not len(batch):
        raise EmptyBatchError(f"a budget of {asked.budget} buys no frame: allow more")
    return _Choice(batch, candidates.left_out)


def _candidates(
    workspace: Workspace,
    store: Store,
    model: ModelRecord | None,
    needs: frozenset[Need],
    progress: Progress,
) -> Candidates:
    in_hand = frames_in_hand(store) | set(awaiting_audit(store))
    unlabelled = store.frames(Split.TRAIN, labelled=False)
    taken = in_hand | store.excluded()
    free = (frame for frame in unlabelled if frame.frame_id not in taken)
    first = next(free, None)
    if first is None:
        raise EmptyPoolError(f"{workspace.folder}: {_why_empty(len(in_hand))}")
    files = None if model is None else prediction_files(workspace, model.model_id)
    vectors = files
    if Need.EMBEDDINGS in needs and not (files and files.give_embeddings()):
        vectors = describe_project(workspace, store, progress)
    candidates = candidates_of(chain([first], free), files, vectors)
    if candidates.frame_ids:
        return candidates
    if model is None:
        raise EmptyPoolError(
            f"{workspace.folder}: none of {counted(candidates.left_out, 'unlabelled picture')} can "
            "be read; `prelabel select --strategy random` does not look at them"
        )
    raise NoProposalsError(
        f"{workspace.folder}: none of {candidates.left_out} unlabelled frames has proposals of the "
        "newest model: run `prelabel propose` first"
    )


def _within(budget: Budget, frames: int) -> Budget:
    """At most as many frames as there are."""
    if budget.unit is not Unit.FRAMES:
        return budget
    return Budget(min(budget.amount, frames))


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


def _shown(
    workspace: Workspace, model: ModelRecord | None, batch: Batch, shown_score: float | None
) -> dict[str, Shown]:
    """What is proposed on the frames of the batch; nothing where there is no model yet."""
    if model is None or shown_score is None:
        return {}
    picked = [pick.frame_id for pick in batch.picks]
    found = read_predictions(workspace, model.model_id, picked, EMBEDDINGS)
    return {frame_id: shown_proposals(one, shown_score) for frame_id, one in found.items()}


def _settings(
    workspace: Workspace,
    store: Store,
    model: ModelRecord | None,
    budget: Budget,
    strategy: str | None,
) -> dict[str, Any]:
    chosen = strategy or (workspace.settings.selection.strategy if model else COLD_START)
    strategy_by_name(chosen)
    if model is None and chosen not in WITHOUT_MODEL:
        raise NoProposalsError(
            f"strategy {chosen} looks at proposals, and there is no trained detector yet: choose "
            f"the first frames with `prelabel select --strategy {COLD_START}` (or "
            f"{', '.join(one for one in WITHOUT_MODEL if one != COLD_START)})"
        )
    table = workspace.scores_file if Need.GIVEN in strategy_by_name(chosen).needs else None
    return {
        "strategy": chosen,
        **({} if table is None else {"scores": read_scores(table).digest}),
        "budget": str(budget),
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


def _finish_rounds(store: Store, author: str) -> None:
    for record in store.rounds():
        if record.finished_at is None:
            batch = store.batch(record.number)
            ids = [pick.frame_id for pick in batch.picks] if batch else []
            figures = {"frames": len(ids), "labelled": len(store.labelled_among(ids))}
            store.finish_round(record.number, author, figures)


def _selected(store: Store, record: RoundRecord, batch: Batch) -> Selected:
    frames = store.find_frames([pick.frame_id for pick in batch.picks])
    return Selected(record, batch, tuple(frames))
