"""Which model proposes: the one trained last, or the named detector as it stands."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from prelabel.datasets.errors import PrelabelError
from prelabel.models.as_named import AsNamedDetector, KnowsNoClassError
from prelabel.models.checkpoints import ModelCard, read_card
from prelabel.models.detector_names import seen_from
from prelabel.models.registry import build_as_named, can_train, keep_as_named, open_detector
from prelabel.store.records import ModelRecord
from prelabel.store.store import Store
from prelabel.workspace import Workspace


class NoModelError(PrelabelError):
    """The project has no detector that can propose anything yet."""


@dataclass(frozen=True, slots=True)
class Proposer:
    """The model in use, and those classes of the project that it never proposes."""

    model: ModelRecord
    unknown_classes: tuple[str, ...]


def take_proposer(workspace: Workspace, store: Store, author: str) -> Proposer:
    """The model to propose with; a detector that needs no training is taken into use for it.

    A detector that cannot be trained is used as it stands whenever the settings name it; one that
    can be, and knows some of the project's classes from the start, until a trained model is there.
    Raises NoModelError where there is neither, DetectorError where the named one cannot be used.
    """
    latest, name = store.latest_model(), workspace.settings.detector
    if latest is not None and can_train(name) and read_card(Path(latest.checkpoint)).trained:
        return Proposer(latest, _missing(store, read_card(Path(latest.checkpoint)).classes))
    classes = store.classes()
    if not classes:
        raise NoModelError(
            "the project has no classes that could be proposed: name them with "
            "`prelabel classes add`, or bring labels in with `prelabel import`"
        )
    input_px = workspace.settings.training.input_px
    try:
        detector = build_as_named(workspace.detector, classes, input_px, workspace.state_folder)
    except KnowsNoClassError as error:
        if not can_train(name):
            raise
        if latest is None:
            raise NoModelError(
                "the project has no trained detector yet: run `prelabel train` first"
            ) from error
        return _still_in_use(workspace, store, latest)
    model = _adopted(workspace, store, detector, author)
    return Proposer(model, _missing(store, detector.known_classes))


def _still_in_use(workspace: Workspace, store: Store, latest: ModelRecord) -> Proposer:
    """A detector used as it stands, although another one is named by now, to be trained."""
    detector = open_detector(Path(latest.checkpoint), workspace.state_folder)
    known = detector.known_classes if isinstance(detector, AsNamedDetector) else ()
    return Proposer(latest, _missing(store, known))


def _adopted(
    workspace: Workspace, store: Store, detector: AsNamedDetector, author: str
) -> ModelRecord:
    checkpoint = workspace.training_folder(f"as-named-{detector.model_id}") / "detector"
    name = seen_from(workspace.detector, checkpoint.parent, workspace.folder)
    input_px = workspace.settings.training.input_px
    keep_as_named(checkpoint, detector, ModelCard(name, detector.spec.classes, input_px))
    latest = store.latest_model()
    if latest is not None and latest.model_id == detector.model_id:
        return latest
    newest_round = store.rounds()[-1].number if store.rounds() else None
    record = ModelRecord(
        model_id=detector.model_id,
        detector=workspace.settings.detector,
        checkpoint=str(checkpoint),
        train_frames=0,
        steps=0,
        seconds=0.0,
        round_number=newest_round,
    )
    return store.add_model(record, author)


def _missing(store: Store, known: Iterable[str]) -> tuple[str, ...]:
    there = set(known)
    return tuple(name for name in store.classes() if name not in there)
