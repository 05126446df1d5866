"""A person's own record."""

import os

from pydantic import Field

from prelabel.review.access import Anybody
from prelabel.review.answers import api_router
from prelabel.review.services import ServicesOfApp
from prelabel.review.views import Moment, View

router = api_router("record", 401)


class SentBackView(View):
    """A frame that a reviewer gave back."""

    task: int
    name: str = Field(description="The picture's file name.")
    at: Moment
    reason: str
    reviewer: str


class RecordView(View):
    """What somebody has done, and how it was judged."""

    person: str
    frames: int = Field(description="Handed in at least once.")
    seconds: float = Field(description="Active time.")
    accepted: int
    waiting: int = Field(description="For a reviewer.")
    sent_back: list[SentBackView]


@router.get("/record")
def record(caller: Anybody, services: ServicesOfApp) -> RecordView:
    """One's own record."""
    found = services.time_sheet.record(caller.person)
    frames = services.store.find_frames([one.frame_id for one in found.sent_back])
    sent_back = [
        SentBackView(
            task=one.task,
            name=os.path.basename(frame.uri),
            at=one.at,
            reason=one.reason,
            reviewer=one.reviewer,
        )
        for one, frame in zip(found.sent_back, frames, strict=True)
    ]
    return RecordView(
        person=found.person,
        frames=found.frames,
        seconds=found.seconds,
        accepted=found.accepted,
        waiting=found.waiting,
        sent_back=sent_back,
    )
