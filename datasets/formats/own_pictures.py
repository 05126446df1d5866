"""A dataset made here: its pictures in `pictures`, and `annotations.json` beside them."""

import json
from collections.abc import Sequence
from pathlib import Path

from prelabel.datasets.formats.registry import write_dataset
from prelabel.datasets.frames import LabelledFrame
from prelabel.datasets.progress import Progress

PICTURES = "pictures"


def write_beside_pictures(
    folder: Path, classes: Sequence[str], frames: Sequence[LabelledFrame], progress: Progress
) -> None:
    """Write `annotations.json` (COCO) into a folder whose `pictures` the frames are.

    Names of pictures are relative to the folder, which may be moved.
    """
    written = write_dataset("coco", folder / "coco", classes, frames, progress)
    content = json.loads(written.annotations.read_text(encoding="utf-8"))
    for image in content["images"]:
        image["file_name"] = f"{PICTURES}/{Path(image['file_name']).name}"
    (folder / written.annotations.name).write_text(json.dumps(content), encoding="utf-8")
    written.annotations.unlink()
    (folder / "coco").rmdir()
