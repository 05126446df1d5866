"""Looking at the project from inside the App: its state, its errors, what is new."""

from typing import Any

import fiftyone.operators as foo
import fiftyone.operators.types as types

from prelabel.curating.operations import error_patches, facts, opened_project, refreshed
from prelabel.curating.plugins.curation.forms import Context, placed
from prelabel.curating.requests import WRONG, PatchesRequest, requested
from prelabel.curating.views import PANEL
from prelabel.curating.worker import PLUGIN
from prelabel.datasets.errors import PrelabelError


class OpenErrorPatches(foo.Operator):  # type: ignore[misc]  # FiftyOne comes without types
    """Show the boxes that labels and newest model disagree about, to be opened and fixed."""

    @property
    def config(self) -> Any:
        return foo.OperatorConfig(name="open_error_patches", label="Open error patches")

    def resolve_placement(self, ctx: Context) -> Any:
        return placed("Open error patches", "grid_view")

    def resolve_input(self, ctx: Context) -> Any:
        inputs, choices = types.Object(), types.RadioGroup()
        for value, label in WRONG.items():
            choices.add_choice(value, label=label)
        default = PatchesRequest().which
        inputs.enum("which", choices.values(), view=choices, default=default, label="Which boxes")
        return types.Property(inputs, view=types.View(label="Open error patches"))

    def execute(self, ctx: Context) -> dict[str, Any]:
        patches = error_patches(ctx.dataset, requested(PatchesRequest, ctx.params).which)
        ctx.ops.set_view(view=patches)
        return {"patches": len(patches)}


class Synchronise(foo.Operator):  # type: ignore[misc]  # FiftyOne comes without types
    """Take over edits and tags, and show what is new in the project."""

    @property
    def config(self) -> Any:
        return foo.OperatorConfig(name="synchronise", label="Synchronise with the project")

    def resolve_placement(self, ctx: Context) -> Any:
        return placed("Synchronise with the project", "sync", prompt=False)

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
        return foo.PanelConfig(name=PANEL, label="prelabel", surfaces="grid")

    def on_load(self, ctx: Context) -> None:
        try:
            with opened_project(ctx.dataset) as project:
                told = facts(project)
        except PrelabelError as error:
            ctx.panel.state.told = str(error)
            return
        ctx.panel.state.told = told.text
        line = {"type": "scatter", "mode": "lines+markers", "name": ""}
        ctx.panel.data.curve = [{"x": told.frames, "y": told.map50, **line}]
        ctx.panel.data.worth = [{"x": told.spent_min, "y": told.map50, **line}]
        ctx.panel.data.costs = [{"x": told.rounds, "y": told.round_min, "type": "bar"}]

    def on_refresh(self, ctx: Context) -> None:
        self.on_load(ctx)

    def on_change_view(self, ctx: Context) -> None:
        self.on_load(ctx)  # operators that change what is so show another view, too

    def on_select(self, ctx: Context) -> None:
        ctx.prompt(f"{PLUGIN}/select_next_batch")

    def on_patches(self, ctx: Context) -> None:
        ctx.prompt(f"{PLUGIN}/open_error_patches")

    def on_synchronise(self, ctx: Context) -> None:
        ctx.trigger(f"{PLUGIN}/synchronise")

    def render(self, ctx: Context) -> Any:
        panel = types.Object()
        panel.md(ctx.panel.state.told or "", name="told")
        row = panel.h_stack("buttons", gap=1)
        row.btn("select", label="Select next batch", on_click=self.on_select)
        row.btn("patches", label="Error patches", on_click=self.on_patches)
        row.btn("synchronise", label="Synchronise", on_click=self.on_synchronise)
        row.btn("refresh", label="Refresh", on_click=self.on_refresh)
        panel.plot("curve", layout=_layout("mAP50 by labelled frames", "labelled frames"))
        panel.plot("worth", layout=_layout("mAP50 by minutes of people", "minutes"))
        panel.plot("costs", layout=_COSTS)
        return types.Property(panel, view=types.GridView(orientation="vertical", px=2, py=1))


def _layout(title: str, across: str) -> dict[str, Any]:
    """How a learning curve is drawn: all of both axes, so that two are compared at a glance."""
    return {
        "title": {"text": title, "font": {"size": 14}},
        "margin": {"t": 40, "l": 48, "r": 16, "b": 48},
        "xaxis": {"title": {"text": across, "standoff": 8}, "rangemode": "tozero"},
        "yaxis": {"range": [0, 1], "automargin": True},
        "height": 240,
    }


_COSTS = _layout("Minutes of people by round", "round") | {
    "xaxis": {"title": {"text": "round", "standoff": 8}, "dtick": 1},
    "yaxis": {"rangemode": "tozero", "automargin": True},
}
