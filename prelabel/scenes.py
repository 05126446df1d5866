"""The scenes of a project's lidar frames: brought in with the frames, kept in its folder."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from prelabel.datasets.errors import BadInputError
from prelabel.datasets.files import write_whole
from prelabel.datasets.formats.report import ImportReport, ProblemKind
from prelabel.datasets.frames import Frame, FrameKind, LabelledFrame
from prelabel.datasets.lidar.scenes import (
    SCENES_FOLDER,
    SUFFIX,
    Scene,
    Surroundings,
    read_scene,
    read_scene_data,
    read_surroundings,
    scene_file,
)


class Scenes:
    """The scenes in a folder, by the ids of their frames."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def has(self, frame: Frame) -> bool:
        """Whether there is a scene around a frame."""
        return frame.kind is FrameKind.LIDAR_BEV and self._file(frame.frame_id).is_file()

    def tag(self, frame_id: str) -> str | None:
        """Another one for other content; None where there is no scene."""
        path = self._file(frame_id)
        if not path.is_file():
            return None
        return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()

    def stamps(self) -> dict[str, str]:
        """By the ids of the frames that have a scene, another word for another file of it."""
        if not self.folder.is_dir():
            return {}
        with os.scandir(self.folder) as found:
            files = {Path(one.name): one.stat() for one in found if one.name.endswith(SUFFIX)}
        return {path.stem: f"{at.st_size} {at.st_mtime_ns}" for path, at in files.items()}

    def surroundings(self, frame_id: str) -> Surroundings:
        """The scene around a frame with points and ground; BadInputError where there is none."""
        return read_surroundings(self._file(frame_id))

    def scene(self, frame_id: str) -> Scene:
        """The scene around a frame; BadInputError where there is none."""
        return read_scene(self._file(frame_id))

    def data(self, frame_id: str) -> bytes:
        """Its cells, ground and points as `prelabel.datasets.lidar.scenes` describes them."""
        return read_scene_data(self._file(frame_id))

    def bringing(
        self, incoming: Iterable[LabelledFrame], source: Path, report: ImportReport
    ) -> Iterator[LabelledFrame]:
        """Frames as they come, their scenes taken over from beside `source` where it has any.

        A scene is there before its frame, and one that is there already is replaced. One that
        cannot be read is reported and left out.
        """
        beside = (source if source.is_dir() else source.parent) / SCENES_FOLDER
        if not beside.is_dir():
            yield from incoming
            return
        self.folder.mkdir(exist_ok=True)
        for one in incoming:
            path = scene_file(beside, one.frame.frame_id)
            if one.frame.kind is FrameKind.LIDAR_BEV and path.is_file():
                self._take(one.frame.frame_id, path, report)
            yield one

    def _take(self, frame_id: str, path: Path, report: ImportReport) -> None:
        try:
            read_scene(path)
        except BadInputError as error:
            told = str(error).removeprefix(f"{path}: ")
            report.add(path, ProblemKind.NOTE, f"{told}: the frame came without its scene")
            return
        own, content = self._file(frame_id), path.read_bytes()
        if not own.is_file() or own.read_bytes() != content:
            write_whole(own, content)

    def _file(self, frame_id: str) -> Path:
        return scene_file(self.folder, frame_id)
