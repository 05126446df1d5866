"""Choosing the next batch from inside the App."""

from typing import Any

import fiftyone.operators as foo
import fiftyone.operators.types as types

from prelabel.active.strategies import STRATEGIES
from prelabel.curating.operations import (
    opened_project,
    previewed,
    refreshed,
    sample_ids,
    selected,
)
from prelabel.curating.plugins.curation.forms import Context, placed, refuse
from prelabel.curating.requests import BatchRequest, requested
from prelabel.datasets.errors import PrelabelError
from prelabel.datasets.wording import counted

_DEFAULTS = BatchRequest()


class SelectNextBatch(foo.Operator):  # type: ignore[misc]  # FiftyOne comes without types
    """Choose the next batch, after a look at what it would be and why."""

    @property
    def config(self) -> Any:
        return foo.OperatorConfig(name="select_next_batch", label="Select next batch", dynamic=True)

    def resolve_placement(self, ctx: Context) -> Any:
        return placed("Select next batch", "playlist_add_check")

    def resolve_input(self, ctx: Context) -> Any:
        inputs = types.Object()
        inputs.str(
            "budget",
            label="Budget",
            description="20 (frames), 500 boxes, 45 min, 2 h",
            default=_DEFAULTS.budget,
        )
        inputs.enum("strategy", sorted(STRATEGIES), label="Strategy (else as in prelabel.yaml)")
        inputs.bool("preview", label="Show what would be chosen, and why", default=True)
        try:
            wanted = requested(BatchRequest, ctx.params)
            if wanted.preview:
                with opened_project(ctx.dataset) as project:
                    inputs.md(previewed(project, wanted.budget, wanted.strategy), name="chosen")
        except PrelabelError as error:
            refuse(inputs, error)
        return types.Property(inputs, view=types.View(label="Select next batch"))

    def execute(self, ctx: Context) -> dict[str, Any]:
        wanted = requested(BatchRequest, ctx.params)
        with opened_project(ctx.dataset) as project:
            batch = selected(project, wanted.budget, wanted.strategy)
            refreshed(project, ctx.dataset)
        ids = sample_ids(ctx.dataset, batch)
        ctx.ops.reload_dataset()
        ctx.ops.set_view(view=ctx.dataset.select(ids, ordered=True))
        ctx.ops.notify(f"{counted(len(ids), 'frame')} chosen", variant="success")
        return {"frames": len(ids)}
