"""Training a project's detector on the labels it has so far."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from prelabel.active.holdout import validation_ids
from prelabel.datasets.errors import PrelabelError
from prelabel.datasets.frames import Split
from prelabel.datasets.progress import Progress
from prelabel.models.detector import FitOptions, FitResult, NotTrainableError, TrainingExample
from prelabel.models.registry import build_detector, can_train
from prelabel.models.run_folder import run_arguments
from prelabel.settings import SETTINGS_FILE
from prelabel.store.records import ModelRecord
from prelabel.store.store import Store
from prelabel.workspace import Workspace


class NothingToTrainOnError(PrelabelError):
    """The project has no labels to learn from."""


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Labelled frames: those to learn from, and those that choose the checkpoint."""

    train: tuple[TrainingExample, ...]
    validation: tuple[TrainingExample, ...]


@dataclass(frozen=True, slots=True)
class Trained:
    """What `prelabel train` did."""

    model: ModelRecord
    validation_frames: int


def training_set(store: Store, validation_share: float) -> TrainingSet:
    """All labelled frames but those of the test split, and those taken out of the work.

    The checkpoint is chosen by the labelled frames of the split `val`; where there are none, by a
    share of the others, which then train nothing.
    """
    excluded = store.excluded()
    train = _examples(store, Split.TRAIN, excluded)
    validation = _examples(store, Split.VAL, excluded)
    if not validation:
        held_out = validation_ids([one.frame.frame_id for one in train], validation_share)
        validation = [one for one in train if one.frame.frame_id in held_out]
        train = [one for one in train if one.frame.frame_id not in held_out]
    return TrainingSet(tuple(train), tuple(validation))


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
    examples = training_set(store, settings.training.validation_share)
    if not any(len(one.annotations) for one in examples.train):
        raise NothingToTrainOnError(
            f"{workspace.folder}: no labelled frame has a box to learn from; choose frames with "
            "`prelabel select`, label them, and bring the labels in with `prelabel import`"
        )
    result = _fit(workspace, store.classes(), examples, progress)
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
    return Trained(model, len(examples.validation))


def _fit(
    workspace: Workspace, classes: Sequence[str], examples: TrainingSet, progress: Progress
) -> FitResult:
    settings = workspace.settings
    detector = build_detector(workspace.detector, classes, workspace.state_folder)
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
    return detector.fit(examples.train, examples.validation, options, folder, progress)


def _examples(store: Store, split: Split, excluded: Collection[str]) -> list[TrainingExample]:
    return [
        TrainingExample(one.frame, one.annotations)
        for one in store.labelled_frames(split)
        if one.annotations is not None and one.frame.frame_id not in excluded
    ]
