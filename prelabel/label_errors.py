"""The work of `prelabel errors`: suspects found out of fold, asked about, counted."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from prelabel.active.label_errors.answers import Answered, corrected, was_confirmed
from prelabel.active.label_errors.auditing import ErrorCount, audit_sample, estimate_errors
from prelabel.active.label_errors.kinds import ErrorKind
from prelabel.active.label_errors.ranking import rank_suspects, strongest
from prelabel.active.label_errors.suspects import Suspect
from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.errors import PrelabelError
from prelabel.datasets.frames import LabelledFrame
from prelabel.datasets.progress import Progress
from prelabel.models.detector import FitOptions, NotTrainableError, PredictOptions, TrainingExample
from prelabel.models.out_of_fold import CrossValidation, predict_out_of_fold, predictions_in
from prelabel.models.prediction_files import PredictionFiles
from prelabel.models.prediction_table import EMBEDDINGS
from prelabel.models.registry import build_detector, can_train
from prelabel.models.run_folder import run_arguments
from prelabel.near_duplicates import find_copies
from prelabel.project import Project
from prelabel.reviewing import send_frames
from prelabel.search_folders import kept, remove_others
from prelabel.suspicions import (
    Answer,
    KeptCopies,
    Sent,
    add_answers,
    add_sent,
    errors_folder,
    keep_audit,
    read_answers,
    read_audit,
    read_newest,
    read_sent,
    read_suspects,
    write_copies,
    write_newest,
    write_suspects,
)

FOLDS = 3
MOST_KEPT = 200_000  # suspects, the likeliest; of large sets the rest would fill the disk
SCORE_MIN = 0.01  # weak boxes tell something too: that nothing is seen is not that little is


class NoSuspectsError(PrelabelError):
    """Nobody has looked for label errors yet."""


@dataclass(frozen=True, slots=True)
class Searched:
    """The suspects, most probable first, the frames looked at, the answers that came in, and pairs
    of frames that are nearly the same."""

    suspects: tuple[Suspect, ...]
    frames: int
    answers: int
    copies: tuple[KeptCopies, ...]


def search_errors(project: Project, folds: int, now: datetime, progress: Progress) -> Searched:
    """Rank what may be wrong in the labels, and keep it for FiftyOne and the review page.

    As many detectors as `folds` are trained, each on the labels of the others' frames; stopped, it
    goes on where it was, and the same labels again are not trained on again. What people answered
    about suspects sent to them is taken into account.
    """
    answers = take_answers(project)
    frames = _labelled(project)
    with _out_of_fold(project, frames, folds, progress) as files:
        return _ranked(project, files, answers, now, progress)


def rank_again(project: Project, now: datetime, progress: Progress) -> Searched:
    """Rank by what the detectors of the last search saw, with the labels and answers since.

    Nothing is trained: they have not learned from labels changed since either. Frames labelled
    since are left out. Raises NoSuspectsError where no search has ended yet.
    """
    answers = take_answers(project)
    name = read_newest(project.workspace)
    folder = errors_folder(project.workspace) / (name or "")
    if name is None or not folder.exists():
        raise NoSuspectsError(_never_searched(project))
    with kept(folder):
        return _ranked(project, predictions_in(folder), answers, now, progress)


def _ranked(
    project: Project, files: PredictionFiles, answers: int, now: datetime, progress: Progress
) -> Searched:
    predicted = files.predicted_ids()
    known = [one for one in _labelled(project) if one.frame.frame_id in predicted]
    rng = np.random.default_rng(project.workspace.settings.seed)
    told = [Answered(one.suspect, one.is_error) for one in read_answers(project.workspace)]
    suspects = ranked_suspects(known, files, len(project.classes()), rng, told)
    copies = find_copies(project, progress)
    write_copies(project.workspace, copies)
    write_suspects(project.workspace, suspects, now.isoformat())
    return Searched(tuple(suspects), len(known), answers, tuple(copies))


def ranked_suspects(
    frames: Sequence[LabelledFrame],
    files: PredictionFiles,
    class_count: int,
    rng: np.random.Generator,
    answers: Sequence[Answered],
) -> list[Suspect]:
    """The likeliest kind of error of each label, and objects without one, most probable first."""
    predictions = {one.frame_id: one for one in files.read(None, EMBEDDINGS)}
    ranked = rank_suspects(frames, predictions, class_count, rng)
    return strongest(corrected(ranked, answers))[:MOST_KEPT]


def send_suspects(
    project: Project, count: int, kinds: Collection[ErrorKind] = tuple(ErrorKind)
) -> tuple[int, int]:
    """Ask people about the most probable suspects nobody was asked about; suspects and frames."""
    wanted = [one for one in _open_suspects(project) if one.kind in kinds]
    return _ask(project, wanted[:count], None)


def begin_audit(project: Project, size: int, now: datetime) -> tuple[int, int]:
    """Ask people about a random sample of all suspects, from which errors can be counted.

    How many suspects were drawn, and on how many frames.
    """
    suspects = [one for its in _kept(project).values() for one in its]
    name = now.strftime("%Y%m%dT%H%M%S")
    rng = np.random.default_rng([project.workspace.settings.seed, int(now.timestamp())])
    sample = audit_sample(suspects, size, rng)
    keep_audit(project.workspace, name, suspects)
    return _ask(project, sample, name)


def count_errors(project: Project) -> ErrorCount | None:
    """How many errors there were when the newest audit began; None where none was begun."""
    take_answers(project)
    audits = sorted({one.audit for one in read_sent(project.workspace) if one.audit})
    if not audits:
        return None
    newest = audits[-1]
    sample = {one.suspect.suspect_id for one in read_sent(project.workspace) if one.audit == newest}
    answers = {
        one.suspect.suspect_id: one.is_error
        for one in read_answers(project.workspace)
        if one.suspect.suspect_id in sample
    }
    suspects = read_audit(project.workspace, newest)
    return estimate_errors(suspects, answers, np.random.default_rng(0))


def take_answers(project: Project) -> int:
    """Note what became of suspects that people were asked about; how many are new.

    A frame that has a new label version since then was looked at: a suspect whose box was changed
    as suspected is an error, one that was left as it is, none.
    """
    told = {one.suspect.suspect_id for one in read_answers(project.workspace)}
    new: list[Answer] = []
    for sent in read_sent(project.workspace):
        suspect = sent.suspect
        if suspect.suspect_id in told:
            continue
        history = {one.number: one for one in project.store.label_history(suspect.frame_id)}
        newest = max(history, default=0)
        if newest <= sent.version or sent.version not in history:
            continue
        before, after = history[sent.version].annotations, history[newest]
        is_error = was_confirmed(suspect, before, after.annotations)
        new.append(Answer(suspect, is_error, after.author))
        told.add(suspect.suspect_id)
    if new:
        add_answers(project.workspace, new)
    return len(new)


def told_reason(suspects: Sequence[Suspect], classes: Sequence[str]) -> str:
    """What people are told who are asked about these suspects of one frame."""
    parts = []
    for one in suspects:
        name = classes[one.class_id]
        other = "" if one.suggested is None else f", perhaps {classes[one.suggested]}"
        parts.append(f"{one.kind.value}: {name}{other} ({one.probability:.0%})")
    return "Is the label right? " + "; ".join(parts)


def _ask(project: Project, suspects: Sequence[Suspect], audit: str | None) -> tuple[int, int]:
    by_frame: dict[str, list[Suspect]] = defaultdict(list)
    for one in suspects:
        by_frame[one.frame_id].append(one)
    if not by_frame:
        return 0, 0
    classes = project.classes()
    versions = {}
    for frame_id in by_frame:
        labels = project.store.labels(frame_id)
        versions[frame_id] = labels.number if labels else 0
    # Noted first: a kill in between costs a question that waits for its answer, not an answer.
    add_sent(project.workspace, [Sent(one, versions[one.frame_id], audit) for one in suspects])
    send_frames(project, {one: told_reason(its, classes) for one, its in by_frame.items()})
    return len(suspects), len(by_frame)


def _open_suspects(project: Project) -> list[Suspect]:
    asked = {one.suspect.suspect_id for one in read_sent(project.workspace)}
    every = [one for its in _kept(project).values() for one in its]
    free = [one for one in every if one.suspect_id not in asked]
    return sorted(free, key=lambda one: (-one.probability, one.suspect_id))


def _kept(project: Project) -> Mapping[str, Sequence[Suspect]]:
    kept = read_suspects(project.workspace)
    if not kept.made_at:
        raise NoSuspectsError(_never_searched(project))
    return kept.by_frame


def _never_searched(project: Project) -> str:
    folder = project.workspace.folder
    return f"{folder}: nobody has looked for label errors yet; run `prelabel errors` first"


def _labelled(project: Project) -> list[LabelledFrame]:
    excluded = project.store.excluded()
    return [
        one
        for one in project.store.labelled_frames()
        if one.annotations is not None and one.frame.frame_id not in excluded
    ]


@contextmanager
def _out_of_fold(
    project: Project, frames: Sequence[LabelledFrame], folds: int, progress: Progress
) -> Iterator[PredictionFiles]:
    workspace, settings = project.workspace, project.workspace.settings
    if not can_train(settings.detector):
        raise NotTrainableError(
            f"{settings.detector} only predicts, and label errors are found by detectors trained "
            "on the other labels; name one that trains, such as torchvision:micro"
        )
    training = settings.training
    options = FitOptions(
        steps=training.steps,
        batch_size=training.batch_size,
        input_px=training.input_px,
        learning_rate=training.learning_rate,
        seed=settings.seed,
        validate_every_steps=training.steps,
    )
    examples = [
        TrainingExample(one.frame, one.annotations or AnnotationSet.empty()) for one in frames
    ]
    plan = CrossValidation(
        build=lambda: build_detector(workspace.detector, project.classes(), workspace.state_folder),
        options=options,
        look=PredictOptions(
            input_px=training.input_px,
            batch_size=settings.proposals.batch_size,
            score_min=SCORE_MIN,
            nms_iou=settings.proposals.nms_iou,
            max_boxes=settings.proposals.max_boxes,
            with_embeddings=False,
        ),
        folds=folds,
    )
    folder = _folder_of(project, examples, options, folds)
    with kept(folder):
        files = predict_out_of_fold(examples, plan, folder, progress)
        write_newest(workspace, folder.name)
        remove_others(folder)
        yield files


def _folder_of(
    project: Project, examples: Sequence[TrainingExample], options: FitOptions, folds: int
) -> Path:
    """A folder for each set of labels and options, so that the same again goes on where it was."""
    workspace = project.workspace
    spec = build_detector(workspace.detector, project.classes(), workspace.state_folder).spec
    told = json.dumps([run_arguments(spec, examples, [], options), folds], sort_keys=True)
    return errors_folder(workspace) / hashlib.blake2b(told.encode(), digest_size=6).hexdigest()
