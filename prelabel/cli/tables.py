"""Tables for the terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from prelabel.active.summary import RoundResult, Summary
from prelabel.datasets.wording import counted, time_told
from prelabel.status import ProjectStatus

if TYPE_CHECKING:
    from prelabel.work.judged import PersonRecord
    from prelabel.work.people import Person


def status_table(status: ProjectStatus) -> Table:
    """Frames and boxes by split, then the newest model and batch."""
    table = Table(title=status.name, title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    for heading in ("frames", "labelled", "boxes"):
        table.add_column(heading, justify="right")
    table.add_column("boxes by class")
    for split, counts in status.counts.by_split.items():
        if counts.frames:
            classes = ", ".join(
                f"{name} {number:,}" for name, number in counts.boxes_by_class.items() if number
            )
            figures = (counts.frames, counts.labelled, counts.boxes)
            table.add_row(str(split), *(f"{figure:,}" for figure in figures), classes)
    table.caption = "\n".join(_newest(status))
    table.caption_justify = "left"
    return table


def _newest(status: ProjectStatus) -> list[str]:
    lines = []
    if status.model is not None:
        model = status.model
        quality = "" if model.validation_map50 is None else f", mAP50 {model.validation_map50:.3f}"
        lines.append(
            f"model {model.model_id} ({model.detector}{quality}) has predicted "
            f"{counted(status.predicted_frames, 'frame')}"
        )
    if status.batch is not None:
        batch = status.batch
        lines.append(
            f"round {batch.round_number}: {batch.labelled} of {counted(batch.frames, 'frame')} "
            f"chosen by {batch.strategy} are labelled"
        )
        states = [f"{count:,} {state}" for state, count in batch.tasks.items() if count]
        if states:
            lines.append(f"review page: {', '.join(states)}".replace("_", " "))
    return lines


def simulation_table(summary: Summary) -> Table:
    """mAP50 by round for every strategy, the mean over seeds, with what it cost."""
    table = Table(box=None, pad_edge=False)
    for heading in ("strategy", "round", "frames", "boxes", "human time", "mAP50"):
        table.add_column(heading, justify="left" if heading == "strategy" else "right")
    for strategy in summary.strategies:
        arms = [arm for arm in summary.arms if arm.strategy == strategy]
        for results in zip(*(arm.rounds for arm in arms), strict=True):
            table.add_row(strategy, *_mean_row(results))
        table.add_section()
    return table


def _mean_row(results: Sequence[RoundResult]) -> tuple[str, ...]:
    def mean(values: Sequence[float]) -> float:
        return sum(values) / len(values)

    map50s = [one.map50 for one in results]
    spread = f" ({min(map50s):.3f}–{max(map50s):.3f})" if len(map50s) > 1 else ""
    return (
        str(results[0].round),
        f"{mean([one.frames for one in results]):.0f}",
        f"{mean([one.boxes for one in results]):.0f}",
        time_told(mean([one.seconds for one in results])),
        f"{mean(map50s):.3f}{spread}",
    )


def people_table(people: Sequence["Person"]) -> Table:
    """Everybody with their role, and whether they can log in."""
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "role", "can log in", "since"):
        table.add_column(heading)
    for one in people:
        door = "disabled" if one.disabled else "yes" if one.has_login else "not yet"
        table.add_row(escape(one.name), str(one.role), door, f"{one.added_at:%Y-%m-%d}")
    return table


def time_table(records: Sequence["PersonRecord"]) -> Table:
    """What each person has done, in how much active time."""
    table = Table(box=None, pad_edge=False)
    table.add_column("person")
    for heading in ("frames", "active time", "accepted", "waiting", "sent back"):
        table.add_column(heading, justify="right")
    for one in records:
        counts = (one.accepted, one.waiting, len(one.sent_back))
        told = (f"{count:,}" for count in counts)
        table.add_row(escape(one.person), f"{one.frames:,}", time_told(one.seconds), *told)
    return table
