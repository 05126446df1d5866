"""A project whose detector is right about two boxes a picture, and unsure of a third on some.

Its proposals are a file of results, as any other program may have written it.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from builders import a_picture, annotations

from prelabel.datasets.annotations import AnnotationSet
from prelabel.project import Project, init_project

PICTURES = 300
CLASSES = ("heron", "egret")
SURE = ((2, 2, 20, 20), (30, 4, 50, 30))
DOUBTFUL = (6, 28, 24, 44)


@dataclass(frozen=True)
class BirdWorld:
    """The project's folder; the true boxes by the name of a picture."""

    folder: Path
    truth: dict[str, AnnotationSet]

    def label(self, project: Project, frame_ids: list[str], author: str = "ann") -> None:
        """Label frames as they truly are."""
        for frame in project.store.find_frames(frame_ids):
            truth = self.truth[Path(frame.uri).name]
            project.store.write_labels(frame.frame_id, truth, author)


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
