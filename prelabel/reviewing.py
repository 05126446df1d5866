"""Sending frames to the review page from elsewhere: a curator's wish, a suspected label error."""

from collections.abc import Mapping, Sequence

from prelabel.models.prediction_table import EMBEDDINGS
from prelabel.project import Project
from prelabel.proposals import shown_proposals
from prelabel.proposing import read_predictions, shown_score
from prelabel.store.records import Shown
from prelabel.store.store import utc_now
from prelabel.work.sending import Sending, Sent, send_to_review
from prelabel.work.submissions import Submissions


def send_frames(project: Project, reasons: Mapping[str, str]) -> Sent:
    """Queue frames for people, each with the reason they are told; see `work.sending`."""
    store, settings = project.store, project.workspace.settings
    labelled = store.labelled_among(list(reasons))
    unlabelled = [one for one in reasons if one not in labelled]
    wanted = Sending(
        reasons,
        proposals_for(project, unlabelled),
        settings.cost.model().resolved().open_s,
        settings.review.copies,
    )
    return send_to_review(store.database, wanted, project.author, utc_now)


def proposals_for(project: Project, frame_ids: Sequence[str]) -> dict[str, Shown]:
    """What the model in use proposes on those of the frames that it has predicted."""
    model = project.store.latest_model()
    if model is None or not frame_ids:
        return {}
    score = shown_score(project.workspace, project.store, model)
    found = read_predictions(project.workspace, model.model_id, list(frame_ids), EMBEDDINGS)
    return {frame_id: shown_proposals(one, score) for frame_id, one in found.items()}


def submissions_of(project: Project) -> Submissions:
    """What judges work that was handed in."""
    review = project.workspace.settings.review
    return Submissions(project.store, review, utc_now, project.time_sheet)
