"""COCO detection files: reading.

Measured on 100,000 images with 1,000,000 boxes: the file is split into raw records by msgspec,
each record is decoded by itself, so that a bad one is reported and the rest goes on, and boxes
are kept as columns until their image's turn comes.
"""

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from prelabel.datasets.annotations import IMPORTED, Origin, is_height
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.errors import BadInputError, InvalidValueError
from prelabel.datasets.formats.base import (
    ImportReport,
    ProblemKind,
    RawBoxes,
    RawDataset,
    RawFrame,
    Source,
    Unannotated,
    split_named,
)
from prelabel.datasets.formats.coco_document import (
    ANNOTATION,
    CATEGORY,
    IMAGE,
    BoxExtras,
    CocoAnnotation,
    CocoCategory,
    CocoImage,
    decoded_record,
    read_document,
)
from prelabel.datasets.formats.coco_turned import Turned, as_turned, turned_of
from prelabel.datasets.formats.origins import origin_from_fields
from prelabel.datasets.formats.picture_folder import PictureFolder, lies_below
from prelabel.datasets.frames import Split

_LOOKS_LIKE_COCO = re.compile(rb'"(images|annotations|categories)"\s*:\s*\[')
_SNIFFED_BYTES = 1 << 16
_PROBED_PICTURES = 20


@dataclass(slots=True)
class _Columns:
    """All boxes of a file, one entry a box."""

    image_row: "array[int]" = field(default_factory=lambda: array("q"))
    category_row: "array[int]" = field(default_factory=lambda: array("q"))
    xywh: "array[float]" = field(default_factory=lambda: array("d"))
    number: "array[int]" = field(default_factory=lambda: array("q"))
    box_ids: dict[int, str] = field(default_factory=dict)
    origins: dict[int, Origin] = field(default_factory=dict)
    turned: dict[int, Turned] = field(default_factory=dict)
    heights: dict[int, tuple[float, float]] = field(default_factory=dict)


class CocoReader:
    """Reads one COCO file, or a folder with one for each split."""

    def recognises(self, path: Path) -> bool:
        return any(_is_coco(one) for one in _files_of(path))

    def open(self, source: Source, report: ImportReport) -> RawDataset:
        parts = self._parts(source, report)
        classes = tuple(dict.fromkeys(chain.from_iterable(part.classes for part in parts)))
        return RawDataset(
            classes,
            sum(len(part.images) for part in parts),
            parts[0].pictures,
            chain.from_iterable(part.frames() for part in parts),
        )

    def _parts(self, source: Source, report: ImportReport) -> "list[_CocoFile]":
        if source.path.is_file():
            return [_CocoFile(source.path, source, report)]
        parts: list[_CocoFile] = []
        for path in _files_of(source.path):
            try:
                parts.append(_CocoFile(path, source, report))
            except BadInputError as error:
                told = str(error).removeprefix(f"{path}: ")
                report.add(path, ProblemKind.NOTE, f"{told}: the file was not read")
        if not parts:
            raise BadInputError(f"{source.path}: holds no COCO file: name the .json file itself")
        return parts


class _CocoFile:
    def __init__(self, path: Path, source: Source, report: ImportReport) -> None:
        self.path, self._source, self._report = path, source, report
        document = read_document(path)
        self._names: dict[int, str] = {}  # of each category id, unknown ones included
        self.classes = self._read_categories(document.categories)
        self.images: list[CocoImage] = []
        image_rows = self._read_images(document.images)
        self.pictures = self._picture_folder()
        self._has_annotations = document.annotations is not None
        self._columns = self._read_annotations(document.annotations or [], image_rows)
        self._report_repeated_numbers()

    def frames(self) -> Iterator[RawFrame]:
        """Each image with its boxes, in the order of the file."""
        columns = self._columns
        image_row = np.frombuffer(columns.image_row, np.int64)
        order = np.argsort(image_row, kind="stable")
        ends = np.cumsum(np.bincount(image_row, minlength=len(self.images)))
        self._note_unannotated(np.diff(ends, prepend=0) == 0)
        xyxy = np.frombuffer(columns.xywh, np.float64).reshape(-1, 4)[order]
        xyxy[:, 2:] += xyxy[:, :2]
        category_row = np.frombuffer(columns.category_row, np.int64)[order]
        class_names = np.array(list(self._names.values()), np.object_)[category_row]
        split = _split_of(self.path, self._source)
        begin = 0
        for image, end in zip(self.images, ends.tolist(), strict=True):
            boxes, here = None, slice(begin, end)
            if self._is_labelled(image, end - begin):
                rows = order[here].tolist()
                boxes = self._boxes(rows, xyxy[here], class_names[here].tolist())
                if self._columns.turned and any(row in self._columns.turned for row in rows):
                    boxes = self._turned(rows, boxes, image)
            begin = end
            yield self._frame(image, image.prelabel.split or split, boxes)

    def _frame(self, image: CocoImage, split: Split, boxes: RawBoxes | None) -> RawFrame:
        extras = image.prelabel
        return RawFrame(
            image.file_name,
            str(self.path),
            split,
            _declared_size(image),
            boxes,
            extras.kind,
            extras.group,
            extras.sequence,
            extras.index,
            self.pictures,
        )

    def _boxes(self, rows: list[int], xyxy: Float64s, class_names: list[str]) -> RawBoxes:
        columns = self._columns
        return RawBoxes(
            xyxy,
            class_names,
            "annotation",
            [columns.number[row] for row in rows],
            [columns.box_ids.get(row) for row in rows] if columns.box_ids else None,
            [columns.origins.get(row, IMPORTED) for row in rows] if columns.origins else None,
            height_m=self._heights(rows) if columns.heights else None,
        )

    def _heights(self, rows: list[int]) -> Float64s:
        known = [self._columns.heights.get(row, (np.nan, np.nan)) for row in rows]
        return np.array(known, np.float64).reshape(-1, 2)

    def _turned(self, rows: list[int], boxes: RawBoxes, image: CocoImage) -> RawBoxes:
        turned = [self._columns.turned.get(row) for row in rows]
        xyxy, angle, changed = as_turned(boxes.xyxy, turned, _declared_size(image))
        for row in changed:
            told = "its bbox was changed since its angle was written: taken as upright"
            self._told(ProblemKind.CORRECTED, f"annotation {boxes.numbers[row]}: {told}")
        return replace(boxes, xyxy=xyxy, angle=angle)

    def _is_labelled(self, image: CocoImage, boxes: int) -> bool:
        if boxes or image.prelabel.labelled:
            return True
        return self._has_annotations and self._source.rules.unannotated is Unannotated.EMPTY

    def _note_unannotated(self, without_boxes: Sequence[bool] | Any) -> None:
        count = sum(
            image.prelabel.labelled is None and bool(none)
            for image, none in zip(self.images, without_boxes, strict=True)
        )
        if count and self._source.rules.unannotated is Unannotated.UNLABELLED:
            self._report.add(
                self.path,
                ProblemKind.NOTE,
                f"{count:,} images without annotations were taken as unlabelled; if "
                "somebody looked at them and found nothing, import with --empty "
                "(unannotated=empty)",
            )

    def _read_categories(self, records: list[msgspec.Raw]) -> tuple[str, ...]:
        categories: list[CocoCategory] = []
        for position, record in enumerate(records):
            try:
                categories.append(decoded_record(record, CATEGORY))
            except InvalidValueError as error:
                self._told(ProblemKind.NOTE, f"category at position {position}: {error}")
        for category in sorted(categories, key=lambda one: one.id):
            if category.id in self._names:
                self._told(
                    ProblemKind.NOTE,
                    f"category id {category.id} is used twice: {category.name!r} left out",
                )
                continue
            if category.name in self._names.values():
                self._told(
                    ProblemKind.NOTE, f"category {category.name!r} has two ids: taken as one class"
                )
            self._names[category.id] = category.name
        return tuple(dict.fromkeys(self._names.values()))

    def _read_images(self, records: list[msgspec.Raw]) -> dict[int | str, int]:
        rows: dict[int | str, int] = {}
        for position, record in enumerate(records):
            try:
                image = decoded_record(record, IMAGE)
            except InvalidValueError as error:
                self._told(ProblemKind.FRAME_LEFT_OUT, f"image at position {position}: {error}")
                continue
            if image.id in rows:
                self._told(
                    ProblemKind.FRAME_LEFT_OUT,
                    f"image id {image.id} of {image.file_name!r} is used before; boxes with this "
                    "id went to the first",
                )
                continue
            rows[image.id] = len(self.images)
            self.images.append(image)
        return rows

    def _read_annotations(
        self, records: list[msgspec.Raw], image_rows: dict[int | str, int]
    ) -> _Columns:
        columns, category_rows = _Columns(), {one: row for row, one in enumerate(self._names)}
        for position, record in enumerate(records):
            try:
                one = decoded_record(record, ANNOTATION)
                image_row = image_rows.get(one.image_id, -1)
                _check_annotation(one, image_row)
            except InvalidValueError as error:
                self._told(ProblemKind.BOX_LEFT_OUT, f"annotation at position {position}: {error}")
                continue
            category_row = category_rows.get(one.category_id)
            if category_row is None:
                category_row = category_rows[one.category_id] = len(self._names)
                self._names[one.category_id] = f"category_id {one.category_id}"
            row = len(columns.number)
            columns.image_row.append(image_row)
            columns.category_row.append(category_row)
            columns.xywh.extend(one.bbox)  # type: ignore[arg-type]  # checked: four numbers
            fits = isinstance(one.id, int) and abs(one.id) < 1 << 63
            columns.number.append(one.id if fits else position)  # type: ignore[arg-type]  # an int if it fits
            if one.prelabel is not None:
                self._take_extras(columns, row, one.prelabel)
        return columns

    def _take_extras(self, columns: _Columns, row: int, extras: BoxExtras) -> None:
        if extras.box_id is not None:
            columns.box_ids[row] = extras.box_id
        if (turned := turned_of(extras)) is not None:
            columns.turned[row] = turned
        if extras.height_m is not None:
            self._take_height(columns, row, extras.height_m)
        if extras.origin is None:
            return
        fields = extras.origin
        try:
            columns.origins[row] = origin_from_fields(fields, self._source.classes or self.classes)
        except InvalidValueError as error:
            self._told(
                ProblemKind.CORRECTED,
                f"annotation {columns.number[row]}: {error}: taken as imported",
            )

    def _take_height(self, columns: _Columns, row: int, height_m: list[float]) -> None:
        if len(height_m) == 2 and is_height(height_m):
            columns.heights[row] = (height_m[0], height_m[1])
            return
        told = f"height_m must be a bottom and a top above it, but is {height_m}: left out"
        self._told(ProblemKind.CORRECTED, f"annotation {columns.number[row]}: {told}")

    def _report_repeated_numbers(self) -> None:
        numbers, counts = np.unique(
            np.frombuffer(self._columns.number, np.int64), return_counts=True
        )
        for number, count in zip(numbers[counts > 1], counts[counts > 1], strict=True):
            self._told(
                ProblemKind.NOTE, f"annotation id {number} is used {count} times: all were kept"
            )

    def _picture_folder(self) -> PictureFolder:
        """The likeliest root of the file names: the one under which most of the first ones lie."""
        if self._source.images is not None:
            return self._source.pictures()
        here, stem = self.path.parent, self.path.stem
        names = [here.name, stem, *stem.split("_")[1:]]
        roots = [here, here / "images"]
        if here.name == "annotations" or self._source.path.is_dir():
            above = here.parent
            roots += [above / "images", *(above / "images" / one for one in names)]
            roots += [above, *(above / one for one in stem.split("_")[1:])]
        probes = [image.file_name for image in self.images[:_PROBED_PICTURES]]

        def found(root: Path) -> int:
            return sum(lies_below(root, name) for name in probes)

        return self._source.pictures(max(filter(Path.is_dir, roots), key=found))

    def _told(self, kind: ProblemKind, reason: str) -> None:
        self._report.add(self.path, kind, reason)


def _declared_size(image: CocoImage) -> tuple[int, int] | None:
    if not image.width or not image.height:
        return None
    return int(image.width), int(image.height)


def _check_annotation(one: CocoAnnotation, image_row: int) -> None:
    if image_row < 0:
        raise InvalidValueError(f"there is no image with id {one.image_id!r}: left out")
    if one.bbox is None or len(one.bbox) != 4:
        raise InvalidValueError(f"bbox must be four numbers, but is {one.bbox}: left out")
    if one.iscrowd:
        raise InvalidValueError("is a crowd region (iscrowd), not one object: left out")


def _files_of(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix.lower() == ".json" else []
    return sorted(
        one
        for pattern in ("*.json", "annotations/*.json", "*/_annotations.coco.json")
        for one in path.glob(pattern)
        if one.is_file()
    )


def _is_coco(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(_SNIFFED_BYTES)
    except OSError:
        return False
    return _LOOKS_LIKE_COCO.search(start) is not None


def _split_of(path: Path, source: Source) -> Split:
    """The split that the file's name tells ("instances_val2017"), or the folder's."""
    words = re.split(r"[_.\-]", path.stem)
    if source.path.is_dir() and path.parent != source.path:
        words.insert(0, path.parent.name)
    told = [split for word in words if (split := split_named(word)) is not None]
    return told[-1] if told else Split.TRAIN
