"""What a detector is asked to learn from, checked before anything is done."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from prelabel.datasets.frames import Split
from prelabel.datasets.progress import Progress
from prelabel.models.checkpoints import ModelCard
from prelabel.models.detector import (
    DetectorError,
    DetectorSpec,
    FitOptions,
    FitResult,
    TrainingExample,
)
from prelabel.models.run_folder import RunFolder, run_arguments
from prelabel.models.training_batches import Batches
from prelabel.models.training_run import Learner, TrainingRun, Validation

Examples = Sequence[TrainingExample]


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """Examples and options of one `fit`, the examples in an order that is not the caller's."""

    spec: DetectorSpec
    train: Examples
    validation: Examples
    options: FitOptions

    @classmethod
    def checked(
        cls, spec: DetectorSpec, train: Examples, validation: Examples, options: FitOptions
    ) -> "TrainingJob":
        """Refuses with a DetectorError what must not or cannot be learned from."""
        _check_examples(train, validation, spec)
        if options.starter is not None and not options.starter.is_file():
            raise DetectorError(f"starter {options.starter}: there is no such file")
        return cls(spec, _in_order(train), _in_order(validation), options)

    def done_in(
        self,
        folder: Path,
        progress: Progress,
        start: Callable[[], Learner],
        *,
        stretched: bool,
    ) -> FitResult:
        """Train what `start` gives, or go on with it; nothing is done where `folder` is finished.

        `stretched` as in Batches.
        """
        run = RunFolder(folder, run_arguments(self.spec, self.train, self.validation, self.options))
        result = run.result()
        if result is not None:
            return result
        options, classes = self.options, self.spec.classes
        learner = start()
        batches = Batches(
            self.train, options.input_px, options.batch_size, options.seed, stretched=stretched
        )
        validation = Validation(self.validation, classes, options)
        card = ModelCard(self.spec.name, classes, options.input_px)
        return TrainingRun(learner, batches, validation, run, card).run(options, progress)


def _check_examples(train: Examples, validation: Examples, spec: DetectorSpec) -> None:
    if not train:
        raise DetectorError("there is no labelled frame to train on; label at least one")
    if not all(one.is_complete for one in validation):
        raise DetectorError("frames to validate on must have all of their objects labelled")
    seen: set[str] = set()
    for one in (*train, *validation):
        frame, labels = one.frame, one.annotations
        if frame.frame_id in seen:
            raise DetectorError(
                f"{frame.uri}: comes twice among the frames to train and validate on"
            )
        seen.add(frame.frame_id)
        if frame.split is Split.TEST:
            raise DetectorError(
                f"{frame.uri}: is a test frame, which must not be used in training; leave it out"
            )
        if not one.is_complete and not spec.learns_parts:
            raise DetectorError(
                f"{frame.uri}: has only some of its objects labelled, which {spec.name} cannot "
                "learn from; leave it out"
            )
        if labels.boxes.angle is not None and not spec.gives_angle:
            raise DetectorError(
                f"{frame.uri}: has turned boxes, which {spec.name} cannot learn; take an oriented "
                "detector such as ultralytics:micro-obb"
            )
        if len(labels) and int(labels.class_id.max()) >= len(spec.classes):
            raise DetectorError(
                f"{frame.uri}: has class id {int(labels.class_id.max())}, but the detector was "
                f"built for {len(spec.classes)} classes; build it for all of them"
            )


def _in_order(examples: Examples) -> list[TrainingExample]:
    return sorted(examples, key=lambda one: one.frame.frame_id)
