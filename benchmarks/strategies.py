"""Strategies against random picks on generated scenes, playing cards and an aquarium.

Every simulation goes on where it was stopped; its tables, selections and report stay in the work
folder. `--quick` is one seed and one round of three arms: it shows that everything runs, and says
nothing of which strategy is better.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import yaml
from machine import describe_machine
from strategy_costs import cost_of_round
from strategy_figures import BASELINE, figures_of, rare_classes
from strategy_tables import (
    advice_table,
    beside_usual_table,
    costs_table,
    gains_table,
    result_of,
    rounds_table,
    verdicts,
)

from prelabel.active.advice_record import AdviceRecord, advice_in_arm, mean_gains
from prelabel.active.loop import KnownDetectors, Setting, Step
from prelabel.active.roles import Roles
from prelabel.active.rounds import RoundRecord
from prelabel.active.simulation import TEST_SEED
from prelabel.active.stopping import Worth
from prelabel.active.summary import Summary
from prelabel.cli.session import bars
from prelabel.simulating import prepare, simulate_from_file

GENERATED = "scenes"  # drawn by what lies beside its configuration, not read from --data
DATASETS = (GENERATED, "playing_cards", "aquarium")
CONFIGS = Path(__file__).resolve().parents[1] / "configs" / "strategies"
POINTS_AN_HOUR = (30.0, 100.0, 300.0)  # mAP50 points that somebody may want for an hour
QUICK_ARMS, QUICK_STEPS = 3, 120


def main() -> None:
    given = _arguments()
    work = given.work / "quick" if given.quick else given.work
    result: dict[str, float | str | None] = {}
    begun = time.perf_counter()
    for dataset in given.only or DATASETS:
        configuration = CONFIGS / f"{dataset}.yaml"
        if given.quick:
            configuration = _quick(configuration, work)
        data = None if dataset == GENERATED else given.data
        summary = simulate_from_file(configuration, work / dataset, data, bars()).summary
        result |= _tell(dataset, summary, configuration, work / dataset, data)
    print(f"\n{(time.perf_counter() - begun) / 60:.0f} min in this call")
    print(describe_machine())
    print("RESULT", json.dumps(result))


def _arguments() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--work", type=Path, required=True)
    arguments.add_argument("--only", choices=DATASETS, action="append")
    arguments.add_argument("--quick", action="store_true")
    return arguments.parse_args()


def _quick(configuration: Path, folder: Path) -> Path:
    """The configuration with one seed, one round, few steps, and its first and last strategies."""
    told = yaml.safe_load(configuration.read_text(encoding="utf-8"))
    told["strategies"] = [*told["strategies"][: QUICK_ARMS - 1], told["strategies"][-1]]
    told |= {"seeds": told["seeds"][:1], "rounds": 1, "full_data": False}
    told["training"]["steps"] = told["training"]["validate_every_steps"] = QUICK_STEPS
    if told.get("format") == "scenes":
        told["source"] = str((configuration.parent / told["source"]).resolve())
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / configuration.name
    made.write_text(yaml.safe_dump(told, sort_keys=False), encoding="utf-8")
    return made


def _tell(
    dataset: str, summary: Summary, configuration: Path, folder: Path, data: Path | None
) -> dict[str, float | str | None]:
    """Print the tables of a dataset; its part of the RESULT line."""
    ready = prepare(configuration, folder, data)
    roles = Roles.of(ready.classes, ready.frames, ready.config.test_share, TEST_SEED)
    setting = Setting(ready.config, roles, folder.resolve(), KnownDetectors())
    rare = rare_classes(roles)
    found = [figures_of(summary, name, rare) for name in summary.strategies if name != BASELINE]
    records = {wanted: _advice(setting, Worth(wanted)) for wanted in POINTS_AN_HOUR}
    costs = {
        name: cost_of_round(configuration, folder, data, name, 1) for name in summary.strategies
    }
    full = summary.full_data_map50
    print(
        f"\n## {dataset}\n\n{len(roles.pool)} frames to choose from, {len(roles.test)} to test on, "
        f"{len(summary.seeds)} seeds; rare classes: {', '.join(rare)}"
        + ("." if full is None else f"; the whole pool gives mAP50 {full:.3f}.")
    )
    for part in (
        gains_table(found),
        verdicts(found),
        beside_usual_table(summary),
        rounds_table(summary),
        costs_table(costs),
        advice_table(records),
    ):
        print(f"\n{part}")
    return result_of(dataset, found, records)


def _advice(setting: Setting, worth: Worth) -> AdviceRecord:
    """How often advice after each round of each arm was right, by the mean gain over seeds."""
    frames = setting.roles.frames()
    given = [
        told
        for strategy in setting.config.strategies
        for seed in setting.config.seeds
        for told in advice_in_arm(
            _rounds(setting, strategy, seed), frames, setting.roles.classes, worth, seed
        )
    ]
    return AdviceRecord.of(mean_gains(given), worth)


def _rounds(setting: Setting, strategy: str, seed: int) -> Sequence[RoundRecord]:
    lineage = Step(strategy, seed, setting.config.rounds).lineage()
    return [record for step in lineage if (record := setting.finished(step)) is not None]


if __name__ == "__main__":
    main()
