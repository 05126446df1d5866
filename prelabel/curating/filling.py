"""Filling the dataset in FiftyOne from the project, by changes only."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

from prelabel.curating.busy import Since, edited_since
from prelabel.curating.evaluating import judged_frames, register_evaluation
from prelabel.curating.fields import arrange, declare, proposals_field
from prelabel.curating.frames import Columns, Proposed, columns_of
from prelabel.curating.inserting import Inserting, inserting, without_garbage_search
from prelabel.curating.notes import INFO, Notes, open_dataset
from prelabel.curating.opening import Curation
from prelabel.curating.samples import (
    GROUP,
    IMAGE,
    all_samples,
    sample_documents,
    samples_of,
    update_samples,
)
from prelabel.curating.showing_scenes import SceneShower, ShownScenes
from prelabel.curating.showing_suspects import frames_with_suspects, tag_copies, write_suspects
from prelabel.curating.vectors import index_vectors
from prelabel.curating.views import save_views, save_workspace
from prelabel.datasets.frames import Frame
from prelabel.datasets.progress import Progress
from prelabel.models.prediction_files import PredictionFiles, PredictionFilesError
from prelabel.models.prediction_table import EMBEDDINGS
from prelabel.project import Project
from prelabel.proposing import prediction_files, shown_score
from prelabel.store.records import ModelRecord
from prelabel.suspicions import read_copies, read_suspects

Value = TypeVar("Value")
CHUNK_FRAMES = 10_000  # whose predictions are read at once: files hold them in any order
PAGE_FRAMES = 1000  # that are made while those before are written
_SLACK = timedelta(seconds=5)  # by which the clocks of the App's server and of this may differ


@dataclass(frozen=True, slots=True)
class Filled:
    """How many frames came in new, were written again, and how many boxes were written.

    `left` frames are being edited in the App just now; they are written the next time. On `judged`
    frames proposals were compared with labels. So many lidar `sweeps` were written in space;
    `unread` says which could not be read, and why.
    """

    added: int
    updated: int
    boxes: int
    left: int
    judged: int = 0
    sweeps: int = 0
    unread: tuple[str, ...] = ()


class Filler:
    """Writes what the project knows into its dataset."""

    def __init__(self, curation: Curation, project: Project, progress: Progress) -> None:
        self._curation = curation
        self._fo = curation.fiftyone
        self._project = project
        self._progress = progress
        self._classes = project.classes()
        self._models = _models_with_predictions(project)
        self._shown = {one.model_id: _shown(project, one) for one in self._models}
        self._scenes = SceneShower(curation, project, self._newest_proposed, progress)

    def fill(self, since: Since | None) -> Filled:
        """Bring the dataset up to date; it is made where there is none.

        `since` is when the curator's edits were taken over: what was edited in the App after that
        is left alone until it is taken over as well. A fill that was killed is made up for by the
        next one.
        """
        dataset = open_dataset(self._curation)
        is_new = dataset is None
        if dataset is None:
            dataset = self._created()
        notes = Notes() if is_new else Notes.of(dataset)
        arrangement = self._arrangement()
        if arrangement != notes.arranged:
            models = [one.model_id for one in self._models]
            declare(self._fo, dataset, models, in_space=bool(self._scenes))
        changed, event = self._project.store.changed_since(notes.event)
        parts = {one.model_id: self._files(one).parts() for one in self._models}
        wanted = {*changed, *notes.left, *self._newly_predicted(dataset, notes, parts)}
        wanted |= set() if since is None else set(since.again)
        filled, left = self._write(dataset, None if is_new else sorted(wanted), since)
        touched = None if is_new else wanted.difference(left)
        scenes = self._show_scenes(dataset, touched, notes, since)
        left += scenes.left
        suspects = self._show_suspects(dataset, notes)
        if arrangement != notes.arranged:
            self._arrange(dataset)
        if self._models:
            newest = proposals_field(self._models[-1].model_id)
            register_evaluation(dataset, newest, self._classes, filled.judged)
        if is_new or parts != dict(notes.parts) or filled.added:
            self._index(dataset)
        mark = datetime.now(UTC) if since is None else since.moment - _SLACK
        done = Notes(event, parts, mark, left, suspects, arrangement, scenes.digest)
        whose = {"project": str(self._project.workspace.folder), "author": self._project.author}
        dataset.info[INFO] = done.kept() | whose
        dataset.save()
        return replace(filled, left=len(left), sweeps=scenes.written, unread=tuple(scenes.unread))

    def _show_scenes(
        self, dataset: Any, touched: set[str] | None, notes: Notes, since: Since | None
    ) -> ShownScenes:
        """Show lidar sweeps in space, where the dataset has groups for their slices."""
        if not self._scenes or dataset.group_field is None:
            return ShownScenes()
        return self._scenes.show(dataset, touched, notes.scenes, since)

    def _created(self) -> Any:
        fo, name = self._fo, self._curation.dataset_name
        if fo.dataset_exists(name):
            fo.delete_dataset(name)  # left unfinished, or of another format: a view to be remade
        dataset = fo.Dataset(name, persistent=True)
        if self._project.store.has_groups() or self._scenes:
            dataset.add_group_field(GROUP)
            dataset.add_sample_field("instant", fo.StringField)
            dataset.create_index("instant")
        else:
            dataset.media_type = IMAGE
        dataset.add_sample_field("frame_id", fo.StringField)
        dataset.create_index("frame_id", unique=True)
        return dataset

    def _write(
        self,
        dataset: Any,
        frame_ids: Sequence[str] | None,
        since: Since | None,
    ) -> tuple[Filled, list[str]]:
        store = self._project.store
        total = store.counts().frames if frame_ids is None else len(frame_ids)
        done, left = Counter[str](), list[str]()
        with (
            self._progress.task("Filling FiftyOne's dataset", total) as advance,
            inserting(dataset) as samples,
        ):
            for chunk in chunked(store.overviews(frame_ids), CHUNK_FRAMES):
                ids = [one.frame.frame_id for one in chunk]
                known = {} if frame_ids is None else samples_of(dataset, ids)
                # What is on the screen must not be written: the App would take it back, unsaid.
                busy = edited_since(all_samples(dataset), known, since)
                left += busy
                chunk = [one for one in chunk if one.frame.frame_id not in busy]
                proposed = self._proposed(ids)
                for page in chunked(chunk, PAGE_FRAMES):
                    with without_garbage_search():
                        columns = columns_of(page, self._classes, proposed)
                        frames = [one.frame for one in page]
                        done += self._put(dataset, samples, columns, frames, known)
                advance(len(ids))
        return Filled(
            done["added"], done["updated"], done["boxes"], len(left), done["judged"]
        ), left

    def _put(
        self,
        dataset: Any,
        samples: Inserting,
        columns: Columns,
        frames: Sequence[Frame],
        known: Mapping[str, str],
    ) -> Counter[str]:
        """Add the samples of new frames, bring those of known ones up to date; how many of each."""
        old = {one.frame_id: known[one.frame_id] for one in frames if one.frame_id in known}
        new = [one for one in frames if one.frame_id not in known]
        if dataset.group_field is not None:
            samples.wait()  # the slices that an instant has already are looked up
        documents = sample_documents(self._fo, dataset, new)
        for frame_id, values in columns.by_frame().items():
            if frame_id in documents:
                documents[frame_id] |= {
                    name: value for name, value in values.items() if value is not None
                }
        samples.add([*documents.values()])
        update_samples(dataset, columns, old)
        counts = {"boxes": columns.boxes, "judged": columns.judged}
        return Counter(added=len(new), updated=len(old), **counts)

    def _proposed(self, frame_ids: Sequence[str]) -> list[Proposed]:
        return [self._proposed_by(one, frame_ids) for one in self._models]

    def _newest_proposed(self, frame_ids: Sequence[str]) -> Proposed | None:
        return self._proposed_by(self._models[-1], frame_ids) if self._models else None

    def _proposed_by(self, model: ModelRecord, frame_ids: Sequence[str]) -> Proposed:
        found = self._files(model).find(frame_ids, EMBEDDINGS)
        return Proposed(model.model_id, self._shown[model.model_id], found)

    def _newly_predicted(
        self, dataset: Any, notes: Notes, parts: Mapping[str, Sequence[str]]
    ) -> set[str]:
        """Frames in files of predictions that were not there the last time.

        With a newer model also those that an older one was compared with the labels on.
        """
        if notes.event == 0:
            return set()  # all frames are written anyway
        fresh: set[str] = set()
        for model in self._models:
            new = set(parts[model.model_id]) - set(notes.parts.get(model.model_id, ()))
            fresh |= self._files(model).ids_in(new)
        if self._models and self._models[-1].model_id not in notes.parts:
            fresh |= judged_frames(dataset)
        return fresh

    def _show_suspects(self, dataset: Any, notes: Notes) -> str:
        """Show suspected label errors where they were searched anew; when that was."""
        suspicions = read_suspects(self._project.workspace)
        if suspicions.made_at != notes.suspects:
            frames = frames_with_suspects(dataset) | set(suspicions.by_frame)
            write_suspects(dataset, self._project, suspicions.by_frame, sorted(frames))
            tag_copies(dataset, read_copies(self._project.workspace))
        return suspicions.made_at

    def _files(self, model: ModelRecord) -> PredictionFiles:
        return prediction_files(self._project.workspace, model.model_id)

    def _arrangement(self) -> str:
        """What the fields, colours and views of a dataset depend on."""
        newest = self._project.store.latest_batch()
        models = [one.model_id for one in self._models]
        return repr((self._classes, models, newest[0] if newest else None, bool(self._scenes)))

    def _arrange(self, dataset: Any) -> None:
        models = [one.model_id for one in self._models]
        newest = self._project.store.latest_batch()
        arrange(self._fo, dataset, self._classes, models)
        save_views(self._fo, dataset, newest[0] if newest else None, models)
        save_workspace(self._fo, dataset)

    def _index(self, dataset: Any) -> None:
        if not self._models:
            return
        files = self._files(self._models[-1])
        ids = sorted(files.predicted_ids())
        try:
            vectors = files.frame_embeddings(ids)
        except PredictionFilesError:
            return  # this detector gives none
        index_vectors(dataset, ids, vectors)


def _models_with_predictions(project: Project) -> list[ModelRecord]:
    return [
        one
        for one in project.store.models()
        if prediction_files(project.workspace, one.model_id).parts()
    ]


def _shown(project: Project, model: ModelRecord) -> float:
    return shown_score(project.workspace, project.store, model)


def chunked(values: Iterable[Value], size: int) -> Iterator[list[Value]]:
    """The values in lists of this length, the last one of what is left."""
    left = iter(values)
    while chunk := list(islice(left, size)):
        yield chunk
