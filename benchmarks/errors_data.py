"""Data sets with planted label errors, and what detectors that learned elsewhere say of them."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from prelabel.active.label_errors.planting import Planted, plant_errors
from prelabel.datasets.formats.base import ImportReport
from prelabel.datasets.formats.registry import open_dataset
from prelabel.datasets.frames import LabelledFrame, Split
from prelabel.datasets.predictions import Prediction
from prelabel.datasets.progress import Silent
from prelabel.datasets.scenes.options import SCENE_CLASSES, SceneOptions
from prelabel.datasets.scenes.writing import write_scenes
from prelabel.models.detector import FitOptions, PredictOptions, TrainingExample
from prelabel.models.out_of_fold import CrossValidation, predict_out_of_fold
from prelabel.models.registry import build_detector

DETECTOR = "ultralytics:micro"
FOLDS = 2
RATES = (0.05, 0.2)
SCENES = SceneOptions(train=400, val=0, test=0, seed=11)


@dataclass(frozen=True, slots=True)
class Source:
    """A data set with clean labels, and how to learn it."""

    read: Callable[[Path, Path], tuple[tuple[str, ...], list[LabelledFrame]]]
    steps: int
    input_px: int


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A data set with planted errors, and for each frame what was predicted out of fold."""

    name: str
    classes: tuple[str, ...]
    planted: Planted
    predictions: list[Prediction]


def _real(name: str) -> Callable[[Path, Path], tuple[tuple[str, ...], list[LabelledFrame]]]:
    def read(data: Path, work: Path) -> tuple[tuple[str, ...], list[LabelledFrame]]:
        opened = open_dataset(data / name, report=ImportReport())
        return opened.classes, [
            LabelledFrame(replace(one.frame, split=Split.TRAIN), one.annotations)
            for one in opened.frames
            if one.annotations is not None
        ]

    return read


def _generated(data: Path, work: Path) -> tuple[tuple[str, ...], list[LabelledFrame]]:
    return SCENE_CLASSES, write_scenes(work / "scenes", SCENES, Silent())


SOURCES = {
    "playing_cards": Source(_real("playing_cards"), 500, 256),
    "aquarium": Source(_real("aquarium"), 700, 320),
    "scenes": Source(_generated, 500, 256),
}
BCCD = Source(_real("bccd"), 400, 256)


def planted_case(name: str, rate: float, data: Path, work: Path) -> Case:
    """A data set with errors at this rate; its predictions are made once and kept in `work`."""
    source = SOURCES[name]
    classes, frames = source.read(data, work)
    planted = plant_errors(frames, rate, len(classes), np.random.default_rng(7))
    found = predictions(f"{name}-{rate:g}", source, classes, planted.frames, work)
    return Case(name, classes, planted, found)


def predictions(
    name: str,
    source: Source,
    classes: tuple[str, ...],
    frames: tuple[LabelledFrame, ...],
    work: Path,
) -> list[Prediction]:
    """What detectors trained on the other folds, errors and all, predict on each frame."""
    examples = [
        TrainingExample(one.frame, one.annotations) for one in frames if one.annotations is not None
    ]
    plan = CrossValidation(
        build=lambda: build_detector(DETECTOR, classes, work / "state"),
        options=FitOptions(source.steps, 16, source.input_px, validate_every_steps=source.steps),
        look=PredictOptions(source.input_px, score_min=0.01, nms_iou=0.6, max_boxes=200),
        folds=FOLDS,
    )
    files = predict_out_of_fold(examples, plan, work / name, Silent())
    return list(files.read([one.frame.frame_id for one in frames]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", nargs=2, metavar=("NAME", "RATE"), required=True)
    given = parser.parse_args()
    name, rate = given.only
    case = planted_case(name, float(rate), given.data, given.work)
    print(f"{name} at {rate}: {len(case.predictions)} frames predicted")


if __name__ == "__main__":
    main()
