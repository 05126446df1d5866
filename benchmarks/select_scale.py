"""Selecting 1,000 of 1,000,000 frames, and the same beside three other libraries.

Ours: greedy k-center on 256 numbers a frame, for frames in clumps as those of recordings are and
for frames without any likeness, which is the harder case; and strategies that only score, over
prediction files of about 6 boxes a frame. Beside others: 200 of a pool that doubles as long as a
library took less than `--patience` seconds; each size is one turn of all that are still there, and
a ratio is the other's seconds over ours at the largest size it finished. Every measurement runs in
a process of its own: ours at full size with a thread a core, the comparison with one thread each,
as everything of this project runs by default. Seconds leave out starting, importing
and making up data; memory is that of the whole process.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from machine import describe_machine

FRAMES, PICKS = 1_000_000, 1000
SCORED = ("entropy_sum", "margin_max", "least_confident_mean", "random")
OTHERS = {
    "skactiveml": "scikit-activeml CoreSet",
    "modal": "modAL ranked batch",
    "smalltext": "small-text greedy coreset",
}
FIRST_SIZE, PICKS_BESIDE = 1000, 200


@dataclass(frozen=True)
class Measured:
    """One task in a process of its own; memory in GB of 10^9 bytes, frames as rows of the pool."""

    seconds: float
    peak_gb: float
    chosen: Sequence[int] = ()


def measure(task: str, threads: int | None = None, **options: object) -> Measured:
    """Run a task of `select_tasks.py` in a process of its own; None: a thread a core."""
    told = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    command = [sys.executable, str(Path(__file__).with_name("select_tasks.py")), task, *told]
    count = str(threads or os.cpu_count())
    limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), count)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **limits})
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    return Measured(**json.loads(done.stdout))


def growth(seconds: Mapping[int, float]) -> float:
    """The exponent e of seconds = c · frames^e, by least squares of the logarithms."""
    sizes, times = zip(*((math.log(size), math.log(s)) for size, s in seconds.items()), strict=True)
    return statistics.linear_regression(sizes, times).slope


def k_center_alone(frames: int) -> dict[str, float]:
    """Our k-center at full size, and how its seconds grow on the way there."""
    seconds: dict[str, dict[int, float]] = {"recordings": {}, "apart": {}}
    peak_gb = 0.0
    for size in (frames // 8, frames // 4, frames // 2, frames):
        for kind, found in seconds.items():
            one = measure("ours", frames=size, picks=PICKS, kind=kind)
            found[size] = one.seconds
            peak_gb = max(peak_gb, one.peak_gb)
            _tell(f"k-center, {kind}", size, PICKS, one)
    return {
        "seconds_1m": round(max(found[frames] for found in seconds.values()), 2),
        "seconds_1m_recordings": round(seconds["recordings"][frames], 2),
        "peak_gb_1m": round(peak_gb, 2),
        "growth_exponent": round(max(growth(found) for found in seconds.values()), 2),
    }


def scores_alone(folder: Path, frames: int) -> dict[str, float]:
    """Strategies that only score, over prediction files of a tenth of the pool and of all of it."""
    result: dict[str, float] = {}
    peaks: dict[int, list[float]] = {frames // 10: [], frames: []}
    for size, found in peaks.items():
        part = folder / f"predictions-{size}"
        if not (part / "complete").exists():
            measure("predictions", frames=size, folder=part)
            (part / "complete").touch()
        for strategy in SCORED:
            one = measure("by-score", frames=size, picks=PICKS, strategy=strategy, folder=part)
            _tell(strategy, size, PICKS, one)
            result[f"seconds_1m_{strategy}"] = round(one.seconds, 2)
            found.append(one.peak_gb)
    result["peak_gb_1m_scores"] = round(max(peaks[frames]), 2)
    result["peak_gb_100k_scores"] = round(max(peaks[frames // 10]), 2)
    return result


def beside_others(patience_s: float, repeats: int) -> dict[str, float]:
    """Ratios and growth; each library is asked for a size in the same turn as ours."""
    seconds: dict[str, dict[int, float]] = {name: {} for name in ("ours", *OTHERS)}
    for size, names in _sizes(seconds, patience_s):
        runs: dict[str, list[Measured]] = {name: [] for name in names}
        for _ in range(repeats):
            for name, done in runs.items():
                done.append(measure(name, 1, frames=size, picks=PICKS_BESIDE, kind="apart"))
                _tell(OTHERS.get(name, "ours"), size, PICKS_BESIDE, done[-1])
        for name, done in runs.items():
            seconds[name][size] = statistics.median(one.seconds for one in done)
            if done[0].chosen != runs["ours"][0].chosen:
                print(f"{name} chose other frames than ours")
    result: dict[str, float] = {}
    print("| library | largest pool | its seconds | ours | ratio | growth |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, title in OTHERS.items():
        size = max(seconds[name])
        ratio = seconds[name][size] / seconds["ours"][size]
        exponent = growth(seconds[name])
        told = f"{seconds[name][size]:.2f} | {seconds['ours'][size]:.3f} | {ratio:.1f}"
        print(f"| {title} | {size:,} | {told} | {exponent:.2f} |")
        result[f"ratio_{name}"] = round(ratio, 1)
        result[f"frames_{name}"] = size
        result[f"growth_{name}"] = round(exponent, 2)
    return result


def _sizes(
    seconds: Mapping[str, Mapping[int, float]], patience_s: float
) -> Iterator[tuple[int, list[str]]]:
    """Sizes that double, and who is still asked: ours, and those whose last time was short."""
    size = FIRST_SIZE
    while True:
        left = [
            name
            for name in OTHERS
            if size <= 2 * FIRST_SIZE or seconds[name].get(size // 2, math.inf) < patience_s
        ]
        if not left:
            return
        yield size, ["ours", *left]
        size *= 2


def _tell(what: str, frames: int, picks: int, one: Measured) -> None:
    print(
        f"{what}: {picks} of {frames:,} in {one.seconds:.2f} s, peak {one.peak_gb:.2f} GB",
        flush=True,
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--work", type=Path, required=True, help="a folder for what is written")
    arguments.add_argument("--frames", type=int, default=FRAMES)
    arguments.add_argument("--patience", type=float, default=4.0)
    arguments.add_argument("--repeats", type=int, default=3)
    given = arguments.parse_args()
    alone = k_center_alone(given.frames)
    scores = scores_alone(given.work, given.frames)
    beside = beside_others(given.patience, given.repeats)
    print(describe_machine())
    print("RESULT", json.dumps({**alone, **beside, **scores}))


if __name__ == "__main__":
    main()
