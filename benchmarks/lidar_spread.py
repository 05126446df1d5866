"""Whether the spread of proposed cuboids is what it says, before and after it is scaled.

Takes the models of a simulation on lidar sweeps (`make bench-lidar`), lifts what they propose on
its test sweeps to cuboids, scales by one half of the sweeps and looks at the other, 50 times.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from machine import describe_machine

from prelabel.active.summary import Summary
from prelabel.datasets.formats.base import ImportReport
from prelabel.datasets.formats.registry import open_dataset
from prelabel.datasets.frames import Split
from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid
from prelabel.datasets.lidar.cuboids import Cuboids
from prelabel.datasets.lidar.derived_frames import read_index
from prelabel.datasets.lidar.ground import find_ground
from prelabel.datasets.lidar.lifting import lift_prediction
from prelabel.datasets.lidar.proposals import CuboidProposals
from prelabel.datasets.lidar.sources import open_sweeps
from prelabel.datasets.lidar.spread_scale import QUANTITIES, SpreadErrors, SpreadScale
from prelabel.models.checkpoints import read_card
from prelabel.models.detector import PredictOptions
from prelabel.models.registry import open_detector

LEVEL, SPLITS, SURE = 0.9, 50, 0.3


def lifted(folder: Path, checkpoint: Path) -> tuple[list[CuboidProposals], list[Cuboids]]:
    """What a model proposes on the test sweeps, and what is there."""
    frames = folder / "frames"
    index = read_index(frames)
    opened = open_dataset(frames / "annotations.json", report=ImportReport())
    tests = [one.frame for one in opened.frames if one.frame.split is Split.TEST]
    detector = open_detector(checkpoint, folder / "state")
    options = PredictOptions(input_px=read_card(checkpoint).input_px, score_min=SURE, nms_iou=0.6)
    found = {one.frame_id: one for one in detector.predict(tests, options)}
    entries = {one.sweep: one for one in index.frames}
    proposals, truths = [], []
    for sweep in open_sweeps(Path(index.source)).sweeps:
        entry = entries[sweep.name]
        if entry.frame_id in found and sweep.labels is not None:
            cloud = sweep.load()
            grid, ground = BirdsEyeGrid.from_settings(entry.grid), find_ground(cloud)
            proposals.append(lift_prediction(found[entry.frame_id], grid, cloud, ground))
            truths.append(sweep.labels.cuboids)
    return proposals, truths


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path, help="of `make bench-lidar`")
    given = arguments.parse_args()
    simulation = given.folder / "simulation"
    summary = Summary.read(simulation / "summary.json")
    arm = next(one for one in summary.arms if one.strategy == "random" and one.seed == 0)
    last = simulation / "rounds" / "random" / "seed-0" / str(arm.rounds[-1].round)
    proposals, truths = lifted(given.folder, last / "training" / "best.pt")
    rng = np.random.default_rng(0)
    after, factors = [], []
    for _ in range(SPLITS):
        order = rng.permutation(len(proposals))
        half = len(order) // 2
        own, other = (
            SpreadErrors.of([proposals[at] for at in part], [truths[at] for at in part])
            for part in (order[:half], order[half:])
        )
        scale = SpreadScale.fitted(own, LEVEL)
        after.append(scale.of_errors(other).coverage(LEVEL))
        factors.append(scale.factors)
    errors = SpreadErrors.of(proposals, truths)
    print(describe_machine())
    result = {
        "sweeps": len(proposals),
        "cuboids": len(errors.off),
        "level": LEVEL,
        "coverage_before": told(errors.coverage(LEVEL)),
        "coverage_after": told(np.mean(after, axis=0)),
        "factors": told(np.mean(factors, axis=0)),
        "error_90": told(np.quantile(np.abs(errors.off), 0.9, axis=0)),
    }
    print("RESULT", json.dumps(result))


def told(values: np.ndarray) -> dict[str, float]:
    return {name: round(float(value), 3) for name, value in zip(QUANTITIES, values, strict=True)}


if __name__ == "__main__":
    main()
