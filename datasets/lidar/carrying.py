"""Cuboids carried from key frames, which a person corrected, to the frames between."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from prelabel.datasets.arrays import Bools, Float64s, Int64s
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.lidar.coordinates import WORLD, Transform, wrapped
from prelabel.datasets.lidar.cuboids import CuboidLabels, Cuboids
from prelabel.datasets.recordings.lifetimes import lifetime
from prelabel.datasets.recordings.smoothing import MotionNoise, Smoothed, smoothed

# Metres: road users speed up and brake by a few metres a second in a second.
PLACE_NOISE = MotionNoise(acceleration=1.5, measured=0.05, rate=6.0)
TURN_NOISE = MotionNoise(acceleration=0.3, measured=0.02, rate=0.3)


@dataclass(frozen=True, slots=True, eq=False)
class CarriedCuboids:
    """The cuboids of one frame of a recording, in that frame's lidar coordinates.

    `track` names each; `class_id` (n,); `spread_m` (n,) is the standard deviation of the middle
    over the ground, `spread_yaw` (n,) that of the heading; both are those of the measurement in a
    key frame and grow away from it.
    """

    cuboids: Cuboids
    class_id: Int64s
    track: tuple[str, ...]
    spread_m: Float64s
    spread_yaw: Float64s

    def __len__(self) -> int:
        return len(self.cuboids)


def carry_cuboids(
    times_s: Float64s,
    poses: Sequence[Transform],
    keys: Mapping[int, CuboidLabels],
    *,
    followed: Mapping[int, Sequence[str]] | None = None,
    place_noise: MotionNoise = PLACE_NOISE,
    turn_noise: MotionNoise = TURN_NOISE,
) -> list[CarriedCuboids]:
    """Every frame's cuboids from those of the key frames, whose labels are in lidar coordinates.

    Motion is smoothed in the frame of the world, so that of the vehicle does no harm. Between two
    key frames that show a track it is carried through; past the last one, or before the first, for
    a while (see `lifetime`), in which a detector helps: `followed` are, by frame, the tracks that
    it saw there. Its cuboids are looked at for that only, since the way between two key frames is
    known better than a detector tells places. In a key frame a track is as the person left it.
    Raises InvalidValueError where the labels of a key frame have no tracks.
    """
    tracks = _tracks(poses, keys)
    sights = _sights(followed or {}, keys)
    rows: list[list[_Row]] = [[] for _ in times_s]
    for name, seen in tracks.items():
        frames = lifetime(
            seen, sights.get(name, ()), keys, times_s, is_watched=followed is not None
        )
        known = np.isin(frames, list(seen))
        place, turn = _smoothed_track(times_s[frames], frames, known, seen, place_noise, turn_noise)
        for at, frame in enumerate(frames.tolist()):
            if frame in keys and frame not in seen:
                continue  # a person looked, and it was not there
            near = seen[min(seen, key=lambda key: abs(key - frame))]
            # In a key frame the person's word stands, not what smoothing makes of it.
            middle = near.centre_m if frame in seen else place.value[at]
            yaw = near.yaw if frame in seen else float(turn.value[at, 0])
            spread = float(place.spread[at, 0]), float(turn.spread[at, 0])
            rows[frame].append(_Row(middle, near.size_m, yaw, near.class_id, name, *spread))
    return [_carried(one, pose) for one, pose in zip(rows, poses, strict=True)]


@dataclass(frozen=True, slots=True)
class _Seen:
    """A track in one key frame, in the frame of the world."""

    centre_m: Float64s
    size_m: Float64s
    yaw: float
    class_id: int


@dataclass(frozen=True, slots=True)
class _Row:
    """A track in one frame, in the frame of the world."""

    centre_m: Float64s
    size_m: Float64s
    yaw: float
    class_id: int
    track: str
    spread_m: float
    spread_yaw: float


def _tracks(
    poses: Sequence[Transform], keys: Mapping[int, CuboidLabels]
) -> dict[str, dict[int, _Seen]]:
    tracks: dict[str, dict[int, _Seen]] = {}
    for key, labels in keys.items():
        if labels.track is None and len(labels):
            raise InvalidValueError(
                f"the labels of key frame {key} have no tracks: nothing tells which objects of two "
                "frames are one"
            )
        world = labels.cuboids.moved(poses[key])
        for row, name in enumerate(labels.track or ()):
            tracks.setdefault(name, {})[key] = _Seen(
                world.centre_m[row],
                world.size_m[row],
                float(world.yaw[row]),
                int(labels.class_id[row]),
            )
    return tracks


def _sights(
    followed: Mapping[int, Sequence[str]], keys: Mapping[int, CuboidLabels]
) -> dict[str, list[int]]:
    """The frames in which a detector saw each track; in key frames a person says what is there."""
    sights: dict[str, list[int]] = {}
    for frame, names in followed.items():
        for name in names if frame not in keys else ():
            sights.setdefault(name, []).append(frame)
    return sights


def _smoothed_track(
    times_s: Float64s,
    frames: Int64s,
    known: Bools,
    seen: Mapping[int, _Seen],
    place_noise: MotionNoise,
    turn_noise: MotionNoise,
) -> tuple[Smoothed, Smoothed]:
    places = np.array([seen[key].centre_m for key in sorted(seen)])
    turns = np.unwrap([seen[key].yaw for key in sorted(seen)])
    measured = np.zeros((len(frames), 4))
    measured[known] = np.column_stack([places, turns])
    return (
        smoothed(times_s, measured[:, :3], known, place_noise),
        smoothed(times_s, measured[:, 3:], known, turn_noise),
    )


def _carried(rows: Sequence[_Row], pose: Transform) -> CarriedCuboids:
    world = Cuboids(
        np.array([row.centre_m for row in rows]).reshape(-1, 3),
        np.array([row.size_m for row in rows]).reshape(-1, 3),
        wrapped(np.array([row.yaw for row in rows])),
        WORLD,
    )
    return CarriedCuboids(
        world.moved(pose.inverse()),
        np.array([row.class_id for row in rows], np.int64),
        tuple(row.track for row in rows),
        np.array([row.spread_m for row in rows]),
        np.array([row.spread_yaw for row in rows]),
    )
