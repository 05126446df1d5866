"""A small, real detector that trains in milliseconds: coloured blobs on a dark ground.

Blobs are found by a threshold and told apart by a logistic regression on their mean colour, so it
learns from labels, errs where colours are alike, and is unsure where it has seen little.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from prelabel.datasets.annotations import IMPORTED, AnnotationSet, new_box_ids
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.frames import Frame, LabelledFrame, Split
from prelabel.datasets.geometry import pairwise_iou
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.datasets.progress import Progress
from prelabel.models.checkpoints import ModelCard, model_id_of, read_card, write_card
from prelabel.models.detector import (
    DetectorSpec,
    FitOptions,
    FitResult,
    PredictOptions,
    TrainingExample,
)

CLASSES = ("ruby", "rust", "leaf", "sky")
NAME = "blobs:logistic"

_COLOURS = np.array([[60, 40, 200], [60, 90, 180], [70, 180, 60], [200, 120, 50]], np.float64)
_SHARES = (0.4, 0.1, 0.3, 0.2)  # rust is rare, and much like ruby
_DISTRACTOR = np.array([130, 130, 130], np.float64)  # a blob that is no object


def blob_scenes(
    folder: Path, count: int, seed: int = 0, test_share: float = 0.25
) -> list[LabelledFrame]:
    """Labelled pictures of 96 x 72 pixels with none to four blobs, some of them of no class."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    return [
        _scene(folder, number, Split.TEST if number < test_share * count else Split.TRAIN, rng)
        for number in range(count)
    ]


def _scene(folder: Path, number: int, split: Split, rng: np.random.Generator) -> LabelledFrame:
    picture = rng.integers(0, 25, (72, 96, 3)).astype(np.float64)
    cells = rng.permutation(6)[: rng.integers(0, 5)]
    boxes, kinds = [], []
    for cell in cells:
        left, top = cell % 3 * 32 + rng.integers(2, 8), cell // 3 * 36 + rng.integers(2, 8)
        right, bottom = left + rng.integers(10, 22), top + rng.integers(10, 22)
        kind = int(rng.choice(len(CLASSES) + 1, p=(*(0.8 * np.array(_SHARES)), 0.2)))
        colour = _DISTRACTOR if kind == len(CLASSES) else _COLOURS[kind]
        picture[top:bottom, left:right] = colour + rng.normal(0, 18, 3)
        if kind < len(CLASSES):
            boxes.append((left, top, right, bottom))
            kinds.append(kind)
    path = folder / f"{number:04}.png"
    assert cv2.imwrite(str(path), picture.clip(0, 255).astype(np.uint8))
    frame = Frame(f"{seed_of(number):032x}", str(path), 96, 72, split=split)
    ids = new_box_ids(len(boxes), rng)
    labels = AnnotationSet(Boxes(boxes), kinds, ids, [IMPORTED] * len(boxes))
    return LabelledFrame(frame, labels)


def seed_of(number: int) -> int:
    """A number of up to 128 bits in which neighbours lie far apart."""
    return (number + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128)


class BlobDetector:
    """Keeps the regression's coefficients as JSON in `blobs.json`."""

    def __init__(self, classes: Sequence[str], weights: Path | None = None) -> None:
        self._classes = tuple(classes)
        self.model_id = ""
        if weights is not None:
            self._load(weights)

    @property
    def spec(self) -> DetectorSpec:
        return DetectorSpec(
            NAME, self._classes, ClassScores.EXCLUSIVE, trainable=True, gives_embeddings=True
        )

    def fit(
        self,
        train: Sequence[TrainingExample],
        validation: Sequence[TrainingExample],
        options: FitOptions,
        folder: Path,
        progress: Progress,
    ) -> FitResult:
        assert all(one.frame.split is not Split.TEST for one in (*train, *validation))
        features, kinds = [], []
        for one in train:
            found, colours = _blobs(Path(one.frame.uri))
            features.append(colours)
            kinds.append(_kinds(found, one.annotations, len(self._classes)))
        y = np.concatenate(kinds)
        model = LogisticRegression(C=3.0, max_iter=options.steps).fit(np.concatenate(features), y)
        weights = folder / "blobs.json"
        folder.mkdir(parents=True, exist_ok=True)
        told = {"kinds": model.classes_, "coef": model.coef_, "intercept": model.intercept_}
        weights.write_text(json.dumps({key: value.tolist() for key, value in told.items()}))
        write_card(weights, ModelCard(NAME, self._classes, options.input_px))
        self._load(weights)
        return FitResult(weights, self.model_id, options.steps, 0.01, None)

    def predict(self, frames: Sequence[Frame], options: PredictOptions) -> list[Prediction]:
        return [self._predict(frame, options) for frame in frames]

    def _load(self, weights: Path) -> None:
        self._told: dict[str, Any] = json.loads(weights.read_text())
        self.model_id = model_id_of(weights)

    def _predict(self, frame: Frame, options: PredictOptions) -> Prediction:
        boxes, colours = _blobs(Path(frame.uri))
        probs = self._probabilities(colours)
        score = probs.max(axis=1, initial=0)
        order = np.argsort(-score, kind="stable")
        kept = order[score[order] >= options.score_min]
        return Prediction(
            frame.frame_id,
            self.model_id,
            Boxes(boxes[kept]),
            score[kept],
            probs[kept].argmax(axis=1) if len(kept) else np.zeros(0, np.int64),
            ClassScores.EXCLUSIVE,
            class_probs=probs[kept],
            box_embedding=colours[kept],
            frame_embedding=np.append(colours.sum(axis=0), len(colours)),
            class_peak=probs.max(axis=0, initial=0),
        )

    def _probabilities(self, colours: NDArray[np.float64]) -> NDArray[np.float64]:
        logits = colours @ np.array(self._told["coef"]).T + np.array(self._told["intercept"])
        if logits.shape[1] == 1:  # two kinds: one column stands for the second
            logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
        probs = np.zeros((len(colours), len(self._classes) + 1))
        probs[:, self._told["kinds"]] = odds / odds.sum(axis=1, keepdims=True)
        return probs[:, : len(self._classes)]


@dataclass(frozen=True)
class BlobDetectors:
    """The source of blob detectors for a simulation."""

    def build(self, name: str, classes: Sequence[str], state_folder: Path) -> BlobDetector:
        return BlobDetector(classes)

    def open(self, checkpoint: Path, state_folder: Path) -> BlobDetector:
        return BlobDetector(read_card(checkpoint).classes, checkpoint)


def _blobs(path: Path) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Boxes (n, 4) and mean colours (n, 3) of everything bright."""
    picture = cv2.imread(str(path))
    assert picture is not None
    bright = (picture.max(axis=2) > 40).astype(np.uint8)
    count, label, stats, _ = cv2.connectedComponentsWithStats(bright)
    rows = [row for row in range(1, count) if stats[row, cv2.CC_STAT_AREA] > 20]
    corners = [[left, top, left + w, top + h] for left, top, w, h in stats[rows, :4]]
    colours = [picture[label == row].mean(axis=0) / 64 for row in rows]
    return (
        np.array(corners, np.float32).reshape(-1, 4),
        np.array(colours, np.float64).reshape(-1, 3),
    )


def _kinds(found: NDArray[np.float32], truth: AnnotationSet, nothing: int) -> NDArray[np.int64]:
    if not len(truth):
        return np.full(len(found), nothing, np.int64)
    overlap = pairwise_iou(found, truth.boxes.xyxy)
    return np.where(overlap.max(axis=1) >= 0.5, truth.class_id[overlap.argmax(axis=1)], nothing)
