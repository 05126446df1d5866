"""The whole proposal pass against the same framework's own `predict`, on the same files.

Ours: JPEG files to Parquet, with boxes, class vectors, localisation spread, support and
embeddings, by worker processes that are already started. Theirs: `predict` of ultralytics, boxes
only, its model already loaded, batch 16, pictures in order of size so that it too can use small
rectangles; once with the threads it takes by itself and once with a thread a core, and over an
OpenVINO export of the same net. All take turns in one run; a ratio is the median over the turns of
our frames/s over theirs, and for `predict` the smaller one of the two numbers of threads.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
from machine import describe_machine
from memory import watched_memory

from prelabel.datasets.boxes import Boxes
from prelabel.datasets.formats.registry import open_dataset
from prelabel.datasets.formats.report import ImportReport
from prelabel.datasets.frames import Frame, LabelledFrame, Split
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.datasets.progress import Silent
from prelabel.models.bulk import Tally, WorkerPool, chunks_of, predict_to_files
from prelabel.models.detector import FitOptions, PredictOptions, TrainingExample
from prelabel.models.evaluation import evaluate
from prelabel.models.prediction_files import PredictionFiles
from prelabel.models.registry import build_detector

CORES = os.cpu_count() or 1
OPTIONS = PredictOptions(batch_size=16, score_min=0.05, nms_iou=0.7)
TRAINING = FitOptions(steps=200, input_px=256, validate_every_steps=100_000)
FRAMES = {320: 320, 640: 128}  # measured at each input size
MEMORY_FRAMES = (500, 5000)

TRAINED = Path("training", "best.pt")
WARM_UP_FRAMES = 32

Pass = Callable[[Sequence[Frame]], None]


def trained_checkpoint(cards: Sequence[LabelledFrame], classes: Sequence[str], work: Path) -> Path:
    """yolo11n, trained for two minutes so that it finds cards; kept between runs."""
    examples = [
        TrainingExample(one.frame, one.annotations)
        for one in cards
        if one.frame.split is not Split.TEST and one.annotations is not None
    ]
    detector = build_detector("ultralytics:yolo11n.yaml", classes, work / "state")
    return detector.fit(examples, [], TRAINING, (work / TRAINED).parent, Silent()).checkpoint


def openvino_export(checkpoint: Path, work: Path) -> Path:
    """The same net for OpenVINO, with any batch and any rectangle; kept between runs."""
    copy = work / "export" / "net.pt"
    folder = copy.with_name("net_openvino_model")
    if not folder.exists():
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(checkpoint, copy)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, about how the framework traces the net
            framework_model(copy).export(format="openvino", imgsz=320, dynamic=True)
    return folder


def framework_model(path: Path) -> Any:
    """A model of the framework; the detector opened before has confined it."""
    from ultralytics.models import YOLO

    return YOLO(str(path), task="detect")


def framework_predict(
    model: Any, frames: Sequence[Frame], options: PredictOptions, threads: int | None = None
) -> list[Any]:
    """The framework's own pass; `threads` None leaves their number to it."""
    import torch

    results = model.predict(
        [frame.uri for frame in frames],
        stream=True,
        imgsz=options.input_px,
        batch=options.batch_size,
        conf=options.score_min,
        iou=options.nms_iou,
        device="cpu",
        verbose=False,
    )
    if threads is None:
        return list(results)
    first = next(results)  # it sets the number of threads before the first batch
    torch.set_num_threads(threads)
    return [first, *results]


def our_pass(
    pool: WorkerPool, frames: Sequence[Frame], options: PredictOptions, folder: Path
) -> None:
    """Everything about every frame, written to a new folder and flushed to the disk."""
    shutil.rmtree(folder, ignore_errors=True)
    with Silent().task("predict", len(frames)) as advance:
        tally = Tally(advance)
        pool.predict(chunks_of(frames, options, folder), tally)
    if tally.predicted != len(frames):
        raise SystemExit(f"predicted {tally.predicted} of {len(frames)} frames")


def frames_a_second(
    passes: dict[str, Pass], frames: Sequence[Frame], repeats: int
) -> dict[str, list[float]]:
    """The speed of each pass, in turns, after a short turn that does not count."""
    speeds: dict[str, list[float]] = {name: [] for name in passes}
    for one_pass in passes.values():
        one_pass(frames[:WARM_UP_FRAMES])
    for _ in range(repeats):
        for name, one_pass in passes.items():
            start = time.perf_counter()
            one_pass(frames)
            speeds[name].append(len(frames) / (time.perf_counter() - start))
    for name, all_of_it in speeds.items():
        told = ", ".join(f"{one:.1f}" for one in all_of_it)
        print(f"  {name:30} {statistics.median(all_of_it):7.1f} frames/s  ({told})", flush=True)
    return speeds


def ratio(speeds: dict[str, list[float]], ours: str, theirs: str) -> float:
    pairs = zip(speeds[ours], speeds[theirs], strict=True)
    return statistics.median(one / other for one, other in pairs)


def measure_speed(
    checkpoint: Path, frames: Sequence[Frame], input_px: int, work: Path, repeats: int
) -> dict[str, float]:
    """Ratios at one input size."""
    options = replace(OPTIONS, input_px=input_px)
    native, with_all_cores = framework_model(checkpoint), framework_model(checkpoint)
    passes: dict[str, Pass] = {
        "predict, its threads": lambda some: void(framework_predict(native, some, options)),
        "predict, a thread a core": lambda some: void(
            framework_predict(with_all_cores, some, options, CORES)
        ),
    }
    if input_px == 320:
        exported = framework_model(openvino_export(checkpoint, work))
        passes["predict over OpenVINO"] = lambda some: void(
            framework_predict(exported, some, options)
        )
    state, run = work / "state", work / "run"
    with WorkerPool(checkpoint, CORES, state) as pool, WorkerPool(checkpoint, 1, state) as single:
        passes[f"ours, {CORES} workers"] = lambda some: our_pass(pool, some, options, run)
        passes["ours, 1 worker"] = lambda some: our_pass(single, some, options, run)
        print(f"{len(frames)} frames at {input_px} px:", flush=True)
        speeds = frames_a_second(passes, frames, repeats)
    ours = f"ours, {CORES} workers"
    ratios = {theirs: ratio(speeds, ours, theirs) for theirs in speeds if theirs != ours}
    for theirs, figure in ratios.items():
        print(f"  {ours} over {theirs}: {figure:.2f}")
    one_to_one = ratio(speeds, "ours, 1 worker", "predict, its threads")
    print(f"  ours, 1 worker over predict, its threads: {one_to_one:.2f}", flush=True)
    return ratios


def void(_: object) -> None:
    """A pass gives nothing; what it made is dropped."""


def measure_map50(
    checkpoint: Path, cards: Sequence[LabelledFrame], classes: Sequence[str], work: Path
) -> float:
    """mAP50 of our pass minus that of `predict`, on the test split at 320 px."""
    test = [one for one in cards if one.frame.split is Split.TEST]
    frames = [one.frame for one in test]
    options = replace(OPTIONS, input_px=320, score_min=0.001)
    files = PredictionFiles(work / "test-run")
    shutil.rmtree(files.folder, ignore_errors=True)
    predict_to_files(checkpoint, frames, options, files, CORES, work / "state", Silent())
    results = framework_predict(framework_model(checkpoint), frames, options)
    theirs = [prediction_of(frame, result) for frame, result in zip(frames, results, strict=True)]
    mine = evaluate(list(files.read()), test, classes).map50
    reference = evaluate(theirs, test, classes).map50
    print(f"mAP50 on {len(test)} test frames: ours {mine:.4f}, predict {reference:.4f}", flush=True)
    return mine - reference


def prediction_of(frame: Frame, result: Any) -> Prediction:
    boxes = result.boxes.cpu().numpy()
    has_area = (boxes.xyxy[:, 2:] > boxes.xyxy[:, :2]).all(1)
    return Prediction(
        frame.frame_id,
        "framework",
        Boxes(boxes.xyxy[has_area]),
        boxes.conf[has_area],
        boxes.cls[has_area].astype(int),
        ClassScores.INDEPENDENT,
    )


def repeated(frames: Sequence[Frame], count: int, folder: Path) -> list[Frame]:
    """`count` frames of their own id, each a link to one of the pictures."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    made = []
    for number in range(count):
        frame = frames[number % len(frames)]
        path = folder / f"{number:05}{Path(frame.uri).suffix}"
        path.symlink_to(frame.uri)
        made.append(replace(frame, frame_id=f"{number:032x}", uri=str(path)))
    return made


def bulk_in_own_process(checkpoint: Path, frames: Sequence[Frame], count: int, work: Path) -> None:
    """Predict `count` frames as `prelabel propose` would and print the peak memory in MB.

    They are the same pictures over and over, since what a worker holds depends on their sizes.
    """
    many = repeated(frames[: min(MEMORY_FRAMES)], count, work / "links")
    files = PredictionFiles(work / "memory-run")
    shutil.rmtree(files.folder, ignore_errors=True)
    options = replace(OPTIONS, input_px=320)
    with watched_memory(psutil.Process()) as sums:
        report = predict_to_files(checkpoint, many, options, files, CORES, work / "state", Silent())
    if report.predicted != count or len(files.predicted_ids()) != count:
        raise SystemExit(f"predicted {report.predicted} of {count} frames")
    print(json.dumps({"peak_mb": round(max(sums) / 1e6), "seconds": round(report.seconds, 1)}))


def measure_memory(data: Path, work: Path, count: int) -> int:
    """Peak MB of parent and workers for so many frames, in a process that does nothing else."""
    command = [sys.executable, __file__, "--data", str(data), "--work", str(work)]
    output = subprocess.run(
        [*command, "--bulk", str(count)], check=True, capture_output=True, text=True
    ).stdout
    told = json.loads(output.splitlines()[-1])
    print(
        f"{count} frames from start to end: {told['seconds']} s, peak {told['peak_mb']} MB",
        flush=True,
    )
    return int(told["peak_mb"])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, required=True, help="the folder of real data sets")
    arguments.add_argument("--work", type=Path, required=True, help="a folder for what is written")
    arguments.add_argument("--repeats", type=int, default=3)
    arguments.add_argument("--bulk", type=int, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    work = given.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    opened = open_dataset(given.data / "playing_cards", report=ImportReport())
    cards = list(opened.frames)
    fish = open_dataset(given.data / "aquarium", report=ImportReport()).frames
    frames = [one.frame for pair in zip(cards, fish, strict=False) for one in pair]
    if given.bulk:
        bulk_in_own_process(work / TRAINED, frames, given.bulk, work)
        return
    print(describe_machine(), flush=True)
    checkpoint = trained_checkpoint(cards, opened.classes, work)
    result: dict[str, float] = {}
    for input_px, count in FRAMES.items():
        by_size = sorted(frames[:count], key=lambda frame: (frame.height_px, frame.width_px))
        ratios = measure_speed(checkpoint, by_size, input_px, work, given.repeats)
        result[f"ratio_predict_{input_px}"] = min(
            ratios["predict, its threads"], ratios["predict, a thread a core"]
        )
        if "predict over OpenVINO" in ratios:
            result[f"ratio_openvino_{input_px}"] = ratios["predict over OpenVINO"]
    result["map50_delta"] = measure_map50(checkpoint, cards, opened.classes, work)
    rounded = {name: round(figure, 4) for name, figure in result.items()}
    peaks = {f"peak_mb_{count}": measure_memory(given.data, work, count) for count in MEMORY_FRAMES}
    print("RESULT", json.dumps(rounded | peaks))


if __name__ == "__main__":
    main()
