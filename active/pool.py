"""What a strategy may look at when it chooses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from prelabel.active.box_source import BoxesInMemory, BoxSource
from prelabel.active.evidence import Evidence
from prelabel.active.frame_score import FrameScore
from prelabel.datasets.arrays import Float32s, Float64s, Int64s, frozen_floats
from prelabel.datasets.errors import InvalidValueError, PrelabelError
from prelabel.datasets.frames import Frame
from prelabel.datasets.predictions import Prediction

Rows = NDArray[np.intp]

_CHECKED_ROWS = 1 << 16


class PoolExhaustedError(PrelabelError):
    """More frames are asked for than the pool holds."""


class Need(StrEnum):
    """What of a pool is costly to bring in, and left empty for strategies that do not need it."""

    EMBEDDINGS = "embeddings"
    EVIDENCE = "evidence"
    BOX_EMBEDDINGS = "box_embeddings"  # those of `boxes`
    VIEWS = "views"
    COMMITTEE = "committee"
    GIVEN = "given"  # scores from a table


@dataclass(frozen=True, slots=True, eq=False)
class Recordings:
    """Which recording each of n frames comes from, and where in it.

    `sequence` (n,) numbers the recordings, -1 for a frame of none; `index` (n,) is the place.
    """

    sequence: NDArray[np.int64]
    index: NDArray[np.int64]

    @classmethod
    def of(cls, places: Sequence[tuple[str | None, int | None]]) -> "Recordings":
        """The recordings of frames by their name, and the place in them."""
        number_of = {
            name: number for number, name in enumerate(sorted({n for n, _ in places if n}))
        }
        return cls(
            np.array([number_of.get(name or "", -1) for name, _ in places], np.int64),
            np.array([index or 0 for _, index in places], np.int64),
        )

    def take(self, rows: Rows) -> "Recordings":
        """Those of these rows, in that order."""
        return Recordings(self.sequence[rows], self.index[rows])

    @classmethod
    def none(cls, count: int) -> "Recordings":
        """Frames that stand alone."""
        return cls(np.full(count, -1, np.int64), np.zeros(count, np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Frames without accepted labels, in a fixed order; rows of a strategy are relative to it.

    With n frames: `boxes` what a detector proposes on them; `embeddings` (n, d), d is 0 where they
    were not brought in; `cost_s` (n,), foretold human seconds; `labelled_embeddings` (m, d), of the
    frames that have labels already; `evidence` how right the detector was on frames it had not
    learned from; `views` what the same detector proposes on changed pictures of the same frames
    (`models.views`), boxes in pixels of the original ones; `committee` what other detectors do;
    `given` scores by frame that something else gave, None where nothing did.
    `labelled_boxes` (C,) counts the labelled boxes of each class; empty where they are not known.
    `classes` are the names that reasons use; without them a class is called by its number.
    """

    frame_ids: tuple[str, ...]
    boxes: BoxSource
    embeddings: Float32s
    cost_s: Float32s
    labelled_embeddings: Float32s
    classes: tuple[str, ...] = ()
    recordings: Recordings = field(default_factory=lambda: Recordings.none(0))
    evidence: Evidence = field(default_factory=Evidence.none)
    views: tuple[BoxSource, ...] = ()
    committee: tuple[BoxSource, ...] = ()
    given: Mapping[str, FrameScore] | None = None
    labelled_boxes: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        count = len(self.frame_ids)
        for source in (self.boxes, *self.views, *self.committee):
            if len(source) != count:
                raise InvalidValueError(f"boxes must be of {count} frames, not of {len(source)}")
        if len(set(self.frame_ids)) != count:
            raise InvalidValueError("frames of a pool must not repeat")
        if not len(self.recordings.sequence):
            object.__setattr__(self, "recordings", Recordings.none(count))
        for name, rows in (("embeddings", count), ("labelled_embeddings", None)):
            vectors = _finite_view(name, getattr(self, name))
            if vectors.ndim != 2 or (rows is not None and len(vectors) != rows):
                raise InvalidValueError(f"{name} must have a row a frame, but is {vectors.shape}")
            object.__setattr__(self, name, vectors)
        object.__setattr__(self, "cost_s", frozen_floats("cost_s", self.cost_s, (count,)))

    @classmethod
    def of(
        cls,
        frames: Sequence[Frame],
        predictions: Sequence[Prediction],
        embeddings: ArrayLike,
        cost_s: ArrayLike,
        labelled_embeddings: ArrayLike,
        classes: Sequence[str] = (),
        evidence: Evidence | None = None,
    ) -> "Pool":
        """A pool whose predictions lie in memory, one a frame and in the same order."""
        ids = tuple(one.frame_id for one in frames)
        if tuple(one.frame_id for one in predictions) != ids:
            raise InvalidValueError("predictions must be one a frame of the pool, in its order")
        return cls(
            ids,
            BoxesInMemory(tuple(predictions)),
            frozen_floats("embeddings", embeddings, (len(ids), None)),
            np.asarray(cost_s, np.float32),
            frozen_floats("labelled_embeddings", labelled_embeddings, (None, None)),
            tuple(classes),
            Recordings.of([(one.sequence, one.index) for one in frames]),
            evidence or Evidence.none(),
        )

    def __len__(self) -> int:
        return len(self.frame_ids)

    def class_name(self, class_id: int) -> str:
        """What a reason calls a class."""
        return self.classes[class_id] if class_id < len(self.classes) else f"class {class_id}"

    def take(self, rows: Rows) -> "Pool":
        """The pool of these rows, in that order."""
        return replace(
            self,
            frame_ids=tuple(self.frame_ids[row] for row in rows),
            boxes=self.boxes.take(rows),
            embeddings=self.embeddings[rows],
            cost_s=self.cost_s[rows],
            recordings=self.recordings.take(rows),
            views=tuple(one.take(rows) for one in self.views),
            committee=tuple(one.take(rows) for one in self.committee),
        )

    def check_holds(self, count: int, taken: int = 0) -> None:
        """Raise PoolExhaustedError where `count` more frames than the `taken` ones are too many."""
        if count > len(self) - taken:
            raise PoolExhaustedError(
                f"{count + taken} frames are asked for, but the pool holds {len(self)}; ask for at "
                "most that many, or add frames"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """What a strategy chose: `indices` (k,) into the pool in working order, none twice.

    `values` (n,) holds the score of every frame of the pool, so that a choice can be looked into;
    `reasons` one sentence a chosen frame.
    """

    indices: Rows
    values: Float64s
    reasons: tuple[str, ...]


def frame_embeddings(predictions: Sequence[Prediction]) -> Float32s:
    """The frame embeddings of predictions, (n, d); d is 0 where the detector gives none."""
    vectors = [p.frame_embedding for p in predictions if p.frame_embedding is not None]
    if not vectors:
        return np.zeros((len(predictions), 0), np.float32)
    if len(vectors) != len(predictions):
        missing = next(p.frame_id for p in predictions if p.frame_embedding is None)
        raise InvalidValueError(
            f"frame {missing} has no embedding, though others have; predict it again with "
            "embeddings"
        )
    return np.stack(vectors)


def _finite_view(name: str, vectors: Float32s) -> Float32s:
    """A read-only view: a million embeddings are not copied."""
    view = np.asarray(vectors, np.float32).view()
    blocks = (view[begin : begin + _CHECKED_ROWS] for begin in range(0, len(view), _CHECKED_ROWS))
    if not all(np.isfinite(block).all() for block in blocks):
        raise InvalidValueError(f"{name} must be finite, but hold NaN or infinity")
    view.setflags(write=False)
    return view
