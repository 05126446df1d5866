"""FiftyOne's plugin of prelabel: what the buttons show and ask; the work is the library's."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import fiftyone.operators as foo
import fiftyone.operators.types as types

from prelabel.active.strategies import STRATEGIES
from prelabel.curating.fields import ACCEPT, EXCLUDE, INCLUDE, REQUEUE
from prelabel.curating.operations import (
    NotOurDatasetError,
    chosen_frames,
    facts,
    mark,
    opened_project,
    previewed,
    refreshed,
    sample_ids,
    selected,
    sent,
)
from prelabel.datasets.errors import PrelabelError
from prelabel.datasets.progress import Silent
from prelabel.label_errors import FOLDS, search_errors

MARKS = {
    ACCEPT: "Accept what was handed in, or the proposals",
    REQUEUE: "Queue again, or send back",
    EXCLUDE: "Take out of the project's work",
    INCLUDE: "Let take part again",
}
Context = Any
Inputs = Any


def _placed(label: str, icon: str) -> Any:
    button = types.Button(label=label, icon=icon, prompt=True)
    return types.Placement(types.Places.SAMPLES_GRID_SECONDARY_ACTIONS, button)


def _refused(inputs: Inputs, error: PrelabelError) -> None:
    warning = types.Warning(label=str(error))
    field = inputs.view("refused", warning)
    field.invalid = True
    field.error_message = str(error)


class SelectNextBatch(foo.Operator):  # type: ignore[misc]  # FiftyOne comes without types
    """Choose the next batch, after a look at what it would be and why."""

    @property
    def config(self) -> Any:
        return foo.OperatorConfig(name="select_next_batch", label="Select next batch", dynamic=True)

    def resolve_placement(self, ctx: Context) -> Any:
        return _placed("Select next batch", "playlist_add_check")

    def resolve_input(self, ctx: Context) -> Any:
        inputs = types.Object()
        inputs.str(
            "budget",
            label="Budget",
            description="20 (frames), 500 boxes, 45 min, 2 h",
            default="20",
            required=True,
        )
        inputs.enum("strategy", sorted(STRATEGIES), label="Strategy (else as in prelabel.yaml)")
        inputs.bool("preview", label="Show what would be chosen, and why", default=True)
        if ctx.params.get("preview", True) and ctx.params.get("budget"):
            try:
                with opened_project(ctx.dataset) as project:
                    told = previewed(project, ctx.params["budget"], ctx.params.get("strategy"))
                inputs.md(told, name="chosen")
            except PrelabelError as error:
                _refused(inputs, error)
        return types.Property(inputs, view=types.View(label="Select next batch"))

    def execute(self, ctx: Context) -> dict[str, Any]:
        with opened_project(ctx.dataset) as project:
            batch = selected(project, ctx.params["budget"], ctx.params.get("strategy"))
            refreshed(project, ctx.dataset)
        ids = sample_ids(ctx.dataset, batch)
        if not ctx.delegated:
            ctx.ops.reload_dataset()
            ctx.ops.set_view(view=ctx.dataset.select(ids, ordered=True))
            ctx.ops.notify(f"{len(ids)} frames wait for people", variant="success")
        return {"frames": len(ids)}


class SendToReview(foo.Operator):  # type: ignore[misc]  # FiftyOne comes without types
    """Put the selected frames, or those in view, on the review page."""

    @property
    def config(self) -> Any:
        return foo.OperatorConfig(name="send_to_review", label="Send to review", dynamic=True)

    def resolve_placement(self, ctx: Context) -> Any:
        return _placed("Send to review", "send")

    def resolve_input(self, ctx: Context) -> Any:
        inputs = types.Object()
        count = len(chosen_frames(ctx.dataset, ctx.view, ctx.selected))
        inputs.md(f"{count} frames: those selected, else all in view.", name="how_many")
        inputs.str("reason", label="What people are told", required=True)
        return types.Property(inputs, view=types.View(label="Send to review"))

    def execute(self, ctx: Context) -> dict[str, Any]:
        frame_ids = chosen_frames(ctx.dataset, ctx.view, ctx.selected)
        with opened_project(ctx.dataset) as project:
            queued = sent(project, frame_ids, ctx.params["reason"])
            refreshed(project, ctx.dataset)
        ctx.ops.reload_dataset()
        ctx.ops.notify(f"{queued} frames wait for people", variant="success")
        return {"queued": queued}


class MarkFrames(foo.Operator):  # type: ignore[misc]  # FiftyOne comes without types
    """Accept, queue again, exclude or include the selected frames, or those in view."""

    @property
    def config(self) -> Any:
        return foo.OperatorConfig(
            name="mark_frames", label="Accept, re-queue, exclude", dynamic=True
        )

    def resolve_placement(self, ctx: Context) -> Any:
        return _placed("Accept, re-queue, exclude", "rule")

    def resolve_input(self, ctx: Context) -> Any:
        inputs = types.Object()
        choices = types.RadioGroup()
        for value, label in MARKS.items():
            choices.add_choice(value, label=label)
        inputs.enum("what", choices.values(), view=choices, required=True, label="What to do")
        count = len(chosen_frames(ctx.dataset, ctx.view, ctx.selected))
        inputs.md(f"{count} frames: those selected, else all in view.", name="how_many")
        return types.Property(inputs, view=types.View(label="Accept, re-queue, exclude"))

    def execute(self, ctx: Context) -> dict[str, Any]:
        frame_ids = chosen_frames(ctx.dataset, ctx.view, ctx.selected)
        with opened_project(ctx.dataset) as project:
            told = mark(project, frame_ids, ctx.params["what"])
            refreshed(project, ctx.dataset)
        ctx.ops.reload_dataset()
        ctx.ops.notify(told)
        return {"told": told}


class FindLabelErrors(foo.Operator):  # type: ignore[misc]  # FiftyOne comes without types
    """Train on parts of the labels, look at the others, rank what may be wrong."""

    @property
    def config(self) -> Any:
        return foo.OperatorConfig(
            name="find_label_errors",
            label="Find label errors",
            allow_immediate_execution=True,
            allow_delegated_execution=True,
            default_choice_to_delegated=True,
            execute_as_generator=True,
        )

    def resolve_placement(self, ctx: Context) -> Any:
        return _placed("Find label errors", "troubleshoot")

    def resolve_input(self, ctx: Context) -> Any:
        inputs = types.Object()
        inputs.int("folds", label="Detectors to train", default=FOLDS, min=2, max=10)
        return types.Property(inputs, view=types.View(label="Find label errors"))

    def execute(self, ctx: Context) -> Iterator[Any]:
        yield ctx.ops.set_progress(label="Training on parts of the labels", progress=0.05)
        with opened_project(ctx.dataset) as project:
            folds = int(ctx.params.get("folds", FOLDS))
            found = search_errors(project, folds, datetime.now(UTC), Silent())
            yield ctx.ops.set_progress(label="Showing the suspects", progress=0.9)
            refreshed(project, ctx.dataset)
        if not ctx.delegated:
            yield ctx.ops.reload_dataset()
        yield ctx.ops.set_progress(label=f"{len(found.suspects)} suspects", progress=1.0)


class TrainAndPropose(foo.Operator):  # type: ignore[misc]  # FiftyOne comes without types
    """Train on the labels so far, and propose boxes on every unlabelled frame."""

    @property
    def config(self) -> Any:
        return foo.OperatorConfig(
            name="train_and_propose",
            label="Train and propose",
            allow_immediate_execution=True,
            allow_delegated_execution=True,
            default_choice_to_delegated=True,
            execute_as_generator=True,
        )

    def resolve_placement(self, ctx: Context) -> Any:
        return _placed("Train and propose", "model_training")

    def execute(self, ctx: Context) -> Iterator[Any]:
        with opened_project(ctx.dataset) as project:
            yield ctx.ops.set_progress(label="Training", progress=0.05)
            project.train()
            yield ctx.ops.set_progress(label="Proposing", progress=0.6)
            project.propose()
            yield ctx.ops.set_progress(label="Showing the proposals", progress=0.9)
            refreshed(project, ctx.dataset)
        if not ctx.delegated:
            yield ctx.ops.reload_dataset()
        yield ctx.ops.set_progress(label="Done", progress=1.0)


class Synchronise(foo.Operator):  # type: ignore[misc]  # FiftyOne comes without types
    """Take over edits and tags, and show what is new in the project."""

    @property
    def config(self) -> Any:
        return foo.OperatorConfig(name="synchronise", label="Synchronise with the project")

    def resolve_placement(self, ctx: Context) -> Any:
        button = types.Button(label="Synchronise with the project", icon="sync", prompt=False)
        return types.Placement(types.Places.SAMPLES_GRID_SECONDARY_ACTIONS, button)

    def execute(self, ctx: Context) -> dict[str, Any]:
        with opened_project(ctx.dataset) as project:
            lines = refreshed(project, ctx.dataset)
        ctx.ops.reload_dataset()
        ctx.ops.notify(" ".join(lines))
        return {"told": lines}


class ProjectPanel(foo.Panel):  # type: ignore[misc]  # FiftyOne comes without types
    """The round's state, the learning curve and the costs."""

    @property
    def config(self) -> Any:
        return foo.PanelConfig(name="project_panel", label="prelabel", surfaces="grid")

    def on_load(self, ctx: Context) -> None:
        try:
            with opened_project(ctx.dataset) as project:
                told = facts(project)
        except (PrelabelError, NotOurDatasetError) as error:
            ctx.panel.state.told = str(error)
            return
        ctx.panel.state.told = told.text
        curve = {"x": told.frames, "y": told.map50, "type": "scatter", "mode": "lines+markers"}
        ctx.panel.data.curve = [curve]

    def on_refresh(self, ctx: Context) -> None:
        self.on_load(ctx)

    def on_select(self, ctx: Context) -> None:
        ctx.prompt("@prelabel/curation/select_next_batch")

    def on_synchronise(self, ctx: Context) -> None:
        ctx.trigger("@prelabel/curation/synchronise")

    def render(self, ctx: Context) -> Any:
        panel = types.Object()
        panel.md(ctx.panel.state.told or "", name="told")
        panel.plot(
            "curve",
            layout={
                "title": "mAP50 on validation frames",
                "xaxis": {"title": "labelled frames"},
                "yaxis": {"range": [0, 1]},
                "height": 280,
            },
        )
        row = panel.h_stack("buttons", gap=1)
        row.btn("select", label="Select next batch", on_click=self.on_select)
        row.btn("synchronise", label="Synchronise", on_click=self.on_synchronise)
        row.btn("refresh", label="Refresh", on_click=self.on_refresh)
        return types.Property(panel, view=types.GridView(orientation="vertical"))


def register(plugin: Any) -> None:
    """What FiftyOne calls when it loads the plugin."""
    for one in (
        SelectNextBatch,
        SendToReview,
        MarkFrames,
        FindLabelErrors,
        TrainAndPropose,
        Synchronise,
        ProjectPanel,
    ):
        plugin.register(one)
