"""What the buttons of the plugin do, without anything of the App."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from prelabel.active.budgets import Budget
from prelabel.curating.curate import synchronise, told
from prelabel.curating.errors import CurationError
from prelabel.curating.fields import EVALUATION
from prelabel.curating.notes import INFO
from prelabel.curating.opening import Curation
from prelabel.curating.samples import all_samples, samples_of
from prelabel.curating.scene_samples import all_kinds, frames_behind
from prelabel.curating.wishes import grant
from prelabel.datasets.progress import Progress, Silent
from prelabel.datasets.wording import counted
from prelabel.label_errors import search_errors
from prelabel.project import Project, open_project
from prelabel.reporting import seconds_by_round
from prelabel.reviewing import send_frames
from prelabel.status import ProjectStatus
from prelabel.store.acceptances import accepted_by_rule
from prelabel.suspicions import read_suspects

_PREVIEWED = 12


class NotOurDatasetError(CurationError):
    """The dataset that the App shows was not made by prelabel."""


@contextmanager
def opened_project(dataset: Any, progress: Progress | None = None) -> Iterator[Project]:
    """The project that a dataset was filled from, with its curator as the author."""
    notes = dataset.info.get(INFO)
    if notes is None:
        raise NotOurDatasetError(
            f"{dataset.name}: was not made by `prelabel curate`: open a project's dataset"
        )
    with open_project(Path(notes["project"]), author=notes["author"], progress=progress) as project:
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


def train_and_propose(dataset: Any, progress: Progress) -> str:
    """Train on the labels so far, propose on all other frames, show that; what came of it."""
    with opened_project(dataset, progress) as project:
        trained = project.train()
        proposed = project.propose()
        refreshed(project, dataset, progress)
    return (
        f"{trained.model.model_id[:8]} learned from {counted(trained.model.train_frames, 'frame')} "
        f"and proposes on {counted(proposed.report.predicted, 'frame')}"
    )


def find_errors(dataset: Any, folds: int, now: datetime, progress: Progress) -> str:
    """Search the labels for errors, and show the suspects; what came of it."""
    with opened_project(dataset, progress) as project:
        found = search_errors(project, folds, now, progress)
        refreshed(project, dataset, progress)
    return f"{counted(len(found.suspects), 'suspect')} on {counted(found.frames, 'frame')}"


def error_patches(dataset: Any, which: str) -> Any:
    """A view of the boxes that labels and newest model disagree about, one picture each.

    Opened and annotated there, a box is changed in its frame.
    """
    import fiftyone

    patches = all_samples(dataset).to_evaluation_patches(EVALUATION)
    wanted = {"missed": ["fn"], "false": ["fp"], "any": ["fn", "fp"]}[which]
    return patches.match(fiftyone.ViewField("type").is_in(wanted))


def refreshed(project: Project, dataset: Any, progress: Progress | None = None) -> list[str]:
    """Take over what was done in the App, and show what is new; what was done, in words."""
    import fiftyone

    curation = Curation(fiftyone, dataset.name, project.workspace.folder / "curation")
    lines = told(synchronise(curation, project, progress or Silent()))
    dataset.reload()
    return lines


def chosen_frames(dataset: Any, view: Any, selected_ids: Sequence[str]) -> list[str]:
    """Ids of the frames that are selected in the App, else of all in view.

    What lies around frames, a sweep in space or a camera's picture, stands for its frames.
    """
    if selected_ids:
        views = [one.select(list(selected_ids)) for one in all_kinds(dataset)]
    else:
        views = [view]
    ids = [one for chosen in views for one in frames_behind(chosen)]
    return list(dict.fromkeys(ids))


def sample_ids(dataset: Any, frame_ids: Sequence[str]) -> list[str]:
    """The samples of these frames, in their order."""
    return list(samples_of(dataset, frame_ids).values())


@dataclass(frozen=True, slots=True)
class Facts:
    """Where a project stands, as Markdown.

    Of each model with a validation figure: the frames it learned from, its mAP50, and the minutes
    that people had spent by then. Of each round: its number and the minutes of its corrections.
    """

    text: str
    frames: list[int]
    map50: list[float]
    spent_min: list[float]
    rounds: list[int]
    round_min: list[float]


def facts(project: Project) -> Facts:
    """What the panel shows."""
    status, store = project.status(), project.store
    minutes = {number: s / 60 for number, s in seconds_by_round(store).items()}
    rounds = [one.number for one in store.rounds()]
    models = [one for one in store.models() if one.validation_map50 is not None]
    return Facts(
        "\n".join(_told(project, status, sum(minutes.values()))),
        [one.train_frames for one in models],
        [float(one.validation_map50 or 0) for one in models],
        [_spent(minutes, one.round_number) for one in models],
        rounds,
        [minutes.get(number, 0.0) for number in rounds],
    )


def _told(project: Project, status: ProjectStatus, minutes: float) -> list[str]:
    counts, batch = status.counts, status.batch
    lines = [
        f"**{status.name}**",
        "",
        f"- {counts.labelled} of {counts.frames} frames labelled, {counts.boxes} boxes",
        f"- corrections took people {minutes:.0f} min",
    ]
    by_rule = len(accepted_by_rule(project.store))
    if by_rule:
        lines.append(f"- labels of {counted(by_rule, 'frame')} were accepted by a rule")
    if batch is not None:
        lines.append(
            f"- round {batch.round_number}: {batch.labelled} of {batch.frames} frames labelled, "
            f"{batch.unfinished} tasks wait; chosen by {batch.strategy}"
        )
    suspects = sum(len(one) for one in read_suspects(project.workspace).by_frame.values())
    if suspects:
        lines.append(f"- {counted(suspects, 'suspected label error')}")
    return [*lines, f"- next: `{status.next_command}`"]


def _spent(minutes: Mapping[int, float], until: int | None) -> float:
    return sum(one for number, one in minutes.items() if until is None or number <= until)
