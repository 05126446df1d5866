"""How few frames of a recording a person must correct, and how good the carried boxes are.

Generated recordings (cuboids, a driving vehicle) and, where the data sets are given, 40 frames of
real film with one car. Key frames are asked for where carrying is expected to fail; what foretells
that are proposals: true boxes, moved by chance, and some left out, since no detector that fits
both is at hand. Beside it as many key frames at even distances. Errors are those of frames that no
person looks at.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from machine import describe_machine

from prelabel.datasets.arrays import Float64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.geometry import boxes_iou
from prelabel.datasets.lidar.carrying import CarriedCuboids, carry_boxes, carry_cuboids
from prelabel.datasets.lidar.cuboids import CuboidLabels, Cuboids, footprint_iou
from prelabel.datasets.lidar.key_frames import (
    box_disagreement,
    choose_key_frames,
    cuboid_disagreement,
)
from prelabel.datasets.lidar.simulated.options import SweepOptions
from prelabel.datasets.lidar.simulated.writing import generated_sweeps
from prelabel.datasets.lidar.sweeps import Sweep

Foretell = Callable[[Sequence[int]], Float64s]


def proposed(labels: CuboidLabels, rng: np.random.Generator) -> Cuboids:
    """Cuboids as a fair detector gives them: 20 cm and 3 degrees off, one of twenty missing."""
    kept = labels.cuboids.take(rng.random(len(labels)) >= 0.05)
    off = rng.normal(0, 0.2, kept.centre_m.shape)
    return Cuboids(kept.centre_m + off, kept.size_m, kept.yaw + rng.normal(0, 0.05, len(kept)))


def apart(cuboids: Cuboids, made: Cuboids) -> float:
    """Disagreement with proposals, for each of them."""
    return cuboid_disagreement(cuboids, made, np.ones(len(made))) / max(1, len(made))


def recording(scene: list[Sweep], seed: int) -> dict[str, list[float]]:
    """Share of key frames, then IoU and metres of carried cuboids: chosen, and evenly spaced."""
    rng = np.random.default_rng(seed)
    times = np.array([sweep.time_s for sweep in scene])
    poses = [sweep.pose for sweep in scene if sweep.pose is not None]
    labels = [sweep.labels or CuboidLabels.empty() for sweep in scene]
    proposals = [proposed(one, rng) for one in labels]

    def carried(keys: Sequence[int]) -> list[CarriedCuboids]:
        return carry_cuboids(times, poses, {key: labels[key] for key in keys})

    def failure(keys: Sequence[int]) -> Float64s:
        pairs = zip(carried(keys), proposals, strict=True)
        return np.array([apart(one.cuboids, made) for one, made in pairs])

    # What proposals are off by themselves shows in the frames that a person corrects anyway.
    usual = np.mean([apart(labels[at].cuboids, proposals[at]) for at in (0, -1)])
    chosen = choose_key_frames(len(scene), failure, tolerated=float(usual) + 0.2)
    even = np.unique(np.linspace(0, len(scene) - 1, len(chosen.frames)).round().astype(int))
    result: dict[str, list[float]] = {"share": [len(chosen.frames) / len(scene)]}
    for name, keys in (("chosen", chosen.frames), ("even", tuple(even.tolist()))):
        overlap, metres, missed = quality(carried(keys), labels, keys)
        result |= {f"{name}_iou": overlap, f"{name}_m": metres, f"{name}_missed": missed}
    return result


def quality(
    carried: list[CarriedCuboids], labels: list[CuboidLabels], keys: Sequence[int]
) -> tuple[list[float], list[float], list[float]]:
    """IoU from above and distance of each carried cuboid, and for each true one if it is missed."""
    overlap, metres, missed = list[float](), list[float](), list[float]()
    for frame in set(range(len(labels))) - set(keys):
        truth, found = labels[frame], carried[frame]
        tracks = {track: row for row, track in enumerate(found.track)}
        for row, track in enumerate(truth.track or ()):
            missed.append(float(track not in tracks))
            if track in tracks:
                at = [tracks[track]]
                pair = truth.cuboids.take([row]), found.cuboids.take(at)
                overlap.append(float(footprint_iou(*pair)[0, 0]))
                off = pair[0].centre_m - pair[1].centre_m
                metres.append(float(np.hypot(*off[0, :2])))
    return overlap, metres, missed


def film(folder: Path) -> dict[str, float]:
    """The same for the car of a real film, its proposals 4 pixels off."""
    rows = np.loadtxt(folder / "davis_car_shadow" / "gt.txt", delimiter=",")
    truth = [Boxes([[left, top, left + w, top + h]]) for left, top, w, h in rows[:, 2:6]]
    rng = np.random.default_rng(0)
    noisy = [Boxes(one.xyxy + rng.normal(0, 4, (1, 4))) for one in truth]
    times = np.arange(len(truth)) / 24

    def carried(keys: Sequence[int]) -> list[Boxes]:
        return [one.boxes for one in carry_boxes(times, {k: (truth[k], ["car"]) for k in keys})]

    def failure(keys: Sequence[int]) -> Float64s:
        pairs = zip(carried(keys), noisy, strict=True)
        return np.array([box_disagreement(box, p, np.ones(1)) for box, p in pairs])

    chosen = choose_key_frames(len(truth), failure, tolerated=0.15)
    found = carried(chosen.frames)
    left = [at for at in range(len(truth)) if at not in chosen.frames]
    overlap = [float(boxes_iou(found[at], truth[at])[0, 0]) for at in left]
    return {
        "film_share": round(len(chosen.frames) / len(truth), 3),
        "film_iou_mean": round(float(np.mean(overlap)), 3),
        "film_iou_least": round(min(overlap), 3),
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, help="the folder of the data sets")
    arguments.add_argument("--scenes", type=int, default=6)
    given = arguments.parse_args()
    options = SweepOptions(
        3, given.scenes, 0, 0, 51, beams=24, columns=450, with_cameras=False, least_points=2
    )
    scenes: dict[str, list[Sweep]] = {}
    for sweep in generated_sweeps(options):
        scenes.setdefault(sweep.sequence or "", []).append(sweep)
    runs = [recording(scene, seed) for seed, scene in enumerate(scenes.values())]
    whole = {name: np.concatenate([run[name] for run in runs]) for name in runs[0]}
    print(describe_machine())
    result = {
        "recordings": len(runs),
        "share_of_frames_corrected": round(float(whole["share"].mean()), 3),
        **{
            f"{name}_{what}": round(float(value), 3)
            for name in ("chosen", "even")
            for what, value in (
                ("iou_median", np.median(whole[f"{name}_iou"])),
                ("m_median", np.median(whole[f"{name}_m"])),
                ("m_95", np.quantile(whole[f"{name}_m"], 0.95)),
                ("missed", whole[f"{name}_missed"].mean()),
            )
        },
        **(film(given.data) if given.data else {}),
    }
    print("RESULT", json.dumps(result))


if __name__ == "__main__":
    main()
