"""A plain folder of pictures: frames that nobody has labelled."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from prelabel.datasets.errors import BadInputError
from prelabel.datasets.formats.base import (
    ImportReport,
    ProblemKind,
    RawDataset,
    RawFrame,
    Source,
)
from prelabel.datasets.formats.picture_folder import PictureFolder
from prelabel.datasets.pictures import PICTURE_SUFFIXES

# Pictures of a kind that cannot be read here: each is named, other files are only counted.
_OTHER_PICTURE_SUFFIXES = frozenset(
    {".gif", ".heic", ".heif", ".avif", ".jp2", ".jxl", ".dng", ".cr2", ".nef", ".arw", ".psd"}
)


class PictureTreeReader:
    """Reads every picture below a folder, in the order of their paths."""

    def recognises(self, path: Path) -> bool:
        return path.is_dir() and next(PictureFolder(path).walk(), None) is not None

    def open(self, source: Source, report: ImportReport) -> RawDataset:
        if not source.path.is_dir():
            raise BadInputError(f"{source.path}: is no folder: name the folder of the pictures")
        pictures = source.pictures()
        names, others = [], Counter[str]()
        for name in pictures.walk_files():
            suffix = os.path.splitext(name)[1].lower()
            if suffix in PICTURE_SUFFIXES:
                names.append(name)
            elif suffix in _OTHER_PICTURE_SUFFIXES:
                report.add(
                    pictures.root / name,
                    ProblemKind.FRAME_LEFT_OUT,
                    f"{suffix} pictures are not read: turn it into JPEG or PNG",
                )
            else:
                others[suffix or "no suffix"] += 1
        if others:
            told = ", ".join(f"{count} {suffix}" for suffix, count in sorted(others.items()))
            report.add(
                pictures.root, ProblemKind.NOTE, f"files that are no pictures were passed: {told}"
            )
        return RawDataset(source.classes or (), len(names), pictures, _frames(names))


def _frames(names: list[str]) -> Iterator[RawFrame]:
    return (RawFrame(name, name) for name in names)
