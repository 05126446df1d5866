"""Which boxes of the frames of a recording are one object."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from prelabel.datasets.arrays import Float32s, Int64s
from prelabel.datasets.boxes import Boxes

# Numbers the tracks of boxes, frame by frame, from boxes and scores; -1 for those of none.
Follow = Callable[[Sequence[tuple[Boxes, Float32s]]], list[Int64s]]

_LASTS = 3  # what a detector saw in so many frames is taken for an object


@dataclass(frozen=True, slots=True, eq=False)
class KeyBoxes:
    """What a person left in a key frame; `track` (n,) names objects where that is known.

    A name of None is found out by following.
    """

    boxes: Boxes
    track: Sequence[str | None]


@dataclass(frozen=True, slots=True, eq=False)
class FollowedRows:
    """Rows (k,) of a frame's proposals that a track explains, and the name of it for each."""

    rows: Int64s
    track: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Linked:
    """The objects of a recording.

    `shown` names those of each key frame, row by row; `followed` are, in the other frames, the
    proposals of these objects, and `new` those of objects that no key frame shows, though a
    detector saw them in three frames or more; not those that it saw before and after a key frame,
    since there a person looked and found nothing.
    """

    shown: Mapping[int, tuple[str, ...]]
    followed: Mapping[int, FollowedRows]
    new: Mapping[int, FollowedRows]


def link(
    count: int,
    keys: Mapping[int, KeyBoxes],
    proposals: Mapping[int, tuple[Boxes, Float32s]],
    follow: Follow,
) -> Linked:
    """Follow what people left in key frames through what a detector proposes in the others.

    `count` frames; proposals are boxes and their scores, rows of each frame in any order. Boxes of
    one key frame are never one object, and where names are known they hold against what following
    says.
    """
    numbers = follow([_seen(at, keys, proposals) for at in range(count)])
    given: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for at in sorted(keys):
        for name, number in zip(keys[at].track, numbers[at].tolist(), strict=True):
            if name is not None and number >= 0:
                given[number].append((at, name))
    shown = {at: _names(at, keys[at], numbers[at], given) for at in sorted(keys)}
    key_names: dict[int, list[tuple[int, str]]] = defaultdict(list)
    sights: dict[int, list[int]] = defaultdict(list)
    for at, own in enumerate(numbers):
        for row, number in enumerate(own.tolist()):
            sights[number].append(at)
            if at in keys:
                key_names[number].append((at, shown[at][row]))
    followed: dict[int, FollowedRows] = {}
    new: dict[int, FollowedRows] = {}
    for at, own in enumerate(numbers):
        if at in keys or not len(own):
            continue
        known = [row for row, number in enumerate(own.tolist()) if number in key_names]
        names = tuple(_name_at(at, key_names[int(own[row])]) for row in known)
        followed[at] = FollowedRows(np.array(known, np.int64), names)
        lasting = [
            row
            for row, number in enumerate(own.tolist())
            if number >= 0 and number not in key_names and _is_object(sights[number], keys)
        ]
        called = tuple(f"new {int(own[row])}" for row in lasting)
        new[at] = FollowedRows(np.array(lasting, np.int64), called)
    return Linked(shown, followed, new)


def _is_object(sights: Sequence[int], keys: Collection[int]) -> bool:
    """Whether what was followed through these frames is there, as far as one can tell."""
    denied = any(sights[0] < key < sights[-1] for key in keys)
    return len(sights) >= _LASTS and not denied


def _seen(
    at: int, keys: Mapping[int, KeyBoxes], proposals: Mapping[int, tuple[Boxes, Float32s]]
) -> tuple[Boxes, Float32s]:
    if at in keys:
        return keys[at].boxes, np.ones(len(keys[at].boxes), np.float32)
    return proposals.get(at, (Boxes.none(), np.zeros(0, np.float32)))


def _names(
    at: int, key: KeyBoxes, numbers: Int64s, given: Mapping[int, Sequence[tuple[int, str]]]
) -> tuple[str, ...]:
    """The names of a key frame's objects: given, or that of their track, or by its number."""
    names = list(key.track)
    for row, number in enumerate(numbers.tolist()):
        if names[row] is None and number in given and _name_at(at, given[number]) not in names:
            names[row] = _name_at(at, given[number])
    unnamed = (f"object {n}" if n >= 0 else f"object of row {row}" for row, n in enumerate(numbers))
    return tuple(name or other for name, other in zip(names, unnamed, strict=True))


def _name_at(frame: int, named: Sequence[tuple[int, str]]) -> str:
    """What a track is called in a frame: as in the key frame before it, or else in the first."""
    before = [name for at, name in named if at <= frame]
    return before[-1] if before else named[0][1]
