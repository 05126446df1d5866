"""Pascal VOC: reading."""

import os
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from prelabel.datasets.annotations import IMPORTED, Origin
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.formats.base import (
    ImportReport,
    ProblemKind,
    RawBoxes,
    RawDataset,
    RawFrame,
    Source,
    split_named,
)
from prelabel.datasets.formats.origins import origin_from_fields
from prelabel.datasets.formats.picture_folder import PictureFolder, PictureNotFoundError
from prelabel.datasets.formats.text_files import CLASSES_FILE, read_names, read_split_lists
from prelabel.datasets.frames import Split

_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_ANNOTATION_FOLDERS = frozenset({"annotations", "xmls", "labels"})
_SPLIT_LIST_FOLDERS = ("ImageSets/Main", "splits", "ImageSets", "*/ImageSets/Main")
_DECLARATION = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)


class VocReader:
    """Reads xml files and pictures below one folder, in whatever layout they lie.

    The picture of an xml file is the one it names, looked for beside it and in the folder that
    mirrors its own (`Annotations` and `JPEGImages`, `annotations/train` and `images/train`), or
    else the one of the same stem. Splits come from id lists (`ImageSets/Main`, `splits`) or from
    folder names. A picture without xml file is unlabelled. Coordinates are taken as they stand.
    """

    def recognises(self, path: Path) -> bool:
        if (path / "JPEGImages").is_dir():
            return True
        return path.is_dir() and next(path.glob("**/*.xml"), None) is not None

    def open(self, source: Source, report: ImportReport) -> RawDataset:
        pictures = source.pictures()
        root = Path(os.path.realpath(source.path))
        files = [name for name in PictureFolder(root).walk_files() if name.endswith(".xml")]
        lists = [one for pattern in _SPLIT_LIST_FOLDERS for one in sorted(root.glob(pattern))]
        splits = read_split_lists(lists, report)
        classes = _classes(source, root, files)
        reading = _Reading(root, pictures, splits, source.classes or classes, report)
        stems = {Path(name).stem for name in files}
        total = len(files) + sum(Path(name).stem not in stems for name in pictures.walk())
        return RawDataset(classes, total, pictures, reading.frames(files))


@dataclass(frozen=True, slots=True)
class _Reading:
    root: Path
    pictures: PictureFolder
    splits: dict[str, Split]
    classes: Sequence[str]
    report: ImportReport

    def frames(self, files: list[str]) -> Iterator[RawFrame]:
        by_stem: dict[str, list[str]] = {}
        for name in self.pictures.walk():
            by_stem.setdefault(Path(name).stem, []).append(name)
        used: set[str] = set()
        for file in files:
            path = self.root / file
            try:
                xml = _parsed(path)
            except InvalidValueError as error:
                used.update(by_stem.get(Path(file).stem, []))
                self.report.add(path, ProblemKind.FRAME_LEFT_OUT, str(error))
                continue
            picture = self._picture_of(file, xml, by_stem)
            used.add(picture)
            boxes = self._boxes(path, xml)
            yield RawFrame(
                picture, str(path), self._split_of(file), _declared_size(xml), boxes=boxes
            )
        for name in sorted(name for names in by_stem.values() for name in names):
            if name not in used:
                yield RawFrame(name, name, self._split_of(name))

    def _split_of(self, name: str) -> Split:
        listed = self.splits.get(Path(name).stem)
        if listed is not None:
            return listed
        told = (split_named(part) for part in PurePosixPath(name).parent.parts)
        return next((split for split in told if split is not None), Split.TRAIN)

    def _picture_of(
        self, file: str, xml: ElementTree.Element, by_stem: dict[str, list[str]]
    ) -> str:
        named = (xml.findtext("filename") or "").strip()
        folders = list(_picture_folders(os.path.dirname(file)))
        for folder in folders if named else ():
            try:
                found = self.pictures.find(os.path.join(folder, named))
            except PictureNotFoundError:
                continue
            return os.path.relpath(found, self.pictures.root)
        same_stem = by_stem.get(Path(file).stem, [])
        near = [name for name in same_stem if os.path.dirname(name) in folders]
        if len(near or same_stem) != 1:
            return named  # reported when it is looked for again
        picture = (near or same_stem)[0]
        if named and named != Path(picture).name:
            self.report.add(
                self.root / file,
                ProblemKind.CORRECTED,
                f"names the picture {named!r}, which is not there: {picture} was taken",
            )
        return picture

    def _boxes(self, path: Path, xml: ElementTree.Element) -> RawBoxes:
        xyxy: list[list[float]] = []
        class_names: list[str] = []
        numbers: list[int] = []
        ids: list[str | None] = []
        origins: list[Origin] = []
        for number, element in enumerate(xml.findall("object"), start=1):
            try:
                name, box = _object_of(element)
            except InvalidValueError as error:
                self.report.add(path, ProblemKind.BOX_LEFT_OUT, f"object {number}: {error}")
                continue
            xyxy.append(box)
            class_names.append(name)
            numbers.append(number)
            ids.append(element.findtext("box_id"))
            origins.append(self._origin(path, number, element))
        corners = np.array(xyxy, np.float64).reshape(-1, 4)
        return RawBoxes(corners, class_names, "object", numbers, ids, origins)

    def _origin(self, path: Path, number: int, element: ElementTree.Element) -> Origin:
        written = element.find("origin")
        if written is None:
            return IMPORTED
        fields: dict[str, object] = {part.tag: part.text or "" for part in written}
        box = written.find("original_bndbox")
        if box is not None:
            fields["original_xyxy"] = [box.findtext(corner) for corner in _CORNERS]
        try:
            return origin_from_fields(fields, self.classes)
        except InvalidValueError as error:
            told = f"object {number}: {error}: taken as imported"
            self.report.add(path, ProblemKind.CORRECTED, told)
            return IMPORTED


def _parsed(path: Path) -> ElementTree.Element:
    """The root element; raises InvalidValueError with the reason alone."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidValueError(f"cannot be read: {error.strerror}") from error
    if not data.strip():
        raise InvalidValueError("is empty (0 bytes)" if not data else "is empty")
    if _DECLARATION.search(data):
        raise InvalidValueError(
            "declares a document type, which is refused"
        )  # entities can explode
    try:
        xml = ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        raise InvalidValueError(f"is not valid XML: {error}") from error
    if xml.tag != "annotation":
        raise InvalidValueError(f"is no VOC annotation: its root is <{xml.tag}>")
    return xml


def _object_of(element: ElementTree.Element) -> tuple[str, list[float]]:
    name = (element.findtext("name") or "").strip()
    if not name:
        raise InvalidValueError("has no name")
    texts = [element.findtext(f"bndbox/{corner}") or "" for corner in _CORNERS]
    try:
        return name, [float(text) for text in texts]
    except ValueError as error:
        told = ", ".join(texts)
        raise InvalidValueError(f"bndbox must be four numbers, but is ({told})") from error


def _declared_size(xml: ElementTree.Element) -> tuple[int, int] | None:
    try:
        width = int(float(xml.findtext("size/width") or 0))
        height = int(float(xml.findtext("size/height") or 0))
    except (ValueError, OverflowError):
        return None
    return (width, height) if width > 0 and height > 0 else None


def _picture_folders(folder: str) -> Iterator[str]:
    """Where pictures of xml files in `folder` may lie, relative to the dataset."""
    yield folder
    parts = PurePosixPath(folder).parts
    for row, part in enumerate(parts):
        if part.lower() in _ANNOTATION_FOLDERS:
            for instead in ("JPEGImages", "images", "Images"):
                yield str(PurePosixPath(*parts[:row], instead, *parts[row + 1 :]))
            yield str(PurePosixPath(*parts[:row], *parts[row + 1 :]))
    yield ""


def _classes(source: Source, root: Path, files: list[str]) -> tuple[str, ...]:
    """From `classes.txt`, or else every name that occurs, sorted; this reads every file once."""
    if (root / CLASSES_FILE).is_file():
        return read_names(root / CLASSES_FILE)
    if source.classes is not None:
        return source.classes
    found: set[str] = set()
    for file in files:
        try:
            xml = _parsed(root / file)
        except InvalidValueError:
            continue  # reported when its frame is read
        found.update((name.text or "").strip() for name in xml.findall("object/name"))
    return tuple(sorted(found - {""}))
