"""The pool of a project: its unlabelled frames as strategies look at them."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from prelabel.active.box_source import BoxesInFiles, BoxSource, NoBoxes
from prelabel.active.cost import CostForecast
from prelabel.active.estimator import FrameIds
from prelabel.active.evidence import Evidence
from prelabel.active.frame_score import FrameScore
from prelabel.active.given import read_scores
from prelabel.active.pool import Need, Pool, Recordings
from prelabel.datasets.arrays import Float32s, Int64s
from prelabel.datasets.frames import Frame, Split
from prelabel.datasets.progress import Progress
from prelabel.models.describing import describe_to_files
from prelabel.models.descriptors import DESCRIPTOR
from prelabel.models.prediction_files import PredictionFiles, PredictionFilesError
from prelabel.proposing import (
    cost_forecast,
    predictions_of_round,
    validation_pairs,
)
from prelabel.store.acceptances import accepted_by_rule
from prelabel.store.records import ModelRecord
from prelabel.store.store import Store
from prelabel.workspace import Workspace


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Frames that may be chosen, and the recordings they come from; one row each.

    `left_out` more could not: `files` hold no prediction of them. `vectors` hold what pictures are
    compared by: the embeddings of the model, or descriptors where it gives none or there is no
    model yet. Where nothing is looked at but lots, both are None.
    """

    frame_ids: tuple[str, ...]
    recordings: Recordings
    files: PredictionFiles | None
    vectors: PredictionFiles | None
    left_out: int = 0


class ProjectEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no stubs
    """A fitted estimator for modAL whose predictions lie in the files of a project.

    Of what is costly to read, only what a strategy needs is read; boxes stream from the files, so
    memory does not grow with them.
    """

    def __init__(
        self,
        workspace: Workspace,
        store: Store,
        model: ModelRecord | None,
        candidates: Candidates,
        needs: frozenset[Need],
    ) -> None:
        self.workspace = workspace
        self.store = store
        self.model = model
        self.candidates = candidates
        self.needs = needs

    def pool(self, X: FrameIds, labelled: NDArray[np.object_] | None) -> Pool:
        """The pool of the frames `X`, which are the candidates."""
        ids, files = self.candidates.frame_ids, self.candidates.files
        if self.model is None or files is None:
            seconds = _seconds_without_proposals(self.workspace, self.store)
            return self._pool(NoBoxes(ids), np.full(len(ids), seconds, np.float32))
        boxes = BoxesInFiles.of(files, ids)
        forecast = cost_forecast(self.workspace, self.store, self.model)
        return self._pool(boxes, _seconds(boxes, forecast))

    def _pool(self, boxes: BoxSource, cost_s: Float32s) -> Pool:
        wanted = self.candidates.vectors if Need.EMBEDDINGS in self.needs else None
        return Pool(
            self.candidates.frame_ids,
            boxes,
            _embeddings(wanted, self.candidates.frame_ids),
            cost_s,
            _embeddings(wanted, _labelled_with_predictions(self.store, wanted)),
            self.store.classes(),
            self.candidates.recordings,
            self._evidence() if Need.EVIDENCE in self.needs else Evidence.none(),
            given=self._given(),
            labelled_boxes=_labelled_boxes(self.store),
        )

    def _given(self) -> Mapping[str, FrameScore] | None:
        table = self.workspace.scores_file
        return read_scores(table).by_frame if table and Need.GIVEN in self.needs else None

    def _evidence(self) -> Evidence:
        """What was proposed on each frame before anybody labelled it, and on validation frames."""
        if self.model is None:
            return Evidence.none()
        predictions, labels = validation_pairs(self.workspace, self.store, self.model)
        known = {one.frame_id for one in predictions} | accepted_by_rule(self.store).keys()
        for record in reversed(self.store.rounds()):
            for one in predictions_of_round(self.workspace, self.store, record):
                version = self.store.labels(one.frame_id)
                if version is not None and one.frame_id not in known:
                    known.add(one.frame_id)
                    predictions.append(one)
                    labels.append(version.annotations)
        return Evidence.of_the_newest_kind(predictions, labels)


def candidates_of(
    frames: Iterable[Frame], files: PredictionFiles | None, vectors: PredictionFiles | None
) -> Candidates:
    """Those of the frames that `files` and `vectors` tell something of; None: all of them."""
    told = [one.predicted_ids() for one in {files, vectors} if one is not None]
    present = set.intersection(*told) if told else None
    ids: list[str] = []
    places: list[tuple[str | None, int | None]] = []
    left_out = 0
    for frame in frames:
        if present is None or frame.frame_id in present:
            ids.append(frame.frame_id)
            places.append((frame.sequence, frame.index))
        else:
            left_out += 1
    return Candidates(tuple(ids), Recordings.of(places), files, vectors, left_out)


def describe_project(workspace: Workspace, store: Store, progress: Progress) -> PredictionFiles:
    """Descriptors of all pictures of the split `train`, labelled or not, kept in the project.

    They stand in for the embeddings of a model where there is none. Pictures that are described
    already are not looked at again; those that cannot be read have none.
    """
    files = PredictionFiles(workspace.predictions_folder(DESCRIPTOR))
    workers = workspace.settings.proposals.workers or os.cpu_count() or 1
    describe_to_files(list(store.frames(Split.TRAIN)), files, workers, progress)
    return files


def _labelled_boxes(store: Store) -> Int64s:
    """How many labelled boxes of each class detectors may learn from, (C,)."""
    by_class = store.counts().by_split[Split.TRAIN].boxes_by_class
    return np.array([by_class.get(name, 0) for name in store.classes()], np.int64)


def _labelled_with_predictions(store: Store, files: PredictionFiles | None) -> list[str]:
    if files is None:
        return []
    predicted = files.predicted_ids()
    labelled = (frame.frame_id for frame in store.frames(Split.TRAIN, labelled=True))
    return [frame_id for frame_id in labelled if frame_id in predicted]


def _embeddings(files: PredictionFiles | None, frame_ids: Sequence[str]) -> Float32s:
    nothing = np.zeros((len(frame_ids), 0), np.float32)
    if files is None or not frame_ids:
        return nothing
    try:
        return files.frame_embeddings(frame_ids)
    except PredictionFilesError:  # the detector gives none: the strategy says what to do about it
        return nothing


def _seconds(boxes: BoxSource, forecast: CostForecast) -> Float32s:
    seconds = np.zeros(len(boxes), np.float32)
    for rows, table in boxes.chunks(()):
        seconds[rows] = forecast.seconds_of(table)
    return seconds


def _seconds_without_proposals(workspace: Workspace, store: Store) -> float:
    """Drawing as many boxes as labelled frames have on average, or one where there are none."""
    counts = store.counts()
    boxes = counts.boxes / counts.labelled if counts.labelled else 1.0
    cost = workspace.settings.cost.model()
    return cost.resolved().open_s + boxes * cost.missed_s()
