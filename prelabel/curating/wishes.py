"""What curators ask for by tags: queue again, accept, exclude, include."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from prelabel.curating.fields import ACCEPT, EXCLUDE, INCLUDE, REQUEUE
from prelabel.datasets.annotations import AnnotationSet, Origin, OriginKind
from prelabel.datasets.errors import PrelabelError
from prelabel.project import Project
from prelabel.reviewing import proposals_for, send_frames, submissions_of
from prelabel.store.acceptances import awaiting_audit
from prelabel.work.records import TaskState
from prelabel.work.sending import newest_tasks

REASON = "sent from FiftyOne"


@dataclass(frozen=True, slots=True)
class WishOutcome:
    """A wish, how many frames it was about, and what became of it, in words."""

    wish: str
    frames: int
    told: str


def grant(project: Project, tags: Mapping[str, Sequence[str]]) -> list[WishOutcome]:
    """Do what the tags of frames, by frame id, ask for; what cannot be done is told, not raised."""
    outcomes = []
    for wish, act in _ACTS.items():
        frame_ids = [frame_id for frame_id, its in tags.items() if wish in its]
        if not frame_ids:
            continue
        try:
            told = act(project, frame_ids)
        except PrelabelError as error:
            told = f"not done: {error}"
        outcomes.append(WishOutcome(wish, len(frame_ids), told))
    return outcomes


def _requeue(project: Project, frame_ids: Sequence[str]) -> str:
    """Frames that wait for a reviewer go back to who did them; others are queued."""
    with project.store.database.reading() as connection:
        newest = newest_tasks(connection, frame_ids)
    back = {one for one, (_, state) in newest.items() if state is TaskState.SUBMITTED}
    submissions = submissions_of(project)
    for frame_id in sorted(back):
        submissions.send_back(newest[frame_id][0], project.author, REASON)
    rest = {one: REASON for one in frame_ids if one not in back}
    sent = send_frames(project, rest)
    return f"{sent.queued} queued, {len(back)} sent back, {sent.waiting_already} wait already"


def _accept(project: Project, frame_ids: Sequence[str]) -> str:
    """What was handed in is accepted; on unlabelled frames what was shown is, as proposed."""
    with project.store.database.reading() as connection:
        newest = newest_tasks(connection, frame_ids)
    waiting = {one for one, (_, state) in newest.items() if state is TaskState.SUBMITTED}
    submissions = submissions_of(project)
    for frame_id in sorted(waiting):
        submissions.accept(newest[frame_id][0], project.author)
    labelled = project.store.labelled_among(list(frame_ids))
    confirmed = sum(_confirmed(project, frame_id) for frame_id in labelled)
    # People label these without seeing what is proposed; else nothing would be checked.
    blind = set(awaiting_audit(project.store)) & set(frame_ids)
    taken, proposed = labelled | waiting | blind, 0
    for frame_id in frame_ids:
        shown = None if frame_id in taken else _shown(project, frame_id)
        if shown is not None:
            source = "accepted as proposed in FiftyOne"
            project.store.write_labels_after(frame_id, shown, project.author, 0, source)
            proposed += 1
    had = len(labelled - waiting) - confirmed
    told = f"{len(waiting)} accepted, {proposed} accepted as proposed, {had} had labels already"
    if confirmed:
        told += f", {confirmed} accepted by a rule before are confirmed"
    if blind:
        told += f", {len(blind)} are left to the audit of a rule"
    return told


def _confirmed(project: Project, frame_id: str) -> bool:
    """Make labels that a rule accepted those of the curator; whether there were any."""
    current = project.store.labels(frame_id)
    if current is None:
        return False
    labels = current.annotations
    if all(one.kind is not OriginKind.AUTO for one in labels.origin):
        return False
    origins = [
        Origin(OriginKind.PROPOSED, one.model_id, one.score) if one.kind is OriginKind.AUTO else one
        for one in labels.origin
    ]
    seen = AnnotationSet(labels.boxes, labels.class_id, labels.box_id, origins, labels.height_m)
    source = "confirmed in FiftyOne"
    written = project.store.write_labels_after(
        frame_id, seen, project.author, current.number, source
    )
    return written is not None


def _shown(project: Project, frame_id: str) -> AnnotationSet | None:
    found = proposals_for(project, [frame_id]).get(frame_id)
    return None if found is None else found.visible


def _exclude(project: Project, frame_ids: Sequence[str]) -> str:
    count = project.store.exclude(list(frame_ids), project.author, "excluded in FiftyOne")
    return f"{count} excluded"


def _include(project: Project, frame_ids: Sequence[str]) -> str:
    return f"{project.store.include(list(frame_ids), project.author)} included again"


_ACTS: Mapping[str, Callable[[Project, Sequence[str]], str]] = {
    INCLUDE: _include,
    ACCEPT: _accept,
    REQUEUE: _requeue,
    EXCLUDE: _exclude,
}
