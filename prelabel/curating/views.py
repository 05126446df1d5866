"""The saved views of a project's dataset: what curators ask for."""

from collections.abc import Sequence
from typing import Any

from prelabel.active.label_errors.disagreement import DisagreementKind
from prelabel.active.label_errors.kinds import ErrorKind
from prelabel.curating.fields import (
    CONFLICT,
    DISAGREEMENT,
    LABELS,
    LEAK,
    NEAR_DUPLICATE,
    SURE_BOXES,
    SUSPECTS,
    proposals_field,
)
from prelabel.curating.frames import state_word
from prelabel.curating.opening import FiftyOne
from prelabel.curating.samples import all_samples
from prelabel.datasets.annotations import OriginKind
from prelabel.work.records import TaskState

Views = dict[str, Any]
WORKSPACE = "curation"
PANEL = "project_panel"


def save_workspace(fo: FiftyOne, dataset: Any) -> None:
    """Save the arrangement in which the App opens: the frames, and the project beside them."""
    samples, project = fo.Panel(type="Samples", pinned=True), fo.Panel(type=PANEL)
    spaces = fo.Space(
        orientation="horizontal",
        sizes=[0.62, 0.38],
        # Without an active child a space is shown empty.
        children=[
            fo.Space(children=[one], active_child=one.component_id) for one in (samples, project)
        ],
    )
    dataset.save_workspace(WORKSPACE, spaces, overwrite=True)


def save_views(fo: FiftyOne, dataset: Any, newest_round: int | None, models: Sequence[str]) -> None:
    """Save the views that curators ask for; those of these names are made anew."""
    field, whole = fo.ViewField, all_samples(dataset)
    views: Views = {
        "most uncertain": whole.exists("doubt.uncertainty").sort_by(
            "doubt.uncertainty", reverse=True
        ),
        "sent back": whole.match(field("state") == state_word(TaskState.SENT_BACK)),
        "conflicts": whole.exists(f"{CONFLICT}.detections.0"),
        "excluded": whole.exists("excluded"),
        "near-duplicates": whole.match_tags(NEAR_DUPLICATE),
        "leaks across splits": whole.match_tags(LEAK),
    }
    if newest_round is not None:
        batch = whole.match(field("work.round") == newest_round)
        views["this batch"] = batch.sort_by("work.score", reverse=True)
    for kind in ErrorKind:
        name = f"label errors: {kind.value}"
        views[name] = whole.filter_labels(SUSPECTS, field("kind") == kind.value)
    views |= _by_origin(fo, whole) | _disagreements(fo, whole, models)
    views |= _half_done(fo, whole, models)
    for name, view in views.items():
        dataset.save_view(name, view, overwrite=True)


def _by_origin(fo: FiftyOne, whole: Any) -> Views:
    """Boxes by who made them: a detector alone, or people."""
    origin = fo.ViewField("origin")
    by_people = [OriginKind.DRAWN.value, OriginKind.CHANGED.value]
    auto = origin == OriginKind.AUTO.value
    return {
        "auto: accepted by a rule": whole.filter_labels(LABELS, auto),
        "human: drawn or changed": whole.filter_labels(LABELS, origin.is_in(by_people)),
        "human: as proposed": whole.filter_labels(LABELS, origin == OriginKind.PROPOSED.value),
    }


def _half_done(fo: FiftyOne, whole: Any, models: Sequence[str]) -> Views:
    """Frames on which a rule accepted some proposals: those, and the others, left to people."""
    if not models:
        return {}
    frames, newest = whole.exists(SURE_BOXES), proposals_field(models[-1])
    by_rule = fo.ViewField("rule").exists()
    return {
        "half done: accepted by a rule": frames.filter_labels(newest, by_rule),
        "half done: nobody vouched for": frames.filter_labels(newest, ~by_rule),
    }


def _disagreements(fo: FiftyOne, whole: Any, models: Sequence[str]) -> Views:
    """Where the newest model and the labels differ, by kind; what only the model has is its own."""
    kind = fo.ViewField(DISAGREEMENT)
    views = {}
    for one in DisagreementKind:
        extra = one is DisagreementKind.EXTRA
        if extra and not models:
            continue
        boxes = proposals_field(models[-1]) if extra else LABELS
        views[f"disagreements: {one.value}"] = whole.filter_labels(boxes, kind == one.value)
    return views
