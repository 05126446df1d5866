"""A project whose detector is right about two boxes a picture, and unsure of a third on some.

Its proposals are a file of results, as any other program may have written it.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from builders import a_picture, annotations

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.frames import LabelledFrame
from prelabel.project import Project, init_project, open_project

PICTURES = 300
CHECKS = 160
CLASSES = ("heron", "egret")
SURE = ((2, 2, 20, 20), (30, 4, 50, 30))
DOUBTFUL = (6, 28, 24, 44)


@dataclass(frozen=True)
class BirdWorld:
    """The project's folder; the true boxes by the name of a picture."""

    folder: Path
    truth: dict[str, AnnotationSet]

    def label(self, project: Project, frame_ids: Sequence[str], author: str = "ann") -> None:
        """Label frames as they truly are, one after another but on disk at once."""
        frames = project.store.find_frames(frame_ids)
        labelled = [LabelledFrame(one, self.truth[Path(one.uri).name]) for one in frames]
        project.store.import_frames(labelled, author)

    def copied(self, folder: Path) -> "BirdWorld":
        """The same with a project of its own in `folder`."""
        shutil.copytree(self.folder, folder)
        return replace(self, folder=folder)


def bird_world(folder: Path) -> BirdWorld:
    """The project in `folder`, with proposals on all pictures and labels on none."""
    rng = np.random.default_rng(0)
    photos = folder / "photos"
    photos.mkdir(parents=True)
    results, truth = [], {}
    for number in range(PICTURES):
        name = f"{number:03d}.jpg"
        a_picture(photos / name, seed=number)
        boxes = list(SURE)
        scores = [*rng.uniform(0.8, 0.97, len(SURE)), rng.uniform(0.2, 0.5)]
        if is_doubtful := number % 2 == 0:
            boxes += [DOUBTFUL] * int(rng.random() < 0.7)
        shown = [*SURE, DOUBTFUL] if is_doubtful else SURE
        for place, score in zip(shown, scores, strict=False):
            left, top, right, bottom = place
            results.append(
                {
                    "image_id": name,
                    "category_id": 1,
                    "bbox": [left, top, right - left, bottom - top],
                    "score": float(score),
                }
            )
        truth[name] = annotations(boxes, [0] * len(boxes), seed=number)
    (folder / "results.json").write_text(json.dumps(results))
    project, _ = init_project(
        folder / "birds",
        source=photos,
        classes=CLASSES,
        detector=f"coco-results:{folder / 'results.json'}",
    )
    with project:
        project.propose()
    return BirdWorld(folder / "birds", truth)


def check(project: Project, world: BirdWorld, frames: int = CHECKS) -> None:
    """Frames drawn at random, and labelled."""
    chosen = project.select(frames, "random")
    world.label(project, [frame.frame_id for frame in chosen.frames])


def checked_world(world: BirdWorld, folder: Path) -> BirdWorld:
    """A copy of the project in `folder` in which enough frames were checked."""
    checked = world.copied(folder)
    with open_project(folder, author="ann") as project:
        check(project, checked)
    return checked


def in_recordings(project: Project) -> None:
    """Of three pictures two become frames of a recording by day, and one of another by night."""
    frames = [
        LabelledFrame(replace(one, sequence="day" if row % 3 else "night", index=row), None)
        for row, one in enumerate(project.store.frames())
    ]
    project.store.import_frames(frames, "ann")
