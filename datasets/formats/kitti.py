"""KITTI 2D object labels: `image_2` beside `label_2`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.errors import BadInputError
from prelabel.datasets.formats.base import (
    ExportedDataset,
    ImportReport,
    Pictures,
    ProblemKind,
    RawBoxes,
    RawDataset,
    RawFrame,
    Source,
    split_named,
)
from prelabel.datasets.formats.box_id_table import BOX_IDS_FILE, BoxIdTable, BoxIdTableWriter
from prelabel.datasets.formats.box_lines import LabelFiles
from prelabel.datasets.formats.export import PictureCopies, needs_copies, short_corners
from prelabel.datasets.formats.text_files import (
    CLASSES_FILE,
    UnreadableTextError,
    read_names,
    read_split_lists,
    read_text,
    write_names,
)
from prelabel.datasets.frames import LabelledFrame, Split
from prelabel.datasets.progress import Progress

_PICTURES, _LABELS = "image_2", "label_2"
_DONT_CARE = "DontCare"
_COLUMNS = 15  # a sixteenth holds the score of a detection
_BOX = slice(4, 8)
# "Not known" in KITTI: truncation, occlusion, observation angle; then the object in space.
_UNKNOWN_VIEW, _UNKNOWN_OBJECT = "-1 -1 -10", "-1 -1 -1 -1000 -1000 -1000 -10"


class KittiReader:
    """Reads `image_2` and `label_2` in a folder or in its sub-folders (training, testing).

    A picture without label file is unlabelled, one with an empty file is labelled and empty.
    `DontCare` regions are reported and left out; what KITTI says of the object in space stays
    unread.
    """

    def recognises(self, path: Path) -> bool:
        return bool(_parts(path))

    def open(self, source: Source, report: ImportReport) -> RawDataset:
        parts = _parts(source.path)
        if not parts:
            raise BadInputError(f"{source.path}: holds no folder {_PICTURES} beside {_LABELS}")
        names_by_type = _names_by_type(source, parts)
        classes = tuple(names_by_type.values())
        splits = read_split_lists([source.path / "ImageSets"], report)
        table = BoxIdTable(source.path, source.classes or classes, report)
        files = LabelFiles(source.path, table, report)
        reading = _Reading(source.path, names_by_type, files, report)
        pictures = source.pictures(source.path)
        listed = [
            (part, name, splits.get(Path(name).stem, _split_of(part)))
            for part in parts
            for name in pictures.walk(str((part / _PICTURES).relative_to(source.path)))
        ]
        return RawDataset(classes, len(listed), pictures, reading.frames(parts, listed))


@dataclass(frozen=True, slots=True)
class _Reading:
    root: Path
    names_by_type: dict[str, str]
    files: LabelFiles
    report: ImportReport

    def frames(
        self, parts: list[Path], listed: list[tuple[Path, str, Split]]
    ) -> Iterator[RawFrame]:
        seen: set[Path] = set()
        for part, name, split in listed:
            inside = (self.root / name).relative_to(part / _PICTURES)
            labels = (part / _LABELS / inside).with_suffix(".txt")
            seen.add(labels)
            boxes = self._boxes(labels) if labels.is_file() else None
            yield RawFrame(name, str(labels if boxes is not None else name), split, boxes=boxes)
        for part in parts:
            for labels in sorted((part / _LABELS).glob("**/*.txt")):
                if labels not in seen:
                    boxes = self._boxes(labels)
                    self.report.add(
                        labels,
                        ProblemKind.FRAME_LEFT_OUT,
                        f"picture {labels.stem} is missing in {part / _PICTURES}",
                        0 if boxes is None else len(boxes),
                    )

    def _boxes(self, path: Path) -> RawBoxes | None:
        lines = self.files.read(path, _box_of)
        if lines is None:
            return None
        return RawBoxes(
            np.array([one.box[1] for one in lines], np.float64).reshape(-1, 4),
            [self.names_by_type.get(one.box[0], one.box[0]) for one in lines],
            "line",
            [one.number for one in lines],
            [one.box_id for one in lines],
            [one.origin for one in lines],
        )


def _box_of(columns: list[str]) -> tuple[str, list[float]]:
    """Type and corners of one line; ValueError says why it is left out."""
    if len(columns) not in (_COLUMNS, _COLUMNS + 1):
        raise ValueError(f"must have {_COLUMNS} columns, but has {len(columns)}: left out")
    if columns[0] == _DONT_CARE:
        raise ValueError("is a DontCare region, where objects are not labelled: left out")
    try:
        return columns[0], [float(column) for column in columns[_BOX]]
    except ValueError as error:
        raise ValueError(f"box must be numbers, but is {' '.join(columns[_BOX])!r}") from error


def _parts(path: Path) -> list[Path]:
    """The folders that hold an `image_2`: the dataset itself or its sub-folders."""
    if not path.is_dir():
        return []
    return [part for part in (path, *sorted(path.iterdir())) if (part / _PICTURES).is_dir()]


def _split_of(part: Path) -> Split:
    return split_named(part.name) or Split.TRAIN


def _names_by_type(source: Source, parts: list[Path]) -> dict[str, str]:
    """The class name behind each type as written; blanks are written as underscores."""
    names: Sequence[str]
    if (source.path / CLASSES_FILE).is_file():
        names = read_names(source.path / CLASSES_FILE)
    elif source.classes is not None:
        names = source.classes
    else:
        names = sorted(_types_in(parts))
    return {_as_type(name): name for name in names}


def _types_in(parts: list[Path]) -> set[str]:
    found: set[str] = set()
    for part in parts:
        for path in (part / _LABELS).glob("**/*.txt"):
            try:
                lines = read_text(path).splitlines()
            except UnreadableTextError:
                continue  # reported when its frame is read
            found.update(line.split()[0] for line in lines if line.strip())
    return found - {_DONT_CARE}


def _as_type(name: str) -> str:
    return "_".join(name.split())


class KittiWriter:
    """Writes `<split>/image_2`, `<split>/label_2`, `classes.txt` and `box_ids.csv`.

    Coordinates have the digits that give back the same float32; what KITTI says of the object in
    space is written as not known.
    """

    def write(
        self,
        folder: Path,
        classes: Sequence[str],
        frames: Iterable[LabelledFrame],
        pictures: Pictures | None,
        progress: Progress,
    ) -> ExportedDataset:
        copies = PictureCopies(needs_copies("KITTI", pictures))
        types = [_as_type(name) for name in classes]
        if len({*types, _DONT_CARE}) <= len(types):
            raise BadInputError(
                f"classes {', '.join(classes)}: KITTI writes blanks as underscores and keeps "
                f"{_DONT_CARE} for itself, so two of these would be one: rename a class"
            )
        write_names(folder / CLASSES_FILE, classes)
        count = boxes = 0
        with (
            (folder / BOX_IDS_FILE).open("w", encoding="utf-8", newline="") as file,
            progress.task("export as KITTI", None) as advance,
        ):
            table = BoxIdTableWriter(file, classes)
            for one in frames:
                name, split = copies.name_for(one.frame), one.frame.split
                copies.put(one.frame, folder / split / _PICTURES / name)
                (folder / split / _LABELS).mkdir(parents=True, exist_ok=True)
                if one.annotations is not None:
                    lines = _lines(one.annotations, types)
                    labels = f"{split}/{_LABELS}/{Path(name).stem}.txt"
                    text = "".join(f"{line}\n" for line in lines)
                    (folder / labels).write_text(text, encoding="utf-8")
                    table.add(labels, lines, one.annotations)
                    boxes += len(lines)
                count += 1
                advance()
        return ExportedDataset("kitti", folder, folder, None, count, boxes)


def _lines(annotations: AnnotationSet, types: Sequence[str]) -> list[str]:
    corners = short_corners(annotations.boxes.xyxy)
    return [
        f"{types[class_id]} {_UNKNOWN_VIEW} {' '.join(map(repr, box))} {_UNKNOWN_OBJECT}"
        for class_id, box in zip(annotations.class_id.tolist(), corners, strict=True)
    ]
