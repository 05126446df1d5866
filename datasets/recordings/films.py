"""Films: upright boxes of a recording, carried from key frames with a detector's help."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.optimize import linear_sum_assignment

from prelabel.datasets.arrays import Float32s, Float64s, Int64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.geometry import boxes_iou
from prelabel.datasets.recordings.boxes import (
    FOLLOWED_SPREAD,
    CarriedBoxes,
    Named,
    box_state,
    carry_boxes,
)
from prelabel.datasets.recordings.foretelling import appearing, expected_loss
from prelabel.datasets.recordings.linking import Follow, KeyBoxes, Linked, link

_SAME_OBJECT = 0.3  # overlap from which a proposal in a key frame is of what the person left
_FEW = 5  # pairs of the two from which on they tell how far off proposals are
_LEAST_SPREAD = 0.01
_LASTING = 3.0  # errors last for about nine frames: so much less does each of them tell


@dataclass(frozen=True, slots=True, eq=False)
class KeyFrame:
    """What a person left in a frame: boxes, their classes (n,), and names where they are known."""

    boxes: Boxes
    class_id: Int64s
    track: Sequence[str | None]


@dataclass(frozen=True, slots=True, eq=False)
class Proposed:
    """What a detector sees in a frame: boxes, scores (n,) and classes (n,)."""

    boxes: Boxes
    score: Float32s
    class_id: Int64s


@dataclass(frozen=True, eq=False)
class Film:
    """A recording: the time of each frame, the key frames, and proposals for any of the frames."""

    times_s: Float64s
    keys: Mapping[int, KeyFrame]
    proposals: Mapping[int, Proposed]
    follow: Follow

    @property
    def count(self) -> int:
        return len(self.times_s)

    @property
    def key_frames(self) -> Sequence[int]:
        return sorted(self.keys)

    @cached_property
    def linked(self) -> Linked:
        """Which boxes are one object."""
        keys = {at: KeyBoxes(one.boxes, one.track) for at, one in self.keys.items()}
        seen = {at: (one.boxes, one.score) for at, one in self.proposals.items()}
        return link(self.count, keys, seen, self.follow)

    @cached_property
    def carried(self) -> list[CarriedBoxes]:
        """Every frame's boxes; those of key frames are as the person left them."""
        keys = {at: (one.boxes, self.linked.shown[at]) for at, one in self.keys.items()}
        offsets, spread = _proposals_off(self.proposals, keys)
        followed: dict[int, Named] = {}
        for at, rows in self.linked.followed.items():
            boxes = self.proposals[at].boxes.take(rows.rows)
            followed[at] = _corrected(boxes, rows.track, at, offsets), rows.track
        return carry_boxes(self.times_s, keys, followed=followed, followed_spread=spread)

    def classes(self, at: int) -> Int64s:
        """The class of each carried box of a frame: that of the nearest key frame that shows it."""
        nearest = sorted(self.keys, key=lambda key: abs(key - at))
        told: dict[str, int] = {}
        for key in nearest:
            for name, class_id in zip(
                self.linked.shown[key], self.keys[key].class_id.tolist(), strict=True
            ):
                told.setdefault(name, class_id)
        return np.array([told[name] for name in self.carried[at].track], np.int64)

    def foretold(self) -> Float64s:
        """How much of full overlaps is expected to be missing in each frame, (count,).

        The loss that the spread of carried boxes lets expect, and the scores of objects that a
        detector saw in three frames or more though no key frame shows them.
        """
        expected = np.zeros(self.count)
        if not self.proposals:
            expected += appearing(self.count, self.times_s, self.keys)
        for at, one in enumerate(self.carried):
            sides = (one.boxes.xyxy[:, 2:] - one.boxes.xyxy[:, :2]).astype(np.float64)
            off = one.spread * np.hypot(*sides.T)
            expected[at] += expected_loss(off, sides).sum() if len(one) else 0.0
        for at, rows in self.linked.new.items():
            expected[at] += float(self.proposals[at].score[rows.rows].sum())
        return expected

    def with_guess(self, frame: int) -> "Film":
        """The same as if a person had found in a frame what is expected there."""
        carried, parts = self.carried[frame], [self.carried[frame].boxes.xyxy]
        classes, names = [self.classes(frame)], list[str | None](carried.track)
        if frame in self.linked.new:
            rows = self.linked.new[frame].rows
            parts.append(self.proposals[frame].boxes.xyxy[rows])
            classes.append(self.proposals[frame].class_id[rows])
            names += [None] * len(rows)
        guess = KeyFrame(Boxes(np.concatenate(parts)), np.concatenate(classes), names)
        return replace(self, keys={**self.keys, frame: guess})


Offsets = Mapping[str, Mapping[int, Float64s]]


def _proposals_off(
    proposals: Mapping[int, Proposed], keys: Mapping[int, Named]
) -> tuple[Offsets, float]:
    """What a person changed about the proposals of key frames, by object, and their usual spread.

    Changes are of middles as shares of the diagonal and of the logarithms of the sides, (4,).
    """
    offsets: dict[str, dict[int, Float64s]] = {}
    for at, (boxes, names) in keys.items():
        if at not in proposals or not len(boxes):
            continue
        seen = proposals[at].boxes
        overlap = boxes_iou(boxes, seen)
        for row, column in zip(*linear_sum_assignment(-overlap), strict=True):
            if overlap[row, column] >= _SAME_OBJECT:
                change = _change(boxes.xyxy[row], seen.xyxy[column])
                offsets.setdefault(names[row], {})[at] = change
    all_changes = [change for own in offsets.values() for change in own.values()]
    if len(all_changes) < _FEW:
        return offsets, FOLLOWED_SPREAD
    usual = float(np.sqrt(np.mean(np.square(all_changes))))
    return offsets, max(_LEAST_SPREAD, _LASTING * usual)


def _change(person: Float32s, detector: Float32s) -> Float64s:
    both = np.stack([person, detector]).astype(np.float64)
    unit = float(np.hypot(*(both[0, 2:] - both[0, :2])))
    after, before = box_state(both, unit)
    return np.asarray(after - before, np.float64)


def _corrected(boxes: Boxes, names: Sequence[str], at: int, offsets: Offsets) -> Boxes:
    """Proposals changed as people changed those of the same objects in key frames around."""
    corners = boxes.xyxy.astype(np.float64)
    for row, name in enumerate(names):
        known = offsets.get(name)
        if not known:
            continue
        frames = sorted(known)
        change = [np.interp(at, frames, [known[key][part] for key in frames]) for part in range(4)]
        unit = float(np.hypot(*(corners[row, 2:] - corners[row, :2])))
        state = box_state(corners[row : row + 1], unit)[0] + change
        middle, half = state[:2] * unit, np.exp(state[2:]) / 2
        corners[row] = np.concatenate([middle - half, middle + half])
    return Boxes(corners)
