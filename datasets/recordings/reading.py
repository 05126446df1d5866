"""Films as frames of a recording: a file of moving pictures, or a folder of numbered ones."""

from collections.abc import Iterator
from pathlib import Path

import cv2

from prelabel.datasets.errors import BadInputError
from prelabel.datasets.formats.export import new_folder
from prelabel.datasets.formats.own_pictures import PICTURES, write_beside_pictures
from prelabel.datasets.frames import Frame, FrameKind, LabelledFrame
from prelabel.datasets.pictures import (
    PICTURE_SUFFIXES,
    frame_id_of,
    inspect_picture,
    picture_bytes,
)
from prelabel.datasets.progress import Progress

_JPEG_QUALITY = 95


def write_film_frames(folder: Path, source: Path, every: int, progress: Progress) -> list[Frame]:
    """Every n-th picture of a film in a new folder that can be imported, in its order.

    `source` is a file that OpenCV can play, or a folder of pictures in the order of their names;
    the recording has its name. Pictures that are the same to the last byte are one frame. Raises
    BadInputError where it holds no picture, or `folder` is there and not empty.
    """
    folder, source = folder.resolve(), source.resolve()
    if every < 1:
        raise BadInputError(f"every n-th picture: n must be at least 1, but is {every}")
    found: dict[str, Frame] = {}
    with new_folder(folder) as beside, progress.task("make frames", None) as advance:
        (beside / PICTURES).mkdir()
        for index, (name, data) in enumerate(_pictures(source)):
            advance()
            if index % every:
                continue
            path = beside / PICTURES / name
            path.write_bytes(data)
            facts = inspect_picture(path)
            frame = Frame(
                frame_id_of(data),
                str(path),
                facts.width_px,
                facts.height_px,
                FrameKind.VIDEO,
                sequence=source.stem,
                index=index,
            )
            found.setdefault(frame.frame_id, frame)
        if not found:
            raise BadInputError(f"{source}: holds no pictures that can be read: check the path")
        unlabelled = [LabelledFrame(frame, None) for frame in found.values()]
        write_beside_pictures(beside, (), unlabelled, progress)
    return list(found.values())


def _pictures(source: Path) -> Iterator[tuple[str, bytes]]:
    """Names for the pictures, which rise, and their bytes."""
    if source.is_dir():
        names = sorted(one for one in source.iterdir() if one.suffix.lower() in PICTURE_SUFFIXES)
        yield from ((path.name, picture_bytes(path)) for path in names)
        return
    film = cv2.VideoCapture(str(source))
    try:
        index = 0
        while True:
            there, pixels = film.read()
            if not there:
                return
            data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1]
            yield f"{source.stem}-{index:06d}.jpg", data.tobytes()
            index += 1
    finally:
        film.release()
