"""Proposals of a project's detector: made for its frames, and looked up again."""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prelabel.active.cost import CostForecast, best_display_score
from prelabel.adopting import take_proposer
from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.errors import PrelabelError
from prelabel.datasets.frames import Frame, Split
from prelabel.datasets.predictions import Prediction
from prelabel.datasets.progress import Progress
from prelabel.models.bulk import PredictReport, predict_to_files
from prelabel.models.checkpoints import read_card
from prelabel.models.detector import PredictOptions
from prelabel.models.prediction_files import PredictionFiles
from prelabel.models.prediction_table import EMBEDDINGS
from prelabel.store.records import ModelRecord, RoundRecord
from prelabel.store.store import Store
from prelabel.training import project_training_set
from prelabel.workspace import Workspace

DEFAULT_SHOWN_SCORE = 0.3


class NoProposalsError(PrelabelError):
    """Frames that proposals are needed for have none from the newest model."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """What `prelabel propose` did; the model never proposes the `unknown_classes`."""

    model: ModelRecord
    report: PredictReport
    unknown_classes: tuple[str, ...] = ()


def propose(workspace: Workspace, store: Store, author: str, progress: Progress) -> Proposed:
    """Predict every frame of the project with its model in use, labelled test frames excepted.

    Without a trained model a detector that can predict as it stands is taken into use: see
    `prelabel.adopting.take_proposer`. Frames that have their prediction already are skipped, so a
    stopped run goes on where it was. Predictions of labelled frames serve distances and cost
    forecasts, and are shown to nobody.
    """
    proposer = take_proposer(workspace, store, author)
    model = proposer.model
    checkpoint = Path(model.checkpoint)
    settings = workspace.settings.proposals
    excluded = store.excluded()
    known = [*store.frames(labelled=False), *_labelled_outside_test(store)]
    frames = [frame for frame in known if frame.frame_id not in excluded]
    report = predict_to_files(
        checkpoint=checkpoint,
        frames=frames,
        options=PredictOptions(
            input_px=read_card(checkpoint).input_px,  # as it was trained, whatever is set now
            batch_size=settings.batch_size,
            score_min=settings.score_min,
            nms_iou=settings.nms_iou,
            max_boxes=settings.max_boxes,
        ),
        files=prediction_files(workspace, model.model_id),
        workers=settings.workers or os.cpu_count() or 1,
        state_folder=workspace.state_folder,
        progress=progress,
    )
    return Proposed(model, report, proposer.unknown_classes)


def prediction_files(
    workspace: Workspace, model_id: str, options: Mapping[str, Any] | None = None
) -> PredictionFiles:
    """Where the predictions of a model lie; `options` None: those made as the settings say now."""
    options = options or workspace.settings.proposals.kept_boxes()
    told = ",".join(f"{name}={value}" for name, value in options.items())
    return PredictionFiles(workspace.predictions_folder(model_id) / told)


def read_predictions(
    workspace: Workspace, model_id: str, frame_ids: list[str], without: Collection[str] = ()
) -> dict[str, Prediction]:
    """The predictions of a model for those of the frames that it has predicted.

    Optional fields named in `without` stay unread.
    """
    files = prediction_files(workspace, model_id)
    return {one.frame_id: one for one in files.read(frame_ids, without)}


def shown_score(workspace: Workspace, store: Store, model: ModelRecord) -> float:
    """From which score on proposals are shown to people.

    Where the settings leave it open it is the one with which correcting the labelled validation
    frames, which did not train the model, would have taken the least time; 0.3 without any.
    """
    fixed = workspace.settings.proposals.shown_score
    if fixed is not None:
        return fixed
    predictions, truths = validation_pairs(workspace, store, model)
    if not predictions:
        return DEFAULT_SHOWN_SCORE
    return best_display_score(workspace.settings.cost.model(), predictions, truths)


def cost_forecast(workspace: Workspace, store: Store, model: ModelRecord) -> CostForecast:
    """Foretells what correcting a frame takes, fitted on the validation frames."""
    forecast = CostForecast(workspace.settings.cost.model(), shown_score(workspace, store, model))
    return forecast.fitted(*validation_pairs(workspace, store, model))


class ShownProposals:
    """What people saw on the frames of each batch, as it was when the batch was chosen."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._chosen_in: dict[str, list[int]] = {}  # the rounds of a frame, the newest last
        for record in store.rounds():
            batch = store.batch(record.number)
            for pick in batch.picks if batch else ():
                self._chosen_in.setdefault(pick.frame_id, []).append(record.number)

    def of(self, frame_id: str) -> AnnotationSet:
        """The proposals last shown on a frame; none where nothing was proposed."""
        chosen_in = self._chosen_in.get(frame_id)
        return self.in_round(chosen_in[-1], frame_id) if chosen_in else AnnotationSet.empty()

    def in_round(self, round_number: int, frame_id: str) -> AnnotationSet:
        """The proposals shown on a frame in the batch of a round."""
        shown = self._store.shown(round_number, frame_id)
        return AnnotationSet.empty() if shown is None else shown.visible

    def behind(self, frame_id: str, labels: AnnotationSet) -> AnnotationSet:
        """The proposals that labels of a frame were made from, by the ids of their boxes.

        Corrections of an older batch may come after a newer one was chosen. Where no id is known
        it is the newest.
        """
        ids = set(labels.box_id)
        for number in reversed(self._chosen_in.get(frame_id, [])):
            shown = self.in_round(number, frame_id)
            if not ids.isdisjoint(shown.box_id):
                return shown
        return self.of(frame_id)


def _labelled_outside_test(store: Store) -> list[Frame]:
    return [*store.frames(Split.TRAIN, labelled=True), *store.frames(Split.VAL, labelled=True)]


def predictions_of_round(
    workspace: Workspace, store: Store, record: RoundRecord
) -> list[Prediction]:
    """All that was predicted on the batch of a round when it was chosen, as far as it is there."""
    batch, model_id = store.batch(record.number), record.settings.get("model_id")
    if batch is None or model_id is None:
        return []
    files = prediction_files(workspace, model_id, record.settings["proposals"])
    return list(files.read([pick.frame_id for pick in batch.picks], EMBEDDINGS))


def validation_pairs(
    workspace: Workspace, store: Store, model: ModelRecord
) -> tuple[list[Prediction], list[AnnotationSet]]:
    """Predictions of labelled frames that did not train the model, and their labels."""
    examples = project_training_set(workspace, store).validation
    labels = {one.frame.frame_id: one.annotations for one in examples}
    found = read_predictions(workspace, model.model_id, list(labels), EMBEDDINGS)
    return list(found.values()), [labels[frame_id] for frame_id in found]
