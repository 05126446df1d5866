"""Lidar sweeps in a project's dataset, by changes only: in space, and in their cameras."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any

from prelabel.curating.busy import Since, edited_since
from prelabel.curating.frames import Proposed
from prelabel.curating.opening import Curation
from prelabel.curating.samples import all_samples, image_metadata
from prelabel.curating.scene_files import SceneFiles
from prelabel.curating.scene_samples import (
    Beside,
    ShownBeside,
    beside_camera,
    beside_scene,
    scene_samples,
    shown_beside,
)
from prelabel.curating.scene_writing import SceneWriting
from prelabel.curating.sweeps import SeenSweep
from prelabel.datasets.errors import BadInputError
from prelabel.datasets.frames import FrameKind
from prelabel.datasets.progress import Progress
from prelabel.project import Project
from prelabel.scenes import Scenes

_CHUNK_SWEEPS = 32  # whose points are held at once
_PAGE_SWEEPS = 2000  # that are looked up at once
_DIGEST_BYTES = 12
Frames = Sequence[str]  # the ids of the bird's-eye frames of one instant
Newest = Callable[[Sequence[str]], Proposed | None]  # the newest model's predictions on frames


@dataclass(slots=True)
class ShownScenes:
    """What became of sweeps: how many were written, frames of those on a screen that were left
    alone, and why scenes could not be shown.

    `digest` is what the next time starts from.
    """

    digest: str = ""
    written: int = 0
    left: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


class SceneShower:
    """Shows the sweeps of a project, as far as their frames have scenes."""

    def __init__(
        self, curation: Curation, project: Project, newest: Newest, progress: Progress
    ) -> None:
        self._fo = curation.fiftyone
        self._files = SceneFiles(curation.folder / "scenes")
        self._project = project
        self._classes = project.classes()
        self._scenes = Scenes(project.workspace.scenes_folder)
        self._newest = newest
        self._progress = progress
        self._stamps = self._scenes.stamps()

    def __bool__(self) -> bool:
        """Whether there are any sweeps to show."""
        return bool(self._stamps)

    def show(
        self, dataset: Any, touched: Collection[str] | None, before: str, since: Since | None
    ) -> ShownScenes:
        """Show the sweeps of these frames, None: of all, and those whose scenes are others now.

        `before` is the digest of the last time.
        """
        done = ShownScenes(self._digest())
        told = None if touched is None else self._instants(dataset, touched)
        sweeps = self._sweeps(dataset, told if done.digest == before else None)
        stale = self._stale(dataset, sweeps, told, since, done)
        if stale:
            with self._progress.task("Showing sweeps", len(stale)) as advance:
                for chunk in _chunks(stale, _CHUNK_SWEEPS):
                    self._show_some(dataset, chunk, done)
                    advance(len(chunk))
        if touched is None:
            self._files.keep_only(self._file(*one) for one in sweeps.items())
        return done

    def _digest(self) -> str:
        listed = "\n".join(f"{one} {stamp}" for one, stamp in sorted(self._stamps.items()))
        return blake2b(listed.encode(), digest_size=_DIGEST_BYTES).hexdigest()

    def _file(self, instant: str, frame_ids: Frames) -> Path:
        return self._files.scene(instant, [f"{one} {self._stamps[one]}" for one in frame_ids])

    def _instants(self, dataset: Any, frame_ids: Collection[str]) -> set[str]:
        view = all_samples(dataset).match({"frame_id": {"$in": list(frame_ids)}})
        pairs = zip(*view.values(["frame_id", "instant"]), strict=True)
        return {instant or frame_id for frame_id, instant in pairs}

    def _sweeps(self, dataset: Any, instants: Collection[str] | None) -> dict[str, Frames]:
        """The frames with scenes of these instants, None: of all."""
        view = all_samples(dataset).match({"kind": FrameKind.LIDAR_BEV.value})
        if instants is not None:
            some = {"$in": list(instants)}
            view = view.match({"$or": [{"instant": some}, {"frame_id": some}]})
        found: dict[str, list[str]] = defaultdict(list)
        for frame_id, instant in zip(*view.values(["frame_id", "instant"]), strict=True):
            if frame_id in self._stamps:
                found[instant or frame_id].append(frame_id)
        return {instant: sorted(ids) for instant, ids in found.items()}

    def _stale(
        self,
        dataset: Any,
        sweeps: Mapping[str, Frames],
        told: Collection[str] | None,
        since: Since | None,
        done: ShownScenes,
    ) -> dict[str, Frames]:
        """Those of the sweeps where what is told of them or their file is new."""
        found: dict[str, Frames] = {}
        for page in _chunks(sweeps, _PAGE_SWEEPS):
            known = shown_beside(dataset, page)
            scenes = {one: beside_scene(one, self._file(one, ids)) for one, ids in page.items()}
            stale = {
                scene.key: instant
                for instant, scene in scenes.items()
                if told is None or instant in told or not _is_shown(scene, known)
            }
            if known:
                for key in edited_since(scene_samples(dataset), stale, since):
                    done.left += page[stale.pop(key)]
            found |= {instant: page[instant] for instant in stale.values()}
        return found

    def _show_some(self, dataset: Any, sweeps: Mapping[str, Frames], done: ShownScenes) -> None:
        """Write the samples and files of some sweeps."""
        writing = SceneWriting(self._fo, dataset, shown_beside(dataset, sweeps))
        for seen in self._seen(sweeps, done):
            self._put(writing, seen, self._file(seen.instant, sweeps[seen.instant]))
            done.written += 1
        for old in writing.write():
            self._files.remove(old)

    def _seen(self, sweeps: Mapping[str, Frames], done: ShownScenes) -> Iterator[SeenSweep]:
        ids = [frame_id for own in sweeps.values() for frame_id in own]
        overviews = {one.frame.frame_id: one for one in self._project.store.overviews(ids)}
        proposed = self._newest(ids)
        for instant, own in sweeps.items():
            try:
                around = [self._scenes.surroundings(one) for one in own]
            except BadInputError as error:
                done.unread.append(str(error))
                continue
            frames = [overviews[one] for one in own]
            yield SeenSweep(instant, frames, around, self._classes, proposed)

    def _put(self, writing: SceneWriting, seen: SeenSweep, path: Path) -> None:
        """What a sweep's samples are to show; its files are there first."""
        if not path.is_file():
            self._files.write(self._fo, path, seen.cloud, seen.scenes[0].scene.grid)
        key = writing.want(beside_scene(seen.instant, path), seen.frame_ids)
        seen.put_in_space(writing.in_space, key)
        if len(seen.frames) == 1:
            picture = self._files.preview(path, seen.frames[0].frame)
            if picture is not None:
                seen.put_preview(writing.in_space, key, picture)
        frames = writing.frames_among([one.picture_id for one in seen.cameras], seen.instant)
        for camera in seen.cameras:
            beside = beside_camera(seen.instant, camera.name, Path(camera.picture))
            if camera.picture_id in frames:
                writing.drop(beside)
                key = camera.picture_id
            else:
                key = writing.want(beside, seen.frame_ids)
                size = camera.width_px, camera.height_px
                writing.in_cameras.put("metadata", key, image_metadata(*size))
            seen.put_in_camera(writing.in_cameras, key, camera)


def _is_shown(scene: Beside, known: Mapping[str, ShownBeside]) -> bool:
    return scene.key in known and known[scene.key].path == scene.path


def _chunks(sweeps: Mapping[str, Frames], size: int) -> Iterator[dict[str, Frames]]:
    left = iter(sweeps.items())
    while chunk := dict(islice(left, size)):
        yield chunk
