"""The tables of docs/benchmarks/label-errors.md, from what label_errors.py printed."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

from errors_baselines import METHODS
from errors_data import SOURCES

from prelabel.active.label_errors.planting import PLANTED_KINDS

NAMES = [kind.value.replace(" ", "_") for kind in PLANTED_KINDS]


def table(result: Mapping[str, float], figure: str) -> str:
    """A row for each kind and data set, a column for each method; the best of a row is bold."""
    lines = [
        f"| {figure} | " + " | ".join(METHODS) + " |",
        "|---|" + "---:|" * len(METHODS),
    ]
    for name in NAMES:
        for dataset in (*SOURCES, "mean"):
            values = [result[f"{dataset}.{name}.{method}.{figure}"] for method in METHODS]
            told = [
                f"**{value:.3f}**" if value == max(values) else f"{value:.3f}" for value in values
            ]
            lines.append(f"| {name.replace('_', ' ')}, {dataset} | " + " | ".join(told) + " |")
    return "\n".join(lines)


def answers_table(result: Mapping[str, float]) -> str:
    """What answers and probabilities are worth, a row for each data set and rate."""
    lines = [
        "| | found with learning | found without | probabilities over errors |",
        "|---|---:|---:|---:|",
    ]
    for dataset in SOURCES:
        for rate in (5, 20):
            names = ("errors_learning", "errors_without", "expected")
            learning, without, expected = (
                result[f"{dataset}.answers.{name}_{rate}"] for name in names
            )
            row = f"| {dataset}, {rate} % | {learning:.0f} | {without:.0f} | {expected:.2f} |"
            lines.append(row)
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", type=Path)
    lines = parser.parse_args().log.read_text(encoding="utf-8").splitlines()
    (told,) = [line for line in lines if line.startswith("RESULT ")]
    result = json.loads(told.removeprefix("RESULT "))
    for figure in ("ap", "auroc", "p100"):
        print(table(result, figure), end="\n\n")
    print(answers_table(result))


if __name__ == "__main__":
    main()
