"""The report on a simulation: which strategy bought more for the same human time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prelabel.active.comparison import Axis
from prelabel.active.summary import ArmResult, Summary
from prelabel.datasets.progress import Progress, Silent
from prelabel.report.charts import chart_of
from prelabel.report.curves import BASELINE, baseline_of, begun, curves_of
from prelabel.report.page import write_page
from prelabel.report.tables import bought_rows, class_rows, round_rows
from prelabel.report.verdict import verdicts_of
from prelabel.report.wall import (
    DEFAULT_WALL,
    PickRow,
    PictureStore,
    WallOptions,
    fill_store,
    pick_row,
)

_TEMPLATE = "simulation.html.j2"


@dataclass(frozen=True, slots=True)
class WallOfArm:
    """What one strategy picked with one seed, round by round."""

    strategy: str
    number: int
    seed: int
    rows: tuple[PickRow, ...]


def write_report(
    summary: Summary,
    folder: Path,
    options: WallOptions = DEFAULT_WALL,
    progress: Progress | None = None,
) -> Path:
    """Write `report.html` about a simulation into `folder` and return its path.

    The page needs no network and no other file. Pictures are read from the `uri` of the picks;
    where one is gone, its tile says so.
    """
    summary = begun(summary)
    curves = curves_of(summary)
    store = PictureStore(options)
    # The lowest seed comes first, so that it has pictures when those run out; in it the strategies
    # that have more to say than "drawn at random".
    arms = sorted(summary.arms, key=lambda arm: (arm.seed, arm.strategy == BASELINE))
    fill_store(
        store,
        [one.picks for arm in arms for one in arm.rounds],
        options,
        progress or Silent(),
    )
    facts: dict[str, object] = {
        "summary": summary,
        "verdicts": verdicts_of(summary),
        "curves": curves,
        "baseline": baseline_of(curves),
        "charts": [chart_of(curves, axis, summary.full_data_map50) for axis in Axis]
        if curves
        else [],
        "round_rows": round_rows(summary, curves),
        "class_rows": class_rows(summary, curves),
        "bought_rows": bought_rows(curves),
        "start": _start_row(arms, summary, store, options),
        "walls": [_wall(arm, summary, store, options) for arm in arms],
        "pictures": store.pictures,
        "settings": flattened(summary.settings),
    }
    return write_page(_TEMPLATE, facts, folder)


def _start_row(
    arms: Sequence[ArmResult], summary: Summary, store: PictureStore, options: WallOptions
) -> PickRow | None:
    """The start set of the lowest seed; all strategies of a seed share it."""
    first = next((arm.rounds[0] for arm in arms if arm.rounds and arm.rounds[0].picks), None)
    if first is None:
        return None
    return pick_row("start set", first.picks, store, summary.classes, options)


def _wall(arm: ArmResult, summary: Summary, store: PictureStore, options: WallOptions) -> WallOfArm:
    rows = tuple(
        pick_row(f"round {one.round}", one.picks, store, summary.classes, options)
        for one in arm.rounds[1:]
    )
    return WallOfArm(arm.strategy, summary.strategies.index(arm.strategy), arm.seed, rows)


def flattened(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as rows of dotted name and value."""
    rows: list[tuple[str, str]] = []
    for name, value in settings.items():
        if isinstance(value, Mapping):
            rows += flattened(value, f"{prefix}{name}.")
        else:
            listed = isinstance(value, list | tuple)
            rows.append((prefix + name, ", ".join(map(str, value)) if listed else str(value)))
    return rows
