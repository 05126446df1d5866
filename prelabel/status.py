"""Where a project stands."""

from collections.abc import Mapping
from dataclasses import dataclass

from prelabel.datasets.frames import Split
from prelabel.models.registry import can_train
from prelabel.proposing import prediction_files
from prelabel.store.records import ModelRecord, StoreCounts
from prelabel.store.store import Store
from prelabel.work.counting import UNFINISHED, count_tasks
from prelabel.work.records import TaskState
from prelabel.workspace import Workspace


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """The newest batch: its round, how it was chosen, and how much of it has labels.

    `tasks` counts the tasks of the review page by their state; all are 0 where it was not opened.
    """

    round_number: int
    strategy: str
    frames: int
    labelled: int
    tasks: Mapping[TaskState, int]

    @property
    def unfinished(self) -> int:
        """How many tasks wait for an annotator or a reviewer."""
        return sum(self.tasks[state] for state in UNFINISHED)


@dataclass(frozen=True, slots=True)
class ProjectStatus:
    """Counts of frames and labels, the model in use and newest batch, and what to do next."""

    name: str
    classes: tuple[str, ...]
    counts: StoreCounts
    model: ModelRecord | None
    predicted_frames: int  # by the model in use
    batch: BatchStatus | None
    next_command: str


def project_status(workspace: Workspace, store: Store) -> ProjectStatus:
    """Look at a project and change nothing."""
    counts, model = store.counts(), store.latest_model()
    batch = _batch_status(store)
    predicted = prediction_files(workspace, model.model_id).predicted_ids() if model else set()
    waiting = {frame.frame_id for frame in store.frames(Split.TRAIN, labelled=False)}
    waiting -= store.excluded()
    return ProjectStatus(
        name=workspace.settings.name,
        classes=store.classes(),
        counts=counts,
        model=model,
        predicted_frames=len(predicted),
        batch=batch,
        next_command=_next_command(
            counts,
            model,
            len(waiting),
            len(waiting & predicted),
            batch,
            trains=can_train(workspace.settings.detector),
        ),
    )


def _batch_status(store: Store) -> BatchStatus | None:
    newest = store.latest_batch()
    if newest is None:
        return None
    number, batch = newest
    labelled = store.labelled_among([pick.frame_id for pick in batch.picks])
    tasks = count_tasks(store, number)
    return BatchStatus(number, batch.strategy, len(batch), len(labelled), tasks)


def _next_command(
    counts: StoreCounts,
    model: ModelRecord | None,
    waiting: int,
    predicted: int,
    batch: BatchStatus | None,
    *,
    trains: bool,
) -> str:
    """`waiting` frames may be chosen, of which `predicted` have proposals of the model in use."""
    newest_labels = batch is not None and (
        model is None or model.round_number != batch.round_number
    )
    if batch is not None and (not batch.labelled or (batch.unfinished and newest_labels)):
        return "prelabel review"
    if not trains and waiting:
        return "prelabel select --budget 20" if predicted else "prelabel propose"
    if not counts.by_split[Split.TRAIN].boxes:
        return "prelabel select --budget 20" if waiting else "prelabel import FOLDER"
    if trains and (model is None or newest_labels):
        return "prelabel train"
    if not waiting:
        return "prelabel export --format coco"
    return "prelabel select --budget 20" if predicted else "prelabel propose"
