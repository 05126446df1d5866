"""What the buttons of the plugin do, without anything of the App."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prelabel.active.budgets import Budget
from prelabel.curating.curate import synchronise, told
from prelabel.curating.errors import CurationError
from prelabel.curating.notes import INFO
from prelabel.curating.opening import Curation
from prelabel.curating.samples import all_samples, samples_of
from prelabel.curating.wishes import grant
from prelabel.datasets.progress import Silent
from prelabel.datasets.wording import counted
from prelabel.project import Project, open_project
from prelabel.reviewing import send_frames

_PREVIEWED = 12


class NotOurDatasetError(CurationError):
    """The dataset that the App shows was not made by prelabel."""


@contextmanager
def opened_project(dataset: Any) -> Iterator[Project]:
    """The project that a dataset was filled from, with its curator as the author."""
    notes = dataset.info.get(INFO)
    if notes is None:
        raise NotOurDatasetError(
            f"{dataset.name}: was not made by `prelabel curate`: open a project's dataset"
        )
    with open_project(Path(notes["project"]), author=notes["author"]) as project:
        yield project


def previewed(project: Project, budget: str, strategy: str | None) -> str:
    """What a budget would buy, with reasons, as Markdown."""
    batch = project.preview(Budget.parse(budget), strategy)
    cost_s = sum(pick.cost_s for pick in batch.picks)
    lines = [
        f"**{counted(len(batch), 'frame')}** by `{batch.strategy}`, foretold to take "
        f"{cost_s / 60:.0f} min; the first of them:",
        "",
        *(f"- {pick.reason}" for pick in batch.picks[:_PREVIEWED]),
    ]
    return "\n".join(lines)


def selected(project: Project, budget: str, strategy: str | None) -> list[str]:
    """Choose and record the next batch; its frames in the order of the work."""
    chosen = project.select(Budget.parse(budget), strategy)
    return [frame.frame_id for frame in chosen.frames]


def sent(project: Project, frame_ids: Sequence[str], reason: str) -> int:
    """Put frames on the review page; how many wait now that did not before."""
    return send_frames(project, dict.fromkeys(frame_ids, reason)).queued


def mark(project: Project, frame_ids: Sequence[str], what: str) -> str:
    """Accept, queue again, exclude or include frames; what became of them."""
    outcomes = grant(project, {frame_id: [what] for frame_id in frame_ids})
    return "; ".join(one.told for one in outcomes) or "no frames"


def refreshed(project: Project, dataset: Any) -> list[str]:
    """Take over what was done in the App, and show what is new; what was done, in words."""
    import fiftyone

    curation = Curation(fiftyone, dataset.name, project.workspace.folder / "curation")
    lines = told(synchronise(curation, project, Silent()))
    dataset.reload()
    return lines


def chosen_frames(dataset: Any, view: Any, selected_ids: Sequence[str]) -> list[str]:
    """Ids of the frames that are selected in the App, else of all in view."""
    chosen = all_samples(dataset).select(list(selected_ids)) if selected_ids else view
    ids: list[str] = chosen.values("frame_id")
    return list(dict.fromkeys(ids))


def sample_ids(dataset: Any, frame_ids: Sequence[str]) -> list[str]:
    """The samples of these frames, in their order."""
    return list(samples_of(dataset, frame_ids).values())


@dataclass(frozen=True, slots=True)
class Facts:
    """Where a project stands, as Markdown, and its models' mAP50 by labelled frames."""

    text: str
    frames: list[int]
    map50: list[float]


def facts(project: Project) -> Facts:
    """What the panel shows."""
    status = project.status()
    counts, batch = status.counts, status.batch
    seconds = sum(one.seconds for one in project.time_sheet.records())
    lines = [
        f"### {status.name}",
        f"- {counts.labelled} of {counts.frames} frames labelled, {counts.boxes} boxes",
        f"- people worked {seconds / 60:.0f} min on the review page",
    ]
    if batch is not None:
        lines.append(
            f"- round {batch.round_number}: {batch.labelled} of {batch.frames} frames labelled, "
            f"{batch.unfinished} tasks wait; chosen by {batch.strategy}"
        )
    lines.append(f"- next: `{status.next_command}`")
    models = [one for one in project.store.models() if one.validation_map50 is not None]
    return Facts(
        "\n".join(lines),
        [one.train_frames for one in models],
        [float(one.validation_map50 or 0) for one in models],
    )
