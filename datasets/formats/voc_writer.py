"""Pascal VOC: writing."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Sequence
from pathlib import Path

from prelabel.datasets.annotations import IMPORTED, AnnotationSet, Origin
from prelabel.datasets.formats.base import ExportedDataset, Pictures
from prelabel.datasets.formats.export import PictureCopies, needs_copies, short_corners
from prelabel.datasets.formats.origins import origin_fields
from prelabel.datasets.formats.text_files import CLASSES_FILE, write_names
from prelabel.datasets.frames import Frame, LabelledFrame, Split
from prelabel.datasets.progress import Progress

_LABEL_MAP_FILE = "labelmap.txt"  # CVAT and Datumaro take class names from it
_CORNERS = ("xmin", "ymin", "xmax", "ymax")


class VocWriter:
    """Writes `JPEGImages`, `Annotations`, `ImageSets/Main`, `classes.txt` and `labelmap.txt`.

    Coordinates are written with decimals where they have some. `box_id` and `origin` are extra
    elements of an object.
    """

    def write(
        self,
        folder: Path,
        classes: Sequence[str],
        frames: Iterable[LabelledFrame],
        pictures: Pictures | None,
        progress: Progress,
    ) -> ExportedDataset:
        copies = PictureCopies(needs_copies("VOC", pictures))
        write_names(folder / CLASSES_FILE, classes)
        write_names(folder / _LABEL_MAP_FILE, [f"{name}:::" for name in classes])
        annotations_folder, lists = folder / "Annotations", folder / "ImageSets" / "Main"
        annotations_folder.mkdir()
        lists.mkdir(parents=True)
        stems: dict[Split, list[str]] = {split: [] for split in Split}
        count = boxes = 0
        with progress.task("export as VOC", None) as advance:
            for one in frames:
                name = copies.name_for(one.frame)
                copies.put(one.frame, folder / "JPEGImages" / name)
                stems[one.frame.split].append(Path(name).stem)
                if one.annotations is not None:
                    xml = _document(name, one.frame, one.annotations, classes)
                    path = annotations_folder / f"{Path(name).stem}.xml"
                    ElementTree.ElementTree(xml).write(path, encoding="utf-8")
                    boxes += len(one.annotations)
                count += 1
                advance()
        for split, names in stems.items():
            write_names(lists / f"{split}.txt", names)
        return ExportedDataset("voc", folder, folder, None, count, boxes)


def _document(
    name: str, frame: Frame, annotations: AnnotationSet, classes: Sequence[str]
) -> ElementTree.Element:
    xml = ElementTree.Element("annotation")
    _texts(xml, {"folder": "JPEGImages", "filename": name})
    size = {"width": str(frame.width_px), "height": str(frame.height_px), "depth": "3"}
    _texts(ElementTree.SubElement(xml, "size"), size)
    _texts(xml, {"segmented": "0"})
    corners = short_corners(annotations.boxes.xyxy)
    for row, box in enumerate(corners):
        element = ElementTree.SubElement(xml, "object")
        _texts(element, {"name": classes[annotations.class_id[row]], "pose": "Unspecified"})
        _texts(element, {"truncated": "0", "difficult": "0"})
        _texts(ElementTree.SubElement(element, "bndbox"), _corner_texts(box))
        _texts(element, {"box_id": annotations.box_id[row]})
        if annotations.origin[row] != IMPORTED:
            _add_origin(element, annotations.origin[row], classes)
    ElementTree.indent(xml)
    return xml


def _add_origin(element: ElementTree.Element, origin: Origin, classes: Sequence[str]) -> None:
    fields = origin_fields(origin, classes)
    box = fields.pop("original_xyxy", None)
    written = ElementTree.SubElement(element, "origin")
    _texts(written, {key: str(value) for key, value in fields.items()})
    if box is not None:
        _texts(ElementTree.SubElement(written, "original_bndbox"), _corner_texts(box))


def _corner_texts(box: Sequence[float]) -> dict[str, str]:
    # Whole numbers without decimals, since some readers take nothing else.
    texts = (str(int(side)) if float(side).is_integer() else repr(float(side)) for side in box)
    return dict(zip(_CORNERS, texts, strict=True))


def _texts(parent: ElementTree.Element, texts: dict[str, str]) -> None:
    for tag, text in texts.items():
        ElementTree.SubElement(parent, tag).text = text
