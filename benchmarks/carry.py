"""How few frames of a recording a person must correct, and how good what is carried is.

Generated recordings of a lidar (a driving vehicle, five seconds each) with proposals made of the
true cuboids, moved by chance and some left out; and, where the data sets are given, 40 pictures of
real film with one car and the proposals of a real net. With the same number of key frames: those
asked for one by one where carrying is expected to fail, those asked for all at once, and evenly
spaced ones. Figures are those of the frames that no person looks at.
"""

import argparse
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from machine import describe_machine
from scipy.optimize import linear_sum_assignment

from prelabel.datasets.boxes import Boxes
from prelabel.datasets.geometry import boxes_iou
from prelabel.datasets.lidar.cuboids import CuboidLabels, Cuboids, footprint_iou
from prelabel.datasets.lidar.proposals import CuboidProposals
from prelabel.datasets.lidar.simulated.options import SweepOptions
from prelabel.datasets.lidar.simulated.writing import generated_sweeps
from prelabel.datasets.lidar.sweep_recordings import SweepRecording
from prelabel.datasets.lidar.sweeps import Sweep
from prelabel.datasets.progress import Silent
from prelabel.datasets.recordings.films import Film, KeyFrame, Proposed
from prelabel.datasets.recordings.key_frames import (
    Carriable,
    ask_for_key_frames,
    choose_key_frames,
)
from prelabel.datasets.recordings.linking import Follow
from prelabel.datasets.recordings.reading import write_film_frames
from prelabel.models.detector import PredictOptions
from prelabel.models.registry import build_detector
from prelabel.models.ultralytics.following import follow_boxes

REPOSITORY = Path(__file__).resolve().parents[1]
PICTURES_A_SECOND = 24.0
SAME_OBJECT = 0.1  # overlap from which a carried cuboid is the true one

Figures = dict[str, float]
Labelled = Callable[[Sequence[int]], Carriable]


def key_frames(count: int, many: int, labelled: Labelled) -> dict[str, tuple[int, ...]]:
    """The ways to choose, each with as many frames; `labelled` gives the recording with them."""
    even = np.unique(np.linspace(0, count - 1, many).round().astype(int))
    ends = (0, count - 1)
    one_by_one = choose_key_frames(
        count, lambda keys: labelled(keys).foretold(), tolerated=0, most=many
    )
    at_once = ends + ask_for_key_frames(labelled(ends), many - len(ends)).frames
    return {"even": tuple(even.tolist()), "asked": one_by_one.frames, "asked_at_once": at_once}


def proposed(labels: CuboidLabels, rng: np.random.Generator) -> CuboidProposals:
    """Cuboids as a fair detector gives them: 20 cm and 3 degrees off, one of twenty missing."""
    kept = labels.take(np.flatnonzero(rng.random(len(labels)) >= 0.05))
    centre = kept.cuboids.centre_m + rng.normal(0, 0.2, kept.cuboids.centre_m.shape)
    yaw = kept.cuboids.yaw + rng.normal(0, 0.05, len(kept))
    cuboids = Cuboids(centre, kept.cuboids.size_m, yaw)
    return CuboidProposals(cuboids, np.full(len(kept), 0.9, np.float32), kept.class_id)


def recording(
    scene: list[Sweep], seed: int, sizes: Sequence[int], follow: Follow
) -> dict[str, list[Figures]]:
    """Figures of one generated recording by number of key frames and way to choose."""
    rng = np.random.default_rng(seed)
    times = np.array([sweep.time_s for sweep in scene])
    poses = [sweep.pose for sweep in scene if sweep.pose is not None]
    labels = [sweep.labels or CuboidLabels.empty() for sweep in scene]
    proposals = {at: proposed(one, rng) for at, one in enumerate(labels)}

    def labelled(keys: Sequence[int], *, watched: bool = True) -> SweepRecording:
        own = {key: labels[key] for key in keys}
        return SweepRecording(times, poses, own, proposals if watched else {}, follow)

    found = {}
    for many in sizes:
        ways = key_frames(len(scene), many, labelled)
        for name, keys in ways.items():
            found[f"{many}_{name}"] = [quality(labelled(keys), labels)]
        unwatched = labelled(ways["even"], watched=False)
        found[f"{many}_even_without_detector"] = [quality(unwatched, labels)]
    return found


def quality(carried: SweepRecording, truth: list[CuboidLabels]) -> Figures:
    """Sums over the frames that nobody looked at: IoU from above, metres, wrong presence."""
    sums = dict.fromkeys(("objects", "found", "iou", "metres", "missed", "false"), 0.0)
    for at in set(range(len(truth))) - set(carried.keys):
        true, found = truth[at].cuboids, carried.carried[at].cuboids
        overlap = footprint_iou(true, found)
        rows, columns = linear_sum_assignment(-overlap) if overlap.size else ((), ())
        pairs = [(r, c) for r, c in zip(rows, columns, strict=True) if overlap[r, c] >= SAME_OBJECT]
        off = [true.centre_m[r, :2] - found.centre_m[c, :2] for r, c in pairs]
        sums["objects"] += len(true)
        sums["found"] += len(pairs)
        sums["iou"] += sum(float(overlap[pair]) for pair in pairs)
        sums["metres"] += sum(float(np.hypot(*one)) for one in off)
        sums["missed"] += len(true) - len(pairs)
        sums["false"] += len(found) - len(pairs)
    return sums


def summed(runs: Sequence[Figures]) -> Figures:
    """Means over all recordings."""
    total = {name: sum(run[name] for run in runs) for name in runs[0]}
    return {
        "iou": round(total["iou"] / total["found"], 3),
        "metres": round(total["metres"] / total["found"], 3),
        "missed": round(total["missed"] / total["objects"], 3),
        "false": round(total["false"] / total["objects"], 3),
    }


def film(data: Path, work: Path, sizes: Sequence[int], follow: Follow) -> dict[str, Figures]:
    """Figures of the real film: IoU of the car in the frames that nobody looked at."""
    folder = data / "davis_car_shadow"
    rows = np.loadtxt(folder / "gt.txt", delimiter=",")
    truth = [Boxes([[left, top, left + w, top + h]]) for left, top, w, h in rows[:, 2:6]]
    seen = net_proposals(data, folder / "images", work)
    times = np.arange(len(truth)) / PICTURES_A_SECOND

    def labelled(keys: Sequence[int], *, watched: bool = True) -> Film:
        own = {key: KeyFrame(truth[key], np.zeros(1, np.int64), [None]) for key in keys}
        return Film(times, own, seen if watched else {}, follow)

    found = {}
    for many in sizes:
        ways = key_frames(len(truth), many, labelled)
        for name, keys in ways.items():
            found[f"{many}_{name}"] = film_quality(labelled(keys), truth)
        unwatched = labelled(ways["even"], watched=False)
        found[f"{many}_even_without_detector"] = film_quality(unwatched, truth)
    return found


def net_proposals(data: Path, pictures: Path, work: Path) -> Mapping[int, Proposed]:
    """What FastestDet sees of cars, at scores from 0.1."""
    nets = work / "nets"
    nets.mkdir()
    for name in ("FastestDet.onnx", "coco.names"):
        shutil.copy(data / "weights" / "fastestdet" / name, nets)
    named = Path(shutil.copy(REPOSITORY / "configs" / "fastestdet.yaml", nets))
    detector = build_detector(f"onnx:{named}", ("car",), work / "state")
    frames = write_film_frames(work / "frames", pictures, 1, Silent())
    placed = [work / "frames" / "pictures" / Path(frame.uri).name for frame in frames]
    there = [replace(f, uri=str(path)) for f, path in zip(frames, placed, strict=True)]
    found = detector.predict(there, PredictOptions(score_min=0.1, nms_iou=0.45))
    return {at: Proposed(one.boxes, one.score, one.class_id) for at, one in enumerate(found)}


def film_quality(carried: Film, truth: list[Boxes]) -> Figures:
    left = [at for at in range(len(truth)) if at not in carried.keys]
    overlap = []
    for at in left:
        found = boxes_iou(truth[at], carried.carried[at].boxes)
        overlap.append(float(found.max()) if found.size else 0.0)
    return {
        "share_corrected": round(1 - len(left) / len(truth), 3),
        "iou": round(float(np.mean(overlap)), 3),
        "least_iou": round(min(overlap), 3),
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, help="the folder of the data sets")
    arguments.add_argument("--seeds", type=int, nargs="+", default=[100, 101])
    arguments.add_argument("--scenes", type=int, default=4, help="recordings a seed")
    arguments.add_argument("--keys", type=int, nargs="+", default=[4, 6, 8])
    given = arguments.parse_args()
    runs: dict[str, list[Figures]] = {}
    result: dict[str, object] = {"recordings": len(given.seeds) * given.scenes}
    with tempfile.TemporaryDirectory() as folder:
        follow = partial(follow_boxes, state_folder=Path(folder) / "state")
        for seed in given.seeds:
            options = SweepOptions(
                seed, given.scenes, 0, 0, 51, beams=24, columns=450, with_cameras=False,
                least_points=2,
            )  # fmt: skip
            scenes: dict[str, list[Sweep]] = {}
            for sweep in generated_sweeps(options):
                scenes.setdefault(sweep.sequence or "", []).append(sweep)
            for number, scene in enumerate(scenes.values()):
                for name, one in recording(scene, 10 * seed + number, given.keys, follow).items():
                    runs.setdefault(name, []).extend(one)
        result["lidar"] = {name: summed(own) for name, own in runs.items()}
        if given.data:
            result["film"] = film(given.data, Path(folder), given.keys, follow)
    print(describe_machine())
    print("RESULT", json.dumps(result))


if __name__ == "__main__":
    main()
