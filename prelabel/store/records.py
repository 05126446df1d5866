"""What the store gives back."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.frames import Split


class EventKind(StrEnum):
    """What an event of the log tells."""

    CLASS_ADDED = "class_added"
    FRAME_ADDED = "frame_added"
    FRAME_CHANGED = "frame_changed"  # its file, split or place in a recording
    LABELS_WRITTEN = "labels_written"
    MODEL_ADDED = "model_added"
    ROUND_STARTED = "round_started"
    BATCH_RECORDED = "batch_recorded"
    ROUND_FINISHED = "round_finished"


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
    (None: not known), `round_number` the round it belongs to (None: outside of rounds).
    """

    frame_id: str
    number: int
    annotations: AnnotationSet
    author: str
    at: datetime
    seconds: float | None = None
    round_number: int | None = None


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
