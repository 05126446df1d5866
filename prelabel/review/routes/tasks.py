"""Working on frames: getting them, keeping what was done, handing them in."""

from typing import Annotated

from fastapi import Path
from pydantic import Field

from prelabel.datasets.errors import InvalidValueError
from prelabel.review.access import Anybody, Caller, ForbiddenError, Owner
from prelabel.review.answers import Answers, api_router, failing_with
from prelabel.review.reading import activity_of, edits_of
from prelabel.review.services import Services, ServicesOfApp
from prelabel.review.task_views import views_of
from prelabel.review.views import (
    WHOLE,
    Activities,
    Body,
    DoneView,
    Edits,
    Moment,
    Number,
    Reason,
    Share,
    StrictNumber,
    TaskView,
    Uuid,
    View,
)
from prelabel.store.errors import UnknownEntryError
from prelabel.work.errors import LeaseLostError
from prelabel.work.people import Role
from prelabel.work.records import Appended, Task, TaskState
from prelabel.work.timesheet import FutureActivityError

router = api_router("work", 401, 403)
TaskNumber = Annotated[Number, Path(description="The number of a task.")]

# What can be done with a frame that was lent, for programs that read the OpenAPI document.
_LENT: Answers = {
    200: {
        "links": {
            name: {"operationId": name, "parameters": {"task": "$response.body#/tasks/0/task"}}
            for name in ("task", "open_task", "keep_edits", "submit", "skip", "release")
        }
    }
}
_DONE = (TaskState.ACCEPTED, TaskState.SUBMITTED)
_LEFT = (TaskState.QUEUED, TaskState.IN_WORK, TaskState.SENT_BACK)


class NextBody(Body):
    """How many frames are wanted beyond those that the page holds already."""

    count: Annotated[int, Field(strict=True, ge=0, le=20), WHOLE] = 1
    holding: Annotated[list[StrictNumber], Field(max_length=100)] = Field([])


class NextView(View):
    """Frames that are lent to this person from now on."""

    tasks: list[TaskView]
    left: int = Field(description="Frames of the batch that are not handed in yet, of everybody.")
    done: int = Field(description="Frames of the batch that are handed in.")


class WorkBody(Body):
    """What was done since the last time; sending the same again changes nothing."""

    edits: Edits = Field([])
    activity: Activities = Field([])


class SubmitBody(WorkBody):
    """The last of what was done, and the score from which proposals were shown."""

    request_id: Uuid = Field(description="Made by the client; the same again gives the same.")
    shown_score: Share


class SkipBody(Body):
    """Why somebody cannot label a frame."""

    reason: Reason


class OpenedView(View):
    """How long the frame is this person's."""

    state: str
    leased_until: Moment | None


class KeptView(View):
    """How many of the edits are kept that were not before."""

    kept: int
    leased_until: Moment | None
    warning: str | None = Field(None, description="What of it could not be used, and why.")


class SubmittedView(View):
    """What came of handing a frame in."""

    state: str
    seconds: float | None = Field(description="Active time of this person on this frame.")


@router.post("/queue/next", responses=_LENT)
def next_tasks(body: NextBody, caller: Anybody, services: ServicesOfApp) -> NextView:
    """Lend the next frames: first those sent back, then those begun, then free ones."""
    services.queue.fill_newest()
    tasks = services.queue.next(caller.person, body.count, body.holding)
    counts = services.queue.counts()
    return NextView(
        tasks=views_of(tasks, caller.person, services),
        left=sum(counts[state] for state in _LEFT),
        done=sum(counts[state] for state in _DONE),
    )


@router.get("/tasks/{task}", responses=failing_with(404))
def task(task: TaskNumber, caller: Anybody, services: ServicesOfApp) -> TaskView:
    """A frame with the boxes as this person left them."""
    return views_of([seen_task(task, caller, services)], caller.person, services)[0]


@router.post("/tasks/{task}/open", responses=failing_with(404, 409))
def open_task(task: TaskNumber, caller: Anybody, services: ServicesOfApp) -> OpenedView:
    """Begin a frame that was lent, or go on with it."""
    opened = services.queue.open(task, caller.person)
    return OpenedView(state=opened.state.value, leased_until=opened.leased_until)


@router.post("/tasks/{task}/edits", responses=failing_with(404, 409))
def keep_edits(
    task: TaskNumber, body: WorkBody, caller: Anybody, services: ServicesOfApp
) -> KeptView:
    """Keep edits and activity, and lend the frame on. Edits of a lost frame are kept, too."""
    return _keep(task, body, caller, services)


@router.post("/tasks/{task}/submit", responses=failing_with(404, 409))
def submit(
    task: TaskNumber, body: SubmitBody, caller: Anybody, services: ServicesOfApp
) -> SubmittedView:
    """Hand a frame in, once every proposal that was shown is decided."""
    if body.edits or body.activity:
        _keep(task, body, caller, services)
    done = services.submissions.submit(task, caller.person, body.shown_score, body.request_id)
    return SubmittedView(state=done.state.value, seconds=done.seconds)


@router.post("/tasks/{task}/skip", responses=failing_with(404, 409))
def skip(task: TaskNumber, body: SkipBody, caller: Anybody, services: ServicesOfApp) -> DoneView:
    """Leave a frame to others, and say why."""
    services.queue.skip(task, caller.person, body.reason)
    return DoneView()


@router.post("/tasks/{task}/release", responses=failing_with(404))
def release(task: TaskNumber, caller: Anybody, services: ServicesOfApp) -> DoneView:
    """Give a frame back that was not begun."""
    services.queue.release(task, caller.person)
    return DoneView()


@router.post("/tasks/{task}/requeue", responses=failing_with(404, 409))
def requeue(task: TaskNumber, caller: Owner, services: ServicesOfApp) -> DoneView:
    """Queue a frame again that is finished or set aside."""
    services.queue.requeue(task, caller.person)
    return DoneView()


def seen_task(number: int, caller: Caller, services: Services) -> Task:
    """A task that the caller may see: their own, a reviewer also those that wait, an owner all."""
    found = services.queue.task(number)
    waiting = found.state is TaskState.SUBMITTED and caller.may(Role.REVIEWER)
    if found.person == caller.person or waiting or caller.may(Role.OWNER):
        return found
    raise ForbiddenError(f"task {number} is not yours")


def _keep(task: int, body: WorkBody, caller: Caller, services: Services) -> KeptView:
    """Keep edits and activity; that a frame is lost is told once both are kept."""
    lost: LeaseLostError | None = None
    kept = Appended(0, None)
    try:
        kept = _append(task, body, caller, services)
    except LeaseLostError as error:
        lost = error
    except UnknownEntryError as error:
        raise InvalidValueError(str(error)) from error
    warning = _keep_activity(task, body, caller, services)
    if lost is not None:
        raise lost
    return KeptView(kept=kept.new, leased_until=kept.leased_until, warning=warning)


def _append(task: int, body: WorkBody, caller: Caller, services: Services) -> Appended:
    edits = edits_of(body.edits)
    if edits:
        judging = _is_judging(task, caller, services)
        return services.drafts.append(task, caller.person, edits, judging)
    services.queue.renew([task], caller.person)
    found = services.queue.task(task)
    return Appended(0, found.leased_until if found.person == caller.person else None)


def _keep_activity(task: int, body: WorkBody, caller: Caller, services: Services) -> str | None:
    try:
        services.time_sheet.append(caller.person, task, activity_of(body.activity))
    except FutureActivityError as error:
        return str(error)  # a wrong clock must not stop anybody's work
    return None


def _is_judging(task: int, caller: Caller, services: Services) -> bool:
    """Whether what the caller does to boxes is a reviewer's own correction."""
    if not caller.may(Role.REVIEWER):
        return False
    return services.queue.task(task).state is TaskState.SUBMITTED
