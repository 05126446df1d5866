"""YOLO folders as Ultralytics reads them: reading."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from prelabel.datasets.errors import BadInputError
from prelabel.datasets.formats.base import (
    ImportReport,
    ProblemKind,
    RawDataset,
    RawFrame,
    Source,
    check_class_names,
    split_named,
)
from prelabel.datasets.formats.box_id_table import BoxIdTable
from prelabel.datasets.formats.box_lines import LabelFiles
from prelabel.datasets.formats.picture_folder import PictureFolder
from prelabel.datasets.formats.text_files import read_names, read_text
from prelabel.datasets.formats.yolo_lines import YoloLabels, are_turned
from prelabel.datasets.frames import Split

_DATA_FILES = ("data.yaml", "data.yml", "dataset.yaml")
_NAME_FILES = ("names.txt", "classes.txt", "obj.names")


class YoloReader:
    """Reads a folder of pictures with a text file of boxes for each, upright or all turned.

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
        label_files = _LabelFiles(source.folder, listed)
        labels = YoloLabels(
            LabelFiles(source.folder, table, report), names, are_turned(label_files.paths())
        )
        frames = label_files.frames(labels, report)
        return RawDataset(tuple(names.values()), len(listed), pictures, frames)


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
    """Where the labels of each picture of a dataset lie."""

    root: Path
    listed: dict[str, Split]

    def paths(self) -> Iterator[Path]:
        """The label files that are there, in the order of the pictures."""
        for picture in self.listed:
            if (path := self._of(picture)) is not None:
                yield path

    def frames(self, labels: YoloLabels, report: ImportReport) -> Iterator[RawFrame]:
        used: set[Path] = set()
        for picture, split in self.listed.items():
            path = self._of(picture)
            if path is None:
                yield RawFrame(picture, picture, split)
                continue
            used.add(path)
            yield RawFrame(picture, str(path), split, boxes=labels.boxes(path))
        for folder in sorted({self.root / "labels", *self.root.glob("*/labels")}):
            for path in sorted(folder.glob("**/*.txt")):
                if path not in used:
                    boxes = labels.boxes(path)
                    told = f"picture {path.stem} is missing or not listed"
                    count = 0 if boxes is None else len(boxes)
                    report.add(path, ProblemKind.FRAME_LEFT_OUT, told, count)

    def _of(self, picture: str) -> Path | None:
        names = (os.path.join(self.root, one) for one in _label_names(picture))
        return next((Path(one) for one in names if os.path.isfile(one)), None)


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
