"""Folders of generated scenes: pictures, labels, splits."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from prelabel.datasets.annotations import IMPORTED, AnnotationSet, new_box_ids
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import BadInputError
from prelabel.datasets.files import write_whole
from prelabel.datasets.frames import Frame, LabelledFrame, Split
from prelabel.datasets.pictures import frame_id_of
from prelabel.datasets.progress import Progress
from prelabel.datasets.scenes.layout import Scene, sample_scene
from prelabel.datasets.scenes.options import SCENE_CLASSES, SPLIT_ORDER, SceneOptions
from prelabel.datasets.scenes.rendering import DRAWING_SCALE, SeenObject, render_scene

LABELS_NAME = "scenes.json"
_FORMAT = 1
_SECONDS_BETWEEN = 0.12
_SEQUENCE_LENGTHS = (3, 7)  # at least, below


@dataclass(frozen=True, slots=True)
class ScenePlan:
    """Which picture to draw: a frame `index` of the scene `number` of a split."""

    split: Split
    number: int
    index: int
    frames_in_scene: int

    @property
    def file_name(self) -> str:
        tail = f"-{self.index}" if self.frames_in_scene > 1 else ""
        return f"{self.split}-{self.number:05d}{tail}.jpg"

    @property
    def sequence(self) -> str | None:
        """Name of the recording; None where a scene has one picture only."""
        return f"{self.split}-{self.number:05d}" if self.frames_in_scene > 1 else None


def write_scenes(folder: Path, options: SceneOptions, progress: Progress) -> list[LabelledFrame]:
    """Draw a dataset into `folder` and return it, training pictures first.

    `folder` gets one JPEG a picture, and `scenes.json` with all labels once they are complete.
    Called again with the same options it goes on where it was stopped, or reads what is there.
    Raises BadInputError where the folder holds something else under one of these names.
    """
    folder.mkdir(parents=True, exist_ok=True)
    known = _read_labels(folder, options)
    if known is not None:
        return known
    frames: list[LabelledFrame] = []
    with progress.task(
        "draw scenes", sum(options.count(split) for split in SPLIT_ORDER)
    ) as advance:
        for plan in plan_scenes(options):
            frames.append(_write_picture(folder, plan, options))
            advance()
    _write_labels(folder, options, frames)
    return frames


def plan_scenes(options: SceneOptions) -> Iterator[ScenePlan]:
    """Every picture of a dataset in order; a scene never spans two splits."""
    for split_number, split in enumerate(SPLIT_ORDER):
        rng = np.random.default_rng([options.seed, split_number])
        left, number = options.count(split), 0
        while left:
            length = min(left, _scene_length(split, options.sequence_share, rng))
            for index in range(length):
                yield ScenePlan(split, number, index, length)
            left -= length
            number += 1


def _scene_length(split: Split, sequence_share: float, rng: np.random.Generator) -> int:
    """Frames of one scene, such that `sequence_share` of all frames come in sequences."""
    shortest, longest = _SEQUENCE_LENGTHS
    length = int(rng.integers(shortest, longest))
    mean = (shortest + longest - 1) / 2
    chance = sequence_share / (sequence_share + mean * (1 - sequence_share))
    return length if split is Split.TRAIN and rng.random() < chance else 1


def draw_planned(plan: ScenePlan, options: SceneOptions) -> tuple[bytes, tuple[SeenObject, ...]]:
    """The JPEG file of one picture, and the objects that are labelled in it."""
    seed = [options.seed, SPLIT_ORDER.index(plan.split), plan.number]
    scene: Scene = sample_scene(options, np.random.default_rng(seed), DRAWING_SCALE)
    camera_rng = np.random.default_rng([*seed, plan.index])
    rendered = render_scene(scene.after(plan.index * _SECONDS_BETWEEN), options, camera_rng)
    quality = [cv2.IMWRITE_JPEG_QUALITY, options.jpeg_quality]
    encoded = cv2.imencode(".jpg", rendered.pixels, quality)[1]
    return encoded.tobytes(), rendered.labelled


def _write_picture(folder: Path, plan: ScenePlan, options: SceneOptions) -> LabelledFrame:
    content, seen = draw_planned(plan, options)
    path = folder / plan.file_name
    if not path.exists():
        _put(path, content)
    elif path.read_bytes() != content:
        raise BadInputError(f"{path}: is another picture already; give an empty folder")
    frame = Frame(
        frame_id_of(content),
        str(path.resolve()),
        options.width_px,
        options.height_px,
        split=plan.split,
        sequence=plan.sequence,
        index=plan.index if plan.sequence else None,
    )
    ids = new_box_ids(len(seen), np.random.default_rng(list(bytes.fromhex(frame.frame_id))))
    boxes = Boxes(np.array([one.xyxy for one in seen], np.float32).reshape(-1, 4))
    class_ids = np.array([one.class_id for one in seen], np.int64)
    return LabelledFrame(frame, AnnotationSet(boxes, class_ids, ids, [IMPORTED] * len(seen)))


def _put(path: Path, content: bytes) -> None:
    """Whole or not at all; without waiting for the disk, since a lost picture can be redrawn."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_bytes(content)
    os.replace(unfinished, path)


def _write_labels(folder: Path, options: SceneOptions, frames: list[LabelledFrame]) -> None:
    entries = [
        {
            "file": Path(one.frame.uri).name,
            "frame_id": one.frame.frame_id,
            "split": one.frame.split,
            "sequence": one.frame.sequence,
            "index": one.frame.index,
            "box_id": labels.box_id,
            "class_id": labels.class_id.tolist(),
            "xyxy": labels.boxes.xyxy.tolist(),
        }
        for one in frames
        if (labels := one.annotations) is not None
    ]
    content = {
        "format": _FORMAT,
        "classes": SCENE_CLASSES,
        "options": asdict(options),
        "frames": entries,
    }
    write_whole(folder / LABELS_NAME, json.dumps(content).encode())


def _read_labels(folder: Path, options: SceneOptions) -> list[LabelledFrame] | None:
    """What an earlier call finished, or None when there was none, or a picture is gone."""
    path = folder / LABELS_NAME
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        same = content["format"] == _FORMAT and content["options"] == asdict(options)
        entries = content["frames"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadInputError(f"{path}: is not a file of scenes; give an empty folder") from error
    if not same:
        raise BadInputError(
            f"{folder}: holds scenes drawn with other options; give an empty folder"
        )
    if not all((folder / entry["file"]).exists() for entry in entries):
        return None
    return [_labelled_frame(folder, options, entry) for entry in entries]


def _labelled_frame(folder: Path, options: SceneOptions, entry: dict[str, Any]) -> LabelledFrame:
    frame = Frame(
        entry["frame_id"],
        str((folder / entry["file"]).resolve()),
        options.width_px,
        options.height_px,
        split=Split(entry["split"]),
        sequence=entry["sequence"],
        index=entry["index"],
    )
    boxes = Boxes(np.array(entry["xyxy"], np.float32).reshape(-1, 4))
    class_ids = np.array(entry["class_id"], np.int64)
    origin = [IMPORTED] * len(boxes)
    return LabelledFrame(frame, AnnotationSet(boxes, class_ids, entry["box_id"], origin))
