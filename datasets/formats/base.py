"""What readers and writers of dataset formats have in common."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import numpy as np

from prelabel.datasets.annotations import Origin
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.errors import BadInputError
from prelabel.datasets.formats.known_pictures import KnownPictures
from prelabel.datasets.formats.picture_folder import PictureFolder
from prelabel.datasets.formats.report import ImportReport, Problem, ProblemKind
from prelabel.datasets.frames import FrameKind, LabelledFrame, Split
from prelabel.datasets.pictures import DEFAULT_MAX_PIXELS
from prelabel.datasets.progress import Progress

__all__ = [
    "ExportedDataset",
    "ImportReport",
    "ImportRules",
    "OpenedDataset",
    "Pictures",
    "Problem",
    "ProblemKind",
    "RawBoxes",
    "RawDataset",
    "RawFrame",
    "Reader",
    "Source",
    "Unannotated",
    "Writer",
    "split_named",
]


class Unannotated(StrEnum):
    """What a picture without boxes is taken for, where the source does not tell."""

    UNLABELLED = "unlabelled"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class ImportRules:
    """Choices at import.

    A picture of more than `max_pixels` is left out. `unannotated` matters for formats that cannot
    tell "nobody looked" from "nothing there". `follow_links` accepts pictures that are links to
    files outside the dataset, as tools that keep pictures in a cache make them. `add_classes` takes
    in classes of the source that are not among those wanted, behind them, instead of leaving their
    boxes out.
    """

    max_pixels: int = DEFAULT_MAX_PIXELS
    unannotated: Unannotated = Unannotated.UNLABELLED
    follow_links: bool = False
    add_classes: bool = False


@dataclass(frozen=True, slots=True)
class OpenedDataset:
    """A dataset that is read while `frames` is walked through, once.

    `frame_total` is about how many frames it holds, before any is left out; None if not known.
    """

    format: str
    classes: tuple[str, ...]
    frame_total: int | None
    frames: Iterator[LabelledFrame]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a dataset lies: a file or folder, and the folder of its pictures where it is given.

    `known` holds pictures that are known already, for names that lead to no file.
    """

    path: Path
    images: Path | None
    classes: tuple[str, ...] | None
    rules: ImportRules
    known: KnownPictures = field(default_factory=KnownPictures)

    @property
    def folder(self) -> Path:
        """The folder that the dataset is, or whose file it is."""
        return self.path if self.path.is_dir() else self.path.parent

    def pictures(self, root: Path | None = None) -> PictureFolder:
        """The pictures below `root`, unless the user named another folder."""
        where = self.images or root or self.folder
        return PictureFolder(where, self.rules.follow_links, self.known)


@dataclass(frozen=True, slots=True)
class RawBoxes:
    """Boxes of one frame as the source holds them, unchecked.

    `xyxy` (n, 4) in pixels, or in fractions of the picture where `relative`. `numbers` tells where
    each box stands in its file, counted in `unit` ("line", "object"). `ids` and `origins` are
    given where the source carries them. Boxes of a source of turned ones have their `angle` (n,)
    in radians, or their `corners` (n, 4, 2) in turn, which then count in place of `xyxy`.
    `height_m` (n, 2) tells of boxes seen from above where their objects begin and end, NaN: unsaid.
    """

    xyxy: Float64s
    class_names: Sequence[str]
    unit: str
    numbers: Sequence[int | str]
    ids: Sequence[str | None] | None = None
    origins: Sequence[Origin] | None = None
    relative: bool = False
    angle: Float64s | None = None
    corners: Float64s | None = None
    height_m: Float64s | None = None

    @classmethod
    def none(cls) -> "RawBoxes":
        """Labelled, and nothing there."""
        return cls(np.zeros((0, 4)), (), "box", ())

    def __len__(self) -> int:
        return len(self.xyxy)


@dataclass(frozen=True, slots=True)
class RawFrame:
    """A frame as the source describes it, unchecked.

    `picture` is a path relative to the picture folder (or absolute), `labels` the file that holds
    the boxes, `declared_size` the width and height the source gives, `boxes` None if unlabelled.
    """

    picture: str
    labels: str
    split: Split = Split.TRAIN
    declared_size: tuple[int, int] | None = None
    boxes: RawBoxes | None = None
    kind: FrameKind = FrameKind.IMAGE
    group: str | None = None
    sequence: str | None = None
    index: int | None = None
    pictures: PictureFolder | None = None  # where it differs from the dataset's


@dataclass(frozen=True, slots=True)
class RawDataset:
    """What a reader found; `frames` is lazy.

    `classes` are the source's own class names in its order; boxes of other classes are reported.
    """

    classes: tuple[str, ...]
    frame_total: int | None
    pictures: PictureFolder
    frames: Iterator[RawFrame]


class Reader(Protocol):
    """Reads one format. `open` raises BadInputError for a source it cannot use at all."""

    def recognises(self, path: Path) -> bool: ...

    def open(self, source: Source, report: ImportReport) -> RawDataset: ...


class Pictures(StrEnum):
    """What an export does with the picture files."""

    IN_PLACE = "in place"  # annotations refer to them where they are
    COPY = "copy"
    LINK = "link"  # hard links; copies where the file system has none


@dataclass(frozen=True, slots=True)
class ExportedDataset:
    """What an export wrote.

    `annotations` is the path to give to `open_dataset`, `images` the folder of the pictures to
    give with it where it is not found by itself. `notes` tell what the format could not carry.
    """

    format: str
    folder: Path
    annotations: Path
    images: Path | None
    frames: int
    boxes: int
    notes: tuple[str, ...] = field(default=())


class Writer(Protocol):
    """Writes one format into an empty folder; `pictures` None means what suits the format."""

    def write(
        self,
        folder: Path,
        classes: Sequence[str],
        frames: Iterable[LabelledFrame],
        pictures: Pictures | None,
        progress: Progress,
    ) -> ExportedDataset: ...


_SPLIT_NAMES = {
    "train": Split.TRAIN,
    "training": Split.TRAIN,
    "val": Split.VAL,
    "valid": Split.VAL,
    "validation": Split.VAL,
    "test": Split.TEST,
    "testing": Split.TEST,
}


def split_named(name: str) -> Split | None:
    """The split that a folder or file of this name holds ("valid", "train2017"), if it is one."""
    return _SPLIT_NAMES.get(name.lower().rstrip("0123456789"))


def check_class_names(names: Sequence[str], where: str) -> tuple[str, ...]:
    """`names` as they are, unless one is empty, repeated, or would break a line of a file."""
    for name in names:
        if not isinstance(name, str) or not name.strip() or name != name.strip():
            raise BadInputError(f"{where}: class name {name!r} is empty or has space around it")
        if not name.isprintable():
            raise BadInputError(f"{where}: class name {name!r} holds a character that is no text")
    repeated = [name for name in dict.fromkeys(names) if list(names).count(name) > 1]
    if repeated:
        raise BadInputError(f"{where}: class {repeated[0]!r} is named twice: name it once")
    return tuple(names)
