"""What people have put into the batches of a project so far: frames, boxes, seconds."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from prelabel.active.cost import CostModel
from prelabel.store.acceptance_tables import accepted_frames
from prelabel.store.people_tables import activity
from prelabel.store.store import Store
from prelabel.store.tables import frames, label_versions, picks
from prelabel.store.work_tables import tasks
from prelabel.work.total_time import total_seconds


@dataclass(frozen=True, slots=True)
class Effort:
    """Frames of batches that people have labelled, the boxes on them, and what it took.

    `recorded_s` is what the time sheet of the review page has, reviewers included, and what was
    said of labels that came otherwise. Nobody took the time of `untimed_frames`: they count as
    `untimed_s` seconds, which is what they were foretold to take when they were chosen, but no more
    than drawing all their boxes from nothing.
    """

    frames: int = 0
    boxes: int = 0
    recorded_s: float = 0.0
    untimed_frames: int = 0
    untimed_s: float = 0.0

    @property
    def seconds(self) -> float:
        """All of it, recorded or foretold."""
        return self.recorded_s + self.untimed_s


def people_effort(store: Store, idle_s: float, cost: CostModel) -> Effort:
    """The effort so far; time counts until `idle_s` seconds after the last sign of life."""
    with store.database.reading() as connection:
        # Of a frame that was chosen twice the later round stands in the end.
        labelled = {row.frame: row for row in connection.execute(_labelled_by_people())}
        on_page = set(connection.execute(_worked_on()).scalars())
        on_page_s = sum(total_seconds(connection, idle_s).values())
        said = _said_seconds(connection, labelled.keys() - on_page)
    untimed = [row for row in labelled.values() if row.frame not in on_page | said.keys()]
    return Effort(
        frames=len(labelled),
        boxes=sum(row.box_count for row in labelled.values()),
        recorded_s=on_page_s + sum(said.values()),
        untimed_frames=len(untimed),
        untimed_s=sum(min(row.cost_s, cost.scratch_seconds(row.box_count)) for row in untimed),
    )


def _labelled_by_people() -> Any:
    """Picked frames whose current labels no rule made, the oldest round first."""
    return (
        select(picks.c.frame, picks.c.cost_s, label_versions.c.box_count)
        .join(frames, frames.c.number == picks.c.frame)
        .join(
            label_versions,
            (label_versions.c.frame == frames.c.number)
            & (label_versions.c.number == frames.c.label_version),
        )
        .outerjoin(
            accepted_frames,
            (accepted_frames.c.frame == frames.c.number)
            & (accepted_frames.c.version == frames.c.label_version),
        )
        .where(accepted_frames.c.frame.is_(None))
        .order_by(picks.c.round)
    )


def _worked_on() -> Any:
    """Frames that somebody had on the review page."""
    seen = select(activity.c.task).where(activity.c.task == tasks.c.number).exists()
    return select(tasks.c.frame).where(seen).distinct()


def _said_seconds(connection: Connection, wanted: Set[int]) -> dict[int, float]:
    """Seconds that came with the labels of these frames, by row number of the frame."""
    summed = (
        select(label_versions.c.frame, func.sum(label_versions.c.seconds).label("seconds"))
        .where(label_versions.c.seconds.is_not(None))
        .group_by(label_versions.c.frame)
    )
    found = {row.frame: float(row.seconds) for row in connection.execute(summed)}
    return {frame: seconds for frame, seconds in found.items() if frame in wanted}
