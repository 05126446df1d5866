"""A CSV table with one row a box: writing."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from prelabel.datasets.formats.base import ExportedDataset, Pictures
from prelabel.datasets.formats.csv_table import COLUMNS, CORNERS, ORIGINAL_CORNERS
from prelabel.datasets.formats.export import PictureCopies, common_root, short_angles, short_corners
from prelabel.datasets.formats.origins import origin_fields
from prelabel.datasets.formats.text_files import CLASSES_FILE, write_names
from prelabel.datasets.frames import LabelledFrame
from prelabel.datasets.progress import Progress

ANNOTATIONS_FILE = "annotations.csv"


class CsvWriter:
    """Writes `annotations.csv` and `classes.txt`; pictures stay where they are unless copied."""

    def write(
        self,
        folder: Path,
        classes: Sequence[str],
        frames: Iterable[LabelledFrame],
        pictures: Pictures | None,
        progress: Progress,
    ) -> ExportedDataset:
        copies = PictureCopies(pictures or Pictures.IN_PLACE)
        write_names(folder / CLASSES_FILE, classes)
        path = folder / ANNOTATIONS_FILE
        listed = list(frames)
        root = None if copies.wanted else common_root(one.frame for one in listed)
        boxes = 0
        with (
            path.open("w", encoding="utf-8", newline="") as file,
            progress.task("export as CSV", len(listed)) as advance,
        ):
            writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
            writer.writeheader()
            for one in listed:
                if root is None:
                    name = copies.name_for(one.frame)
                    copies.put(one.frame, folder / "images" / name)
                else:
                    name = Path(one.frame.uri).relative_to(root).as_posix()
                writer.writerows(_box_rows(name, one, classes))
                boxes += 0 if one.annotations is None else len(one.annotations)
                advance()
        return ExportedDataset("csv", folder, path, root, len(listed), boxes)


def _box_rows(name: str, one: LabelledFrame, classes: Sequence[str]) -> Iterator[dict[str, object]]:
    common = {
        "filename": name,
        "width": one.frame.width_px,
        "height": one.frame.height_px,
        "split": one.frame.split.value,
        "labelled": str(one.annotations is not None).lower(),
    }
    if one.annotations is None or not len(one.annotations):
        yield common
        return
    angles = short_angles(one.annotations.boxes.angle)
    for row, box in enumerate(short_corners(one.annotations.boxes.xyxy)):
        fields = origin_fields(one.annotations.origin[row], classes)
        fields["origin"] = fields.pop("kind")
        original = fields.pop("original_xyxy", ())
        yield {
            **common,
            "class": classes[one.annotations.class_id[row]],
            **dict(zip(CORNERS, map(repr, box), strict=True)),
            "box_id": one.annotations.box_id[row],
            **fields,
            **dict(zip(ORIGINAL_CORNERS, map(repr, original), strict=False)),
            **({"angle": repr(angles[row])} if angles else {}),
        }
