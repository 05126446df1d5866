"""Whether another round of labelling is worth it, from what a project has measured so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from prelabel.active.advice_record import MeasuredModel, curve_points
from prelabel.active.control_points import Shown
from prelabel.active.stopping import Advice, Verdict, advise
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.frames import LabelledFrame, Split
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.datasets.wording import counted
from prelabel.settings import SETTINGS_FILE
from prelabel.store.records import EventKind, ModelRecord
from prelabel.store.store import Store
from prelabel.workspace import Workspace


@dataclass(frozen=True, slots=True)
class ProjectAdvice:
    """Advice on another round, and what it rests on.

    `control_frames` are labelled control frames of all batches, `models` those of which anything
    is measured; the labels of `untimed_frames` came without the time they took.
    """

    advice: Advice
    models: int
    control_frames: int
    untimed_frames: int

    def sentences(self) -> list[str]:
        """The advice in plain words, the verdict first."""
        told = [f"{_said(self.advice)}."]
        evidence = f"This rests on {counted(self.models, 'measured model')} and "
        told.append(f"{evidence}{counted(self.control_frames, 'labelled control frame')}.")
        if self.untimed_frames:
            told.append(
                f"Nobody took the time for {counted(self.untimed_frames, 'labelled frame')}: each "
                "counts as long as drawing all its boxes is taken to last."
            )
        return told


@dataclass(frozen=True, slots=True)
class _Effort:
    """One label version: when it was written, on which frame, and what it took."""

    at: datetime
    frame_id: str
    seconds: float
    is_timed: bool


def project_advice(workspace: Workspace, store: Store) -> ProjectAdvice | None:
    """Advice after the newest model; None as long as no model was trained, or nothing took time.

    Another round is taken to last as long as the newest batch that people have begun.
    """
    trained = [one for one in store.models() if one.train_frames and one.added_at is not None]
    efforts = _efforts(workspace, store)
    round_s = _seconds_of_a_round(store, efforts)
    if not trained or not round_s:
        return None
    splits = (Split.TRAIN, Split.VAL)
    not_test = {frame.frame_id for split in splits for frame in store.frames(split, labelled=True)}
    models = [_measured(store, one, efforts, not_test) for one in trained]
    points = curve_points(models, store.classes())
    stopping, seed = workspace.settings.stopping, workspace.settings.seed
    rng = np.random.default_rng([seed, len(trained)])
    advice = advise(points, stopping.worth(), round_s, rng)
    return ProjectAdvice(
        advice,
        len({one.seconds for one in points}),
        sum(len(one.control.truth) for one in models if one.control is not None),
        len({one.frame_id for one in efforts if not one.is_timed}),
    )


def _said(advice: Advice) -> str:
    if advice.verdict is Verdict.NO_AIM:
        return (
            f"{advice.reason[:1].upper()}{advice.reason[1:]}; for advice, say in {SETTINGS_FILE} "
            "what is worth it (stopping: points_an_hour or target_map50)"
        )
    return f"Advice on another round: {advice.verdict}; {advice.reason}"


def _efforts(workspace: Workspace, store: Store) -> list[_Effort]:
    """All label versions; one that nobody timed counts as drawn from nothing."""
    cost = workspace.settings.cost.model()
    efforts = []
    for event in store.events():
        if event.kind is EventKind.LABELS_WRITTEN and event.frame_id is not None:
            seconds: float | None = event.details["seconds"]
            counted_s = cost.scratch_seconds(event.details["boxes"]) if seconds is None else seconds
            efforts.append(_Effort(event.at, event.frame_id, counted_s, seconds is not None))
    return efforts


def _measured(
    store: Store, model: ModelRecord, efforts: Sequence[_Effort], not_test: set[str]
) -> MeasuredModel:
    before = [
        one
        for one in efforts
        if model.added_at is not None and one.at <= model.added_at and one.frame_id in not_test
    ]
    seconds = sum(one.seconds for one in before)
    labelled = len({one.frame_id for one in before})
    return MeasuredModel(
        seconds,
        model.validation_map50,
        max(labelled - model.train_frames, 0),
        _control(store, model.model_id, seconds),
    )


def _control(store: Store, model_id: str, seconds: float) -> Shown | None:
    """What a model proposed on the control frames of its batches, as far as they have labels."""
    truth: dict[str, LabelledFrame] = {}
    proposed: dict[str, Prediction] = {}
    for record in store.rounds():
        batch = store.batch(record.number)
        if batch is None or record.settings.get("model_id") != model_id:
            continue
        ids = [pick.frame_id for pick in batch.picks if pick.is_control]
        for frame in store.find_frames(ids):
            version = store.labels(frame.frame_id)
            if version is not None:
                truth[frame.frame_id] = LabelledFrame(frame, version.annotations)
                proposed[frame.frame_id] = _prediction(store, record.number, frame.frame_id)
    return Shown(seconds, list(proposed.values()), list(truth.values())) if truth else None


def _prediction(store: Store, round_number: int, frame_id: str) -> Prediction:
    shown = store.shown(round_number, frame_id)
    if shown is None:
        return Prediction(frame_id, "none", Boxes.none(), (), (), ClassScores.INDEPENDENT)
    return Prediction(
        frame_id,
        shown.model_id,
        shown.proposals.boxes,
        shown.scores,
        shown.proposals.class_id,
        ClassScores.INDEPENDENT,
    )


def _seconds_of_a_round(store: Store, efforts: Sequence[_Effort]) -> float:
    """What the newest batch with labels has taken, or was foretold to where it is not all done."""
    spent: dict[str, float] = {}
    for one in efforts:
        spent[one.frame_id] = spent.get(one.frame_id, 0.0) + one.seconds
    for record in reversed(store.rounds()):
        batch = store.batch(record.number)
        if batch is not None and any(pick.frame_id in spent for pick in batch.picks):
            return sum(spent.get(pick.frame_id, pick.cost_s) for pick in batch.picks)
    return sum(spent.values())
