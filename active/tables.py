"""The figures and choices of a simulation as CSV, so that anyone can compute them again."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from prelabel.active.summary import ArmResult, RoundResult, Summary
from prelabel.datasets.files import write_whole

ROUNDS_FILE = "rounds.csv"
SELECTIONS_FILE = "selections.csv"

_ARM = ("strategy", "seed", "round")
_FIGURES = ("frames", "boxes", "seconds", "map50", "map", "train_seconds")
_PICK = ("frame_id", "uri", "score", "cost_s", "spent_s", "is_control", "reason")


def write_tables(summary: Summary, folder: Path) -> None:
    """Write `rounds.csv`, one line a round, and `selections.csv`, one line a chosen frame.

    The figures of `rounds.csv` are those of RoundResult, followed by mAP50 of each class; an empty
    field is a figure that is not known. `place` in `selections.csv` counts from 1 within a batch.
    """
    by_class = [f"map50 {name}" for name in summary.classes]
    rounds = (_round_row(summary, arm, one) for arm, one in _rounds(summary))
    _write(folder / ROUNDS_FILE, [*_ARM, *_FIGURES, *by_class], rounds)
    picks = (
        [arm.strategy, arm.seed, one.round, place, *(getattr(pick, name) for name in _PICK)]
        for arm, one in _rounds(summary)
        for place, pick in enumerate(one.picks, start=1)
    )
    _write(folder / SELECTIONS_FILE, [*_ARM, "place", *_PICK], picks)


def _rounds(summary: Summary) -> Iterable[tuple[ArmResult, RoundResult]]:
    return ((arm, one) for arm in summary.arms for one in arm.rounds)


def _round_row(summary: Summary, arm: ArmResult, one: RoundResult) -> list[object]:
    figures = [getattr(one, name) for name in _FIGURES]
    by_class = [one.map50_by_class.get(name) for name in summary.classes]
    return [arm.strategy, arm.seed, one.round, *figures, *by_class]


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_whole(path, text.getvalue().encode())
