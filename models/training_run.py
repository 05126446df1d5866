"""One training run from its first step, or its last saved one, to its result.

The frameworks differ in a step; what lies around the steps is the same for all: which frames may be
learned from, the schedule, validation, the best checkpoint, and going on after a kill.
"""

import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from prelabel.datasets.frames import Frame, LabelledFrame
from prelabel.datasets.predictions import Prediction
from prelabel.datasets.progress import Advance, Progress
from prelabel.models.batches_ahead import made_ahead
from prelabel.models.checkpoints import ModelCard
from prelabel.models.detector import (
    DetectorError,
    FitOptions,
    FitResult,
    PredictOptions,
    TrainingExample,
)
from prelabel.models.evaluation import evaluate
from prelabel.models.run_folder import RunFolder
from prelabel.models.training_batches import Batches, TrainingBatch

_SECONDS_BETWEEN_SAVES = 20.0
_VALIDATION_SCORE_MIN = 0.01  # average precision hardly sees boxes below
_WARM_UP = 0.1  # share of the steps over which the learning rate rises
_LAST_RATE = 0.02  # of the learning rate, at the last step
_AVERAGED_SHARE = 0.03  # of the steps that the averaged weights look back on


class Learner(Protocol):
    """A net in training.

    A step depends on its number, its batch and the state alone, so that stopping and going on
    changes nothing. `checkpoint` and `predict` are of the weights to keep, such as an average.
    """

    @property
    def learning_rate(self) -> float:
        """The largest of the run."""
        ...

    def step(self, number: int, batch: TrainingBatch) -> float:
        """Learn from a batch as step `number`, the first being 0; the loss, finite or not."""
        ...

    def state(self) -> dict[str, Any]:
        """All that changes from step to step, in a form that `torch.save` keeps."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a state that `state` gave."""
        ...

    def checkpoint(self) -> bytes:
        """The file of weights; equal bytes for equal weights."""
        ...

    def predict(self, frames: Sequence[Frame], options: PredictOptions) -> list[Prediction]: ...


@dataclass(frozen=True, slots=True)
class Schedule:
    """How many optimiser steps, and how large they are at their largest."""

    steps: int
    learning_rate: float

    def rate(self, step: int) -> float:
        """The learning rate of a step: a linear rise, then half a cosine."""
        rise = min(1.0, (step + 1) / max(1.0, _WARM_UP * self.steps))
        fall = (1 + math.cos(math.pi * step / self.steps)) / 2
        return self.learning_rate * rise * (fall * (1 - _LAST_RATE) + _LAST_RATE)

    def averaging(self, step: int) -> float:
        """How much of the averaged weights stays at a step; little at first."""
        look_back = max(10.0, _AVERAGED_SHARE * self.steps)
        return min(1 - 1 / look_back, (1 + step) / (10 + step))


class Validation:
    """Measures a learner on labelled frames that it does not learn from."""

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

    def map50(self, learner: Learner) -> float:
        """Average precision at an overlap of one half."""
        predictions = learner.predict(self._frames, self._options)
        return evaluate(predictions, self._truth, self._classes).map50


@dataclass
class _Record:
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
        learner: Learner,
        batches: Batches,
        validation: Validation,
        folder: RunFolder,
        card: ModelCard,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._learner = learner
        self._batches = batches
        self._validation = validation
        self._folder = folder
        self._card = card
        self._clock = clock
        self._record = _Record()
        self._saved_at_s = self._resumed_at_s = clock()

    def run(self, options: FitOptions, progress: Progress) -> FitResult:
        """Go through the steps that are left; raises DetectorError where training diverges."""
        self._folder.begin()
        self._resume()
        with reproducible(), progress.task("training", options.steps) as advance:
            if self._record.step:
                advance(self._record.step, "going on from the last saved step")
            for batch in made_ahead(self._batches, range(self._record.step, options.steps)):
                self._one_step(batch, options, advance)
        if not self._record.curve:
            self._folder.save_checkpoint(self._learner.checkpoint(), self._card)
        return self._folder.finish(self._record.step, self._seconds(), self._record.curve)

    def _one_step(self, batch: TrainingBatch, options: FitOptions, advance: Advance) -> None:
        step = self._record.step
        loss = self._learner.step(step, batch)
        if not math.isfinite(loss):
            raise DetectorError(
                f"training diverged at step {step + 1}: set a learning_rate below "
                f"{self._learner.learning_rate:g}, in another folder"
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
        self._record.curve.append((self._record.step, self._validation.map50(self._learner)))
        if self._record.is_best():  # before the state, so that a kill in between only repeats this
            self._folder.save_checkpoint(self._learner.checkpoint(), self._card)
        self._save()

    def _save(self) -> None:
        kept: dict[str, Any] = {
            "step": self._record.step,
            "seconds": self._seconds(),
            "curve": self._record.curve,
        }
        self._folder.save_state(kept | self._learner.state())
        self._saved_at_s = self._clock()

    def _resume(self) -> None:
        if (state := self._folder.state()) is not None:
            self._learner.restore(state)
            curve = [(int(step), float(score)) for step, score in state["curve"]]
            self._record = _Record(state["step"], state["seconds"], curve)

    def _seconds(self) -> float:
        """Time spent in this process and in those before it that were killed."""
        return self._record.seconds + self._clock() - self._resumed_at_s


@contextmanager
def reproducible() -> Iterator[None]:
    """Within this, the same steps on the same machine give the same weights.

    On the CPU that holds for one thread, which is also the fastest for a small network where other
    processes run: it is set unless OMP_NUM_THREADS says otherwise. On CUDA cuDNN is held to its
    repeatable kernels. What was set before is set back.
    """
    threads, cudnn = torch.get_num_threads(), torch.backends.cudnn
    flags = cudnn.deterministic, cudnn.benchmark
    random_state = torch.get_rng_state()
    if not os.environ.get("OMP_NUM_THREADS"):
        torch.set_num_threads(1)
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        cudnn.deterministic, cudnn.benchmark = flags
        torch.set_rng_state(random_state)
