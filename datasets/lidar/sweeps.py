"""Sweeps: the points of one turn of a lidar with what belongs to them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.frames import Split
from prelabel.datasets.lidar.cameras import CameraPicture
from prelabel.datasets.lidar.coordinates import LIDAR, WORLD, Transform, check_same_frame
from prelabel.datasets.lidar.cuboids import CuboidLabels
from prelabel.datasets.lidar.points import PointCloud


@dataclass(frozen=True, slots=True)
class Sweep:
    """One turn of a lidar; its points are read when `load` is called.

    `name` is unique in its dataset. `pose` leads from the lidar's frame to the world's, where ego
    motion is known. `labels` are in the lidar's frame, None where nobody has labelled the sweep.
    `sequence` and `index` place it in a recording, and come together.
    """

    name: str
    load: Callable[[], PointCloud]
    cameras: tuple[CameraPicture, ...] = ()
    labels: CuboidLabels | None = None
    pose: Transform | None = None
    time_s: float | None = None
    sequence: str | None = None
    index: int | None = None
    split: Split = Split.TRAIN

    def __post_init__(self) -> None:
        if (self.sequence is None) != (self.index is None):
            raise InvalidValueError(
                f"sequence and index come together, but are {self.sequence!r} and {self.index!r}"
            )
        if self.pose is not None:
            check_same_frame(f"the pose of {self.name}", self.pose.source, LIDAR)
            check_same_frame(f"the pose of {self.name}", self.pose.target, WORLD)


@dataclass(frozen=True, slots=True)
class SweepSet:
    """A dataset of sweeps; `sweeps` is walked through once, and reads labels on the way."""

    format: str
    classes: tuple[str, ...]
    sweeps: Iterable[Sweep]
    notes: list[str] = field(default_factory=list)


def accumulated(sweep: Sweep, earlier: Sequence[Sweep]) -> PointCloud:
    """The points of a sweep and of earlier ones, brought to where the lidar stood at `sweep`.

    What moved in between leaves a trail; `age_s` tells old points from new. Raises
    InvalidValueError where a pose or a time is not known.
    """
    own = sweep.load()
    if not earlier:
        return PointCloud(own.xyz_m, own.intensity, np.zeros(len(own)), own.frame, own.origin_m)
    clouds, ages = [own], [np.zeros(len(own), np.float32)]
    for other in earlier:
        cloud = other.load().moved(motion_between(other, sweep))
        clouds.append(cloud)
        ages.append(np.full(len(cloud), seconds_between(other, sweep), np.float32))
    intensity = None
    if all(cloud.intensity is not None for cloud in clouds):
        intensity = np.concatenate([cloud.intensity for cloud in clouds])
    positions = np.concatenate([cloud.positions() for cloud in clouds])
    return PointCloud(positions, intensity, np.concatenate(ages), own.frame)


def motion_between(earlier: Sweep, later: Sweep) -> Transform:
    """From the lidar's frame at one sweep to its frame at another, by their poses."""
    if earlier.pose is None or later.pose is None:
        missing = earlier.name if earlier.pose is None else later.name
        raise InvalidValueError(f"sweep {missing} has no pose: its motion is not known")
    return earlier.pose.then(later.pose.inverse())


def seconds_between(earlier: Sweep, later: Sweep) -> float:
    """By how much one sweep is older than another."""
    if earlier.time_s is None or later.time_s is None:
        missing = earlier.name if earlier.time_s is None else later.name
        raise InvalidValueError(f"sweep {missing} has no time: its age is not known")
    return later.time_s - earlier.time_s
