"""Judging what annotators have handed in; for reviewers."""

import os
from typing import Annotated

from fastapi import Query
from pydantic import Field

from prelabel.datasets.frames import Frame
from prelabel.review.access import Reviewer
from prelabel.review.answers import api_router, failing_with
from prelabel.review.routes.tasks import TaskNumber
from prelabel.review.services import ServicesOfApp
from prelabel.review.task_views import task_view
from prelabel.review.views import Body, Moment, Reason, StrictNumber, TaskView, View
from prelabel.work.records import Submission, Task

router = api_router("reviewing", 401, 403)

Looked = Annotated[
    StrictNumber | None,
    Field(description="The submission that was looked at; where there is another one, 409."),
]


class WaitingView(View):
    """A frame that waits to be judged."""

    task: int
    submission: int
    frame_id: str
    name: str
    round: int
    position: int
    copy_number: int = Field(serialization_alias="copy")
    reason: str = Field(description="Why the frame was chosen.")
    person: str
    at: Moment
    seconds: float | None
    boxes: int


class AllWaitingView(View):
    """What waits, oldest batch first."""

    tasks: list[WaitingView]


class ReviewTaskView(TaskView):
    """A frame with the boxes as handed in, and what this reviewer has changed of them."""

    submission: int
    person: str
    at: Moment
    seconds: float | None = Field(description="Active time of the annotator.")


class AcceptBody(Body):
    """Which submission is accepted."""

    submission: Looked = None


class SendBackBody(AcceptBody):
    """What is to be done better."""

    reason: Reason


class JudgedView(View):
    """How the frame stands now."""

    state: str


@router.get("/reviewing")
def all_waiting(
    caller: Reviewer,
    services: ServicesOfApp,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> AllWaitingView:
    """The frames that wait to be judged."""
    tasks = services.submissions.waiting(limit)
    frames = services.store.find_frames([one.frame_id for one in tasks])
    newest = [services.submissions.history(one.number)[-1] for one in tasks]
    return AllWaitingView(tasks=[_waiting(*one) for one in zip(tasks, frames, newest, strict=True)])


@router.get("/reviewing/{task}", responses=failing_with(404, 409))
def waiting_task(task: TaskNumber, caller: Reviewer, services: ServicesOfApp) -> ReviewTaskView:
    """A frame as it was handed in, with what this reviewer has changed of it since."""
    found = services.queue.task(task)
    draft = services.drafts.review(found, caller.person)
    frame = services.store.frame(found.frame_id)
    handed_in = services.submissions.history(task)[-1]
    view = task_view(found, frame, draft, services)
    return ReviewTaskView(
        **dict(view),
        submission=handed_in.number,
        person=handed_in.person,
        at=handed_in.at,
        seconds=handed_in.seconds,
    )


@router.post("/reviewing/{task}/accept", responses=failing_with(404, 409))
def accept(
    task: TaskNumber, body: AcceptBody, caller: Reviewer, services: ServicesOfApp
) -> JudgedView:
    """Make what was handed in labels, with what this reviewer has changed of it."""
    done = services.submissions.accept(task, caller.person, body.submission)
    return JudgedView(state=done.state.value)


@router.post("/reviewing/{task}/send-back", responses=failing_with(404, 409))
def send_back(
    task: TaskNumber, body: SendBackBody, caller: Reviewer, services: ServicesOfApp
) -> JudgedView:
    """Give a frame back to the annotator, who reads why."""
    done = services.submissions.send_back(task, caller.person, body.reason, body.submission)
    return JudgedView(state=done.state.value)


def _waiting(task: Task, frame: Frame, handed_in: Submission) -> WaitingView:
    return WaitingView(
        task=task.number,
        submission=handed_in.number,
        frame_id=task.frame_id,
        name=os.path.basename(frame.uri),
        round=task.round_number,
        position=task.position,
        copy_number=task.copy,
        reason=task.reason,
        person=handed_in.person,
        at=handed_in.at,
        seconds=handed_in.seconds,
        boxes=len(handed_in.annotations),
    )
