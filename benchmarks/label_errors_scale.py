"""How long `prelabel errors` takes to rank the labels of a large dataset, and in how much memory.

Labels and predictions are made up: a detector that sees most objects about where they are, misses
some, and takes some things for objects. Training and predicting are not part of it.
"""

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import describe_machine

from prelabel.datasets.annotations import IMPORTED, AnnotationSet, new_box_ids
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.frames import Frame, LabelledFrame
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.label_errors import ranked_suspects
from prelabel.models.prediction_files import PredictionFiles

BOXES, EXTRA, CLASSES = 10, 5, 5
WIDTH_PX, HEIGHT_PX = 1280, 720
MODEL = "0123456789abcdef"
_WRITTEN_AT_ONCE = 5000


def labelled(number: int, rng: np.random.Generator) -> LabelledFrame:
    corner = rng.uniform(0, (WIDTH_PX - 300, HEIGHT_PX - 300), (BOXES, 2))
    boxes = Boxes(np.hstack([corner, corner + rng.uniform(20, 300, (BOXES, 2))]))
    labels = AnnotationSet(
        boxes, rng.integers(0, CLASSES, BOXES), new_box_ids(BOXES, rng), [IMPORTED] * BOXES
    )
    frame = Frame(f"{number:032x}", f"/pictures/{number:06d}.jpg", WIDTH_PX, HEIGHT_PX)
    return LabelledFrame(frame, labels)


def prediction(one: LabelledFrame, rng: np.random.Generator) -> Prediction:
    """Nine of ten labels seen a little off, the more surely the better, and things elsewhere."""
    assert one.annotations is not None
    rows = np.flatnonzero(rng.random(BOXES) < 0.9)
    seen = one.annotations.boxes.xyxy[rows] + rng.uniform(-6, 6, (len(rows), 4))
    corner = rng.uniform(0, (WIDTH_PX - 300, HEIGHT_PX - 300), (EXTRA, 2))
    places = np.vstack([seen, np.hstack([corner, corner + rng.uniform(20, 300, (EXTRA, 2))])])
    count = len(places)
    score = np.concatenate([rng.beta(5, 2, len(rows)), rng.beta(1, 6, EXTRA)])
    class_id = np.concatenate([one.annotations.class_id[rows], rng.integers(0, CLASSES, EXTRA)])
    order = np.argsort(-score)
    probs = rng.uniform(0, 0.05, (count, CLASSES))
    probs[np.arange(count), class_id] = score
    probs = np.minimum(probs, score[:, None]).astype(np.float32)[order]
    return Prediction(
        one.frame.frame_id, MODEL, Boxes(places[order]), probs.max(axis=1), class_id[order],
        ClassScores.INDEPENDENT, class_probs=probs,
    )  # fmt: skip


def make(frames: int, files: PredictionFiles) -> list[LabelledFrame]:
    rng = np.random.default_rng(0)
    made = [labelled(number, rng) for number in range(frames)]
    for start in range(0, frames, _WRITTEN_AT_ONCE):
        files.write([prediction(one, rng) for one in made[start : start + _WRITTEN_AT_ONCE]])
    return made


def peak_gib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = PredictionFiles(Path(folder))
        frames = make(given.frames, files)
        before = peak_gib()
        begin, used = time.perf_counter(), time.process_time()
        suspects = ranked_suspects(frames, files, CLASSES, np.random.default_rng(0), [])
        seconds, used = time.perf_counter() - begin, time.process_time() - used
    result = {
        "frames": given.frames,
        "labels": given.frames * BOXES,
        "rank_seconds": round(seconds, 1),
        "rank_processor_seconds": round(used, 1),
        "suspects": len(suspects),
        "peak_gib_before": round(before, 2),
        "peak_gib": round(peak_gib(), 2),
    }
    print(describe_machine())
    print("RESULT", json.dumps(result))


if __name__ == "__main__":
    main()
