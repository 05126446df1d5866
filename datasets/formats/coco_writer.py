"""COCO detection files: writing."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np

from prelabel.datasets.annotations import IMPORTED, AnnotationSet
from prelabel.datasets.formats.base import ExportedDataset, Pictures
from prelabel.datasets.formats.coco_turned import outlines
from prelabel.datasets.formats.export import (
    PictureCopies,
    common_root,
    short_angles,
    short_corners,
    short_xywh,
)
from prelabel.datasets.formats.origins import origin_fields
from prelabel.datasets.formats.upright import upright_boxes
from prelabel.datasets.frames import Frame, FrameKind, LabelledFrame
from prelabel.datasets.geometry import areas
from prelabel.datasets.progress import Progress

ANNOTATIONS_FILE = "annotations.json"


class CocoWriter:
    """Writes `annotations.json`; pictures stay where they are unless copies are asked for.

    Beside the standard keys, an annotation has under `prelabel` its `box_id`; its `origin` unless
    it was imported; if it is turned its `angle` and, as `xyxy`, its corners before the turn; and
    the `height_m` of its object where that is known. An image has there `labelled`, `split`, and
    `kind`, `group`, `sequence`, `index` where they say anything.
    """

    def write(
        self,
        folder: Path,
        classes: Sequence[str],
        frames: Iterable[LabelledFrame],
        pictures: Pictures | None,
        progress: Progress,
    ) -> ExportedDataset:
        copies = PictureCopies(pictures or Pictures.IN_PLACE)
        path = folder / ANNOTATIONS_FILE
        images: list[Frame] = []
        names: list[str] = []  # of copied pictures
        labelled: list[bool] = []
        boxes = 0
        with path.open("wb") as file, progress.task("export as COCO", None) as advance:
            file.write(b'{"info":{"description":"written by prelabel"},"categories":')
            file.write(msgspec.json.encode(_categories(classes)))
            file.write(b',\n"annotations":[')
            for one in frames:
                images.append(one.frame)
                labelled.append(one.annotations is not None)
                if one.annotations is not None:
                    _write_annotations(
                        file, one.frame, one.annotations, len(images), boxes, classes
                    )
                    boxes += len(one.annotations)
                if copies.wanted:
                    names.append(copies.name_for(one.frame))
                    copies.put(one.frame, folder / "images" / names[-1])
                advance()
            root = None if copies.wanted else common_root(images)
            if root is not None:
                names = [Path(frame.uri).relative_to(root).as_posix() for frame in images]
            file.write(b'],\n"images":[')
            for row, frame in enumerate(images):
                file.write(b",\n" if row else b"\n")
                file.write(msgspec.json.encode(_image(row + 1, frame, names[row], labelled[row])))
            file.write(b"]}\n")
        return ExportedDataset("coco", folder, path, root, len(images), boxes)


def _categories(classes: Sequence[str]) -> list[dict[str, object]]:
    # From 1: several readers take 0 for the background.
    return [{"id": row + 1, "name": name, "supercategory": ""} for row, name in enumerate(classes)]


def _write_annotations(
    file: BinaryIO,
    frame: Frame,
    annotations: AnnotationSet,
    image_id: int,
    first_id: int,
    classes: Sequence[str],
) -> None:
    boxes = annotations.boxes
    sizes, polygons = areas(boxes.xyxy).tolist(), outlines(boxes)
    upright = upright_boxes(boxes, (frame.width_px, frame.height_px))
    for row, bbox in enumerate(short_xywh(upright)):
        record: dict[str, object] = {
            "id": first_id + row + 1,
            "image_id": image_id,
            "category_id": int(annotations.class_id[row]) + 1,
            "bbox": bbox,
            "area": sizes[row],
            "iscrowd": 0,
            "segmentation": polygons[row],  # several readers refuse a box without it
        }
        extras: dict[str, object] = {"box_id": annotations.box_id[row]}
        if annotations.origin[row] != IMPORTED:
            extras["origin"] = origin_fields(annotations.origin[row], classes)
        if boxes.angle is not None:
            extras["angle"] = short_angles(boxes.angle[row : row + 1])[0]
            extras["xyxy"] = short_corners(boxes.xyxy[row : row + 1])[0]
        if annotations.height_m is not None and not np.isnan(annotations.height_m[row, 0]):
            extras["height_m"] = short_corners(annotations.height_m[row : row + 1])[0]
        record["prelabel"] = extras
        file.write(b",\n" if first_id + row else b"\n")
        file.write(msgspec.json.encode(record))


def _image(image_id: int, frame: Frame, name: str, labelled: bool) -> dict[str, object]:
    extras: dict[str, object] = {"labelled": labelled, "split": frame.split.value}
    if frame.kind is not FrameKind.IMAGE:
        extras["kind"] = frame.kind.value
    for key in ("group", "sequence", "index"):
        if getattr(frame, key) is not None:
            extras[key] = getattr(frame, key)
    return {
        "id": image_id,
        "file_name": name,
        "width": frame.width_px,
        "height": frame.height_px,
        "prelabel": extras,
    }
