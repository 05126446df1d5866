"""Cuboids and boxes carried from key frames, which a person corrected, to the frames between."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from prelabel.datasets.arrays import Bools, Float64s, Int64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.lidar.coordinates import Transform, wrapped
from prelabel.datasets.lidar.cuboids import CuboidLabels, Cuboids
from prelabel.datasets.lidar.smoothing import MotionNoise, Smoothed, smoothed

# Metres: road users speed up and brake by a few metres a second in a second.
PLACE_NOISE = MotionNoise(acceleration=1.5, measured=0.05, rate=6.0)
TURN_NOISE = MotionNoise(acceleration=0.3, measured=0.02, rate=0.3)
# Shares of the length of a box's diagonal: what films show moves by its own size in a second or so.
BOX_NOISE = MotionNoise(acceleration=0.5, measured=0.01, rate=1.0)
_GONE_S = 1.5  # an object seen in one key frame only is carried so far


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
    place_noise: MotionNoise = PLACE_NOISE,
    turn_noise: MotionNoise = TURN_NOISE,
) -> list[CarriedCuboids]:
    """Every frame's cuboids from those of the key frames, whose labels are in lidar coordinates.

    Motion is smoothed in the frame of the world, so that of the vehicle does no harm. Between two
    key frames that show a track it is carried through; past the last one, or before the first, for
    1.5 seconds or up to the next key frame, whichever is less, since there it is no more. In a key
    frame it is as the person left it. Raises InvalidValueError where the labels of a key frame have
    no tracks.
    """
    tracks = _tracks(poses, keys)
    rows: list[list[tuple[Cuboids, int, str, float, float]]] = [[] for _ in times_s]
    for name, seen in tracks.items():
        frames = _alive(sorted(seen), sorted(keys), times_s)
        known = np.isin(frames, list(seen))
        place, turn = _smoothed_track(times_s[frames], frames, known, seen, place_noise, turn_noise)
        for at, frame in enumerate(frames.tolist()):
            if frame in keys and frame not in seen:
                continue  # a person looked, and it was not there
            near = seen[min(seen, key=lambda key: abs(key - frame))]
            # In a key frame the person's word stands, not what smoothing makes of it.
            middle = near.centre_m if frame in seen else place.value[at]
            yaw = near.yaw if frame in seen else float(turn.value[at, 0])
            world = Cuboids(middle[None], near.size_m, wrapped(np.array([yaw])), near.frame)
            own = world.moved(poses[frame].inverse())
            spread = float(place.spread[at, 0]), float(turn.spread[at, 0])
            rows[frame].append((own, near.class_id, name, *spread))
    return [_carried(one) for one in rows]


@dataclass(frozen=True, slots=True)
class _Seen:
    """A track in one key frame, in the frame of the world."""

    centre_m: Float64s
    size_m: Float64s
    yaw: float
    class_id: int
    frame: str


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
                world.size_m[row : row + 1],
                float(world.yaw[row]),
                int(labels.class_id[row]),
                world.frame,
            )
    return tracks


def _alive(seen: list[int], keys: list[int], times_s: Float64s) -> Int64s:
    """The frames on which a track is carried, ascending."""
    before = max((key for key in keys if key < seen[0]), default=-1)
    after = min((key for key in keys if key > seen[-1]), default=len(times_s))
    frames = np.arange(before + 1, after)
    early = times_s[frames] >= times_s[seen[0]] - _GONE_S
    late = times_s[frames] <= times_s[seen[-1]] + _GONE_S
    return np.asarray(frames[early & late], np.int64)


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


def _carried(rows: list[tuple[Cuboids, int, str, float, float]]) -> CarriedCuboids:
    if not rows:
        return CarriedCuboids(Cuboids.none(), np.zeros(0, np.int64), (), np.zeros(0), np.zeros(0))
    cuboids = Cuboids(
        np.concatenate([row[0].centre_m for row in rows]),
        np.concatenate([row[0].size_m for row in rows]),
        np.concatenate([row[0].yaw for row in rows]),
    )
    return CarriedCuboids(
        cuboids,
        np.array([row[1] for row in rows], np.int64),
        tuple(row[2] for row in rows),
        np.array([row[3] for row in rows]),
        np.array([row[4] for row in rows]),
    )


@dataclass(frozen=True, slots=True, eq=False)
class CarriedBoxes:
    """The boxes of one frame of a film; `spread` (n,) as a share of each box's diagonal."""

    boxes: Boxes
    track: tuple[str, ...]
    spread: Float64s


def carry_boxes(
    times_s: Float64s,
    keys: Mapping[int, tuple[Boxes, Sequence[str]]],
    noise: MotionNoise = BOX_NOISE,
) -> list[CarriedBoxes]:
    """The same for upright boxes of plain video: `keys` are boxes and their tracks by frame.

    Middle and the logarithms of width and height are smoothed, all in units of the mean diagonal.
    """
    rows: list[list[tuple[Float64s, str, float]]] = [[] for _ in times_s]
    tracks: dict[str, dict[int, Float64s]] = {}
    for key, (boxes, names) in keys.items():
        for name, xyxy in zip(names, boxes.xyxy.astype(np.float64), strict=True):
            tracks.setdefault(name, {})[key] = xyxy
    for name, seen in tracks.items():
        frames = _alive(sorted(seen), sorted(keys), times_s)
        known = np.isin(frames, list(seen))
        given = np.array([seen[key] for key in sorted(seen)])
        sides = given[:, 2:] - given[:, :2]
        unit = float(np.hypot(*sides.T).mean())
        measured = np.zeros((len(frames), 4))
        middles = (given[:, :2] + given[:, 2:]) / 2
        measured[known] = np.concatenate([middles / unit, np.log(sides)], axis=1)
        found = smoothed(times_s[frames], measured, known, noise)
        middle, half = found.value[:, :2] * unit, np.exp(found.value[:, 2:]) / 2
        corners = np.concatenate([middle - half, middle + half], axis=1)
        corners[known] = given
        for at, frame in enumerate(frames.tolist()):
            if frame in seen or frame not in keys:
                rows[frame].append((corners[at], name, float(found.spread[at, 0])))
    return [
        CarriedBoxes(
            Boxes(np.array([row[0] for row in one], np.float32).reshape(-1, 4)),
            tuple(row[1] for row in one),
            np.array([row[2] for row in one]),
        )
        for one in rows
    ]
