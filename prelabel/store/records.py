"""What the store gives back."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from prelabel.datasets.annotations import AnnotationSet, OriginKind
from prelabel.datasets.arrays import Float32s, check_range, frozen_floats
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.frames import Split


class EventKind(StrEnum):
    """What an event of the log tells."""

    CLASS_ADDED = "class_added"
    FRAME_ADDED = "frame_added"
    FRAME_CHANGED = "frame_changed"  # its file, split or place in a recording
    FRAME_EXCLUDED = "frame_excluded"  # by a curator: not chosen, learned from or exported
    FRAME_INCLUDED = "frame_included"  # again
    LABELS_WRITTEN = "labels_written"
    MODEL_ADDED = "model_added"
    MODEL_ADOPTED = "model_adopted"  # an earlier one is in use again, or in a newer round
    ROUND_STARTED = "round_started"
    BATCH_RECORDED = "batch_recorded"
    ROUND_FINISHED = "round_finished"
    TASKS_QUEUED = "tasks_queued"
    TASK_SKIPPED = "task_skipped"
    TASK_SET_ASIDE = "task_set_aside"
    TASK_SUBMITTED = "task_submitted"
    TASK_ACCEPTED = "task_accepted"
    TASK_SENT_BACK = "task_sent_back"
    PERSON_ADDED = "person_added"
    PERSON_CHANGED = "person_changed"  # role, login, or whether they may log in at all
    GUIDELINE_WRITTEN = "guideline_written"
    LABELS_ACCEPTED = "labels_accepted"  # by a rule, for many frames at once
    LABELS_WITHDRAWN = "labels_withdrawn"  # those of an acceptance; the frame has none now
    POOL_STANDS = "pool_stands"  # how far the pool is, as `prelabel finish` left it


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the append-only log.

    `number` counts from 1 without gaps in the order in which changes were committed, `at` is UTC.
    `details` are plain JSON values; what they hold depends on `kind`.
    """

    number: int
    at: datetime
    author: str
    kind: EventKind
    frame_id: str | None
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LabelVersion:
    """One state of one frame's labels.

    `number` counts the versions of the frame from 1, `at` is UTC, `seconds` the human time spent
    (None: not known), `round_number` the round it belongs to (None: outside of rounds), `source` in
    words how it came about where that is not by the usual way.
    """

    frame_id: str
    number: int
    annotations: AnnotationSet
    author: str
    at: datetime
    seconds: float | None = None
    round_number: int | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A trained model: what it is, where its checkpoint lies, and what it was trained on.

    `checkpoint` is an absolute path, `train_frames` how many labelled frames it learned from,
    `seconds` the machine time of training. `added_at` (UTC) is filled in by the store.
    """

    model_id: str
    detector: str
    checkpoint: str
    train_frames: int
    steps: int
    seconds: float
    validation_map50: float | None = None
    round_number: int | None = None
    added_at: datetime | None = None

    def __post_init__(self) -> None:
        if not (self.model_id and self.detector and self.checkpoint):
            raise InvalidValueError(f"model_id, detector and checkpoint must not be empty: {self}")


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What a model proposed on one frame of a batch, as it was when the batch was chosen.

    `proposals` are all boxes that the model gave, their scores falling, each with an origin of kind
    PROPOSED; `uncertainty` (n,) float32 in 0 to 1 says how unsure it is of each. Boxes below
    `shown_score` are weak: people do not see them unless they ask for it.

    Raises InvalidValueError where these rules are broken.
    """

    model_id: str
    shown_score: float
    proposals: AnnotationSet
    uncertainty: Float32s

    def __init__(
        self, model_id: str, shown_score: float, proposals: AnnotationSet, uncertainty: ArrayLike
    ) -> None:
        count = len(proposals)
        object.__setattr__(self, "model_id", model_id)
        object.__setattr__(self, "shown_score", shown_score)
        object.__setattr__(self, "proposals", proposals)
        checked = frozen_floats("uncertainty", uncertainty, (count,))
        check_range("uncertainty", checked, 0, 1)
        object.__setattr__(self, "uncertainty", checked)
        strangers = [one for one in proposals.origin if one.kind is not OriginKind.PROPOSED]
        if strangers:
            raise InvalidValueError(
                f"proposals must be of origin proposed, but hold {strangers[0]}"
            )
        if (np.diff(self.scores) > 0).any():
            raise InvalidValueError("scores of proposals must fall")

    @property
    def scores(self) -> Float32s:
        """The score of each proposal, (n,)."""
        return np.array([one.score for one in self.proposals.origin], np.float32)

    @property
    def visible(self) -> AnnotationSet:
        """The proposals that people see from the start: those of at least `shown_score`."""
        return self.proposals.take(np.flatnonzero(self.scores >= self.shown_score))


@dataclass(frozen=True, slots=True)
class RoundRecord:
    """One round: propose, select, correct, train.

    `settings` is what it was started with and `figures` what came out, both plain JSON values;
    `finished_at` (UTC) and `figures` are None as long as it runs.
    """

    number: int
    author: str
    started_at: datetime
    settings: Mapping[str, Any]
    finished_at: datetime | None = None
    figures: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class SplitCounts:
    """How much one split holds; boxes are those of each frame's current label version."""

    frames: int
    labelled: int
    boxes: int
    boxes_by_class: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class StoreCounts:
    """How much the store holds, split by split; every split and every class is named."""

    by_split: Mapping[Split, SplitCounts]

    @property
    def frames(self) -> int:
        return sum(one.frames for one in self.by_split.values())

    @property
    def labelled(self) -> int:
        return sum(one.labelled for one in self.by_split.values())

    @property
    def boxes(self) -> int:
        return sum(one.boxes for one in self.by_split.values())

    @property
    def boxes_by_class(self) -> dict[str, int]:
        total: dict[str, int] = {}
        for one in self.by_split.values():
            for name, count in one.boxes_by_class.items():
                total[name] = total.get(name, 0) + count
        return total


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What one import did.

    `frames_read` frames came in. Of these `frames_added` were new, `frames_changed` known but with
    another file, split or place in a recording, and `frames_repeated` had come before in the same
    import (the same picture twice) and were left out. `versions_added` label versions with
    `boxes_added` boxes were written; `versions_superseded` came in with labels that the frame had
    in the past and that have been replaced since: they were left out.
    """

    frames_read: int = 0
    frames_added: int = 0
    frames_changed: int = 0
    frames_repeated: int = 0
    versions_added: int = 0
    versions_superseded: int = 0
    boxes_added: int = 0

    def __add__(self, other: "ImportCounts") -> "ImportCounts":
        names = [one.name for one in fields(self)]
        return ImportCounts(*(getattr(self, name) + getattr(other, name) for name in names))
