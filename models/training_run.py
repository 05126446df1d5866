"""What every training run has in common: allowed examples, its folder, its validation."""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from prelabel.datasets.frames import Frame, LabelledFrame, Split
from prelabel.datasets.predictions import Prediction
from prelabel.models.checkpoints import model_id_of
from prelabel.models.detector import (
    DetectorError,
    DetectorSpec,
    FitOptions,
    FitResult,
    TrainingExample,
)
from prelabel.models.evaluation import evaluate

_ARGUMENTS_FILE = "arguments.json"
_RESULT_FILE = "result.json"


def check_examples(
    train: Sequence[TrainingExample], validation: Sequence[TrainingExample], class_count: int
) -> None:
    """Refuse examples that a detector must not learn from.

    Raises DetectorError on no examples, none with a box, a frame of a test split, a frame that
    comes twice, or a class id that is not in the classes.
    """
    if not train:
        raise DetectorError("there is nothing to train on; label some frames first")
    if not any(len(one.annotations) for one in train):
        raise DetectorError(
            f"none of the {len(train)} frames to train on has a box; label some objects first"
        )
    seen: set[str] = set()
    for one in (*train, *validation):
        _check_example(one, class_count)
        if one.frame.frame_id in seen:
            raise DetectorError(
                f"frame {one.frame.frame_id} ({one.frame.uri}) comes twice among the frames to "
                "train and validate on"
            )
        seen.add(one.frame.frame_id)


def _check_example(one: TrainingExample, class_count: int) -> None:
    if one.frame.split is Split.TEST:
        raise DetectorError(
            f"frame {one.frame.frame_id} ({one.frame.uri}) belongs to the test split, which no "
            "training may see"
        )
    if len(one.annotations) and one.annotations.class_id.max() >= class_count:
        raise DetectorError(
            f"frame {one.frame.frame_id} ({one.frame.uri}) has class id "
            f"{one.annotations.class_id.max()}, but there are {class_count} classes"
        )


def arguments_digest(
    spec: DetectorSpec,
    train: Sequence[TrainingExample],
    validation: Sequence[TrainingExample],
    options: FitOptions,
) -> str:
    """32 hexadecimal digits that are equal for runs that must give the same weights."""
    told = asdict(options)
    told["starter"] = None if options.starter is None else model_id_of(options.starter)
    told["detector"], told["classes"] = spec.name, spec.classes
    digest = hashlib.blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=16)
    for examples in (train, validation):
        digest.update(len(examples).to_bytes(8, "little"))
        for one in examples:
            digest.update(one.frame.frame_id.encode())
            digest.update(one.annotations.boxes.xyxy.tobytes())
            digest.update(one.annotations.class_id.tobytes())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one training run, which holds the results of one set of arguments only."""

    path: Path

    @classmethod
    def claim(cls, path: Path, digest: str) -> "RunFolder":
        """Begin a run in `path`, or go on with the one that was begun there.

        Raises DetectorError where the folder holds a run with other arguments.
        """
        path.mkdir(parents=True, exist_ok=True)
        arguments = path / _ARGUMENTS_FILE
        if not arguments.exists():
            write_whole(arguments, json.dumps({"digest": digest}).encode())
        try:
            begun = json.loads(arguments.read_text(encoding="utf-8"))["digest"]
        except (ValueError, KeyError, TypeError) as error:
            raise DetectorError(
                f"{arguments}: cannot be read; train into another folder"
            ) from error
        if begun != digest:
            raise DetectorError(
                f"{path}: holds a training run with other frames, labels or options; train into "
                "another folder"
            )
        return cls(path)

    def finish(self, result: FitResult) -> FitResult:
        """Write down that the run is over; `result.checkpoint` lies in this folder."""
        told = asdict(result) | {"checkpoint": result.checkpoint.name}
        write_whole(self.path / _RESULT_FILE, json.dumps(told).encode())
        return result

    def finished(self) -> FitResult | None:
        """The result, where the run is over and its checkpoint is still what was written."""
        try:
            told = json.loads((self.path / _RESULT_FILE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        told["checkpoint"] = self.path / told["checkpoint"]
        told["validation_curve"] = tuple((step, value) for step, value in told["validation_curve"])
        result = FitResult(**told)
        if not result.checkpoint.exists() or model_id_of(result.checkpoint) != result.model_id:
            raise DetectorError(
                f"{result.checkpoint}: is not the checkpoint that the finished run in this folder "
                "wrote; train into another folder"
            )
        return result


def validation_map50(
    predict: Callable[[Sequence[Frame]], Sequence[Prediction]],
    validation: Sequence[TrainingExample],
    classes: Sequence[str],
) -> float | None:
    """mAP50 of `predict` on the validation examples; None where they hold no box to find."""
    if not any(len(one.annotations) for one in validation):
        return None
    truth = [LabelledFrame(one.frame, one.annotations) for one in validation]
    return evaluate(predict([one.frame for one in validation]), truth, classes).map50


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, on the disk when this returns."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)
