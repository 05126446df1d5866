"""The formats by name, and the one call each for reading and for writing."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from prelabel.datasets.errors import BadInputError
from prelabel.datasets.formats.assembly import Assembler
from prelabel.datasets.formats.base import (
    ExportedDataset,
    ImportReport,
    ImportRules,
    OpenedDataset,
    Pictures,
    Reader,
    Source,
    Writer,
    check_class_names,
)
from prelabel.datasets.formats.coco import CocoReader
from prelabel.datasets.formats.coco_writer import CocoWriter
from prelabel.datasets.formats.csv_table import CsvReader
from prelabel.datasets.formats.csv_writer import CsvWriter
from prelabel.datasets.formats.datumaro_bridge import (
    DATUMARO_PREFIX,
    DatumaroReader,
    DatumaroWriter,
)
from prelabel.datasets.formats.export import new_folder
from prelabel.datasets.formats.heights import WITH_HEIGHTS, FramesWithoutHeights
from prelabel.datasets.formats.kitti import KittiReader, KittiWriter
from prelabel.datasets.formats.known_pictures import KnownPictures
from prelabel.datasets.formats.picture_tree import PictureTreeReader
from prelabel.datasets.formats.upright import UprightFrames
from prelabel.datasets.formats.voc import VocReader
from prelabel.datasets.formats.voc_writer import VocWriter
from prelabel.datasets.formats.yolo import YoloReader
from prelabel.datasets.formats.yolo_writer import YoloWriter
from prelabel.datasets.frames import LabelledFrame
from prelabel.datasets.progress import Progress

PICTURES_FORMAT = "images"
READERS: dict[str, Reader] = {
    "coco": CocoReader(),
    "yolo": YoloReader(),
    "voc": VocReader(),
    "kitti": KittiReader(),
    "csv": CsvReader(),
    PICTURES_FORMAT: PictureTreeReader(),
}
WRITERS: dict[str, Writer] = {
    "coco": CocoWriter(),
    "yolo": YoloWriter(),
    "voc": VocWriter(),
    "kitti": KittiWriter(),
    "csv": CsvWriter(),
}
WITH_ANGLES = frozenset({"coco", "yolo", "csv"})
_FILE_FORMATS = {".json": "coco", ".csv": "csv", ".yaml": "yolo", ".yml": "yolo"}


def open_dataset(
    source: Path,
    *,
    report: ImportReport,
    format: str | None = None,
    images: Path | None = None,
    classes: Sequence[str] | None = None,
    rules: ImportRules | None = None,
    known_pictures: KnownPictures | None = None,
) -> OpenedDataset:
    """Open a dataset for one lazy pass.

    `format` is a name in READERS or "datumaro:<name>"; None finds it out. `images` is the folder
    that picture names are relative to, where it is not the dataset's own. `classes` gives names and
    order; boxes of other classes are reported and left out unless `rules` add them; None takes the
    source's own classes.
    A picture that is not where the dataset says is looked up in `known_pictures`. What is left out
    or changed goes into `report` while frames are read.

    Raises BadInputError for a source that cannot be used at all.
    """
    if not source.exists():
        raise BadInputError(f"{source}: is not there: check the path")
    name = format or detect_format(source)
    wanted = None if classes is None else check_class_names(classes, "classes")
    known = known_pictures or KnownPictures()
    given = Source(source, images, wanted, rules or ImportRules(), known)
    reader = _reader(name)
    if wanted is not None and given.rules.add_classes:
        wanted = _with_own_classes(reader, given, wanted)
        given = replace(given, classes=wanted)
    opened = reader.open(given, report)
    own = wanted or check_class_names(opened.classes, str(source))
    assembler = Assembler(own, given.rules, report)
    return OpenedDataset(name, own, opened.frame_total, assembler.frames(opened))


def write_dataset(
    format: str,
    folder: Path,
    classes: Sequence[str],
    frames: Iterable[LabelledFrame],
    progress: Progress,
    pictures: Pictures | None = None,
) -> ExportedDataset:
    """Write a dataset into a new folder, which appears when it is complete.

    `format` is a name in WRITERS or "datumaro:<name>". Turned boxes are written as the upright ones
    around them where the format has no angles, and heights left out where it has none, which notes
    tell. Raises BadInputError if `folder` is there and not empty, or if the format cannot hold what
    is to be written.
    """
    names, writer = check_class_names(classes, "classes"), _writer(format)
    upright = None if format in WITH_ANGLES else UprightFrames(frames)
    flat = None if format in WITH_HEIGHTS else FramesWithoutHeights(upright or frames)
    with new_folder(folder) as beside:
        written = writer.write(beside, names, flat or upright or frames, pictures, progress)
    annotations = folder / written.annotations.relative_to(beside)
    notes = written.notes
    for left_out in (upright, flat):
        notes += () if left_out is None else left_out.notes
    return replace(written, folder=folder, annotations=annotations, notes=notes)


def detect_format(source: Path) -> str:
    """The format that `source` is in, found from its layout.

    A folder of pictures is "images" only where it is nothing else. Raises BadInputError if it is no
    format or more than one.
    """
    if source.is_file():
        if source.suffix.lower() in _FILE_FORMATS:
            return _FILE_FORMATS[source.suffix.lower()]
        raise BadInputError(f"{source}: is no folder and no {', '.join(_FILE_FORMATS)} file")
    found = [
        name
        for name, reader in READERS.items()
        if name != PICTURES_FORMAT and reader.recognises(source)
    ]
    if len(found) > 1:
        raise BadInputError(
            f"{source}: may be {' or '.join(found)}: say which of them with the format"
        )
    if found:
        return found[0]
    if READERS[PICTURES_FORMAT].recognises(source):
        return PICTURES_FORMAT
    raise BadInputError(
        f"{source}: is none of the formats {', '.join(READERS)}, or empty: say the format, or "
        "look whether the path is right"
    )


def _with_own_classes(reader: Reader, source: Source, wanted: tuple[str, ...]) -> tuple[str, ...]:
    try:
        own = reader.open(replace(source, classes=None), ImportReport()).classes
    except BadInputError:  # it names no classes; what else is wrong is told when it is read
        return wanted
    return tuple(dict.fromkeys((*wanted, *check_class_names(own, str(source.path)))))


def _reader(name: str) -> Reader:
    if name.startswith(DATUMARO_PREFIX):
        return DatumaroReader(name.removeprefix(DATUMARO_PREFIX))
    if name not in READERS:
        raise BadInputError(_unknown(name, list(READERS)))
    return READERS[name]


def _writer(name: str) -> Writer:
    if name.startswith(DATUMARO_PREFIX):
        return DatumaroWriter(name.removeprefix(DATUMARO_PREFIX))
    if name not in WRITERS:
        raise BadInputError(_unknown(name, list(WRITERS)))
    return WRITERS[name]


def _unknown(name: str, known: list[str]) -> str:
    return f"format {name!r} is not one of {', '.join(known)} or {DATUMARO_PREFIX}<name>"
