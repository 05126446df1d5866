"""Small datasets written by hand, the way other tools write them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

CLASSES = ("cat", "dog")
FOREIGN_FORMATS = ("coco", "yolo", "voc", "kitti", "csv")
WIDTH_PX, HEIGHT_PX = 64, 48

Number = float | str  # a string is written as it stands


@dataclass(frozen=True)
class ForeignBox:
    name: str
    xyxy: tuple[Number, Number, Number, Number]


@dataclass(frozen=True)
class ForeignPicture:
    """A picture as a label file names it; its file is written by the test."""

    file: str
    boxes: Sequence[ForeignBox] = ()
    size: tuple[int, int] = (WIDTH_PX, HEIGHT_PX)


GOOD_BOX = ForeignBox("cat", (8.0, 6.0, 24.0, 30.0))


def picture_path(format: str, folder: Path, file: str) -> Path:
    """Where the format keeps a picture of this name."""
    inside = {"yolo": "images", "voc": "JPEGImages", "kitti": "training/image_2"}.get(format, "")
    path = folder / inside / file
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def write_foreign(format: str, folder: Path, pictures: Sequence[ForeignPicture]) -> Path:
    """Write the label files of a dataset; gives the path to open."""
    folder.mkdir(parents=True, exist_ok=True)
    writers = {
        "coco": _write_coco,
        "yolo": _write_yolo,
        "voc": _write_voc,
        "kitti": _write_kitti,
        "csv": _write_csv,
    }
    return writers[format](folder, pictures)


def _write_coco(folder: Path, pictures: Sequence[ForeignPicture]) -> Path:
    images: list[object] = []
    annotations: list[object] = []
    for row, picture in enumerate(pictures, start=1):
        width, height = picture.size
        images.append({"id": row, "file_name": picture.file, "width": width, "height": height})
        for box in picture.boxes:
            left, top, right, bottom = box.xyxy
            if isinstance(left, str) or isinstance(right, str):
                bbox: list[object] = [left, top, right, bottom]
            else:
                bbox = [left, top, right - left, float(bottom) - float(top)]
            category = CLASSES.index(box.name) + 1 if box.name in CLASSES else 99
            annotations.append(
                {"id": len(annotations) + 1, "image_id": row, "category_id": category, "bbox": bbox}
            )
    categories = [{"id": row, "name": name} for row, name in enumerate(CLASSES, start=1)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    text = json.dumps(content, ensure_ascii=False).replace('"NaN"', "NaN")
    path = folder / "annotations.json"
    path.write_text(text, encoding="utf-8")
    return path


def _write_yolo(folder: Path, pictures: Sequence[ForeignPicture]) -> Path:
    data = {"train": "images", "names": list(CLASSES)}
    (folder / "data.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    for picture in pictures:
        lines = []
        for box in picture.boxes:
            number = CLASSES.index(box.name) if box.name in CLASSES else 99
            if any(isinstance(side, str) for side in box.xyxy):
                numbers = box.xyxy
            else:
                left, top, right, bottom = map(float, box.xyxy)
                width, height = picture.size
                numbers = (
                    (left + right) / 2 / width,
                    (top + bottom) / 2 / height,
                    (right - left) / width,
                    (bottom - top) / height,
                )
            lines.append(" ".join(map(str, (number, *numbers))))
        _write_lines((folder / "labels" / picture.file).with_suffix(".txt"), lines)
    return folder


def _write_voc(folder: Path, pictures: Sequence[ForeignPicture]) -> Path:
    for picture in pictures:
        objects = "".join(
            f"<object><name>{box.name}</name><bndbox><xmin>{box.xyxy[0]}</xmin>"
            f"<ymin>{box.xyxy[1]}</ymin><xmax>{box.xyxy[2]}</xmax><ymax>{box.xyxy[3]}</ymax>"
            "</bndbox></object>"
            for box in picture.boxes
        )
        width, height = picture.size
        text = (
            f"<annotation><filename>{Path(picture.file).name}</filename><size>"
            f"<width>{width}</width><height>{height}</height></size>{objects}</annotation>"
        )
        _write_lines((folder / "Annotations" / picture.file).with_suffix(".xml"), [text])
    return folder


def _write_kitti(folder: Path, pictures: Sequence[ForeignPicture]) -> Path:
    for picture in pictures:
        lines = [
            f"{box.name} 0.00 0 -1.57 {' '.join(map(str, box.xyxy))} 1.5 1.6 4.0 1.0 1.7 20.0 0.1"
            for box in picture.boxes
        ]
        path = (folder / "training" / "label_2" / picture.file).with_suffix(".txt")
        _write_lines(path, lines)
    return folder


def _write_csv(folder: Path, pictures: Sequence[ForeignPicture]) -> Path:
    lines = ["filename,width,height,class,xmin,ymin,xmax,ymax"]
    for picture in pictures:
        for box in picture.boxes:
            cells = (picture.file, *picture.size, box.name, *box.xyxy)
            lines.append(",".join(map(str, cells)))
    _write_lines(folder / "boxes.csv", lines)
    return folder / "boxes.csv"


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
