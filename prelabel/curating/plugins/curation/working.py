"""What takes long, started from inside the App: at once, or scheduled for the worker beside it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import fiftyone.operators as foo
import fiftyone.operators.types as types

from prelabel.curating.background import in_background
from prelabel.curating.operations import find_errors, train_and_propose
from prelabel.curating.plugins.curation.forms import Context, placed
from prelabel.curating.requests import SearchRequest, requested
from prelabel.datasets.progress import Progress


def long_operator(name: str, label: str) -> Any:
    """The configuration of an operator that is scheduled unless somebody wants to wait."""
    return foo.OperatorConfig(
        name=name,
        label=label,
        allow_immediate_execution=True,
        allow_delegated_execution=True,
        default_choice_to_delegated=True,
        execute_as_generator=True,
    )


def shown(ctx: Context, work: Callable[[Progress], str]) -> Iterator[Any]:
    """Do the work, with its progress in the App or in the list of what is scheduled."""
    steps = in_background(work)
    while True:
        try:
            step = next(steps)
        except StopIteration as done:
            told = str(done.value)
            break
        if ctx.delegated:
            ctx.set_progress(progress=step.share, label=step.label)
        else:
            yield ctx.ops.set_progress(label=step.label, progress=step.share)
    if ctx.delegated:
        ctx.set_progress(progress=1.0, label=told)
    else:
        yield ctx.ops.reload_dataset()
        yield ctx.ops.notify(told, variant="success")


class FindLabelErrors(foo.Operator):  # type: ignore[misc]  # FiftyOne comes without types
    """Train on parts of the labels, look at the others, rank what may be wrong."""

    @property
    def config(self) -> Any:
        return long_operator("find_label_errors", "Find label errors")

    def resolve_placement(self, ctx: Context) -> Any:
        return placed("Find label errors", "troubleshoot")

    def resolve_input(self, ctx: Context) -> Any:
        inputs = types.Object()
        inputs.int(
            "folds", label="Detectors to train", default=SearchRequest().folds, min=2, max=10
        )
        return types.Property(inputs, view=types.View(label="Find label errors"))

    def execute(self, ctx: Context) -> Iterator[Any]:
        folds = requested(SearchRequest, ctx.params).folds
        now = datetime.now(UTC)
        yield from shown(ctx, lambda told: find_errors(ctx.dataset, folds, now, told))


class TrainAndPropose(foo.Operator):  # type: ignore[misc]  # FiftyOne comes without types
    """Train on the labels so far, and look at every frame but labelled test frames.

    What is seen on labelled frames is compared with their labels; see `prelabel.proposing.propose`.
    """

    @property
    def config(self) -> Any:
        return long_operator("train_and_propose", "Train and propose")

    def resolve_placement(self, ctx: Context) -> Any:
        return placed("Train and propose", "model_training")

    def execute(self, ctx: Context) -> Iterator[Any]:
        yield from shown(ctx, partial(train_and_propose, ctx.dataset))
