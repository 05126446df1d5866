"""Accepting without people: do the promises hold, how much is accepted, what is saved.

On frozen predictions of generated scenes, playing cards and an aquarium, over random splits into
checked frames and a pool: how often each promise is broken on the pool, beside three usual ways to
choose; what the human seconds come to; and how soon the audit stops acceptance on a pool that has
shifted.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from accept_data import RECIPES, Frozen, frozen
from accept_rivals import RIVALS, Choice
from accept_rounds import CHECKED, rounds
from accept_seconds import Spent, spent_seconds, without_acceptance
from machine import describe_machine

from prelabel.active.acceptance import Promises
from prelabel.active.acceptance_plan import FIT_FRAMES, Plan, plan_acceptance
from prelabel.active.audit import audit
from prelabel.active.calibration_error import detection_ece, localisation_aware_ece
from prelabel.active.checks import Checks
from prelabel.active.pool import Rows
from prelabel.active.presence import classes_of
from prelabel.datasets.arrays import Bools

SPLITS = 200
LEVELS = (Promises(), Promises(0.95, 0.1), Promises(0.9, 0.2))
CHECKED_SHARE = 0.5
LOT_FRAMES = 200  # of a shifted pool come in at once
AUDIT_SHARE, LEAST_AUDIT = 0.05, 10
SHIFT_SPLITS = 20
OURS = "ours"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was accepted of a pool: shares in 0 to 1 of wrong boxes and missed objects in it, of the
    pool's frames that were accepted whole, and accepted boxes for each of its true objects."""

    wrong: float
    missed: float
    boxes: float
    frames: float

    @classmethod
    def of(cls, pool: Checks, choice: Choice) -> "Outcome":
        sure, whole = choice
        found = pool.in_each_frame(sure & pool.found)[whole].sum()
        objects = int(pool.objects[whole].sum())
        return cls(
            float((sure & ~pool.right).sum() / max(int(sure.sum()), 1)),
            float(1 - found / objects) if objects else 0.0,
            float(sure.sum() / max(int(pool.objects.sum()), 1)),
            float(whole.mean()),
        )


def split_rows(frames: int, seed: int) -> tuple[Rows, Rows]:
    """Checked frames, in the order drawn, and the pool."""
    order = np.random.default_rng(seed).permutation(frames)
    checked = round(CHECKED_SHARE * frames)
    return order[:checked], order[checked:]


def planned(checked: Checks, promises: Promises) -> Plan:
    rows = np.arange(len(checked))
    return plan_acceptance(
        checked.take(rows[:FIT_FRAMES]), checked.take(rows[FIT_FRAMES:]), promises
    )


def chosen(plan: Plan, pool: Checks) -> Choice:
    if plan.rule is None:
        return np.zeros(len(pool.right), np.bool_), np.zeros(len(pool), np.bool_)
    accepted = plan.judge.accept(pool.boxes, plan.rule)
    return accepted.sure, accepted.whole


def measure(checks: Checks, promises: Promises, splits: int) -> dict[str, list[Outcome]]:
    """The outcome of every split for our way and the others."""
    outcomes: dict[str, list[Outcome]] = {name: [] for name in (OURS, *RIVALS)}
    for seed in range(splits):
        checked_rows, pool_rows = split_rows(len(checks), seed)
        checked, pool = checks.take(checked_rows), checks.take(pool_rows)
        ours = chosen(planned(checked, promises), pool)
        outcomes[OURS].append(Outcome.of(pool, ours))
        for name, rival in RIVALS.items():
            outcomes[name].append(Outcome.of(pool, rival(checked, pool, promises)))
    return outcomes


def summary(outcomes: Sequence[Outcome], promises: Promises) -> dict[str, float]:
    """Shares of splits that break a promise, and mean coverage."""
    return {
        "violation_precision": float(np.mean([one.wrong > promises.wrong for one in outcomes])),
        "violation_missed": float(np.mean([one.missed > promises.missed for one in outcomes])),
        "coverage_boxes": float(np.mean([one.boxes for one in outcomes])),
        "coverage_frames": float(np.mean([one.frames for one in outcomes])),
        "accepted_something": float(np.mean([one.boxes > 0 for one in outcomes])),
    }


def calibration(checks: Checks, splits: int) -> dict[str, float]:
    """D-ECE and LaECE of raw scores and of probabilities, mean over splits."""
    rows = []
    for seed in range(splits):
        checked_rows, pool_rows = split_rows(len(checks), seed)
        pool = checks.take(pool_rows)
        plan = planned(checks.take(checked_rows), Promises())
        raw = pool.boxes.score.astype(np.float64)
        own = plan.judge.right.of(pool.boxes)
        classes = classes_of(pool.boxes)
        rows.append(
            [measured for confidence in (raw, own) for measured in (
                detection_ece(confidence, pool.right),
                localisation_aware_ece(confidence, pool.right, pool.iou, classes),
            )]
        )  # fmt: skip
    names = ("d_ece_before", "laece_before", "d_ece_after", "laece_after")
    return dict(zip(names, np.mean(rows, axis=0).tolist(), strict=True))


def shifted_stop(checks: Checks, shifted: Checks, promises: Promises) -> dict[str, float]:
    """A shifted pool comes in lots; each is accepted and audited until a promise is called broken.

    Over the splits in which there is a rule: `stopped` is the share in which it was, `let_through`
    the wrong boxes that had been accepted until then or the end, `audited_frames` those labelled
    for it, `wrong_share` that of all boxes that the rule would accept there.
    """
    results: list[tuple[float, float, float, float]] = []
    for seed in range(SHIFT_SPLITS):
        checked_rows, _ = split_rows(len(checks), seed)
        plan = planned(checks.take(checked_rows), promises)
        if plan.rule is None:
            continue
        results.append(_stream(plan, shifted, promises, np.random.default_rng(seed)))
    if not results:
        return {}
    names = ("stopped", "let_through", "audited_frames", "wrong_share")
    return dict(zip(names, np.mean(results, axis=0).tolist(), strict=True))


def _stream(
    plan: Plan, shifted: Checks, promises: Promises, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    rule = plan.rule
    assert rule is not None
    order, audited, wrong = rng.permutation(len(shifted)), np.zeros(0, np.intp), 0
    everything = plan.judge.accept(shifted.boxes, rule)
    share = (everything.sure & ~shifted.right).sum() / max(int(everything.sure.sum()), 1)
    broken = False
    held = shifted.in_each_frame(everything.sure) > 0
    for start in range(0, len(order), LOT_FRAMES):
        lot = order[start : start + LOT_FRAMES]
        taken = lot[held[lot] | everything.whole[lot]]
        count = min(max(round(AUDIT_SHARE * len(taken)), LEAST_AUDIT), len(taken))
        audited = np.concatenate([audited, taken[:count]])
        wrong += int(shifted.in_each_frame(everything.sure & ~shifted.right)[taken].sum())
        found = audit(
            only(shifted, everything.sure).take(audited),
            everything.whole[audited],
            promises,
            rule.most_boxes,
        )
        if broken := any(one.broken for one in found):
            break
    return float(broken), float(wrong), float(len(audited)), float(share)


def only(checks: Checks, sure: Bools) -> Checks:
    """The same frames with the accepted boxes only."""
    counts = np.bincount(checks.boxes.owner, sure, len(checks)).astype(np.intp)
    start = np.concatenate([np.zeros(1, np.intp), np.cumsum(counts)])
    boxes = checks.boxes
    slim = replace(
        boxes,
        start=start,
        score=boxes.score[sure],
        class_id=None if boxes.class_id is None else boxes.class_id[sure],
        xyxy=None if boxes.xyxy is None else boxes.xyxy[sure],
        class_probs=None,
        spread_px=None,
        support=None,
        class_peak=None,
        box_embedding=None,
    )
    return Checks(slim, checks.right[sure], checks.found[sure], checks.iou[sure], checks.objects)


def told(name: str, found: Mapping[str, float]) -> None:
    figures = " | ".join(f"{value:.3f}" for value in found.values())
    print(f"| {name} | {figures} |", flush=True)


def benchmark(name: str, data: Path, work: Path, splits: int) -> dict[str, float]:
    """All figures of one dataset, printed as tables and given back."""
    rest, shifted = frozen(name, data, work)
    checks = _checks(rest)
    print(
        f"\n## {name}: {len(checks)} frames, {int(checks.objects.sum())} objects, "
        f"{round(CHECKED_SHARE * len(checks))} checked, {splits} splits"
    )
    result: dict[str, float] = {}
    print("| promise, way | broken precision | broken missed | boxes | frames | any |", flush=True)
    print("|---|---:|---:|---:|---:|---:|")
    for promises in LEVELS:
        outcomes = measure(checks, promises, splits)
        for way, some in outcomes.items():
            found = summary(some, promises)
            level = f"{promises.precision:g}/{promises.missed:g}"
            told(f"{level} {way}", found)
            prefix = "" if promises == LEVELS[0] else f"at_{level}."
            own = "" if way == OURS else f"{way}."
            result |= {f"{name}.{prefix}{own}{key}": value for key, value in found.items()}
    found = calibration(checks, min(splits, SHIFT_SPLITS))
    told("D-ECE, LaECE before; after", found)
    result |= {f"{name}.{key}": value for key, value in found.items()}
    result |= {f"{name}.{key}": value for key, value in _seconds(checks, splits).items()}
    for kind, frames in shifted.items():
        for promises in LEVELS:
            level = f"{promises.precision:g}/{promises.missed:g}"
            found = shifted_stop(checks, _checks(frames), promises)
            if found:
                told(f"{kind} at {level}: stopped, let through, audited, wrong share", found)
                result |= {f"{name}.{kind}.at_{level}.{key}": one for key, one in found.items()}
    return result


def _seconds(checks: Checks, splits: int) -> dict[str, float]:
    """Human seconds for all frames, by level; mean over some splits."""
    result: dict[str, float] = {}
    for promises in LEVELS:
        rows: list[Spent] = []
        for seed in range(min(splits, SHIFT_SPLITS)):
            checked_rows, pool_rows = split_rows(len(checks), seed)
            checked, pool = checks.take(checked_rows), checks.take(pool_rows)
            choice = chosen(planned(checked, promises), pool)
            rows.append(spent_seconds(checked, pool, choice, np.random.default_rng(seed)))
        mean = {
            name: float(np.mean([getattr(one, name) for one in rows])) for name in Spent.__slots__
        }
        level = f"{promises.precision:g}/{promises.missed:g}"
        told(f"seconds at {level}: {', '.join(mean)}", mean)
        result |= {f"seconds.at_{level}.{name}": value for name, value in mean.items()}
    return result


def whole_pool(work: Path, draws: int) -> dict[str, float]:
    """Human seconds for a pool that nobody has looked at, by way and level; mean over draws.

    The checks are drawn at random from the frames that no batch holds. The seconds of a way with a
    batch hold those of correcting it from the proposals of the first detector.
    """
    result: dict[str, float] = {}
    found = rounds(work)
    first = found["first"].checks
    for way, one in found.items():
        free = np.setdiff1d(np.arange(len(one.checks)), one.learned)
        for promises in LEVELS:
            rows: list[dict[str, float]] = []
            for seed in range(draws):
                order = np.random.default_rng(seed).permutation(free)
                checked = one.checks.take(order[:CHECKED])
                pool = one.checks.take(order[CHECKED:])
                choice = chosen(planned(checked, promises), pool)
                spent = spent_seconds(checked, pool, choice, np.random.default_rng(seed))
                rows.append(_all_in_all(first, one.learned, Outcome.of(pool, choice), spent))
            mean = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
            level = f"{promises.precision:g}/{promises.missed:g}"
            told(f"{way} at {level}: {', '.join(mean)}", mean)
            result |= {f"pool.{way}.at_{level}.{name}": value for name, value in mean.items()}
    return result


def _all_in_all(first: Checks, learned: Rows, outcome: Outcome, spent: Spent) -> dict[str, float]:
    by_hand_s, corrected_s = without_acceptance(first)
    batch_s = without_acceptance(first.take(learned))[1] if len(learned) else 0.0
    total_s = batch_s + spent.accepted_s
    return {
        "by_hand_s": by_hand_s,
        "corrected_s": corrected_s,
        "total_s": total_s,
        "saved": 1 - total_s / corrected_s,
        "wrong_of_accepted": outcome.wrong,
        "missed_of_whole": outcome.missed,
        "coverage_boxes": outcome.boxes,
        "coverage_frames": outcome.frames,
    }


def _checks(some: Frozen) -> Checks:
    return Checks.of(some.predictions, some.truth)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the real data sets")
    parser.add_argument("--work", type=Path, required=True, help="kept between runs")
    parser.add_argument("--splits", type=int, default=SPLITS)
    parser.add_argument("--only", choices=sorted(RECIPES), action="append")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    print(describe_machine())
    result: dict[str, float] = {}
    for name in options.only or RECIPES:
        result |= benchmark(name, options.data, options.work, options.splits)
    if "scenes" in (options.only or RECIPES):
        result |= whole_pool(options.work, min(options.splits, SHIFT_SPLITS))
    print(f"RESULT {json.dumps({key: round(value, 4) for key, value in result.items()})}")


if __name__ == "__main__":
    main()
