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

from prelabel.active.label_errors.answers import Answered, corrected
from prelabel.active.label_errors.evidence import SAME_IOU
from prelabel.active.label_errors.kinds import ErrorKind
from prelabel.active.label_errors.planting import PLANTED_KINDS
from prelabel.active.label_errors.ranking import rank_suspects, strongest
from prelabel.active.label_errors.suspects import Suspect
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.geometry import boxes_iou

DEPTHS = (50, 100, 200)
ASKED_AT_ONCE, TURNS = 25, 12
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
    dropped = _dropped(case)
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


def truth_of(case: Case, suspects: Sequence[Suspect]) -> dict[str, bool]:
    """What a person who looks would say of each suspect, by its id.

    A box that nobody needs is an error as a spurious one and as a duplicate.
    """
    wrong = {(error.box_id, error.kind) for error in case.planted.errors if error.box_id}
    needless = (ErrorKind.SPURIOUS, ErrorKind.DUPLICATE)
    dropped = _dropped(case)
    truth: dict[str, bool] = {}
    for one in suspects:
        if one.box_id:
            kinds = needless if one.kind in needless else (one.kind,)
            truth[one.suspect_id] = any((one.box_id, kind) in wrong for kind in kinds)
        else:
            there = Boxes(np.array([one.xyxy], np.float32))
            gone = Boxes(np.array(dropped.get(one.frame_id, []), np.float32).reshape(-1, 4))
            truth[one.suspect_id] = bool(boxes_iou(there, gone).max(initial=0) >= SAME_IOU)
    return truth


def _dropped(case: Case) -> dict[str, list[tuple[float, float, float, float]]]:
    found: dict[str, list[tuple[float, float, float, float]]] = {}
    for error in case.planted.errors:
        if error.kind is ErrorKind.MISSING:
            found.setdefault(error.frame_id, []).append(error.xyxy)
    return found


def with_answers(case: Case) -> Figures:
    """How many errors people find who are asked about the likeliest 25, and so on 12 times.

    `errors_learning`: every time in the ranking that earlier answers led to; `errors_without`: in
    the one before any. `expected` is the sum of all probabilities before any answer over the number
    of errors that are among the suspects, 1 where they hold.
    """
    by_id = {one.frame_id: one for one in case.predictions}
    ranked = rank_suspects(
        case.planted.frames, by_id, len(case.classes), np.random.default_rng(1234)
    )
    truth = truth_of(case, ranked)
    likely = sum(one.probability for one in strongest(ranked))
    errors = sum(truth[one.suspect_id] for one in strongest(ranked))
    return {
        "errors_learning": _found(ranked, truth, learning=True),
        "errors_without": _found(ranked, truth, learning=False),
        "expected": likely / max(errors, 1),
    }


def _found(ranked: Sequence[Suspect], truth: Mapping[str, bool], learning: bool) -> int:
    told: list[Answered] = []
    now = list(ranked)
    for _ in range(TURNS):
        asked = {one.suspect.box_id or one.suspect.suspect_id for one in told}
        free = [one for one in strongest(now) if (one.box_id or one.suspect_id) not in asked]
        told += [Answered(one, truth[one.suspect_id]) for one in free[:ASKED_AT_ONCE]]
        now = corrected(ranked, told) if learning else now
    return sum(one.is_error for one in told)


def measured(case: Case, scores: Scores) -> dict[ErrorKind, Figures]:
    return {
        kind: of_missing(case, scores[kind])
        if kind is ErrorKind.MISSING
        else of_labels(case, kind, scores[kind])
        for kind in PLANTED_KINDS
    }


def shown(title: str, found: Mapping[tuple[str, ErrorKind], Figures]) -> None:
    print(f"\n{title}")
    print(f"  {'kind':14} {'method':18} {'ap':>6} {'auroc':>6} {'p50':>6} {'p100':>6} {'p200':>6}")
    for (method, kind), told in sorted(found.items(), key=lambda item: (item[0][1], item[0][0])):
        told_figures = " ".join(
            f"{told[name]:6.3f}" for name in ("ap", "auroc", "p50", "p100", "p200")
        )
        print(f"  {kind.value:14} {method:18} {told_figures}")


def of_case(case: Case, rate: float) -> Figures:
    """All figures of one data set at one rate, by the names they have in the result."""
    here: dict[tuple[str, ErrorKind], Figures] = {}
    for method, score in METHODS.items():
        for kind, told in measured(case, score(case)).items():
            here[method, kind] = told
    shown(f"{case.name}, {len(case.planted.errors)} errors in {rate:.0%} of the boxes", here)
    answers = with_answers(case)
    print("  " + ", ".join(f"{name} {value:.2f}" for name, value in answers.items()))
    return {
        f"{kind.value.replace(' ', '_')}.{method}.{name}": told[name]
        for (method, kind), told in here.items()
        for name in ("ap", "auroc", "p100")
    } | {f"answers.{name}": value for name, value in answers.items()}


def summed_up(by_dataset: Mapping[str, Sequence[Figures]]) -> Figures:
    """The mean of the rates for each data set, the average precision at each, the mean of all."""
    result: Figures = {}
    every: dict[str, list[float]] = {}
    for dataset, runs in by_dataset.items():
        for name in runs[0]:
            mean = float(np.mean([run[name] for run in runs]))
            result[f"{dataset}.{name}"] = round(mean, 3)
            every.setdefault(name, []).append(mean)
            if name.endswith((".ap", "_learning", "_without", ".expected")):
                for rate, run in zip(RATES, runs, strict=True):
                    result[f"{dataset}.{name}_{rate * 100:.0f}"] = round(run[name], 3)
    for name, values in every.items():
        result[f"mean.{name}"] = round(float(np.mean(values)), 3)
    for rival in ("objectlab", "objectlab_low_gates"):
        theirs = result[f"mean.missing.{rival}.ap"]
        result[f"dropped_ratio.{rival}"] = round(result["mean.missing.ours.ap"] / theirs, 2)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", nargs="*", choices=SOURCES, default=list(SOURCES))
    given = parser.parse_args()
    program = mongod_program()
    if program is None:
        raise SystemExit("no mongod was found: make setup")
    with (
        tempfile.TemporaryDirectory(prefix="prelabel-errors-") as folder,
        mongo_environment(Path(folder), program),
    ):
        os.environ["MPLCONFIGDIR"] = folder
        runs = {
            name: [
                of_case(planted_case(name, rate, given.data, given.work), rate) for rate in RATES
            ]
            for name in given.only
        }
    print(describe_machine())
    print("RESULT", json.dumps(summed_up(runs)))


if __name__ == "__main__":
    main()
