"""Which frames of a labelled dataset play which part in a simulation."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.errors import BadInputError
from prelabel.datasets.frames import Frame, LabelledFrame, Split


@dataclass(frozen=True, slots=True, eq=False)
class Roles:
    """A pool, whose labels are hidden until they are paid for, and test frames for reporting only.

    Both hold labelled frames, sorted by id; no frame is in both.
    """

    classes: tuple[str, ...]
    pool: tuple[LabelledFrame, ...]
    test: tuple[LabelledFrame, ...]

    @classmethod
    def of(
        cls, classes: Sequence[str], labelled: Iterable[LabelledFrame], test_share: float, seed: int
    ) -> "Roles":
        """Give out the parts: the dataset's own test split, or a share drawn by `seed`.

        A drawn share is of whole recordings: frames of one sequence or one group stay together.
        Frames of a validation split join the pool, since labelling them costs time too. Frames
        without labels are left out.

        Raises BadInputError where nothing is left for the pool or for testing.
        """
        frames = {one.frame.frame_id: one for one in labelled if one.annotations is not None}
        known = [frames[frame_id] for frame_id in sorted(frames)]
        test = {one.frame.frame_id for one in known if one.frame.split is Split.TEST}
        if not test:
            test = _held_out([one.frame for one in known], test_share, seed)
        pool = tuple(one for one in known if one.frame.frame_id not in test)
        roles = cls(tuple(classes), pool, tuple(o for o in known if o.frame.frame_id in test))
        if not roles.pool or not roles.test:
            raise BadInputError(
                f"a simulation needs labelled frames to choose from and others to test on, but of "
                f"{len(known)} labelled frames {len(roles.pool)} are for choosing and "
                f"{len(roles.test)} for testing; give more labelled frames, or another test_share"
            )
        return roles

    def frames(self) -> dict[str, Frame]:
        """Every frame by its id."""
        return {one.frame.frame_id: one.frame for one in (*self.pool, *self.test)}

    def truth(self) -> dict[str, AnnotationSet]:
        """The hidden labels of the pool by frame id."""
        return {o.frame.frame_id: o.annotations for o in self.pool if o.annotations is not None}

    def fingerprint(self) -> str:
        """32 hexadecimal digits that change with any frame, box, class or part."""
        digest = hashlib.blake2b(repr(self.classes).encode(), digest_size=16)
        for part in (self.pool, self.test):
            digest.update(len(part).to_bytes(8, "little"))
            for one in part:
                digest.update(one.frame.frame_id.encode())
                if one.annotations is not None:
                    digest.update(one.annotations.boxes.tobytes())
                    digest.update(one.annotations.class_id.tobytes())
        return digest.hexdigest()


def _held_out(frames: Sequence[Frame], share: float, seed: int) -> set[str]:
    recordings = _recordings(frames)
    order = np.random.default_rng(seed).permutation(len(recordings))
    held: set[str] = set()
    for number in order[:-1]:  # the last one always stays in the pool
        if len(held) >= share * len(frames):
            break
        held.update(recordings[number])
    return held


def _recordings(frames: Sequence[Frame]) -> list[list[str]]:
    """Frame ids joined by a common sequence or a common group, directly or by way of others."""
    joined: dict[str, str] = {}  # each member points towards the leader of its recording

    def leader(name: str) -> str:
        while joined.setdefault(name, name) != name:
            joined[name] = joined[joined[name]]
            name = joined[name]
        return name

    for frame in frames:
        for kind, value in (("sequence", frame.sequence), ("group", frame.group)):
            if value is not None:
                joined[leader(f"{kind} {value}")] = leader(frame.frame_id)
    members: dict[str, list[str]] = {}
    for frame in frames:
        members.setdefault(leader(frame.frame_id), []).append(frame.frame_id)
    return list(members.values())
