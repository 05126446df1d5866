"""Recordings of a lidar: cuboids carried from key frames, with a detector to say what is there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from prelabel.datasets.annotations import IMPORTED, new_box_ids
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.lidar.carrying import CarriedCuboids, carry_cuboids
from prelabel.datasets.lidar.coordinates import Transform
from prelabel.datasets.lidar.cuboids import CuboidLabels, Cuboids
from prelabel.datasets.lidar.proposals import CuboidProposals
from prelabel.datasets.recordings.foretelling import appearing, expected_loss
from prelabel.datasets.recordings.linking import Follow, KeyBoxes, Linked, link

# Footprints are followed as upright boxes over the ground of the world, wider by a margin: people
# walk on by more than half their width between two sweeps of a slow lidar.
_PX_M, _MARGIN_M = 0.05, 0.5
_UNSEEN = (
    0.5  # a carried cuboid that the detector does not see: detectors overlook more than people
)
_GAP = 2  # frames for which it may fail to see without a doubt


@dataclass(frozen=True, eq=False)
class SweepRecording:
    """The time and pose of each sweep, the labels of the key frames, and proposals for any of them.

    In `keys`, tracks that are known name objects; labels without tracks are followed.
    """

    times_s: Float64s
    poses: Sequence[Transform]
    keys: Mapping[int, CuboidLabels]
    proposals: Mapping[int, CuboidProposals]
    follow: Follow

    @property
    def count(self) -> int:
        return len(self.times_s)

    @property
    def key_frames(self) -> Sequence[int]:
        return sorted(self.keys)

    @cached_property
    def linked(self) -> Linked:
        """Which cuboids are one object."""
        keys = {
            at: KeyBoxes(self._footprints(one.cuboids, at), _names(one))
            for at, one in self.keys.items()
        }
        seen = {
            at: (self._footprints(one.cuboids, at), one.score) for at, one in self.proposals.items()
        }
        return link(self.count, keys, seen, self.follow)

    @cached_property
    def carried(self) -> list[CarriedCuboids]:
        """Every sweep's cuboids; those of key frames are as the person left them."""
        keys = {
            at: CuboidLabels(
                one.cuboids, one.class_id, one.box_id, one.origin, self.linked.shown[at]
            )
            for at, one in self.keys.items()
        }
        seen = {at: rows.track for at, rows in self.linked.followed.items()}
        return carry_cuboids(
            self.times_s, self.poses, keys, followed=seen if self.proposals else None
        )

    def foretold(self) -> Float64s:
        """How much is expected to be wrong in each sweep, (count,).

        What the spread of carried cuboids lets expect to be missing of full overlaps; the scores of
        objects that a detector saw in three sweeps or more though no key frame shows them; and a
        half for each carried cuboid that it does not see, nor in the sweeps around.
        """
        expected = np.zeros(self.count)
        if not self.proposals:
            expected += appearing(self.count, self.times_s, self.keys)
        for at, one in enumerate(self.carried):
            if len(one):
                expected[at] += expected_loss(one.spread_m, one.cuboids.size_m[:, :2]).sum()
            expected[at] += _UNSEEN * self._unseen(at, one.track)
        for at, rows in self.linked.new.items():
            expected[at] += float(self.proposals[at].score[rows.rows].sum())
        return expected

    def with_guess(self, frame: int) -> "SweepRecording":
        """The same as if a person had found in a sweep what is expected there."""
        carried = self.carried[frame]
        parts, classes = [carried.cuboids], [carried.class_id]
        names = list(carried.track)
        if frame in self.linked.new:
            rows = self.linked.new[frame]
            parts.append(self.proposals[frame].cuboids.take(rows.rows))
            classes.append(self.proposals[frame].class_id[rows.rows])
            names += rows.track
        cuboids = Cuboids.joined(parts)
        ids = new_box_ids(len(cuboids), np.random.default_rng(frame))
        origins = [IMPORTED] * len(cuboids)
        guess = CuboidLabels(cuboids, np.concatenate(classes), ids, origins, names)
        return replace(self, keys={**self.keys, frame: guess})

    def _unseen(self, at: int, tracks: Sequence[str]) -> int:
        if not self.proposals or at in self.keys:
            return 0
        around = range(max(0, at - _GAP), min(self.count, at + _GAP + 1))
        seen = {
            name
            for one in around
            for name in (
                self.linked.shown[one]
                if one in self.keys
                else self.linked.followed[one].track
                if one in self.linked.followed
                else ()
            )
        }
        return sum(name not in seen for name in tracks)

    def _footprints(self, cuboids: Cuboids, at: int) -> Boxes:
        if not len(cuboids):
            return Boxes.none()
        ground = cuboids.moved(self.poses[at]).corners()[:, :4, :2]
        ground = (ground - self._origin_m) / _PX_M
        margin = _MARGIN_M / _PX_M
        return Boxes(
            np.concatenate([ground.min(axis=1) - margin, ground.max(axis=1) + margin], axis=1)
        )

    @cached_property
    def _origin_m(self) -> Float64s:
        """Where the recording begins: float32 cannot hold the coordinates of a country."""
        return np.asarray(self.poses[0].translation_m[:2], np.float64)


def _names(labels: CuboidLabels) -> list[str | None]:
    """The tracks of labels; one that is named like its own box says nothing of other sweeps."""
    if labels.track is None:
        return [None] * len(labels)
    pairs = zip(labels.track, labels.box_id, strict=True)
    return [None if track == box_id else track for track, box_id in pairs]
