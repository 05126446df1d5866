"""What curators ask for by tags: queue again, accept, exclude, include."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from prelabel.curating.fields import ACCEPT, EXCLUDE, INCLUDE, REQUEUE
from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.errors import PrelabelError
from prelabel.project import Project
from prelabel.reviewing import proposals_for, send_frames, submissions_of
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
    proposed = 0
    for frame_id in frame_ids:
        shown = None if frame_id in labelled or frame_id in waiting else _shown(project, frame_id)
        if shown is not None:
            source = "accepted as proposed in FiftyOne"
            project.store.write_labels_after(frame_id, shown, project.author, 0, source)
            proposed += 1
    had = len(labelled - waiting)
    return f"{len(waiting)} accepted, {proposed} accepted as proposed, {had} had labels already"


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
