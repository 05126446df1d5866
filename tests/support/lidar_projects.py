"""Projects on bird's-eye frames of sweeps with cameras, a batch of them waiting for people."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from prelabel.datasets.boxes import Boxes
from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid
from prelabel.datasets.lidar.cuboids import CuboidLabels
from prelabel.datasets.lidar.derived_frames import FrameSettings, write_frames
from prelabel.datasets.lidar.sources import open_sweeps
from prelabel.datasets.lidar.sweeps import Sweep
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.datasets.progress import Silent
from prelabel.project import init_project
from prelabel.proposing import prediction_files
from prelabel.store.records import ModelRecord

MODEL = "0123456789abcdef"
# In the page: the frame and all its cameras stand still with their pictures.
ALL_DRAWN = """() => {
  const editor = window.__prelabel?.page.editor;
  const around = editor?.around;
  return around?.scene && !around.frame && editor.scene.picture && editor.camera.goal === null
    && around.views.every((view) => view.picture && view.size.width > 1);
}"""


@dataclass(frozen=True)
class LidarProject:
    """A project's folder, where its frames were made, how, and the true cuboids by frame id."""

    folder: Path
    frames: Path
    grid: BirdsEyeGrid
    sweeps: dict[str, Sweep]
    truth: dict[str, CuboidLabels]


def lidar_project(
    folder: Path, source: Path, grid: BirdsEyeGrid, off_px: float = 0.0, ahead: int = 2
) -> LidarProject:
    """A project in `folder` on the sweeps of `source`, all chosen as one batch.

    What is proposed are the true boxes, each side off by a random number of pixels; `ahead` frames
    are lent beyond the one in hand.
    """
    opened = open_sweeps(source)
    sweeps = list(opened.sweeps)
    bare = replace(opened, sweeps=[replace(one, labels=None) for one in sweeps])
    frames = folder.parent / f"{folder.name}-frames"
    write_frames(frames, source, bare, FrameSettings(grid=grid), Silent())
    by_name = {one.name: one for one in sweeps}
    project, _ = init_project(
        folder, source=frames / "annotations.json", classes=opened.classes, author="machine"
    )
    with (folder / "prelabel.yaml").open("a", encoding="utf-8") as settings:
        settings.write(f"\nreview:\n  prefetch: {ahead}\n")
    with project:
        checkpoint = str(project.workspace.training_folder("run") / "best.pt")
        record = ModelRecord(MODEL, "torchvision:micro", checkpoint, 20, 300, 60.0)
        project.store.add_model(record, "machine")
        found = {one.frame_id: by_name[one.group or ""] for one in project.store.frames()}
        truth = {frame_id: _inside(sweep, grid) for frame_id, sweep in found.items()}
        rng = np.random.default_rng(5)
        count = len(opened.classes)
        prediction_files(project.workspace, MODEL).write(
            [_nearly(frame_id, one, grid, count, off_px, rng) for frame_id, one in truth.items()]
        )
        project.select(len(truth), "margin_max")
    return LidarProject(folder, frames, grid, found, truth)


def _inside(sweep: Sweep, grid: BirdsEyeGrid) -> CuboidLabels:
    assert sweep.labels is not None
    return sweep.labels.take(grid.inside(sweep.labels.cuboids))


def _nearly(
    frame_id: str,
    truth: CuboidLabels,
    grid: BirdsEyeGrid,
    classes: int,
    off_px: float,
    rng: np.random.Generator,
) -> Prediction:
    boxes = grid.boxes(truth.cuboids)
    off = rng.uniform(-off_px, off_px, boxes.xyxy.shape).astype(np.float32)
    probs = rng.uniform(0.01, 0.05, (len(boxes), classes))
    probs[np.arange(len(boxes)), truth.class_id] = rng.uniform(0.6, 0.97, len(boxes))
    order = np.argsort(-probs.max(axis=1), kind="stable")
    return Prediction(
        frame_id,
        MODEL,
        Boxes(boxes.xyxy + off, boxes.angle).take(order),
        probs.max(axis=1)[order],
        probs.argmax(axis=1)[order],
        ClassScores.INDEPENDENT,
        class_probs=probs[order],
        frame_embedding=rng.normal(size=8),
    )
