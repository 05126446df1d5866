"""Formats that only Datumaro knows (CVAT, LabelMe, Open Images and more), through it.

Datumaro keeps coordinates to two decimals and has no place for box ids, origins, or for telling an
unlabelled picture from an empty one; so formats that prelabel reads itself do not come this way.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prelabel.datasets.errors import BadInputError, MissingExtraError
from prelabel.datasets.formats.base import (
    ExportedDataset,
    ImportReport,
    Pictures,
    ProblemKind,
    RawBoxes,
    RawDataset,
    RawFrame,
    Source,
    Unannotated,
    split_named,
)
from prelabel.datasets.formats.export import PictureCopies, needs_copies
from prelabel.datasets.frames import LabelledFrame, Split
from prelabel.datasets.progress import Progress

if TYPE_CHECKING:
    from datumaro.components.dataset import Dataset

DATUMARO_PREFIX = "datumaro:"
_LOST = (
    "coordinates to two decimals",
    "box ids and origins are not carried",
    "unlabelled pictures read back as empty",
)


class DatumaroReader:
    """Reads whatever `datumaro` imports under the name `format_name`; boxes only."""

    def __init__(self, format_name: str) -> None:
        self._format = format_name

    def recognises(self, path: Path) -> bool:
        return False  # only on request

    def open(self, source: Source, report: ImportReport) -> RawDataset:
        dataset = self._imported(source.path)
        classes = _class_names(dataset)
        report.add(
            source.path, ProblemKind.NOTE, f"read by Datumaro as {self._format}: {'; '.join(_LOST)}"
        )
        frames = (_frame(item, classes, source, report) for item in dataset)
        return RawDataset(classes, len(dataset), source.pictures(), frames)

    def _imported(self, path: Path) -> "Dataset":
        datumaro = _datumaro("reading this format")
        if self._format not in datumaro.Environment().importers:
            raise BadInputError(f"{DATUMARO_PREFIX}{self._format}: Datumaro reads no such format")
        try:
            dataset: Dataset = datumaro.Dataset.import_from(str(path), self._format)
            dataset.init_cache()
        except datumaro.errors.DatumaroError as error:
            raise BadInputError(f"{path}: Datumaro cannot read it: {error}") from error
        return dataset


class DatumaroWriter:
    """Writes what `datumaro` exports under the name `format_name`, pictures included."""

    def __init__(self, format_name: str) -> None:
        self._format = format_name

    def write(
        self,
        folder: Path,
        classes: Sequence[str],
        frames: Iterable[LabelledFrame],
        pictures: Pictures | None,
        progress: Progress,
    ) -> ExportedDataset:
        datumaro = _datumaro("writing this format")
        if self._format not in datumaro.Environment().exporters:
            raise BadInputError(f"{DATUMARO_PREFIX}{self._format}: Datumaro writes no such format")
        names = PictureCopies(needs_copies(f"{DATUMARO_PREFIX}{self._format}", pictures))
        listed = list(frames)
        with progress.task(f"export as {self._format}", len(listed)) as advance:
            items = [_item(datumaro, one, names) for one in listed]
            dataset = datumaro.Dataset.from_iterable(items, categories=list(classes))
            dataset.export(str(folder), self._format, save_media=True)
            advance(len(listed))
        boxes = sum(len(one.annotations) for one in listed if one.annotations is not None)
        name = f"{DATUMARO_PREFIX}{self._format}"
        return ExportedDataset(name, folder, folder, None, len(listed), boxes, _LOST)


def _datumaro(purpose: str) -> Any:
    try:
        import datumaro
        import datumaro.errors
    except ImportError as error:
        raise MissingExtraError("datumaro", purpose) from error
    return datumaro


def _class_names(dataset: "Dataset") -> tuple[str, ...]:
    from datumaro.components.annotation import AnnotationType

    labels = dataset.categories().get(AnnotationType.label)
    return () if labels is None else tuple(label.name for label in labels)


def _frame(item: Any, classes: Sequence[str], source: Source, report: ImportReport) -> RawFrame:
    from datumaro.components.annotation import AnnotationType

    split = split_named(item.subset or "") or Split.TRAIN
    picture = getattr(item.media, "path", "") or f"{item.id} (without picture file)"
    found = [one for one in item.annotations if one.type is AnnotationType.bbox]
    if len(found) < len(item.annotations):
        report.add(
            picture,
            ProblemKind.NOTE,
            f"{len(item.annotations) - len(found)} annotations that are no boxes were passed",
        )
    if not found and source.rules.unannotated is Unannotated.UNLABELLED:
        return RawFrame(picture, picture, split)
    corners = np.array([one.points for one in found], np.float64).reshape(-1, 4)
    names = ["(without class)" if one.label is None else classes[one.label] for one in found]
    boxes = RawBoxes(corners, names, "box", range(1, len(found) + 1))
    return RawFrame(picture, picture, split, boxes=boxes)


def _item(datumaro: Any, one: LabelledFrame, names: PictureCopies) -> Any:
    boxes = []
    if one.annotations is not None:
        for row, (left, top, right, bottom) in enumerate(one.annotations.boxes.xyxy.tolist()):
            label = int(one.annotations.class_id[row])
            boxes.append(datumaro.Bbox(left, top, right - left, bottom - top, label=label))
    return datumaro.DatasetItem(
        Path(names.name_for(one.frame)).stem,
        subset=one.frame.split.value,
        media=datumaro.Image.from_file(one.frame.uri),
        annotations=boxes,
    )
