"""The summary of a simulation as a Markdown table, with paired differences to random picks.

python benchmarks/simulation_table.py runs/cards/summary.json
"""

import argparse
import json
import statistics
from pathlib import Path

from machine import describe_machine

from prelabel.active.comparison import Axis, Difference, area_gain, by_round
from prelabel.active.summary import Summary

BASELINE = "random"


def told(difference: Difference) -> str:
    """A mean difference with its interval, where there are seeds enough for one."""
    if difference.low is None or difference.high is None:
        return f"{difference.mean:+.3f}"
    return f"{difference.mean:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})"


def table(summary: Summary) -> str:
    """One row a strategy and round: every seed's mAP50, the mean, and what it cost."""
    seeds = " | ".join(f"seed {seed}" for seed in summary.seeds)
    lines = [
        f"| strategy | round | frames | boxes | human s | {seeds} | mean mAP50 | minus random |",
        "|---|" + "---:|" * (6 + len(summary.seeds)),
    ]
    for strategy in summary.strategies:
        arms = [arm for arm in summary.arms if arm.strategy == strategy]
        gains = by_round(summary, strategy, BASELINE) if strategy != BASELINE else {}
        for results in zip(*(arm.rounds for arm in arms), strict=True):
            number = results[0].round
            figures = " | ".join(f"{one.map50:.3f}" for one in results)
            lines.append(
                f"| {strategy} | {number} | {results[0].frames} "
                f"| {statistics.mean(one.boxes for one in results):.0f} "
                f"| {statistics.mean(one.seconds for one in results):.0f} | {figures} "
                f"| **{statistics.mean(one.map50 for one in results):.3f}** "
                f"| {told(gains[number]) if number in gains else ''} |"
            )
    return "\n".join(lines)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("summary", type=Path)
    given = arguments.parse_args()
    summary = Summary.read(given.summary)
    print(table(summary))
    print(f"\n{describe_machine()}")
    result: dict[str, float] = {}
    for strategy in summary.strategies:
        ends = [arm.rounds[-1].map50 for arm in summary.arms if arm.strategy == strategy]
        result[f"{strategy}.map50"] = round(statistics.mean(ends), 4)
        if strategy != BASELINE:
            for axis in Axis:
                gain = area_gain(summary, strategy, BASELINE, axis)
                result[f"{strategy}.area_gain_{axis}"] = round(gain.mean, 4)
    print("RESULT", json.dumps(result))


if __name__ == "__main__":
    main()
