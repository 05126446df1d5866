"""Training a project's detector on the labels it has so far."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from prelabel.active.holdout import validation_ids
from prelabel.datasets.errors import BadInputError, PrelabelError
from prelabel.datasets.files import write_whole
from prelabel.datasets.frames import Split
from prelabel.datasets.progress import Progress
from prelabel.datasets.wording import counted
from prelabel.models.detector import (
    Detector,
    FitOptions,
    FitResult,
    NotTrainableError,
    TrainingExample,
)
from prelabel.models.registry import build_detector, can_train
from prelabel.models.run_folder import run_arguments
from prelabel.settings import SETTINGS_FILE
from prelabel.store.acceptances import (
    Part,
    accepted_by_rule,
    all_acceptances,
    frames_of,
    half_done,
)
from prelabel.store.records import ModelRecord
from prelabel.store.store import Store
from prelabel.workspace import Workspace

RANDOM = "random"  # the strategy all of whose frames are drawn by lot
LEARNED_FILE = "learned.json"  # the ids of the frames a checkpoint has seen


class NothingToTrainOnError(PrelabelError):
    """The project has no labels to learn from."""


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Labelled frames: those to learn from, and those that choose the checkpoint."""

    train: tuple[TrainingExample, ...]
    validation: tuple[TrainingExample, ...]


@dataclass(frozen=True, slots=True)
class Trained:
    """What `prelabel train` did; `left_out` counts frames half done that it cannot learn from."""

    model: ModelRecord
    validation_frames: int
    left_out: int = 0

    def left_out_told(self) -> str | None:
        """A sentence on the frames left out; None where there are none."""
        if not self.left_out:
            return None
        return (
            f"{counted(self.left_out, 'frame')} half done left out: {self.model.detector} cannot "
            "learn from frames of which only some boxes are known"
        )


def training_set(
    store: Store, validation_share: float, without_checks: bool = False
) -> TrainingSet:
    """All labelled frames but those of the test split, and those taken out of the work.

    The checkpoint is chosen by the labelled frames of the split `val`; where there are none, by a
    share of those that people labelled, which then train nothing. `without_checks` leaves out the
    frames that were drawn at random, so that they can tell how right any later model is.
    """
    excluded = store.excluded()
    train = _examples(store, Split.TRAIN, excluded)
    validation = _examples(store, Split.VAL, excluded)
    kept_out = checked_frames(store) if without_checks else set()
    train = [one for one in train if one.frame.frame_id not in kept_out]
    by_rule = accepted_by_rule(store)
    if not validation:
        by_people = [o.frame.frame_id for o in train if o.frame.frame_id not in by_rule]
        held_out = validation_ids(by_people, validation_share)
        validation = [one for one in train if one.frame.frame_id in held_out]
        train = [one for one in train if one.frame.frame_id not in held_out]
    return TrainingSet(tuple(train), tuple(validation))


def half_done_examples(store: Store, without_checks: bool) -> list[TrainingExample]:
    """Frames without labels on which a rule accepted some boxes: nothing else on them is known."""
    ids = {
        one.frame_id
        for acceptance in all_acceptances(store)
        if acceptance.ended_at is None
        for one in frames_of(store, acceptance.number, [Part.HALF])
    }
    sure = half_done(store, ids - (checked_frames(store) if without_checks else set()))
    return [
        TrainingExample(frame, sure[frame.frame_id], is_complete=False)
        for frame in store.find_frames(sorted(sure))
        if frame.split is Split.TRAIN
    ]


def project_training_set(workspace: Workspace, store: Store) -> TrainingSet:
    """The training set as the project's settings say."""
    settings = workspace.settings
    wanted = settings.acceptance
    found = training_set(store, settings.training.validation_share, wanted.keep_checks_out)
    if not wanted.train_half_done:
        return found
    more = half_done_examples(store, wanted.keep_checks_out)
    return TrainingSet((*found.train, *more), found.validation)


def without_parts(examples: TrainingSet) -> TrainingSet:
    """The same without frames half done, for detectors that cannot learn from them."""
    whole = tuple(one for one in examples.train if one.is_complete)
    return TrainingSet(whole, examples.validation)


def learned_frames(model: ModelRecord) -> set[str] | None:
    """The frames that trained a model or chose its checkpoint; None where that is not known."""
    if not model.train_frames:
        return set()
    path = Path(model.checkpoint).parent / LEARNED_FILE
    if not path.exists():
        return None
    try:
        ids = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadInputError(f"{path}: is no list of frames; train anew") from error
    return set(ids)


def train(workspace: Workspace, store: Store, author: str, progress: Progress) -> Trained:
    """Train on the labels so far, and take the model into use.

    It goes on where a stopped training of the same labels was; a finished one is taken into use
    again as it is.
    """
    settings = workspace.settings
    if not can_train(settings.detector):
        raise NotTrainableError(
            f"{settings.detector} only predicts, and `prelabel propose` uses it as it stands; to "
            f"train, name another detector in {SETTINGS_FILE}, such as torchvision:micro"
        )
    found = project_training_set(workspace, store)
    _check_boxes(workspace, found)  # before a framework is loaded for nothing
    detector = build_detector(workspace.detector, store.classes(), workspace.state_folder)
    examples = found if detector.spec.learns_parts else without_parts(found)
    left_out = len(found.train) - len(examples.train)
    _check_boxes(workspace, examples)
    result = _fit(workspace, detector, examples, progress)
    latest_round = store.rounds()[-1].number if store.rounds() else None
    model = store.add_model(
        ModelRecord(
            model_id=result.model_id,
            detector=settings.detector,
            checkpoint=str(result.checkpoint),
            train_frames=len(examples.train),
            steps=result.steps,
            seconds=result.seconds,
            validation_map50=result.validation_map50,
            round_number=latest_round,
        ),
        author,
    )
    return Trained(model, len(examples.validation), left_out)


def _check_boxes(workspace: Workspace, examples: TrainingSet) -> None:
    if not any(len(one.annotations) for one in examples.train):
        raise NothingToTrainOnError(
            f"{workspace.folder}: no labelled frame has a box to learn from; choose frames with "
            "`prelabel select`, label them, and bring the labels in with `prelabel import`"
        )


def _fit(
    workspace: Workspace, detector: Detector, examples: TrainingSet, progress: Progress
) -> FitResult:
    settings = workspace.settings
    options = FitOptions(
        steps=settings.training.steps,
        batch_size=settings.training.batch_size,
        input_px=settings.training.input_px,
        learning_rate=settings.training.learning_rate,
        seed=settings.seed,
        validate_every_steps=settings.training.validate_every_steps,
    )
    # A folder for each set of labels and options, so that the same again goes on where it was.
    arguments = run_arguments(detector.spec, examples.train, examples.validation, options)
    told = json.dumps(arguments, sort_keys=True).encode()
    folder = workspace.training_folder(hashlib.blake2b(told, digest_size=6).hexdigest())
    result = detector.fit(examples.train, examples.validation, options, folder, progress)
    learned = [one.frame.frame_id for one in (*examples.train, *examples.validation)]
    write_whole(result.checkpoint.parent / LEARNED_FILE, json.dumps(learned).encode())
    return result


def checked_frames(store: Store) -> set[str]:
    """The frames that were drawn at random for people, whatever strategy chose the others.

    A batch drawn at random as a whole before there was a model is not among them: it is what the
    first model learns from.
    """
    found = set()
    for record in store.rounds():
        batch = store.batch(record.number)
        if batch is not None:
            every = batch.strategy == RANDOM and record.settings.get("model_id") is not None
            found |= {pick.frame_id for pick in batch.picks if every or pick.is_control}
    return found


def _examples(store: Store, split: Split, excluded: Collection[str]) -> list[TrainingExample]:
    return [
        TrainingExample(one.frame, one.annotations)
        for one in store.labelled_frames(split)
        if one.annotations is not None and one.frame.frame_id not in excluded
    ]
