"""Frozen predictions for the benchmark of accepting: one small detector a dataset, trained once.

The detector learns from one half of the frames and predicts the other half, which nothing else has
looked at. All of it is kept in the work folder, and a stopped run goes on where it was.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.formats.base import ImportReport
from prelabel.datasets.formats.registry import open_dataset
from prelabel.datasets.frames import Frame, LabelledFrame, Split
from prelabel.datasets.pictures import frame_id_of
from prelabel.datasets.predictions import Prediction
from prelabel.datasets.progress import Silent
from prelabel.datasets.scenes.options import SCENE_CLASSES, SceneOptions
from prelabel.datasets.scenes.writing import write_scenes
from prelabel.models.bulk import predict_to_files
from prelabel.models.detector import FitOptions, PredictOptions, TrainingExample
from prelabel.models.prediction_files import PredictionFiles
from prelabel.models.prediction_table import EMBEDDINGS
from prelabel.models.registry import build_detector

Pixels = NDArray[Any]

DETECTOR = "ultralytics:micro"
SCORE_MIN = 0.02
SCENES = SceneOptions(seed=11, train=1200, val=0, test=2400)
UNSEEN_CLASS = "truck"  # left out of training and of the checks; a pool of its own holds it
DARKENED = 0.3
SHRUNK = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Frozen:
    """Frames with labels, and what one detector proposes on them that never saw them."""

    predictions: tuple[Prediction, ...]
    truth: tuple[AnnotationSet, ...]

    def __len__(self) -> int:
        return len(self.truth)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the detector of a dataset is trained."""

    steps: int
    input_px: int


RECIPES = {
    "scenes": Recipe(1500, 256),
    "playing_cards": Recipe(900, 256),
    "aquarium": Recipe(900, 320),
}
FORMATS = {"playing_cards": "voc", "aquarium": None}


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """The half to train on, the half to check and accept, and pools that are shifted."""

    classes: tuple[str, ...]
    train: Sequence[LabelledFrame]
    rest: Sequence[LabelledFrame]
    shifted: Mapping[str, Sequence[LabelledFrame]]


def frozen(name: str, data: Path, work: Path) -> tuple[Frozen, dict[str, Frozen]]:
    """The frozen predictions of a dataset, and those of its shifted pools by name."""
    dataset = scenes(work) if name == "scenes" else _photographs(name, data)
    checkpoint = trained(name, dataset, work / name)
    options = PredictOptions(input_px=RECIPES[name].input_px, score_min=SCORE_MIN)

    def predicted(frames: Sequence[LabelledFrame], folder: str) -> Frozen:
        files = PredictionFiles(work / name / folder)
        bare = [one.frame for one in frames]
        predict_to_files(checkpoint, bare, options, files, 2, work / "state", Silent())
        found = {one.frame_id: one for one in files.read([f.frame_id for f in bare], EMBEDDINGS)}
        known = {one.frame.frame_id: one.annotations for one in frames}
        kept = [frame.frame_id for frame in bare if frame.frame_id in found]
        truth = [known[frame_id] or AnnotationSet.empty() for frame_id in kept]
        return Frozen(tuple(found[frame_id] for frame_id in kept), tuple(truth))

    shifted = {kind: predicted(frames, kind) for kind, frames in dataset.shifted.items()}
    return predicted(dataset.rest, "rest"), shifted


def trained(name: str, dataset: Dataset, folder: Path) -> Path:
    """The checkpoint of the dataset's detector."""
    return learned_from(name, dataset, (), None, RECIPES[name].steps, folder / "training")


def learned_from(
    name: str,
    dataset: Dataset,
    more: Sequence[LabelledFrame],
    starter: Path | None,
    steps: int,
    folder: Path,
) -> Path:
    """The checkpoint of a detector that has learned the training half and some more frames."""
    detector = build_detector(DETECTOR, dataset.classes, folder.parent / "state")
    examples = [
        # The halves are drawn anew, across the dataset's own splits.
        TrainingExample(replace(one.frame, split=Split.TRAIN), one.annotations)
        for one in (*dataset.train, *more)
        if one.annotations is not None
    ]
    px = RECIPES[name].input_px
    options = FitOptions(steps, input_px=px, validate_every_steps=steps, starter=starter)
    return detector.fit(examples, (), options, folder, Silent()).checkpoint


def _photographs(name: str, data: Path) -> Dataset:
    opened = open_dataset(data / name, format=FORMATS[name], report=ImportReport())
    frames = sorted(
        {o.frame.frame_id: o for o in opened.frames}.values(), key=lambda o: o.frame.frame_id
    )
    order = np.random.default_rng(0).permutation(len(frames))
    half = len(frames) // 2
    train = [frames[row] for row in order[:half]]
    return Dataset(opened.classes, train, [frames[row] for row in order[half:]], {})


def usual_scenes(folder: Path, options: SceneOptions) -> list[LabelledFrame]:
    """Generated scenes without the class that is kept unseen."""
    return [one for one in write_scenes(folder, options, Silent()) if not _holds_unseen(one)]


def scenes(work: Path) -> Dataset:
    """The generated scenes, and the pools that are shifted from them."""
    drawn = write_scenes(work / "scenes" / "pictures", SCENES, Silent())
    train = [one for one in drawn if one.frame.split is Split.TRAIN and not _holds_unseen(one)]
    rest = [one for one in drawn if one.frame.split is Split.TEST]
    usual = [one for one in rest if not _holds_unseen(one)]
    folder = work / "scenes"
    some = usual[:800]
    shifted = {
        "darkened": [_changed(one, folder / "darkened", _darken, 1.0) for one in some],
        "other_scale": [_changed(one, folder / "shrunk", _shrink, SHRUNK) for one in some],
        "unseen_class": [one for one in rest if _holds_unseen(one)],
    }
    return Dataset(SCENE_CLASSES, train, usual, shifted)


def _holds_unseen(one: LabelledFrame) -> bool:
    unseen = SCENE_CLASSES.index(UNSEEN_CLASS)
    return one.annotations is not None and bool((one.annotations.class_id == unseen).any())


def _changed(
    one: LabelledFrame, folder: Path, change: Callable[[Pixels], Pixels], scale: float
) -> LabelledFrame:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / Path(one.frame.uri).name
    if not path.exists():
        pixels = cv2.imread(one.frame.uri)
        assert pixels is not None, f"{one.frame.uri} cannot be read"
        cv2.imwrite(str(path), change(pixels))
    frame: Frame = replace(one.frame, uri=str(path), frame_id=frame_id_of(path.read_bytes()))
    labels = one.annotations
    assert labels is not None
    boxes = Boxes(labels.boxes.xyxy * np.float32(scale))
    return LabelledFrame(frame, AnnotationSet(boxes, labels.class_id, labels.box_id, labels.origin))


def _darken(pixels: Pixels) -> Pixels:
    return (pixels * DARKENED).astype(np.uint8)


def _shrink(pixels: Pixels) -> Pixels:
    """The picture at half its size in the upper left corner, as a wider lens would show it."""
    small = cv2.resize(pixels, None, fx=SHRUNK, fy=SHRUNK, interpolation=cv2.INTER_AREA)
    wide = np.full_like(pixels, 114)
    wide[: small.shape[0], : small.shape[1]] = small
    return wide
