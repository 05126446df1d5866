"""How the work goes, and what came of it; for owners."""

import os
import tempfile
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Annotated, TextIO

from fastapi import Query
from pydantic import Field
from starlette.responses import StreamingResponse

from prelabel.review.access import Owner
from prelabel.review.answers import Answers, api_router
from prelabel.review.services import Services, ServicesOfApp
from prelabel.review.views import View
from prelabel.work.exports import corrections_csv, edits_csv, statistics_csv
from prelabel.work.statistics import statistics

router = api_router("progress", 401, 403)

_CHUNK_CHARACTERS = 1 << 16
_CSV: Answers = {
    200: {
        "description": "Comma-separated values with a heading, UTF-8.",
        "content": {"text/csv": {"schema": {"type": "string"}}},
    }
}


class PersonProgressView(View):
    """What somebody has done, and has begun."""

    person: str
    frames: int = Field(description="Handed in at least once.")
    seconds: float = Field(description="Active time.")
    accepted: int
    sent_back: int
    in_work: int


class SkipView(View):
    """Why somebody left a frame to others."""

    person: str
    reason: str


class SetAsideView(View):
    """A frame that nobody gets any more until it is queued again."""

    task: int
    frame_id: str
    name: str
    skips: list[SkipView]


class ProgressView(View):
    """How far the batch is, and who did what."""

    round: int | None
    counts: dict[str, int] = Field(description="Tasks by their state.")
    people: list[PersonProgressView]
    set_aside: list[SetAsideView]


class ClassStatisticsView(View):
    """What became of the proposals of one model for one class."""

    model_id: str
    class_id: int
    class_name: str
    right: int = Field(description="Accepted as they were.")
    moved: int = Field(description="Accepted after they were moved.")
    wrong: int = Field(description="Rejected, or given another class.")
    missed: int = Field(description="Drawn by people.")


class StatisticsView(View):
    """What became of the proposals."""

    rows: list[ClassStatisticsView]


@router.get("/progress")
def progress(
    caller: Owner,
    services: ServicesOfApp,
    limit: Annotated[int, Query(ge=1, le=1000, description="Of frames set aside.")] = 100,
) -> ProgressView:
    """How far the batch is, who did what, and what was set aside and why."""
    services.queue.fill_newest()
    return ProgressView(
        round=services.batches.newest(),
        counts={state.value: count for state, count in services.queue.counts().items()},
        people=_people(services),
        set_aside=_set_aside(services, limit),
    )


@router.get("/statistics")
def proposal_statistics(caller: Owner, services: ServicesOfApp) -> StatisticsView:
    """By model and class, how many proposals were right, moved or wrong, and what was missed."""
    rows = [
        ClassStatisticsView(
            model_id=one.model_id,
            class_id=one.class_id,
            class_name=one.class_name,
            right=one.right,
            moved=one.moved,
            wrong=one.wrong,
            missed=one.missed,
        )
        for one in statistics(services.store)
    ]
    return StatisticsView(rows=rows)


@router.get("/activity.csv", response_class=StreamingResponse, responses=_CSV)
def every_activity(caller: Owner, services: ServicesOfApp) -> StreamingResponse:
    """Every event from which active time is counted."""
    return _download("activity.csv", _written(services.time_sheet.export_csv))


@router.get("/corrections.csv", response_class=StreamingResponse, responses=_CSV)
def every_correction(caller: Owner, services: ServicesOfApp) -> StreamingResponse:
    """Every box of every submission: what was proposed, what was done to it, and by whom."""
    return _download("corrections.csv", corrections_csv(services.store))


@router.get("/edits.csv", response_class=StreamingResponse, responses=_CSV)
def every_edit(caller: Owner, services: ServicesOfApp) -> StreamingResponse:
    """Every edit as it came in."""
    return _download("edits.csv", edits_csv(services.store))


@router.get("/statistics.csv", response_class=StreamingResponse, responses=_CSV)
def every_statistic(caller: Owner, services: ServicesOfApp) -> StreamingResponse:
    """What `GET /api/statistics` tells."""
    return _download("statistics.csv", statistics_csv(services.store))


def _people(services: Services) -> list[PersonProgressView]:
    begun = services.work_in_hand.begun_by_person()
    records = {one.person: one for one in services.time_sheet.records()}
    views = []
    for person in sorted({*begun, *records}):
        one = records.get(person)
        views.append(
            PersonProgressView(
                person=person,
                frames=one.frames if one else 0,
                seconds=one.seconds if one else 0.0,
                accepted=one.accepted if one else 0,
                sent_back=len(one.sent_back) if one else 0,
                in_work=begun.get(person, 0),
            )
        )
    return views


def _set_aside(services: Services, limit: int) -> list[SetAsideView]:
    found = services.work_in_hand.set_aside(limit)
    frames = services.store.find_frames([one.task.frame_id for one in found])
    return [
        SetAsideView(
            task=one.task.number,
            frame_id=frame.frame_id,
            name=os.path.basename(frame.uri),
            skips=[SkipView(person=skip.person, reason=skip.reason) for skip in one.skips],
        )
        for one, frame in zip(found, frames, strict=True)
    ]


def _written(export: Callable[[TextIO], int]) -> Iterator[str]:
    """What `export` writes into a file, in bounded memory."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as file:
        export(file)
        file.seek(0)
        while chunk := file.read(_CHUNK_CHARACTERS):
            yield chunk


def _download(name: str, text: Iterator[str]) -> StreamingResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    first = next(text, "")  # before the answer begins: a failure is then told as one
    return StreamingResponse(
        chain([first], text), headers=headers, media_type="text/csv; charset=utf-8"
    )
