"""Tasks and their boxes as the page shows them."""

import os
from collections.abc import Sequence

from prelabel.datasets.frames import Frame
from prelabel.review.services import Services
from prelabel.review.views import BoxView, ProposalView, TaskView
from prelabel.work.places import likely_places
from prelabel.work.records import BoxState, BoxStatus, Draft, Initial, Proposal, Task


def views_of(tasks: Sequence[Task], person: str, services: Services) -> list[TaskView]:
    """Tasks with the boxes as this person left them."""
    frames = services.store.find_frames([task.frame_id for task in tasks])
    return [
        task_view(task, frame, services.drafts.read(task, person), services)
        for task, frame in zip(tasks, frames, strict=True)
    ]


def task_view(task: Task, frame: Frame, draft: Draft, services: Services) -> TaskView:
    """A task on its frame, with the boxes of a draft."""
    initial = draft.initial
    return TaskView(
        task=task.number,
        round=task.round_number,
        frame_id=task.frame_id,
        name=os.path.basename(frame.uri),
        width_px=frame.width_px,
        height_px=frame.height_px,
        picture=f"/api/frames/{task.frame_id}/picture",
        scene=f"/api/frames/{task.frame_id}/scene" if services.scenes.has(frame) else None,
        state=task.state.value,
        position=task.position,
        of=services.batches.size(task.round_number),
        reason=task.reason,
        is_control=task.is_control,
        sent_back_reason=task.sent_back_reason,
        leased_until=task.leased_until,
        shown_score=initial.shown_score or 0.0,
        boxes=[_box(box, initial) for box in draft.boxes],
        places=likely_places(draft),
    )


def _box(box: BoxState, initial: Initial) -> BoxView:
    proposal, origin = initial.proposals.get(box.box_id), initial.origins.get(box.box_id)
    return BoxView(
        id=box.box_id,
        xyxy=list(box.xyxy),
        angle=box.angle,
        class_id=box.class_id,
        status=box.status.value,
        height_m=None if box.height_m is None else list(box.height_m),
        proposal=None if proposal is None else _proposal(proposal),
        rule=None if origin is None or box.status is not BoxStatus.ACCEPTED else origin.rule,
    )


def _proposal(proposal: Proposal) -> ProposalView:
    return ProposalView(
        model_id=proposal.model_id,
        score=proposal.score,
        uncertainty=proposal.uncertainty,
        xyxy=list(proposal.xyxy),
        angle=proposal.angle,
        class_id=proposal.class_id,
        height_m=None if proposal.height_m is None else list(proposal.height_m),
    )
