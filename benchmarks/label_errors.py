"""How well label errors are found that were planted in clean labels, by kind and by method.

Every method ranks the same labels and the same predictions, which come from detectors trained out
of fold on the labels with the errors in them. Missing objects are ranked among predicted boxes, the
other kinds among labels. Rates are shares of boxes with an error, a quarter of each kind.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from errors_baselines import METHODS, Scores
from errors_data import RATES, SOURCES, Case, planted_case
from machine import describe_machine
from mongo import mongo_environment, mongod_program
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from prelabel.active.label_errors.evidence import SAME_IOU
from prelabel.active.label_errors.kinds import ErrorKind
from prelabel.active.label_errors.planting import PLANTED_KINDS
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.geometry import boxes_iou

DEPTHS = (50, 100, 200)
Figures = dict[str, float]


def figures(truth: NDArray[np.bool_], scores: Float64s, unseen: int = 0) -> Figures:
    """How a ranking does; `unseen` errors are among nothing that was ranked."""
    order = np.argsort(-scores, kind="stable")
    padded = np.concatenate([truth, np.ones(unseen, np.bool_)])
    lowest = (scores.min() if len(scores) else 0.0) - 1
    told = {
        "ap": float(average_precision_score(padded, np.append(scores, [lowest] * unseen))),
        "auroc": float(roc_auc_score(truth, scores)) if 0 < truth.sum() < len(truth) else 0.5,
    }
    for depth in DEPTHS:
        told[f"p{depth}"] = float(truth[order[:depth]].sum() / depth)
    return told


def of_labels(case: Case, kind: ErrorKind, scores: Sequence[Float64s]) -> Figures:
    wrong = {error.box_id for error in case.planted.errors if error.kind is kind}
    truth = [
        [box_id in wrong for box_id in one.annotations.box_id]
        for one in case.planted.frames
        if one.annotations is not None
    ]
    flat = np.array([value for row in truth for value in row], np.bool_)
    return figures(flat, np.concatenate(scores))


def of_missing(case: Case, scores: Sequence[Float64s]) -> Figures:
    """The first box to show a dropped object counts, further ones count neither way."""
    dropped: dict[str, list[tuple[float, float, float, float]]] = {}
    for error in case.planted.errors:
        if error.kind is ErrorKind.MISSING:
            dropped.setdefault(error.frame_id, []).append(error.xyxy)
    truth, kept, unseen = [], [], 0
    for prediction, its in zip(case.predictions, scores, strict=True):
        hit = np.zeros(len(prediction), np.bool_)
        again = np.zeros(len(prediction), np.bool_)
        for xyxy in dropped.get(prediction.frame_id, ()):
            there = Boxes(np.array([xyxy], np.float32))
            rows = np.flatnonzero(boxes_iou(prediction.boxes, there)[:, 0] >= SAME_IOU)
            if len(rows):
                best = rows[np.argmax(its[rows])]
                again[rows], hit[best] = True, True
            else:
                unseen += 1
        counts = hit | ~again
        truth.append(hit[counts])
        kept.append(its[counts])
    return figures(np.concatenate(truth), np.concatenate(kept), unseen)


def measured(case: Case, scores: Scores) -> dict[ErrorKind, Figures]:
    return {
        kind: of_missing(case, scores[kind])
        if kind is ErrorKind.MISSING
        else of_labels(case, kind, scores[kind])
        for kind in PLANTED_KINDS
    }


def averaged(runs: Sequence[Mapping[str, float]]) -> Figures:
    return {name: float(np.mean([run[name] for run in runs])) for name in runs[0]}


def shown(title: str, found: Mapping[tuple[str, ErrorKind], Figures]) -> None:
    print(f"\n{title}")
    print(f"  {'kind':14} {'method':18} {'ap':>6} {'auroc':>6} {'p50':>6} {'p100':>6} {'p200':>6}")
    for (method, kind), told in sorted(found.items(), key=lambda item: (item[0][1], item[0][0])):
        told_figures = " ".join(
            f"{told[name]:6.3f}" for name in ("ap", "auroc", "p50", "p100", "p200")
        )
        print(f"  {kind.value:14} {method:18} {told_figures}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", nargs="*", choices=SOURCES, default=list(SOURCES))
    given = parser.parse_args()
    program = mongod_program()
    if program is None:
        raise SystemExit("no mongod was found: make setup")
    result: dict[str, float] = {}
    with (
        tempfile.TemporaryDirectory(prefix="prelabel-errors-") as folder,
        mongo_environment(Path(folder), program),
    ):
        os.environ["MPLCONFIGDIR"] = folder
        for name in given.only:
            runs: dict[tuple[str, ErrorKind], list[Figures]] = {}
            for rate in RATES:
                case = planted_case(name, rate, given.data, given.work)
                here: dict[tuple[str, ErrorKind], Figures] = {}
                for method, score in METHODS.items():
                    for kind, told in measured(case, score(case)).items():
                        here[method, kind] = told
                        runs.setdefault((method, kind), []).append(told)
                shown(f"{name}, {rate:.0%} of {len(case.planted.errors)} errors", here)
            for (method, kind), told_runs in runs.items():
                mean = averaged(told_runs)
                for figure in ("ap", "auroc", "p100"):
                    key = f"{name}.{kind.value.replace(' ', '_')}.{method}.{figure}"
                    result[key] = round(mean[figure], 3)
    print(describe_machine())
    print("RESULT", json.dumps(result))


if __name__ == "__main__":
    main()
