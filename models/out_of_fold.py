"""Predictions of labelled frames by detectors that have not learned from them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.frames import Frame, Split
from prelabel.datasets.progress import Progress
from prelabel.models.detector import Detector, FitOptions, PredictOptions, TrainingExample
from prelabel.models.prediction_files import PredictionFiles

CHUNK_FRAMES = 64


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """How labelled frames are predicted by detectors that have not seen their labels.

    They are dealt into `folds`; each fold is predicted by a detector that `build` makes and that
    is trained with `options` on the others. It serves as no validation set: a checkpoint chosen by
    the labels it is to judge would side with their errors.
    """

    build: Callable[[], Detector]
    options: FitOptions
    look: PredictOptions
    folds: int = 3

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise InvalidValueError(f"folds must be at least 2, but is {self.folds}")


def folds_of(frames: Sequence[Frame], folds: int, seed: int) -> NDArray[np.intp]:
    """The fold of each frame, (n,) in 0 to `folds` - 1; about equal in size.

    Frames of one recording or of one instant are near-copies of one another: they stay together,
    so that no detector judges a frame by its neighbour.
    """
    names = [one.sequence or one.group or one.frame_id for one in frames]
    together: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        together.setdefault(name, []).append(row)
    keys = sorted(together)
    np.random.default_rng(seed).shuffle(keys)
    # The largest first, each to the emptiest fold: that keeps the folds even.
    keys.sort(key=lambda name: -len(together[name]))
    fold = np.zeros(len(frames), np.intp)
    sizes = np.zeros(folds, np.intp)
    for name in keys:
        emptiest = int(sizes.argmin())
        fold[together[name]] = emptiest
        sizes[emptiest] += len(together[name])
    return fold


def predict_out_of_fold(
    examples: Sequence[TrainingExample],
    plan: CrossValidation,
    folder: Path,
    progress: Progress,
) -> PredictionFiles:
    """A prediction of each example, in `folder`; killed and called again, it goes on.

    Frames of the split `test` are predicted like the others, and no detector learns from them.
    Labels, options and folds must be the same in one folder: use another one for others.
    Raises InvalidValueError where there are fewer examples than folds.
    """
    if len(examples) < plan.folds:
        raise InvalidValueError(
            f"{len(examples)} labelled frames cannot be dealt into {plan.folds} folds"
        )
    files = predictions_in(folder)
    fold = folds_of([one.frame for one in examples], plan.folds, plan.options.seed)
    done = files.predicted_ids() if files.folder.exists() else set()
    for number in range(plan.folds):
        held_out = [one.frame for one, its in zip(examples, fold, strict=True) if its == number]
        waiting = [one for one in held_out if one.frame_id not in done]
        if waiting:
            rest = [
                one
                for one, its in zip(examples, fold, strict=True)
                if its != number and one.frame.split is not Split.TEST
            ]
            detector = plan.build()
            detector.fit(rest, [], plan.options, folder / f"fold-{number}", progress)
            _predict(detector, waiting, plan.look, files, progress)
    return files


def predictions_in(folder: Path) -> PredictionFiles:
    """What `predict_out_of_fold` has predicted in this folder so far."""
    return PredictionFiles(folder / "predictions")


def _predict(
    detector: Detector,
    frames: Sequence[Frame],
    look: PredictOptions,
    files: PredictionFiles,
    progress: Progress,
) -> None:
    with progress.task("Predicting frames held out of training", len(frames)) as advance:
        for start in range(0, len(frames), CHUNK_FRAMES):
            chunk = frames[start : start + CHUNK_FRAMES]
            files.write(detector.predict(chunk, look))
            advance(len(chunk))
