"""Projects on real pictures whose true boxes are known, with a batch that waits for people."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.formats.base import ImportReport
from prelabel.datasets.formats.registry import open_dataset
from prelabel.datasets.frames import Frame, LabelledFrame, Split
from prelabel.datasets.geometry import clip_to_picture
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.project import Project, init_project
from prelabel.proposing import prediction_files
from prelabel.store.records import ModelRecord

MODEL = "0123456789abcdef"
SHOWN_SCORE = 0.3


@dataclass(frozen=True)
class ReviewProject:
    """A project's folder, its classes, and the true boxes by frame id."""

    folder: Path
    classes: tuple[str, ...]
    truth: dict[str, AnnotationSet]


def review_project(
    folder: Path, dataset: Path, split: Split, boxes: tuple[int, int], frames: int
) -> ReviewProject:
    """A project in `folder` on the first `frames` pictures of a split with so many true boxes.

    A detector that errs as detectors do has proposed boxes on all of them, and they are chosen as
    one batch.
    """
    opened = open_dataset(dataset, report=ImportReport())
    least, most = boxes
    chosen = [
        one
        for one in opened.frames
        if one.frame.split is split
        and one.annotations is not None
        and least <= len(one.annotations) <= most
    ][:frames]
    assert len(chosen) == frames
    photos = folder.parent / f"{folder.name}-photos"
    photos.mkdir(parents=True)
    for one in chosen:
        shutil.copy(one.frame.uri, photos)
    project, _ = init_project(folder, source=photos, format="images", classes=opened.classes)
    truth = {one.frame.frame_id: _labels(one) for one in chosen}
    with project:
        propose_nearly(project, truth)
        set_shown_score(folder, SHOWN_SCORE)
    return ReviewProject(folder, opened.classes, truth)


def propose_nearly(project: Project, truth: dict[str, AnnotationSet]) -> None:
    """Record a model and its proposals: the true boxes with a detector's usual mistakes."""
    classes = len(project.store.classes())
    checkpoint = str(project.workspace.training_folder("run") / "best.pt")
    record = ModelRecord(MODEL, "torchvision:micro", checkpoint, 20, 300, 60.0)
    project.store.add_model(record, "machine")
    prediction_files(project.workspace, MODEL).write(
        [
            near_prediction(frame, truth[frame.frame_id], classes, row)
            for row, frame in enumerate(project.store.frames())
        ]
    )


def set_shown_score(folder: Path, score: float) -> None:
    """Show proposals from this score on."""
    settings = folder / "prelabel.yaml"
    text = settings.read_text(encoding="utf-8")
    assert "shown_score: null" in text
    settings.write_text(text.replace("shown_score: null", f"shown_score: {score}"), "utf-8")


def near_prediction(frame: Frame, truth: AnnotationSet, classes: int, seed: int) -> Prediction:
    """What a half-trained detector would say: of the true boxes some are right, some shifted, some
    of another class, one in five is missed or faint, and something is seen where nothing is."""
    rng = np.random.default_rng(seed)
    rows = [
        _nearly(xyxy, int(class_id), classes, rng)
        for xyxy, class_id in zip(truth.boxes.xyxy, truth.class_id, strict=True)
    ]
    rows.append(_invented(frame, classes, rng))
    kept = [one for one in rows if one is not None]
    xyxy, probs = np.array([one[0] for one in kept]), np.array([one[1] for one in kept])
    xyxy, inside = clip_to_picture(xyxy.astype(np.float32), frame.width_px, frame.height_px)
    score = probs.max(axis=1)
    order = [row for row in np.argsort(-score, kind="stable") if inside[row]]
    return Prediction(
        frame.frame_id,
        MODEL,
        Boxes(xyxy[order]),
        score[order],
        probs[order].argmax(axis=1),
        ClassScores.INDEPENDENT,
        class_probs=probs[order],
        frame_embedding=rng.normal(size=8),
    )


_Row = tuple["np.typing.NDArray[np.float64]", "np.typing.NDArray[np.float64]"]


def _nearly(
    xyxy: Sequence[float], class_id: int, classes: int, rng: np.random.Generator
) -> _Row | None:
    probs = rng.uniform(0.01, 0.06, classes)
    side = np.subtract(xyxy[2:], xyxy[:2])
    shift = np.tile(side, 2) * rng.normal(0, 0.02, 4)
    kind = rng.choice(
        ["right", "shifted", "reclassed", "faint", "missed"], p=[0.4, 0.2, 0.2, 0.1, 0.1]
    )
    probs[class_id] = rng.uniform(0.6, 0.97)
    if kind == "missed":
        return None
    if kind == "faint":
        probs[class_id] = rng.uniform(0.1, 0.25)
    if kind == "shifted":
        shift += np.tile(side * rng.uniform(0.12, 0.18, 2) * rng.choice([-1, 1], 2), 2)
    if kind == "reclassed":
        probs[(class_id + 1) % classes], probs[class_id] = rng.uniform(0.45, 0.6), 0.4
    return np.asarray(xyxy, np.float64) + shift, probs


def _invented(frame: Frame, classes: int, rng: np.random.Generator) -> _Row:
    size = np.array([frame.width_px, frame.height_px])
    corner = rng.uniform(0.05, 0.75, 2) * size
    probs = rng.uniform(0.01, 0.2, classes)
    probs[rng.integers(classes)] = rng.uniform(0.32, 0.5)
    return np.concatenate([corner, corner + size * rng.uniform(0.08, 0.2, 2)]), probs


def _labels(one: LabelledFrame) -> AnnotationSet:
    assert one.annotations is not None
    return one.annotations
