"""Import of one COCO file of 100,000 frames and 1,000,000 boxes, beside two other readers.

Ours is the whole import: every picture is opened, checked and named by its content, and frames,
labels and events are written to the store. Datumaro and supervision read the same file into
memory and look at no picture. Each runs in a process of its own, in turn, `--repeats` times; the
figures are medians. A ratio is the other's seconds over ours: above 1, ours is faster.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import psutil
from machine import describe_machine
from memory import watched_memory

BOXES_PER_FRAME = 10
CLASSES = ("car", "van", "truck", "pedestrian", "cyclist", "cone", "sign", "bus")
PICTURE_PX = 64


def ours(folder: Path) -> None:
    """The whole import into a new project."""
    from prelabel.project import init_project

    target = folder.with_name(folder.name + "-project")  # out of the other readers' sight
    shutil.rmtree(target, ignore_errors=True)
    project, _ = init_project(target, source=folder / "annotations" / "instances_all.json")
    with project:
        counts = project.status().counts
        if counts.boxes != counts.frames * BOXES_PER_FRAME:
            raise SystemExit(f"imported {counts}")


def datumaro(folder: Path) -> None:
    """Datumaro's reader; it is lazy, so every item is visited."""
    from datumaro.components.dataset import Dataset

    dataset = Dataset.import_from(str(folder), "coco_instances")
    boxes = sum(len(item.annotations) for item in dataset)
    if boxes % BOXES_PER_FRAME:
        raise SystemExit(f"read {boxes} boxes")


def supervision(folder: Path) -> None:
    """supervision's reader."""
    import supervision as sv

    dataset = sv.DetectionDataset.from_coco(
        images_directory_path=str(folder / "images" / "all"),
        annotations_path=str(folder / "annotations" / "instances_all.json"),
    )
    boxes = sum(len(detections) for detections in dataset.annotations.values())
    if boxes % BOXES_PER_FRAME:
        raise SystemExit(f"read {boxes} boxes")


READERS = {"ours": ours, "datumaro": datumaro, "supervision": supervision}


def write_dataset(folder: Path, frames: int) -> None:
    """Small distinct pictures and one annotation file; kept between runs."""
    finished = folder / f"complete-{frames}"
    if finished.exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    pictures = folder / "images" / "all"
    pictures.mkdir(parents=True)
    (folder / "annotations").mkdir()
    rng = np.random.default_rng(0)
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for number in range(frames):
        name = f"{number:06d}.jpg"
        coarse = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        picture = cv2.resize(coarse, (PICTURE_PX, PICTURE_PX), interpolation=cv2.INTER_LINEAR)
        cv2.imwrite(str(pictures / name), picture)
        images.append(
            {"id": number + 1, "file_name": name, "width": PICTURE_PX, "height": PICTURE_PX}
        )
        corners = rng.uniform(0, PICTURE_PX / 2, (BOXES_PER_FRAME, 2)).round(2)
        sides = rng.uniform(2, PICTURE_PX / 2, (BOXES_PER_FRAME, 2)).round(2)
        classes = rng.integers(0, len(CLASSES), BOXES_PER_FRAME)
        for row in range(BOXES_PER_FRAME):
            width, height = map(float, sides[row])
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number + 1,
                    "category_id": int(classes[row]) + 1,
                    "bbox": [*map(float, corners[row]), width, height],
                    "area": width * height,
                    "iscrowd": 0,
                    "segmentation": [],  # without it Datumaro warns at every box
                }
            )
    content = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": at + 1, "name": name} for at, name in enumerate(CLASSES)],
    }
    with (folder / "annotations" / "instances_all.json").open("w") as file:
        json.dump(content, file)
    finished.touch()


def measured(reader: str, folder: Path) -> tuple[float, float]:
    """Seconds and peak MB of one reader in a process of its own, with those that it starts."""
    command = [sys.executable, __file__, "--reader", reader, "--work", str(folder)]
    started = time.perf_counter()
    process = subprocess.Popen(command)
    with watched_memory(psutil.Process(process.pid)) as sums:
        returned = process.wait()
    if returned:
        raise SystemExit(f"{reader} failed")
    return time.perf_counter() - started, max(sums) / 1e6


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--work", type=Path, required=True, help="a folder for what is written")
    arguments.add_argument("--frames", type=int, default=100_000)
    arguments.add_argument("--repeats", type=int, default=3)
    arguments.add_argument("--reader", choices=READERS, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.reader:
        READERS[given.reader](given.work)
        return
    write_dataset(given.work, given.frames)
    runs: dict[str, list[tuple[float, float]]] = {reader: [] for reader in READERS}
    for repeat in range(given.repeats):
        for reader, results in runs.items():
            results.append(measured(reader, given.work))
            print(
                f"run {repeat + 1}: {reader:12} {results[-1][0]:7.1f} s {results[-1][1]:7.0f} MB",
                flush=True,
            )
    seconds = {name: statistics.median(run[0] for run in done) for name, done in runs.items()}
    peaks = {name: statistics.median(run[1] for run in done) for name, done in runs.items()}
    print(describe_machine())
    result = {
        "frames": given.frames,
        "boxes": given.frames * BOXES_PER_FRAME,
        "seconds": round(seconds["ours"], 1),
        "peak_mb": round(peaks["ours"]),
        "ratio_datumaro": round(seconds["datumaro"] / seconds["ours"], 2),
        "ratio_supervision": round(seconds["supervision"] / seconds["ours"], 2),
        "peak_mb_datumaro": round(peaks["datumaro"]),
        "peak_mb_supervision": round(peaks["supervision"]),
    }
    print("RESULT", json.dumps(result))


if __name__ == "__main__":
    main()
