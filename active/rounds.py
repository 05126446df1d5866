"""One round of a simulation as a value, and the files it is kept in.

A round's folder holds `batch.json` from the moment its labels are known and `result.json` from the
moment its model is measured; each is whole or not there.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from prelabel.active.annotator import Correction
from prelabel.active.summary import BoxMark, proposal_marks
from prelabel.datasets.annotations import AnnotationSet, Origin, OriginKind
from prelabel.datasets.batches import Batch, Pick
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.files import write_whole
from prelabel.datasets.predictions import Prediction

START = "start"  # stands for the strategy in round 0, which all arms of a seed share

BATCH_FILE = "batch.json"
RESULT_FILE = "result.json"


@dataclass(frozen=True, slots=True, eq=False)
class LabelledBatch:
    """The frames of a round, the labels a person left on them, and what each took.

    `proposals` are those that a person was shown, of at least `display_score`; empty and None
    where nothing was. The others have an entry a frame, in the order of the batch.
    """

    batch: Batch
    display_score: float | None
    proposals: Mapping[str, tuple[BoxMark, ...]]
    labels: Mapping[str, AnnotationSet]
    seconds: Mapping[str, float]

    @classmethod
    def of(
        cls,
        batch: Batch,
        display_score: float | None,
        shown: Sequence[Prediction],
        corrections: Mapping[str, Correction],
    ) -> "LabelledBatch":
        """A batch after its correction."""
        return cls(
            batch,
            display_score,
            {one.frame_id: proposal_marks(one) for one in shown},
            {frame_id: one.annotations for frame_id, one in corrections.items()},
            {frame_id: one.seconds for frame_id, one in corrections.items()},
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """The model that a round left behind, and what it reaches on the test frames.

    `checkpoint` is relative to the simulation's folder. It took `steps` on `train_frames` labelled
    frames, those that chose the checkpoint left out; both are 0 in files of the first version.
    """

    checkpoint: str
    model_id: str
    train_seconds: float
    map50: float
    map: float
    map50_by_class: Mapping[str, float | None]
    train_frames: int = 0
    steps: int = 0
    validation_map50: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RoundRecord:
    """A finished round: `strategy` and `seed` name its arm, `number` is 0 for the start set."""

    strategy: str
    seed: int
    number: int
    labelled: LabelledBatch
    measured: Measured


class RoundRecorder(Protocol):
    """Somebody who keeps the rounds of a simulation."""

    def record(self, finished: RoundRecord) -> None:
        """Keep a finished round.

        A round comes after those it builds on. After an interruption the rounds finished before
        come again: keeping one twice must change nothing.
        """
        ...


class NoRecorder:
    """Keeps nothing beside the simulation's own files."""

    def record(self, finished: RoundRecord) -> None:
        return None


def write_batch(folder: Path, labelled: LabelledBatch) -> None:
    """Keep a labelled batch in a round's folder."""
    content = {
        "batch": asdict(labelled.batch),
        "display_score": labelled.display_score,
        "proposals": {
            frame_id: [asdict(one) for one in marks]
            for frame_id, marks in labelled.proposals.items()
        },
        "labels": {frame_id: _told(one) for frame_id, one in labelled.labels.items()},
        "seconds": dict(labelled.seconds),
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / BATCH_FILE, json.dumps(content, ensure_ascii=False).encode())


def read_batch(folder: Path) -> LabelledBatch | None:
    """The labelled batch of a round's folder, None where it has none yet."""
    content = _content(folder / BATCH_FILE)
    if content is None:
        return None
    told = content["batch"]
    batch = Batch(told["strategy"], told["seed"], tuple(Pick(**one) for one in told["picks"]))
    proposals = {
        frame_id: tuple(BoxMark.of(one) for one in marks)
        for frame_id, marks in content["proposals"].items()
    }
    labels = {frame_id: _labels(one) for frame_id, one in content["labels"].items()}
    return LabelledBatch(batch, content["display_score"], proposals, labels, content["seconds"])


def write_measured(folder: Path, measured: Measured) -> None:
    """Keep the result of a round, which finishes it."""
    write_whole(folder / RESULT_FILE, json.dumps(asdict(measured), ensure_ascii=False).encode())


def read_measured(folder: Path) -> Measured | None:
    """The result in a round's folder, None where the round is not finished."""
    content = _content(folder / RESULT_FILE)
    return None if content is None else Measured(**content)


def _content(path: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return content


def _told(labels: AnnotationSet) -> dict[str, Any]:
    return {
        "xyxy": labels.boxes.xyxy.tolist(),
        "angle": None if labels.boxes.angle is None else labels.boxes.angle.tolist(),
        "class_id": labels.class_id.tolist(),
        "box_id": labels.box_id,
        "origin": [asdict(one) for one in labels.origin],
    }


def _labels(told: Mapping[str, Any]) -> AnnotationSet:
    return AnnotationSet(
        Boxes(told["xyxy"], told.get("angle")),
        told["class_id"],
        told["box_id"],
        [_origin(o) for o in told["origin"]],
    )


def _origin(told: Mapping[str, Any]) -> Origin:
    original = told["original_xyxy"]
    if original is not None:
        left, top, right, bottom = original
        original = (left, top, right, bottom)
    return Origin(**{**told, "kind": OriginKind(told["kind"]), "original_xyxy": original})
