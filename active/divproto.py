"""DivProto: frames by value, without those whose objects look like what is chosen already."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from prelabel.active.class_distance import FrameObjects
from prelabel.active.pool import Need, Pool, Rows
from prelabel.active.presence import SEEN_FROM, class_count, labelled_boxes
from prelabel.active.regression import binary_entropy
from prelabel.active.selectors import Place, Task, top
from prelabel.datasets.arrays import Float32s, Int64s

ALIKE_FROM = 0.7
MINORITY_SHARE = 0.5  # alpha: of the classes, the rarest
QUOTA_SHARE = 0.75  # beta: of the batch, for them
LOOKED_AT = 10  # times the batch; frames of less value come only after these


@dataclass(frozen=True, slots=True, eq=False)
class Prototypes:
    """What the objects of a frame look like: `class_id` (k,), a `direction` (k, d) of length 1."""

    class_id: Int64s
    direction: Float32s

    @classmethod
    def each(cls, objects: FrameObjects) -> "list[Prototypes]":
        """Those of each frame: for every class the mean of its boxes weighted by their entropy."""
        keys, member = np.unique(
            np.stack([objects.owner, objects.class_id], axis=1), axis=0, return_inverse=True
        )
        weighted = objects.direction * binary_entropy(objects.weight)[:, None]
        sums = np.zeros((len(keys), objects.direction.shape[1]))
        np.add.at(sums, member.reshape(-1), weighted)
        length = np.linalg.norm(sums, axis=1, keepdims=True)
        directions = (sums / np.maximum(length, 1e-12)).astype(np.float32)
        ends = np.searchsorted(keys[:, 0], np.arange(1, objects.frames))
        return [
            cls(ids, vectors)
            for ids, vectors in zip(
                np.split(keys[:, 1], ends), np.split(directions, ends), strict=True
            )
        ]


@dataclass(frozen=True, slots=True)
class DiversePrototypes:
    """The selector of Wu, Chen and Huang, "Entropy-based active learning for object detection with
    progressive diversity constraint", CVPR 2022.

    Frames are walked by falling value. A frame is passed by where each of its classes looks like
    that class on some chosen frame, that is, where the least over its classes of the highest cosine
    between prototypes is at least 0.7. Half of the classes, the rarest among labelled boxes, share
    three quarters of the batch evenly: a frame takes a place of the rarest of its classes that has
    any left, and one of the open quarter otherwise, or is passed by. A class is seen from a score
    of 0.3. Those passed by come afterwards, by value, and then the rest of the pool; how the shares
    are rounded is ours. Raises StrategyError where boxes have no embeddings.
    """

    score_min: float = SEEN_FROM
    name: str = "divproto"
    needs: frozenset[Need] = frozenset({Need.BOX_EMBEDDINGS, Need.EVIDENCE})

    def order(self, task: Task, rng: np.random.Generator) -> Iterator[Place]:
        pool = task.pool
        is_free = np.ones(len(pool), np.bool_)
        is_free[task.taken] = False
        ranked = top(task.values, pool.frame_ids, len(pool), rng)
        ranked = ranked[is_free[ranked]]
        walked = pool.take(ranked[: LOOKED_AT * task.frames])
        objects = FrameObjects.of(walked, self.name).at_least(self.score_min)
        prototypes = Prototypes.each(objects)
        quotas = _Quotas.of(pool, objects, task.frames)
        chosen: set[int] = set()
        memory = _Memory()
        for row, seen in zip(ranked.tolist(), prototypes, strict=False):
            if len(chosen) >= task.frames:
                break
            if memory.knows(seen) or not quotas.take(seen.class_id):
                continue
            memory.add(seen)
            chosen.add(row)
            yield Place(row)
        yield from (Place(row) for row in ranked.tolist() if row not in chosen)


@dataclass
class _Memory:
    """Prototypes of the chosen frames, by class."""

    held: dict[int, list[Float32s]] = field(default_factory=dict)

    def knows(self, seen: Prototypes) -> bool:
        """Whether every class of a frame looks like one that is chosen; not of a frame of none."""
        pairs = zip(seen.class_id.tolist(), seen.direction, strict=True)
        return bool(len(seen.class_id)) and all(
            number in self.held and max(float(one @ own) for one in self.held[number]) >= ALIKE_FROM
            for number, own in pairs
        )

    def add(self, seen: Prototypes) -> None:
        for number, own in zip(seen.class_id.tolist(), seen.direction, strict=True):
            self.held.setdefault(number, []).append(own)


@dataclass
class _Quotas:
    """Places left for each of the rare classes, and open ones."""

    of_class: dict[int, int]
    open: int

    @classmethod
    def of(cls, pool: Pool, objects: FrameObjects, frames: int) -> "_Quotas":
        classes = max(class_count(pool), int(objects.class_id.max(initial=-1)) + 1)
        counts = labelled_boxes(pool.evidence, classes)
        if not counts.any():
            counts = np.bincount(objects.class_id, minlength=classes)
        rare = np.argsort(counts, kind="stable")[: int(MINORITY_SHARE * classes)].tolist()
        places = int(QUOTA_SHARE * frames)
        of_class = {
            number: places // len(rare) + (rank < places % len(rare))
            for rank, number in enumerate(rare)
        }
        return cls(of_class, frames - sum(of_class.values()))

    def take(self, class_id: Rows | Int64s) -> bool:
        """Take a place for a frame of these classes, if one is left."""
        present = set(class_id.tolist())
        for number in self.of_class:  # rarest first
            if number in present and self.of_class[number]:
                self.of_class[number] -= 1
                return True
        if not self.open:
            return False
        self.open -= 1
        return True
