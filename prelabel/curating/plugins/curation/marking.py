"""Saying from inside the App what is to become of frames."""

from typing import Any

import fiftyone.operators as foo
import fiftyone.operators.types as types

from prelabel.curating.operations import chosen_frames, mark, opened_project, refreshed, sent
from prelabel.curating.plugins.curation.forms import Context, placed, tell_how_many
from prelabel.curating.requests import MARKS, MarkRequest, ReviewRequest, requested
from prelabel.datasets.wording import counted


class SendToReview(foo.Operator):  # type: ignore[misc]  # FiftyOne comes without types
    """Put the selected frames, or those in view, on the review page."""

    @property
    def config(self) -> Any:
        return foo.OperatorConfig(name="send_to_review", label="Send to review", dynamic=True)

    def resolve_placement(self, ctx: Context) -> Any:
        return placed("Send to review", "send")

    def resolve_input(self, ctx: Context) -> Any:
        inputs = types.Object()
        tell_how_many(inputs, ctx)
        inputs.str("reason", label="What people are told", required=True)
        return types.Property(inputs, view=types.View(label="Send to review"))

    def execute(self, ctx: Context) -> dict[str, Any]:
        wanted = requested(ReviewRequest, ctx.params)
        frame_ids = chosen_frames(ctx.dataset, ctx.view, ctx.selected)
        with opened_project(ctx.dataset) as project:
            queued = sent(project, frame_ids, wanted.reason)
            refreshed(project, ctx.dataset)
        ctx.ops.reload_dataset()
        ctx.ops.notify(f"{counted(queued, 'frame')} sent to people", variant="success")
        return {"queued": queued}


class MarkFrames(foo.Operator):  # type: ignore[misc]  # FiftyOne comes without types
    """Accept, queue again, exclude or include the selected frames, or those in view."""

    @property
    def config(self) -> Any:
        return foo.OperatorConfig(
            name="mark_frames", label="Accept, re-queue, exclude", dynamic=True
        )

    def resolve_placement(self, ctx: Context) -> Any:
        return placed("Accept, re-queue, exclude", "rule")

    def resolve_input(self, ctx: Context) -> Any:
        inputs, choices = types.Object(), types.RadioGroup()
        for value, label in MARKS.items():
            choices.add_choice(value, label=label)
        inputs.enum("what", choices.values(), view=choices, required=True, label="What to do")
        tell_how_many(inputs, ctx)
        return types.Property(inputs, view=types.View(label="Accept, re-queue, exclude"))

    def execute(self, ctx: Context) -> dict[str, Any]:
        wanted = requested(MarkRequest, ctx.params)
        frame_ids = chosen_frames(ctx.dataset, ctx.view, ctx.selected)
        with opened_project(ctx.dataset) as project:
            told = mark(project, frame_ids, wanted.what)
            refreshed(project, ctx.dataset)
        ctx.ops.reload_dataset()
        ctx.ops.notify(told)
        return {"told": told}
