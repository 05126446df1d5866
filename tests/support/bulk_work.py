"""Bulk predictions that tests run and kill in processes of their own."""

import json
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from unittest import mock

import numpy as np

from prelabel.datasets.frames import Frame
from prelabel.datasets.pictures import inspect_picture
from prelabel.datasets.progress import Silent
from prelabel.models import bulk_worker
from prelabel.models.bulk import PredictReport, predict_to_files
from prelabel.models.checkpoints import ModelCard, write_card
from prelabel.models.detector import PredictOptions
from prelabel.models.prediction_files import PredictionFiles

OPTIONS = PredictOptions(batch_size=8)


def finished_predictions(pictures: Path, path: Path) -> Path:
    """A checkpoint that needs no framework, so that its processes start quickly: COCO results."""
    rng = np.random.default_rng(0)
    results = [
        {
            "image_id": picture.name,
            "category_id": int(rng.integers(1, 3)),
            "bbox": [1, 1, *rng.uniform(1, 9, 2).tolist()],
            "score": rng.uniform(0.1, 1),
        }
        for picture in sorted(pictures.glob("*.jpg"))
        for _ in range(rng.integers(0, 4))
    ]
    path.write_text(json.dumps(results), encoding="utf-8")
    write_card(path, ModelCard(f"coco-results:{path}", ("heron", "egret"), 640))
    return path


def frames_in(folder: Path) -> list[Frame]:
    """The frames of all pictures in a folder."""
    facts = {path: inspect_picture(path) for path in sorted(folder.glob("*.jpg"))}
    return [
        Frame(one.frame_id, str(path), one.width_px, one.height_px) for path, one in facts.items()
    ]


def predict(checkpoint: Path, pictures: Path, folder: Path, workers: int = 2) -> PredictReport:
    """Predict the pictures of a folder into the run `folder / "run"`."""
    files = PredictionFiles(folder / "run")
    frames = frames_in(pictures)
    return predict_to_files(checkpoint, frames, OPTIONS, files, workers, folder / "state", Silent())


def work_hastily(connection: Connection, checkpoint: Path, state_folder: Path) -> None:
    """A worker that writes a file after every few frames, so that a kill leaves some behind."""
    with mock.patch.object(bulk_worker, "_FRAMES_A_FILE", 16):
        bulk_worker.run_worker(connection, checkpoint, state_folder)


def main() -> None:
    """Predict as the arguments say: checkpoint, pictures, folder."""
    # A shell starts what runs in the background deaf to Ctrl-C, and its children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    checkpoint, pictures, folder = map(Path, sys.argv[1:])
    with mock.patch("prelabel.models.bulk.run_worker", work_hastily):
        predict(checkpoint, pictures, folder)
