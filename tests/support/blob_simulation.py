"""Simulations on scenes of blobs; as a script, one that is killed again and again.

    python blob_simulation.py SCENES FOLDER WORKERS KILLS

starts the simulation in a child, kills it at a random moment, starts it again, and lets it end
after KILLS kills. The children are forked from one process, so that only it has modules to load.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from blob_detector import CLASSES, NAME, BlobDetectors, blob_scenes

from prelabel.active.annotator import ErrorRates
from prelabel.active.loop import Step
from prelabel.active.rounds import RoundRecord
from prelabel.active.simulation import Surroundings, simulate
from prelabel.active.simulation_config import SimulationConfig, TrainingConfig
from prelabel.active.summary import Summary
from prelabel.datasets.frames import LabelledFrame

SCENES = 48  # 12 of them for testing
STRATEGIES = ("random", "entropy_sum", "kcenter")


class Recorded:
    """Keeps rounds in memory."""

    def __init__(self) -> None:
        self.rounds: list[RoundRecord] = []

    def record(self, finished: RoundRecord) -> None:
        self.rounds.append(finished)

    def steps(self) -> list[Step]:
        return [Step(one.strategy, one.seed, one.number) for one in self.rounds]


def config_of(**changes: object) -> SimulationConfig:
    """Three strategies, two seeds, two rounds, an annotator who errs."""
    usual: dict[str, Any] = {
        "name": "blobs",
        "source": Path("/data/blobs"),
        "detector": NAME,
        "training": TrainingConfig(steps=300),
        "strategies": STRATEGIES,
        "seeds": (0, 1),
        "start_frames": 6,
        "batch_frames": 10,
        "rounds": 2,
        "errors": ErrorRates(0.1, 0.1, 0.02),
    }
    return SimulationConfig(**(usual | changes))


def run(
    config: SimulationConfig,
    scenes: list[LabelledFrame],
    folder: Path,
    recorded: Recorded | None = None,
) -> Summary:
    around = Surroundings(BlobDetectors(), recorder=recorded or Recorded(), command="again")
    return simulate(config, CLASSES, scenes, folder, around)


def without_places_and_times(summary: Summary) -> str:
    """The summary as text, without training times and the folder that the scenes lie in."""
    told = json.loads(summary.without_times().to_json())
    for arm in told["arms"]:
        for one in arm["rounds"]:
            for pick in one["picks"]:
                pick["uri"] = Path(pick["uri"]).name
    return json.dumps(told)


def run_and_kill(scenes: list[LabelledFrame], folder: Path, workers: int, kills: int) -> int:
    """Run to the end in spite of up to `kills` kills; returns how many hit."""
    rng, hits = np.random.default_rng(kills), 0
    while True:
        child = os.fork()
        if child == 0:
            run(config_of(workers=workers), scenes, folder)
            os._exit(0)
        if hits < kills and _kill_in_time(child, folder, rng):
            hits += 1
            continue
        if hits == kills:
            _, status = os.waitpid(child, 0)
            assert status == 0, status
        return hits


def _kill_in_time(child: int, folder: Path, rng: np.random.Generator) -> bool:
    """Kill a child some moments after it finished a round more; False where it ended before."""
    wanted = len(list(folder.rglob("result.json"))) + int(rng.integers(0, 2))
    moments = float(rng.random()) * 0.15
    while len(list(folder.rglob("result.json"))) < wanted or not (folder / "lock").exists():
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(0.002)
    time.sleep(moments)
    if os.waitpid(child, os.WNOHANG)[0]:
        return False
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


if __name__ == "__main__":
    made = blob_scenes(Path(sys.argv[1]), SCENES)
    print(run_and_kill(made, Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
