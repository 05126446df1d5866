"""Filling the dataset in FiftyOne from the project, by changes only."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from itertools import islice
from typing import Any

import numpy as np

from prelabel.active.label_errors.suspects import Suspect
from prelabel.curating.documents import box_document, together
from prelabel.curating.fields import (
    EVALUATION,
    LABELS,
    LEAK,
    NEAR_DUPLICATE,
    SUSPECTS,
    arrange,
    declare,
    proposals_field,
    save_views,
)
from prelabel.curating.frames import Columns, Proposed, columns_of
from prelabel.curating.opening import Curation
from prelabel.curating.vectors import index_vectors
from prelabel.datasets.frames import Frame
from prelabel.datasets.progress import Progress
from prelabel.models.prediction_files import PredictionFiles, PredictionFilesError
from prelabel.models.prediction_table import EMBEDDINGS
from prelabel.project import Project
from prelabel.proposing import prediction_files, shown_score
from prelabel.store.overview import Overview
from prelabel.store.records import ModelRecord
from prelabel.suspicions import KeptCopies, read_copies, read_suspects

CHUNK_FRAMES = 10_000
INFO = "prelabel"  # the key of our own notes in the dataset's `info`
FORMAT = 1  # of the fields; a dataset of another one is made anew
GROUP = "group"
_SLACK = timedelta(seconds=5)  # by which the clocks of the App's server and of this may differ


@dataclass(frozen=True, slots=True)
class Filled:
    """How many frames came in new, were written again, and how many boxes were written.

    `left` frames are being edited in the App just now; they are written the next time.
    """

    added: int
    updated: int
    boxes: int
    left: int


@dataclass(frozen=True, slots=True)
class Since:
    """When edits were taken over, and by frame id when this process wrote to samples after that."""

    moment: datetime
    own: Mapping[str, datetime]


@dataclass(frozen=True, slots=True)
class Notes:
    """What the dataset was filled from, as kept in it.

    `event` is the newest event of the store that is in it, `parts` the files of predictions by
    model id, `mark` until when its edits are known, `left` frames still to be written, `suspects`
    what the suspicions in it were made at.
    """

    event: int = 0
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    mark: datetime | None = None
    left: Sequence[str] = ()
    suspects: str = ""

    def kept(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "event": self.event,
            "parts": {model: list(parts) for model, parts in self.parts.items()},
            "mark": None if self.mark is None else self.mark.isoformat(),
            "left": list(self.left),
            "suspects": self.suspects,
        }

    @classmethod
    def of(cls, dataset: Any) -> "Notes":
        kept = dataset.info[INFO]
        mark = None if kept["mark"] is None else datetime.fromisoformat(kept["mark"])
        return cls(kept["event"], kept["parts"], mark, kept["left"], kept["suspects"])


def open_dataset(curation: Curation) -> Any | None:
    """The project's dataset; None where there is none, or one that must be made anew."""
    fo = curation.fiftyone
    if not fo.dataset_exists(curation.dataset_name):
        return None
    dataset = fo.load_dataset(curation.dataset_name)
    dataset.reload()
    complete = dataset.info.get(INFO, {}).get("format") == FORMAT
    return dataset if complete else None


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

    def fill(self, since: Since | None) -> Filled:
        """Bring the dataset up to date; it is made where there is none.

        `since` is when the curator's edits were taken over: what was edited in the App after that
        is left alone until it is taken over as well. A fill that was killed is made up for by the
        next one.
        """
        store, dataset = self._project.store, open_dataset(self._curation)
        is_new = dataset is None
        if dataset is None:
            dataset = self._created()
        notes = Notes() if is_new else Notes.of(dataset)
        declare(self._fo, dataset, [one.model_id for one in self._models])
        suspicions = read_suspects(self._project.workspace)
        changed, event = store.changed_since(notes.event)
        parts = {one.model_id: self._files(one).parts() for one in self._models}
        wanted: set[str] = {*changed, *notes.left, *self._newly_predicted(notes, parts)}
        if suspicions.made_at != notes.suspects:
            wanted |= set(suspicions.by_frame)
            wanted |= set() if is_new else _with_suspects(dataset)
        filled, left = self._write(dataset, None if is_new else sorted(wanted), since)
        self._write_suspicions(dataset, suspicions.by_frame, wanted, is_new)
        if suspicions.made_at != notes.suspects:
            _tag_copies(dataset, read_copies(self._project.workspace))
        self._arrange(dataset)
        if is_new or parts != dict(notes.parts) or filled.added:
            self._index(dataset)
        mark = datetime.now(UTC) if since is None else since.moment - _SLACK
        done = Notes(event, parts, mark, left, suspicions.made_at)
        whose = {"project": str(self._project.workspace.folder), "author": self._project.author}
        dataset.info[INFO] = done.kept() | whose
        dataset.save()
        return filled

    def _created(self) -> Any:
        fo, name = self._fo, self._curation.dataset_name
        if fo.dataset_exists(name):
            fo.delete_dataset(name)  # left unfinished, or of another format: a view to be remade
        dataset = fo.Dataset(name, persistent=True)
        if self._project.store.has_groups():
            dataset.add_group_field(GROUP, default="image")
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
        added = updated = boxes = 0
        left: list[str] = []
        slices: dict[str, dict[str, int]] = {}
        with self._progress.task("Filling FiftyOne's dataset", total) as advance:
            for chunk in _chunks(store.overviews(frame_ids)):
                ids = [one.frame.frame_id for one in chunk]
                known = {} if frame_ids is None else _known(dataset, ids)
                new = [one for one in chunk if one.frame.frame_id not in known]
                # What is on the screen must not be written: the App would take it back, unsaid.
                busy = _edited_since(dataset, known, since)
                chunk = [one for one in chunk if one.frame.frame_id not in busy]
                left += busy
                known |= self._add(dataset, [one.frame for one in new], slices)
                columns = columns_of(chunk, self._classes, self._proposed(ids))
                if frame_ids is None:
                    _drop_empty(columns)
                _set(dataset, columns, known)
                added, updated = added + len(new), updated + len(chunk) - len(new)
                boxes += columns.boxes
                advance(len(ids))
        return Filled(added, updated, boxes, len(left)), left

    def _add(
        self, dataset: Any, frames: Sequence[Frame], slices: dict[str, dict[str, int]]
    ) -> dict[str, str]:
        """Samples for frames that have none; their ids by frame id."""
        if not frames:
            return {}
        grouped = dataset.media_type == "group" or dataset.group_field is not None
        samples = [self._sample(frame, grouped, slices) for frame in frames]
        # The fields are declared, and the values made here: nothing is to be checked.
        ids = dataset.add_samples(samples, expand_schema=False, validate=False, batcher=False)
        sizes = {
            sample_id: {
                "_cls": "ImageMetadata",
                "width": frame.width_px,
                "height": frame.height_px,
            }
            for sample_id, frame in zip(ids, frames, strict=True)
        }
        dataset.set_values("metadata", sizes, key_field="id", expand_schema=False, validate=False)
        return dict(zip([frame.frame_id for frame in frames], ids, strict=True))

    def _sample(self, frame: Frame, grouped: bool, slices: dict[str, dict[str, int]]) -> Any:
        more: dict[str, Any] = {}
        if grouped:
            more[GROUP] = self._element(frame, slices)
        return self._fo.Sample(
            filepath=frame.uri,
            frame_id=frame.frame_id,
            split=frame.split.value,
            kind=frame.kind.value,
            sequence=frame.sequence,
            sequence_index=frame.index,
            instant=frame.group,
            **more,
        )

    def _element(self, frame: Frame, slices: dict[str, dict[str, int]]) -> Any:
        """Its place among the pictures of one instant: by kind, and by turn among equal ones."""
        instant = frame.group or frame.frame_id
        counts = slices.setdefault(instant, {})
        turn = counts[frame.kind.value] = counts.get(frame.kind.value, 0) + 1
        name = frame.kind.value if turn == 1 else f"{frame.kind.value}-{turn}"
        group = self._fo.Group(id=blake2b(instant.encode(), digest_size=12).hexdigest())
        return group.element(name)

    def _proposed(self, frame_ids: Sequence[str]) -> list[Proposed]:
        return [
            Proposed(
                one.model_id,
                self._shown[one.model_id],
                {
                    prediction.frame_id: prediction
                    for prediction in self._files(one).read(list(frame_ids), EMBEDDINGS)
                },
            )
            for one in self._models
        ]

    def _newly_predicted(self, notes: Notes, parts: Mapping[str, Sequence[str]]) -> set[str]:
        """Frames in files of predictions that were not there the last time."""
        if notes.event == 0:
            return set()  # all frames are written anyway
        fresh: set[str] = set()
        for model in self._models:
            new = set(parts[model.model_id]) - set(notes.parts.get(model.model_id, ()))
            fresh |= self._files(model).ids_in(new)
        return fresh

    def _files(self, model: ModelRecord) -> PredictionFiles:
        return prediction_files(self._project.workspace, model.model_id)

    def _write_suspicions(
        self,
        dataset: Any,
        by_frame: Mapping[str, Sequence[Suspect]],
        wanted: Collection[str],
        is_new: bool,
    ) -> None:
        ids = list(by_frame) if is_new else list(wanted)
        if not ids:
            return
        known = _known(dataset, ids)
        frames = {one.frame_id: one for one in self._project.store.find_frames([*known])}
        documents = {
            sample_id: _suspects(by_frame.get(frame_id, ()), frames[frame_id], self._classes)
            for frame_id, sample_id in known.items()
        }
        dataset.set_values(SUSPECTS, documents, key_field="id", expand_schema=False, validate=False)

    def _arrange(self, dataset: Any) -> None:
        rounds = self._project.store.rounds()
        models = [one.model_id for one in self._models]
        arrange(self._fo, dataset, self._classes, models)
        newest = self._project.store.latest_batch()
        save_views(self._fo, dataset, newest[0] if newest and rounds else None, models)
        if models:
            register_evaluation(dataset, models[-1])

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


def register_evaluation(dataset: Any, model_id: str) -> None:
    """Let FiftyOne know that the boxes hold an evaluation, so that its patches views work."""
    from fiftyone.utils.eval.coco import COCOEvaluationConfig

    config = COCOEvaluationConfig(proposals_field(model_id), LABELS, iou=0.5, classwise=True)
    if dataset.has_evaluation(EVALUATION):
        known = dataset.get_evaluation_info(EVALUATION).config
        if known.pred_field == config.pred_field:
            return
        # Only the note goes: deleting the evaluation would take its fields away as well.
        config.build().register_run(dataset, EVALUATION, overwrite=True, cleanup=False)
        return
    config.build().register_run(dataset, EVALUATION, overwrite=False)


def _models_with_predictions(project: Project) -> list[ModelRecord]:
    return [
        one
        for one in project.store.models()
        if prediction_files(project.workspace, one.model_id).parts()
    ]


def _shown(project: Project, model: ModelRecord) -> float:
    return shown_score(project.workspace, project.store, model)


def _chunks(overviews: Iterable[Overview]) -> Iterator[list[Overview]]:
    left = iter(overviews)
    while chunk := list(islice(left, CHUNK_FRAMES)):
        yield chunk


def all_samples(dataset: Any) -> Any:
    """A view of every sample, of all slices where there are groups."""
    return dataset.select_group_slices() if dataset.media_type == "group" else dataset.view()


def _known(dataset: Any, frame_ids: Sequence[str]) -> dict[str, str]:
    """The sample ids of those of these frames that are in the dataset."""
    view = all_samples(dataset).match({"frame_id": {"$in": list(frame_ids)}})
    return dict(zip(*view.values(["frame_id", "id"]), strict=True))


def _with_suspects(dataset: Any) -> set[str]:
    return set(all_samples(dataset).exists(f"{SUSPECTS}.detections.0").values("frame_id"))


def _tag_copies(dataset: Any, copies: Sequence[KeptCopies]) -> None:
    """Tag frames that have a near-duplicate, and those that have one in another split."""
    whole = all_samples(dataset)
    for tag, pairs in (
        (NEAR_DUPLICATE, copies),
        (LEAK, [one for one in copies if one.leaks]),
    ):
        whole.match_tags(tag).untag_samples(tag)
        ids = sorted({frame_id for one in pairs for frame_id in (one.first_id, one.second_id)})
        whole.match({"frame_id": {"$in": ids}}).tag_samples(tag)


def _edited_since(dataset: Any, known: Mapping[str, str], since: Since | None) -> list[str]:
    """Frames whose samples somebody else has written to since the edits were taken over."""
    if since is None or not known:
        return []
    view = all_samples(dataset).match(
        {"frame_id": {"$in": list(known)}, "last_modified_at": {"$gt": since.moment}}
    )
    found = zip(*view.values(["frame_id", "last_modified_at"]), strict=True)
    return [
        frame_id
        for frame_id, at in found
        if frame_id not in since.own or at.replace(tzinfo=UTC) > since.own[frame_id]
    ]


def _drop_empty(columns: Columns) -> None:
    """Leave out what new samples do not have anyway."""
    for name, values in columns.values.items():
        columns.values[name] = {
            frame_id: value for frame_id, value in values.items() if value is not None
        }


def _set(dataset: Any, columns: Columns, sample_ids: Mapping[str, str]) -> None:
    for name, values in columns.values.items():
        keyed = {sample_ids[frame_id]: value for frame_id, value in values.items()}
        if keyed:
            dataset.set_values(name, keyed, key_field="id", expand_schema=False, validate=False)


def _suspects(
    suspicions: Sequence[Suspect], frame: Frame, classes: Sequence[str]
) -> dict[str, Any] | None:
    if not suspicions:
        return None
    boxes = [
        box_document(
            one.suspect_id,
            classes[one.class_id],
            np.asarray(one.xyxy, np.float32),
            frame,
            {
                "kind": one.kind.value,
                "confidence": one.probability,
                "suggested": None if one.suggested is None else classes[one.suggested],
            },
        )
        for one in suspicions
    ]
    return together(boxes)
