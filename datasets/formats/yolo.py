"""YOLO folders as Ultralytics reads them: reading."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import yaml

from prelabel.datasets.annotations import Origin
from prelabel.datasets.errors import BadInputError
from prelabel.datasets.formats.base import (
    ImportReport,
    ProblemKind,
    RawBoxes,
    RawDataset,
    RawFrame,
    Source,
    check_class_names,
    split_named,
)
from prelabel.datasets.formats.box_id_table import BoxIdTable
from prelabel.datasets.formats.picture_folder import PictureFolder
from prelabel.datasets.formats.text_files import UnreadableTextError, read_names, read_text
from prelabel.datasets.frames import Split

_DATA_FILES = ("data.yaml", "data.yml", "dataset.yaml")
_NAME_FILES = ("names.txt", "classes.txt", "obj.names")
_BOX_COLUMNS, _SCORED_BOX_COLUMNS = 5, 6


class YoloReader:
    """Reads a folder of pictures with a text file of boxes for each.

    Class names come from `data.yaml`, or from `names.txt`, `classes.txt` or `obj.names`. A picture
    without text file is unlabelled, one with an empty file is labelled and empty.
    """

    def recognises(self, path: Path) -> bool:
        if path.is_file():
            return path.suffix.lower() in (".yaml", ".yml") and "names" in _data_of(path)
        if _data_file(path) is not None:
            return True
        labels = [path / "labels", *path.glob("*/labels")]
        return any(next(folder.glob("**/*.txt"), None) is not None for folder in labels)

    def open(self, source: Source, report: ImportReport) -> RawDataset:
        data_file = source.path if source.path.is_file() else _data_file(source.path)
        data = {} if data_file is None else _data_of(data_file)
        names = _class_names(source, data, data_file)
        pictures = source.pictures()
        listed = _Listing(source, pictures, report, data, data_file).pictures()
        table = BoxIdTable(source.folder, source.classes or tuple(names.values()), report)
        label_files = _LabelFiles(source.folder, names, table, report)
        return RawDataset(tuple(names.values()), len(listed), pictures, label_files.frames(listed))


@dataclass(frozen=True, slots=True)
class _Listing:
    source: Source
    folder: PictureFolder
    report: ImportReport
    data: dict[str, Any]
    data_file: Path | None

    def pictures(self) -> dict[str, Split]:
        """The split of every picture, by its path below the picture folder, in order."""
        entries = {
            split: self.data[key]
            for split, keys in (
                (Split.TRAIN, ("train",)),
                (Split.VAL, ("val", "valid")),
                (Split.TEST, ("test",)),
            )
            for key in keys
            if self.data.get(key)
        }
        if not entries or self.source.images is not None:
            return {name: _split_of(name) for name in self.folder.walk()}
        listed: dict[str, Split] = {}
        seen: dict[str, Split] = {}
        for split, entry in entries.items():
            for one in entry if isinstance(entry, list) else [entry]:
                if seen.setdefault(str(one), split) is not split:
                    told = f"{one} is given for {seen[str(one)]} and {split}: taken as the first"
                    self.report.add(self.data_file or one, ProblemKind.NOTE, told)
                    continue
                for name in self._named_by(str(one), split):
                    self._put(listed, name, split)
        return listed

    def _put(self, listed: dict[str, Split], name: str, split: Split) -> None:
        if listed.setdefault(name, split) is not split:
            self.report.add(
                name,
                ProblemKind.NOTE,
                f"is listed for {listed[name]} and {split}: left in the first",
            )

    def _named_by(self, entry: str, split: Split) -> Iterator[str]:
        found = self._resolved(entry)
        if found is None:
            self.report.add(
                self.data_file or self.folder.root,
                ProblemKind.NOTE,
                f"{split}: {entry} is not in {self.folder.root}: nothing was read from it",
            )
        elif found.is_dir():
            yield from self.folder.walk(os.path.relpath(found, self.folder.root))
        else:
            for line in read_text(found).splitlines():
                if line.strip():
                    path = os.path.join(found.parent, line.strip())
                    yield os.path.relpath(path, self.folder.root)

    def _resolved(self, entry: str) -> Path | None:
        """The folder or list that an entry of `data.yaml` means, if it lies in the dataset.

        Entries are relative to `path`, to the file, or (as exported by some tools) one folder up.
        """
        root = self.folder.root
        bases = [root / str(self.data.get("path") or "."), root]
        for base in bases:
            for tried in (entry, entry.removeprefix("../"), entry.removeprefix("./")):
                real = Path(os.path.realpath(base / tried))
                if real.exists() and (real == root or root in real.parents):
                    return real
        return None


@dataclass(frozen=True, slots=True)
class _LabelFiles:
    root: Path
    names: dict[int, str]
    table: BoxIdTable
    report: ImportReport

    def frames(self, listed: dict[str, Split]) -> Iterator[RawFrame]:
        used: set[str] = set()
        for picture, split in listed.items():
            labels = next((one for one in _label_names(picture) if self._is_there(one)), None)
            if labels is not None:
                used.add(labels)
            yield self._frame(picture, split, labels)
        for folder in sorted({self.root / "labels", *self.root.glob("*/labels")}):
            for path in sorted(folder.glob("**/*.txt")):
                if path.relative_to(self.root).as_posix() not in used:
                    self._report_without_picture(path)

    def _is_there(self, labels: str) -> bool:
        return os.path.isfile(os.path.join(self.root, labels))

    def _report_without_picture(self, path: Path) -> None:
        boxes = self._boxes(path.relative_to(self.root).as_posix())
        count = 0 if boxes is None else len(boxes)
        told = f"picture {path.stem} is missing or not listed"
        self.report.add(path, ProblemKind.FRAME_LEFT_OUT, told, count)

    def _frame(self, picture: str, split: Split, labels: str | None) -> RawFrame:
        if labels is None:
            return RawFrame(picture, picture, split)
        return RawFrame(picture, str(self.root / labels), split, boxes=self._boxes(labels))

    def _boxes(self, labels: str) -> RawBoxes | None:
        path = self.root / labels
        try:
            lines = read_text(path).splitlines()
        except UnreadableTextError as error:
            self.report.add(
                path, ProblemKind.CORRECTED, f"{error.reason}: the picture counts as unlabelled"
            )
            return None
        xyxy: list[list[float]] = []
        class_names: list[str] = []
        numbers: list[int] = []
        ids: list[str | None] = []
        origins: list[Origin] = []
        for number, line in enumerate(lines, start=1):
            columns = line.split()
            if not columns:
                continue
            try:
                class_number, box = _box_of(columns)
            except ValueError as error:
                self.report.add(path, ProblemKind.BOX_LEFT_OUT, f"line {number}: {error}")
                continue
            if len(columns) > _SCORED_BOX_COLUMNS:
                self.report.add(
                    path,
                    ProblemKind.CORRECTED,
                    f"line {number}: the box around a polygon was taken",
                )
            xyxy.append(box)
            class_names.append(self.names.get(class_number, f"(number {class_number})"))
            numbers.append(number)
            box_id, origin = self.table.take(labels, line)
            ids.append(box_id)
            origins.append(origin)
        corners = np.array(xyxy, np.float64).reshape(-1, 4)
        return RawBoxes(corners, class_names, "line", numbers, ids, origins, relative=True)


def _box_of(columns: list[str]) -> tuple[int, list[float]]:
    """Class number and corners, in fractions of the picture, of one line; ValueError says why."""
    if len(columns) == _SCORED_BOX_COLUMNS:
        raise ValueError("has 6 columns: a box with a confidence is a prediction, not a label")
    if len(columns) < _BOX_COLUMNS or len(columns) % 2 == 0:
        raise ValueError(f"must have 5 columns (class and box), but has {len(columns)}")
    try:
        class_number, *values = (float(column) for column in columns)
    except ValueError as error:
        raise ValueError(f"must hold numbers, but is {' '.join(columns)!r}") from error
    if not class_number.is_integer():
        raise ValueError(f"class must be a whole number, but is {columns[0]}")
    if len(columns) > _BOX_COLUMNS:
        across, down = values[0::2], values[1::2]
        return int(class_number), [min(across), min(down), max(across), max(down)]
    x, y, width, height = values
    left, top, right, bottom = x - width / 2, y - height / 2, x + width / 2, y + height / 2
    return int(class_number), [left, top, right, bottom]


def _label_names(picture: str) -> Iterator[str]:
    """Where the labels of a picture may be, relative to the dataset, the likeliest first."""
    path = PurePosixPath(picture.replace(os.sep, "/")).with_suffix(".txt")
    parts = list(path.parts)
    for row in range(len(parts) - 2, -1, -1):
        if parts[row] == "images":
            yield "/".join([*parts[:row], "labels", *parts[row + 1 :]])
            break
    else:
        yield "/".join(["labels", *parts])
    yield str(path)


def _split_of(picture: str) -> Split:
    told = (split_named(part) for part in PurePosixPath(picture.replace(os.sep, "/")).parent.parts)
    return next((split for split in told if split is not None), Split.TRAIN)


def _class_names(source: Source, data: dict[str, Any], data_file: Path | None) -> dict[int, str]:
    if "names" in data:
        return _names_of(data["names"], str(data_file))
    for name in _NAME_FILES:
        if (source.folder / name).is_file():
            return dict(enumerate(read_names(source.folder / name)))
    if source.classes is not None:
        return dict(enumerate(source.classes))
    raise BadInputError(
        f"{source.path}: has no class names: add a data.yaml or names.txt, or give the classes"
    )


def _names_of(names: Any, where: str) -> dict[int, str]:
    pairs = dict(enumerate(names)) if isinstance(names, list) else names
    if not isinstance(pairs, dict) or not all(isinstance(key, int) for key in pairs):
        raise BadInputError(f"{where}: names must be a list, or map class numbers to names")
    ordered = sorted(pairs)
    checked = check_class_names([str(pairs[number]) for number in ordered], where)
    return dict(zip(ordered, checked, strict=True))


def _data_file(folder: Path) -> Path | None:
    named = [folder / name for name in _DATA_FILES]
    return next((path for path in named if path.is_file()), None)


def _kind(content: Any) -> str:
    return type(content).__name__  # never the content: aliases can make it endless


def _data_of(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise BadInputError(f"{path}: is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise BadInputError(f"{path}: must map names, train and val, not be a {_kind(content)}")
    return content
