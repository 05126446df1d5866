"""Time and memory that a round of each strategy takes to choose, in a process of its own."""

import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from prelabel.active.loop import KnownDetectors, Setting, Step, replay_batch
from prelabel.active.roles import Roles
from prelabel.active.simulation import TEST_SEED
from prelabel.simulating import prepare


@dataclass(frozen=True, slots=True)
class RoundCost:
    """Seconds and the most memory, in MiB, of choosing one batch, models and pictures included."""

    seconds: float
    peak_mib: float


def cost_of_round(
    configuration: Path, work: Path, data: Path | None, strategy: str, number: int
) -> RoundCost:
    """Choose the batch of a finished round once more and measure it."""
    where = ["-"] if data is None else [str(data)]
    told = subprocess.run(
        [sys.executable, __file__, str(configuration), str(work), *where, strategy, str(number)],
        check=True,
        capture_output=True,
        text=True,
    )
    seconds, peak = told.stdout.split()[-2:]
    return RoundCost(float(seconds), float(peak))


def main() -> None:
    configuration, work, data, strategy, number = sys.argv[1:]
    ready = prepare(Path(configuration), Path(work), None if data == "-" else Path(data))
    roles = Roles.of(ready.classes, ready.frames, ready.config.test_share, TEST_SEED)
    setting = Setting(ready.config, roles, Path(work).resolve(), KnownDetectors())
    begun = time.perf_counter()
    replay_batch(setting, Step(strategy, ready.config.seeds[0], int(number)))
    seconds = time.perf_counter() - begun
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{seconds:.3f} {peak_mib:.0f}")


if __name__ == "__main__":
    main()
