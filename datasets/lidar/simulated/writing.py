"""Generated sweeps as a dataset in nuScenes' layout."""

import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from prelabel.datasets.annotations import IMPORTED, new_box_ids
from prelabel.datasets.frames import Split
from prelabel.datasets.lidar.cameras import CameraPicture
from prelabel.datasets.lidar.cuboids import CuboidLabels
from prelabel.datasets.lidar.nuscenes_writer import write_nuscenes
from prelabel.datasets.lidar.simulated.options import SWEEP_CLASSES, SweepOptions
from prelabel.datasets.lidar.simulated.sensors import (
    Measured,
    make_cameras,
    measure_sweep,
    take_picture,
)
from prelabel.datasets.lidar.simulated.streets import Street, class_ids, sample_street
from prelabel.datasets.lidar.sweeps import Sweep
from prelabel.datasets.progress import Progress

_SPLITS = (Split.TRAIN, Split.VAL, Split.TEST)


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """Which sweep to measure: turn `index` of the scene `number` of a split."""

    split: Split
    number: int
    index: int

    @property
    def sequence(self) -> str:
        return f"{self.split}-{self.number:04d}"


def write_sweeps(folder: Path, options: SweepOptions, progress: Progress) -> int:
    """Generate a dataset into a new folder, which appears when it is complete; how many sweeps."""
    with tempfile.TemporaryDirectory() as pictures:
        sweeps = generated_sweeps(options, Path(pictures) if options.with_cameras else None)
        return write_nuscenes(folder, SWEEP_CLASSES, sweeps, progress)


def generated_sweeps(options: SweepOptions, pictures: Path | None = None) -> Iterator[Sweep]:
    """Every sweep in order, with labels, poses and, where a folder for them is given, pictures."""
    for split in _SPLITS:
        count = {Split.TRAIN: options.train, Split.VAL: options.val, Split.TEST: options.test}
        for number in range(count[split]):
            seed = [options.seed, _SPLITS.index(split), number]
            street = sample_street(options.crowd, np.random.default_rng(seed))
            tracks = new_box_ids(len(street.movers), np.random.default_rng([*seed, 1]))
            for index in range(options.sweeps):
                plan = SweepPlan(split, number, index)
                yield _sweep(plan, street, tracks, options, pictures)


def _sweep(
    plan: SweepPlan,
    street: Street,
    tracks: tuple[str, ...],
    options: SweepOptions,
    pictures: Path | None,
) -> Sweep:
    seconds = plan.index * options.interval_s
    seed = [options.seed, _SPLITS.index(plan.split), plan.number, 2, plan.index]
    rng = np.random.default_rng(seed)
    scene, pose = (street.bodies_at(seconds), street.ground), street.lidar_pose(seconds)
    measured = measure_sweep(scene, pose, options, rng)
    name = f"{plan.sequence}-{plan.index:03d}"
    cameras = []
    for camera in () if pictures is None else make_cameras(options.camera_px):
        path = pictures / f"{name}-{camera.name}.jpg" if pictures else Path()
        cv2.imwrite(str(path), take_picture(scene, pose, camera, rng))
        cameras.append(CameraPicture(camera, path))
    return Sweep(
        name,
        lambda: measured.cloud,
        tuple(cameras),
        labels_of(street, seconds, measured, tracks, options.least_points),
        pose,
        seconds,
        plan.sequence,
        plan.index,
        plan.split,
    )


def labels_of(
    street: Street, seconds: float, measured: Measured, tracks: tuple[str, ...], least_points: int
) -> CuboidLabels:
    """The objects that enough points lie on, in the lidar's frame.

    An object has one track through its scene, and an id of its own in each sweep.
    """
    count = np.bincount(measured.owner[measured.owner >= 0], minlength=len(street.movers))
    rows = np.flatnonzero(count >= least_points)
    if not len(rows):
        return CuboidLabels.empty()
    pose = street.lidar_pose(seconds)
    cuboids = street.cuboids_at(seconds).take(rows).moved(pose.inverse())
    ids = [str(uuid.uuid5(uuid.UUID(tracks[row]), f"{seconds:.6f}")) for row in rows]
    kinds = np.array(class_ids(street))[rows]
    return CuboidLabels(cuboids, kinds, ids, [IMPORTED] * len(rows), [tracks[row] for row in rows])
