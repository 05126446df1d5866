"""Where two sides of a project disagree: its labels and models."""

from collections.abc import Sequence

from prelabel.active.label_errors.disagreement import (
    Disagreement,
    disagreements,
    frames_by_disagreement,
)
from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.errors import PrelabelError
from prelabel.models.prediction_table import EMBEDDINGS
from prelabel.project import Project
from prelabel.proposals import shown_proposals
from prelabel.proposing import prediction_files, shown_score
from prelabel.reviewing import send_frames
from prelabel.work.sending import Sent

LABELS = "labels"


class UnknownSideError(PrelabelError):
    """Neither the labels nor a model is called so."""


def find_disagreements(project: Project, first: str, second: str) -> list[Disagreement]:
    """All differences between two sides, each `labels` or the beginning of a model's id.

    Of a model, the boxes that people would see count. Raises UnknownSideError.
    """
    return disagreements(_side(project, first), _side(project, second))


def send_disagreements(
    project: Project, found: Sequence[Disagreement], count: int, sides: tuple[str, str]
) -> Sent:
    """Ask people about the frames with the most in dispute."""
    reason = f"{sides[0]} and {sides[1]} disagree here"
    most = frames_by_disagreement(found)[:count]
    return send_frames(project, {frame_id: reason for frame_id, _ in most})


def _side(project: Project, name: str) -> dict[str, AnnotationSet]:
    if name == LABELS:
        return {
            one.frame.frame_id: one.annotations
            for one in project.store.labelled_frames()
            if one.annotations is not None
        }
    models = [one for one in project.store.models() if one.model_id.startswith(name)]
    if len(models) != 1:
        known = ", ".join([LABELS, *(one.model_id[:8] for one in project.store.models())])
        raise UnknownSideError(f"{name!r} names {len(models)} models; write one of {known}")
    (model,) = models
    score = shown_score(project.workspace, project.store, model)
    files = prediction_files(project.workspace, model.model_id)
    return {
        one.frame_id: shown_proposals(one, score).visible for one in files.read(None, EMBEDDINGS)
    }
