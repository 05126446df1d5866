"""Keys and clicks a frame on the review page, from proposals and from an empty frame.

A half-trained detector proposes boxes on frames it has never seen. A scripted annotator who knows
the true boxes makes them so on the real page, in a real browser, before the real server: on a
sample from the proposals, and on the same frames from nothing. The same decisions are counted
without a browser; where both counts agree frame by frame, the count is taken over all frames.
"""

import argparse
import itertools
import json
import shutil
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from machine import describe_machine
from playwright.sync_api import Browser, ViewportSize, sync_playwright
from review_browser import launched
from review_labels import is_true
from review_policy import Effort, SeenBox, counted, plan_of
from review_server import serving
from scripted_annotator import ScriptedAnnotator

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.formats.base import ImportReport, Pictures
from prelabel.datasets.formats.registry import open_dataset, write_dataset
from prelabel.datasets.frames import LabelledFrame, Split
from prelabel.datasets.progress import Silent
from prelabel.importing import ImportSource
from prelabel.project import Project, init_project, open_project

DETECTOR = "ultralytics:micro"
TRAIN_FRAMES = 300
STEPS = 1000
INPUT_PX = 320
SAMPLE = 30
# The keystroke-level model: Card, Moran, Newell, Communications of the ACM 23 (7), 1980.
KEY_S, POINT_S, BUTTON_S = 0.28, 1.1, 0.1
SHARES = (0.0, 0.25, 0.5, 0.75, 1.01)
WINDOW = ViewportSize(width=1920, height=1080)


@dataclass(frozen=True, slots=True)
class Counted:
    """The effort of one frame, in the browser or without it, and how many true boxes it has."""

    frame_id: str
    effort: Effort
    boxes: int


def aquarium(data: Path) -> tuple[tuple[str, ...], list[LabelledFrame], list[LabelledFrame]]:
    """The class names, frames to train on, and frames to count on: validation and test."""
    opened = open_dataset(data / "aquarium", report=ImportReport())
    frames = list(opened.frames)
    train = [one for one in frames if one.frame.split is Split.TRAIN]
    chosen = np.random.default_rng(0).permutation(len(train))[:TRAIN_FRAMES]
    rest = [one for one in frames if one.frame.split is not Split.TRAIN]
    return opened.classes, [train[row] for row in chosen], rest


def pictures_of(frames: Sequence[LabelledFrame], folder: Path) -> Path:
    """Copies of the frames' pictures in a folder that tells nothing of splits and labels."""
    folder.mkdir(parents=True, exist_ok=True)
    for one in frames:
        shutil.copy(one.frame.uri, folder)
    return folder


def proposing_project(work: Path, data: Path) -> Path:
    """A project whose half-trained detector has proposed boxes on the frames to count.

    It is kept between runs; stopped, it goes on where it was.
    """
    classes, train, rest = aquarium(data)
    folder, labelled = work / "project", work / "labelled"
    if not labelled.exists():
        write_dataset("coco", labelled, classes, train, Silent(), Pictures.COPY)
    if not (folder / "prelabel.yaml").exists():
        project, _ = init_project(folder, source=labelled, classes=classes, detector=DETECTOR)
        project.store.close()
    shorten_training(folder)
    with open_project(folder) as project:
        project.import_dataset(ImportSource(pictures_of(rest, work / "unseen"), "images"))
        trained = project.train()
        kept_out = trained.validation_frames
        print(
            f"mAP50 {trained.model.validation_map50:.3f} on {kept_out} frames kept out of training"
        )
        project.propose()
        project.select(len(rest), "random")
    return folder


def shorten_training(folder: Path) -> None:
    settings = folder / "prelabel.yaml"
    text = settings.read_text(encoding="utf-8")
    for name, value in (("steps", STEPS), ("input_px", INPUT_PX)):
        lines = [
            f"  {name}: {value}" if line.startswith(f"  {name}:") else line
            for line in text.splitlines()
        ]
        text = "\n".join(lines) + "\n"
    settings.write_text(text, encoding="utf-8")


def shown_boxes(project: Project) -> dict[str, list[SeenBox]]:
    """What the page shows on each frame of the newest batch, in the order of the batch."""
    newest = project.store.latest_batch()
    assert newest is not None
    number, batch = newest
    return {pick.frame_id: _shown(project, number, pick.frame_id) for pick in batch.picks}


def _shown(project: Project, number: int, frame_id: str) -> list[SeenBox]:
    shown = project.store.shown(number, frame_id)
    if shown is None:
        return []
    proposals = shown.proposals
    boxes = []
    for row, origin in enumerate(proposals.origin):
        if origin.score is None or origin.score < shown.shown_score:
            continue
        left, top, right, bottom = proposals.boxes.xyxy[row].tolist()
        class_id, doubt = int(proposals.class_id[row]), float(shown.uncertainty[row])
        corners = (left, top, right, bottom)
        boxes.append(SeenBox(proposals.box_id[row], corners, class_id, origin.score, doubt))
    return boxes


def count_without_browser(
    shown: Mapping[str, Sequence[SeenBox]], truth: Mapping[str, AnnotationSet]
) -> list[Counted]:
    """The policy's effort on each frame, in order; the page draws in the class it drew in last."""
    draw_class, efforts = 0, []
    for frame_id, boxes in shown.items():
        effort, draw_class = counted(boxes, truth[frame_id], draw_class)
        efforts.append(Counted(frame_id, effort, len(truth[frame_id])))
    return efforts


def count_in_browser(
    browser: Browser, project: Path, truth: Mapping[str, AnnotationSet], frames: int
) -> list[Counted]:
    """The effort that a scripted annotator has at the page on the first frames of the batch.

    Raises AssertionError where the labels in the store are not the true ones afterwards.
    """
    efforts = []
    with serving(project) as server:
        page = browser.new_context(viewport=WINDOW).new_page()
        page.goto(server.url)
        person = ScriptedAnnotator(page, truth)
        for _ in range(frames):
            sight, effort = person.label_frame()
            efforts.append(Counted(sight.frame_id, effort, len(truth[sight.frame_id])))
        person.settle()
        page.context.close()
    with open_project(project) as opened:
        for one in efforts:
            version = opened.store.labels(one.frame_id)
            assert version is not None, f"{one.frame_id} has no labels"
            assert is_true(version.annotations, truth[one.frame_id]), f"{one.frame_id} is not true"
    return efforts


def empty_project(work: Path, frames: Sequence[LabelledFrame], classes: Sequence[str]) -> Path:
    """A new project on the same pictures with nothing proposed."""
    folder = work / "empty"
    for path in (folder, work / "empty-pictures"):
        shutil.rmtree(path, ignore_errors=True)
    pictures = pictures_of(frames, work / "empty-pictures")
    project, _ = init_project(folder, source=pictures, format="images", classes=classes)
    with project:
        project.select(len(frames))
    return folder


def agree(name: str, seen: Sequence[Counted], foretold: Sequence[Counted]) -> bool:
    """Whether both counts are the same on every frame; what differs is printed."""
    by_frame = {one.frame_id: one for one in foretold}
    differing = [one for one in seen if by_frame[one.frame_id].effort != one.effort]
    for one in differing:
        told = by_frame[one.frame_id].effort
        print(f"{name} {one.frame_id}: browser {one.effort}, policy {told}")
    print(f"{name}: browser and policy agree on {len(seen) - len(differing)} of {len(seen)} frames")
    return not differing


def seconds_of(effort: Effort) -> float:
    """What the hands need: keys, and drags between two aimed places; no looking, no thinking."""
    return effort.keys * KEY_S + effort.clicks * 2 * (POINT_S + BUTTON_S)


def told(name: str, efforts: Sequence[Counted]) -> dict[str, float]:
    """One line of the table, and its figures."""
    keys = statistics.mean(one.effort.keys for one in efforts)
    clicks = statistics.mean(one.effort.clicks for one in efforts)
    boxes = statistics.mean(one.boxes for one in efforts)
    seconds = statistics.mean(seconds_of(one.effort) for one in efforts)
    figures = " | ".join(f"{one:.2f}" for one in (boxes, keys, clicks, seconds))
    print(f"| {name} | {len(efforts)} | {figures} |")
    return {"keys": round(keys, 3), "clicks": round(clicks, 3), "seconds": round(seconds, 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the real data sets")
    parser.add_argument("--work", type=Path, required=True, help="kept between runs")
    parser.add_argument("--sample", type=int, default=SAMPLE, help="frames in the browser")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    print(describe_machine())
    trained = proposing_project(options.work, options.data)
    classes, _, rest = aquarium(options.data)
    truth = {one.frame.frame_id: one.annotations for one in rest if one.annotations is not None}
    run = options.work / "run"
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(trained, run)
    with open_project(run) as project:
        shown = shown_boxes(project)
    foretold = count_without_browser(shown, truth)
    by_id = {one.frame.frame_id: one for one in rest}
    sample = [by_id[one.frame_id] for one in foretold[: options.sample]]
    empty = empty_project(options.work, sample, classes)
    with open_project(empty) as project:
        empty_order = shown_boxes(project)
    with sync_playwright() as playwright, launched(playwright) as browser:
        from_proposals = count_in_browser(browser, run, truth, len(sample))
        from_nothing = count_in_browser(browser, empty, truth, len(sample))
    same = agree("proposals", from_proposals, foretold)
    same &= agree("empty", from_nothing, count_without_browser(empty_order, truth))
    report(from_proposals, from_nothing, foretold if same else None, shown, truth)


def report(
    from_proposals: Sequence[Counted],
    from_nothing: Sequence[Counted],
    everything: Sequence[Counted] | None,
    shown: Mapping[str, Sequence[SeenBox]],
    truth: Mapping[str, AnnotationSet],
) -> None:
    """The tables, and the line that machines read."""
    print("| from | frames | true boxes | keys | clicks | hand s |\n|---|---:|---:|---:|---:|---:|")
    result: dict[str, float] = {}
    rows = {"sample.proposals": from_proposals, "sample.empty": from_nothing}
    if everything is not None:
        nothing: dict[str, list[SeenBox]] = {frame_id: [] for frame_id in shown}
        rows["all.proposals"] = everything
        rows["all.empty"] = count_without_browser(nothing, truth)
    for name, efforts in rows.items():
        result |= {f"{name}.{what}": value for what, value in told(name, efforts).items()}
    if everything is not None:
        result |= report_by_share_found(everything, rows["all.empty"], shown, truth)
    print(f"RESULT {json.dumps(result)}")


def report_by_share_found(
    proposals: Sequence[Counted],
    empty: Sequence[Counted],
    shown: Mapping[str, Sequence[SeenBox]],
    truth: Mapping[str, AnnotationSet],
) -> dict[str, float]:
    """The same by how many of a frame's true boxes the detector has found."""
    print("| true boxes found | frames | hand s, proposals | hand s, empty | ratio |")
    print("|---|---:|---:|---:|---:|")
    ratios = {}
    from_nothing = {one.frame_id: one.effort for one in empty}
    for low, high in itertools.pairwise(SHARES):
        chosen = [one for one in proposals if low <= share_found(one.frame_id, shown, truth) < high]
        if not chosen:
            continue
        ours = statistics.mean(seconds_of(one.effort) for one in chosen)
        theirs = statistics.mean(seconds_of(from_nothing[one.frame_id]) for one in chosen)
        name = f"{low:.0%} to {min(high, 1):.0%}"
        print(f"| {name} | {len(chosen)} | {ours:.1f} | {theirs:.1f} | {ours / theirs:.2f} |")
        ratios[f"ratio.found_{low:g}"] = round(ours / theirs, 3)
    return ratios


def share_found(
    frame_id: str,
    shown: Mapping[str, Sequence[SeenBox]],
    truth: Mapping[str, AnnotationSet],
) -> float:
    """The share of a frame's true boxes that a proposal is about; 1 where there is none."""
    boxes = len(truth[frame_id])
    missing = len(plan_of(shown[frame_id], truth[frame_id], 0).missing)
    return 1 - missing / boxes if boxes else 1.0


if __name__ == "__main__":
    main()
