"""One training run from its first step, or its last saved one, to its result."""

import math
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from prelabel.datasets.frames import LabelledFrame, Split
from prelabel.datasets.progress import Advance, Progress
from prelabel.models.checkpoints import ModelCard
from prelabel.models.detector import (
    DetectorError,
    FitOptions,
    FitResult,
    PredictOptions,
    TrainingExample,
)
from prelabel.models.evaluation import evaluate
from prelabel.models.ultralytics.batches import Batches
from prelabel.models.ultralytics.networks import Net, net_bytes
from prelabel.models.ultralytics.prediction import OnePass
from prelabel.models.ultralytics.run_folder import RunFolder
from prelabel.models.ultralytics.training import Trainer, reproducible

_SECONDS_BETWEEN_SAVES = 20.0
_VALIDATION_SCORE_MIN = 0.01  # average precision hardly sees boxes below


class Validation:
    """Measures a network on labelled frames that it does not learn from."""

    def __init__(
        self, examples: Sequence[TrainingExample], classes: Sequence[str], options: FitOptions
    ) -> None:
        self._frames = [one.frame for one in examples]
        self._truth = [LabelledFrame(one.frame, one.annotations) for one in examples]
        self._classes = classes
        self._options = PredictOptions(
            input_px=options.input_px,
            batch_size=options.batch_size,
            score_min=_VALIDATION_SCORE_MIN,
            with_embeddings=False,
        )

    @property
    def possible(self) -> bool:
        """Whether there is a box to find, without which there is no precision to measure."""
        return any(one.annotations and len(one.annotations) for one in self._truth)

    def map50(self, net: Net) -> float:
        """Average precision at an overlap of one half; `net` is left as it is."""
        predictions = OnePass(deepcopy(net)).predict("validation", self._frames, self._options)
        return evaluate(predictions, self._truth, self._classes).map50


@dataclass
class Record:
    """How far a run is, and what was measured on the way."""

    step: int = 0
    seconds: float = 0.0
    curve: list[tuple[int, float]] = field(default_factory=list)

    def is_best(self) -> bool:
        """Whether the last measurement is the best one; among equal ones the later counts."""
        return self.curve[-1][1] >= max(score for _, score in self.curve)


class TrainingRun:
    """Trains in a folder, saving often enough that a kill costs seconds."""

    def __init__(
        self,
        trainer: Trainer,
        batches: Batches,
        validation: Validation,
        folder: RunFolder,
        card: ModelCard,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._trainer = trainer
        self._batches = batches
        self._validation = validation
        self._folder = folder
        self._card = card
        self._clock = clock
        self._record = Record()
        self._saved_at_s = self._resumed_at_s = clock()

    def run(self, options: FitOptions, progress: Progress) -> FitResult:
        """Go through the steps that are left; raises DetectorError where training diverges."""
        self._folder.begin()
        self._resume()
        with reproducible(), progress.task("training", options.steps) as advance:
            if self._record.step:
                advance(self._record.step, "going on from the last saved step")
            while self._record.step < options.steps:
                self._one_step(options, advance)
        if not self._record.curve:
            self._keep_checkpoint()
        return self._folder.finish(self._record.step, self._seconds(), self._record.curve)

    def _one_step(self, options: FitOptions, advance: Advance) -> None:
        step = self._record.step
        loss = self._trainer.step(step, self._batches.batch(step))
        if not math.isfinite(loss):
            raise DetectorError(
                f"training diverged at step {step + 1}: set a learning_rate below "
                f"{self._trainer.learning_rate:g}, in another folder"
            )
        self._record.step = step + 1
        note = f"loss {loss:.2f}"
        if self._is_due(options):
            self._validate()
            note += f", mAP50 {self._record.curve[-1][1]:.3f}"
        elif self._clock() - self._saved_at_s > _SECONDS_BETWEEN_SAVES:
            self._save()
        advance(1, note)

    def _is_due(self, options: FitOptions) -> bool:
        step = self._record.step
        at_end = step == options.steps
        return self._validation.possible and (at_end or step % options.validate_every_steps == 0)

    def _validate(self) -> None:
        map50 = self._validation.map50(self._trainer.average)
        self._record.curve.append((self._record.step, map50))
        if self._record.is_best():
            self._keep_checkpoint()  # before the state, so that a kill in between only repeats this
        self._save()

    def _keep_checkpoint(self) -> None:
        content = net_bytes(self._trainer.average, self._card.input_px)
        self._folder.save_checkpoint(content, self._card)

    def _save(self) -> None:
        kept: dict[str, Any] = {
            "step": self._record.step,
            "seconds": self._seconds(),
            "curve": self._record.curve,
        }
        self._folder.save_state(kept | self._trainer.state())
        self._saved_at_s = self._clock()

    def _resume(self) -> None:
        if (state := self._folder.state()) is not None:
            self._trainer.restore(state)
            curve = [(int(step), float(score)) for step, score in state["curve"]]
            self._record = Record(state["step"], state["seconds"], curve)

    def _seconds(self) -> float:
        """Time spent in this process and in those before it that were killed."""
        return self._record.seconds + self._clock() - self._resumed_at_s


def check_examples(
    train: Sequence[TrainingExample], validation: Sequence[TrainingExample], classes: Sequence[str]
) -> None:
    """Refuse what must not or cannot be learned from, with a DetectorError."""
    if not train:
        raise DetectorError("there is no labelled frame to train on; label at least one")
    for one in (*train, *validation):
        frame, labels = one.frame, one.annotations
        if frame.split is Split.TEST:
            raise DetectorError(
                f"{frame.uri}: is a test frame, which must not be used in training; leave it out"
            )
        if labels.boxes.angle is not None:
            raise DetectorError(f"{frame.uri}: has rotated boxes, which this detector cannot learn")
        if len(labels) and int(labels.class_id.max()) >= len(classes):
            raise DetectorError(
                f"{frame.uri}: has class id {int(labels.class_id.max())}, but the detector was "
                f"built for {len(classes)} classes; build it for all of them"
            )
