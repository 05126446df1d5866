"""Boxes carried from key frames, which a person corrected, to the frames between."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from prelabel.datasets.arrays import Bools, Float64s, Int64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.recordings.lifetimes import lifetime
from prelabel.datasets.recordings.smoothing import MotionNoise, Smoothed, smoothed

# Shares of the length of a box's diagonal: what films show moves by its own size in a second or so.
BOX_NOISE = MotionNoise(acceleration=0.5, measured=0.01, rate=1.0)
# Of a detector's box, in the same shares; its errors last for some frames, so one box tells little.
FOLLOWED_SPREAD = 0.15

Named = tuple[Boxes, Sequence[str]]  # boxes of one frame, and the track of each


@dataclass(frozen=True, slots=True, eq=False)
class CarriedBoxes:
    """The boxes of one frame of a film; `spread` (n,) as a share of each box's diagonal."""

    boxes: Boxes
    track: tuple[str, ...]
    spread: Float64s

    def __len__(self) -> int:
        return len(self.boxes)


def carry_boxes(
    times_s: Float64s,
    keys: Mapping[int, Named],
    noise: MotionNoise = BOX_NOISE,
    *,
    followed: Mapping[int, Named] | None = None,
    followed_spread: float = FOLLOWED_SPREAD,
) -> list[CarriedBoxes]:
    """Every frame's upright boxes from those of the key frames.

    Middle and the logarithms of width and height are smoothed, all in units of the mean diagonal.
    Between two key frames that show a track it is carried through; past the last one, or before the
    first, for a while (see `lifetime`). In a key frame it is as the person left it. `followed` are
    a detector's boxes of the same tracks in other frames: they bend the way between key frames as
    far as their `followed_spread` lets them.
    """
    between = followed or {}
    rows: list[list[tuple[Float64s, str, float]]] = [[] for _ in times_s]
    told = _by_track({frame: one for frame, one in between.items() if frame not in keys})
    for name, shown in _by_track(keys).items():
        own = told.get(name, {})
        frames = lifetime(shown, own, keys, times_s, is_watched=bool(between))
        own = {frame: box for frame, box in own.items() if frames[0] <= frame <= frames[-1]}
        corners, spread = _carried(times_s, frames, shown, own, noise, followed_spread)
        for at, frame in enumerate(frames.tolist()):
            if frame in shown or frame not in keys:
                rows[frame].append((corners[at], name, float(spread[at])))
    return [
        CarriedBoxes(
            Boxes(np.array([row[0] for row in one], np.float32).reshape(-1, 4)),
            tuple(row[1] for row in one),
            np.array([row[2] for row in one]),
        )
        for one in rows
    ]


def _by_track(frames: Mapping[int, Named]) -> dict[str, dict[int, Float64s]]:
    tracks: dict[str, dict[int, Float64s]] = {}
    for frame, (boxes, names) in frames.items():
        for name, xyxy in zip(names, boxes.xyxy.astype(np.float64), strict=True):
            tracks.setdefault(name, {})[frame] = xyxy
    return tracks


def _carried(
    times_s: Float64s,
    frames: Int64s,
    shown: Mapping[int, Float64s],
    followed: Mapping[int, Float64s],
    noise: MotionNoise,
    followed_spread: float,
) -> tuple[Float64s, Float64s]:
    """One track's corners (t, 4) and spread (t,) on its frames."""
    known: Bools = np.isin(frames, [*shown, *followed])
    is_key: Bools = np.isin(frames, list(shown))
    given = np.array([shown.get(at, followed.get(at)) for at in frames[known].tolist()])
    unit = float(np.hypot(*(given[:, 2:] - given[:, :2]).T).mean())
    measured = np.zeros((len(frames), 4))
    measured[known] = box_state(given, unit)
    own = np.where(is_key, noise.measured, followed_spread)
    found = smoothed(times_s[frames], measured, known, noise, own)
    corners = _corners(found, unit)
    corners[is_key] = [shown[at] for at in frames[is_key].tolist()]
    return corners, found.spread[:, 0]


def box_state(xyxy: Float64s, unit: float) -> Float64s:
    """Middles in units and logarithms of width and height, (n, 4), of corners (n, 4)."""
    middles, sides = (xyxy[:, :2] + xyxy[:, 2:]) / 2, xyxy[:, 2:] - xyxy[:, :2]
    return np.concatenate([middles / unit, np.log(sides)], axis=1)


def _corners(found: Smoothed, unit: float) -> Float64s:
    middle, half = found.value[:, :2] * unit, np.exp(found.value[:, 2:]) / 2
    return np.concatenate([middle - half, middle + half], axis=1)
