"""YOLO folders as Ultralytics reads them: writing."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import yaml

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.formats.base import ExportedDataset, Pictures
from prelabel.datasets.formats.box_id_table import BOX_IDS_FILE, BoxIdTableWriter
from prelabel.datasets.formats.export import PictureCopies, needs_copies
from prelabel.datasets.frames import Frame, LabelledFrame, Split
from prelabel.datasets.geometry import angle_of, rotated_corners
from prelabel.datasets.progress import Progress


class YoloWriter:
    """Writes `images/<split>`, `labels/<split>`, `data.yaml` and `box_ids.csv`.

    Numbers have all their digits, so that pixels come back to within the rounding of float32.
    Where any box is turned, all are written as four corners, as Ultralytics wants them.
    """

    def write(
        self,
        folder: Path,
        classes: Sequence[str],
        frames: Iterable[LabelledFrame],
        pictures: Pictures | None,
        progress: Progress,
    ) -> ExportedDataset:
        copies = PictureCopies(needs_copies("YOLO", pictures))
        listed = list(frames)
        lines_of = _corner_lines if any(map(_is_turned, listed)) else _box_lines
        boxes = 0
        splits = {Split.TRAIN, Split.VAL}  # Ultralytics wants both
        with (
            (folder / BOX_IDS_FILE).open("w", encoding="utf-8", newline="") as file,
            progress.task("export as YOLO", len(listed)) as advance,
        ):
            table = BoxIdTableWriter(file, classes)
            for one in listed:
                name, split = copies.name_for(one.frame), one.frame.split
                copies.put(one.frame, folder / "images" / split / name)
                if one.annotations is not None:
                    lines = lines_of(one.frame, one.annotations)
                    labels = f"labels/{split}/{Path(name).stem}.txt"
                    _write_lines(folder / labels, lines)
                    table.add(labels, lines, one.annotations)
                    boxes += len(lines)
                splits.add(split)
                advance()
        _write_data_file(folder, classes, splits)
        return ExportedDataset("yolo", folder, folder, None, len(listed), boxes)


def _is_turned(one: LabelledFrame) -> bool:
    return one.annotations is not None and one.annotations.boxes.angle is not None


def _corner_lines(frame: Frame, annotations: AnnotationSet) -> list[str]:
    size = np.array([frame.width_px, frame.height_px], np.float64)
    corners = rotated_corners(annotations.boxes.xyxy, angle_of(annotations.boxes)) / size
    return _numbered(annotations, corners.reshape(-1, 8))


def _box_lines(frame: Frame, annotations: AnnotationSet) -> list[str]:
    xyxy = annotations.boxes.xyxy.astype(np.float64)
    size = np.array([frame.width_px, frame.height_px], np.float64)
    centre = (xyxy[:, :2] + xyxy[:, 2:]) / 2 / size
    sides = (xyxy[:, 2:] - xyxy[:, :2]) / size
    return _numbered(annotations, np.concatenate([centre, sides], axis=1))


def _numbered(annotations: AnnotationSet, rows: Float64s) -> list[str]:
    return [
        " ".join([str(class_id), *map(repr, numbers)])
        for class_id, numbers in zip(annotations.class_id.tolist(), rows.tolist(), strict=True)
    ]


def _write_lines(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _write_data_file(folder: Path, classes: Sequence[str], splits: set[Split]) -> None:
    data: dict[str, object] = {}
    for split in Split:
        if split in splits:
            (folder / "images" / split).mkdir(parents=True, exist_ok=True)
            data[split.value] = f"images/{split.value}"
    data["names"] = dict(enumerate(classes))
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    (folder / "data.yaml").write_text(text, encoding="utf-8")
