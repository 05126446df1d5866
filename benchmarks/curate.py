"""How long it takes to show a project in FiftyOne: whole, by changes, and by FiftyOne's own way.

A project with as many frames as asked for and ten boxes on each: accepted labels on the first half,
a model's proposals on the rest. FiftyOne's own way, `add_samples` with objects for all boxes, is
measured on fewer frames of the same kind, and its time a frame compared.
"""

import argparse
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe_machine
from mongo import mongo_environment, mongod_program

from prelabel.curating.curate import synchronise
from prelabel.curating.opening import Curation, opened_curation
from prelabel.datasets.annotations import IMPORTED, AnnotationSet, new_box_ids
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.frames import Frame, LabelledFrame
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.datasets.progress import Silent
from prelabel.project import Project, open_project
from prelabel.proposing import prediction_files
from prelabel.settings import settings_text
from prelabel.store.records import ModelRecord

BOXES = 10
CLASSES = ("car", "van", "bus", "person", "bicycle")
MODEL = "0123456789abcdef"
CHANGED = 1000
WIDTH_PX, HEIGHT_PX = 1280, 720
_WRITTEN_AT_ONCE = 5000


def frame(number: int) -> Frame:
    return Frame(f"{number:032x}", f"/pictures/{number:06d}.jpg", WIDTH_PX, HEIGHT_PX)


def boxes(rng: np.random.Generator) -> Boxes:
    corner = rng.uniform(0, (WIDTH_PX / 2, HEIGHT_PX / 2), (BOXES, 2))
    return Boxes(np.hstack([corner, corner + rng.uniform(20, 300, (BOXES, 2))]))


def labelled(numbers: range, rng: np.random.Generator) -> Iterator[LabelledFrame]:
    for number in numbers:
        classes = rng.integers(0, len(CLASSES), BOXES)
        ids = new_box_ids(BOXES, rng)
        yield LabelledFrame(
            frame(number), AnnotationSet(boxes(rng), classes, ids, [IMPORTED] * BOXES)
        )


def prediction(number: int, rng: np.random.Generator) -> Prediction:
    probs = rng.uniform(0.01, 0.2, (BOXES, len(CLASSES))).astype(np.float32)
    score = -np.sort(-rng.uniform(0.35, 0.95, BOXES)).astype(np.float32)
    class_id = rng.integers(0, len(CLASSES), BOXES)
    probs[np.arange(BOXES), class_id] = score
    return Prediction(
        f"{number:032x}", MODEL, boxes(rng), score, class_id, ClassScores.INDEPENDENT,
        class_probs=probs,
    )  # fmt: skip


def make_project(folder: Path, frames: int) -> None:
    """The project, made once."""
    if (folder / "complete").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    text = settings_text("curate", "torchvision:micro", None)
    (folder / "prelabel.yaml").write_text(text.replace("shown_score: null", "shown_score: 0.3"))
    rng = np.random.default_rng(0)
    half = frames // 2
    with open_project(folder) as project:
        project.add_classes(CLASSES)
        project.store.import_frames(labelled(range(half), rng), "bench")
        rest = (LabelledFrame(frame(number), None) for number in range(half, frames))
        project.store.import_frames(rest, "bench")
        checkpoint = str(folder / "models" / "best.pt")
        record = ModelRecord(MODEL, "torchvision:micro", checkpoint, half, 1, 1.0)
        project.store.add_model(record, "bench")
        files = prediction_files(project.workspace, MODEL)
        for start in range(half, frames, _WRITTEN_AT_ONCE):
            stop = min(start + _WRITTEN_AT_ONCE, frames)
            files.write([prediction(number, rng) for number in range(start, stop)])
    (folder / "complete").touch()


def change_labels(project: Project, count: int) -> None:
    """New label versions on so many frames."""
    rng = np.random.default_rng(time.time_ns())
    first = int(rng.integers(0, project.store.counts().labelled - count))
    for one in labelled(range(first, first + count), rng):
        assert one.annotations is not None
        project.store.write_labels(one.frame.frame_id, one.annotations, "bench")


def own_way(fo: Any, count: int) -> float:
    """Seconds that FiftyOne's objects and `add_samples` take for so many frames."""
    rng = np.random.default_rng(1)
    frames = list(labelled(range(count), rng))
    size = np.array([WIDTH_PX, HEIGHT_PX] * 2)
    begin = time.perf_counter()
    dataset = fo.Dataset()
    samples = []
    for one in frames:
        assert one.annotations is not None
        detections = []
        for row, corners in enumerate(one.annotations.boxes.xyxy / size):
            left, top, right, bottom = corners.tolist()
            detections.append(
                fo.Detection(
                    label=CLASSES[int(one.annotations.class_id[row])],
                    bounding_box=[left, top, right - left, bottom - top],
                    box_id=one.annotations.box_id[row],
                    origin="imported",
                    version=1,
                )
            )
        samples.append(
            fo.Sample(
                filepath=one.frame.uri,
                frame_id=one.frame.frame_id,
                labels=fo.Detections(detections=detections),
            )
        )
    dataset.add_samples(samples, dynamic=True)
    seconds = time.perf_counter() - begin
    fo.delete_dataset(dataset.name)
    return seconds


def timed(curation: Curation, project: Project, what: str) -> float:
    begin = time.perf_counter()
    done = synchronise(curation, project, Silent())
    seconds = time.perf_counter() - begin
    filled = done.filled
    print(
        f"{what}: {seconds:.1f} s, {filled.added} frames added, {filled.updated} brought up to "
        f"date, {filled.boxes} boxes",
        flush=True,
    )
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--own-way-frames", type=int, default=3000)
    given = parser.parse_args()
    program = mongod_program()
    if program is None:
        raise SystemExit("no mongod was found: make setup")
    folder = given.work / f"project-{given.frames}"
    make_project(folder, given.frames)
    shutil.rmtree(given.work / "fiftyone", ignore_errors=True)
    with (
        mongo_environment(given.work / "fiftyone", program) as address,
        open_project(folder) as project,
        opened_curation(project.workspace, {"FIFTYONE_DATABASE_URI": address}) as curation,
    ):
        whole = timed(curation, project, "whole")
        again = timed(curation, project, "nothing changed, all compared once")
        change_labels(project, CHANGED)
        changed = timed(curation, project, f"{CHANGED} frames with new labels")
        own = own_way(curation.fiftyone, given.own_way_frames)
        print(f"add_samples: {own:.1f} s for {given.own_way_frames} frames")
    print(describe_machine())
    per_frame = whole / given.frames
    result = {
        "frames": given.frames,
        "boxes": given.frames * BOXES,
        "full_seconds": round(whole, 1),
        "unchanged_seconds": round(again, 1),
        "changed_frames": CHANGED,
        "changed_seconds": round(changed, 2),
        "add_samples_frames": given.own_way_frames,
        "add_samples_seconds": round(own, 1),
        "ratio_add_samples": round(own / given.own_way_frames / per_frame, 1),
    }
    print("RESULT", json.dumps(result))


if __name__ == "__main__":
    main()
