"""What a curator did to cuboids in FiftyOne, brought back into the project."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prelabel.curating.cuboid_edits import (
    SeenCuboid,
    edited_cuboids,
    frame_below,
    is_untouched,
    seen_cuboids,
)
from prelabel.curating.documents import Document, labels_document
from prelabel.curating.fields import AROUND, CONFLICT, FILLED_FROM, LABELS, ORIGIN, WISHES
from prelabel.curating.samples import all_samples, samples_of
from prelabel.curating.scene_samples import camera_samples, scene_samples
from prelabel.curating.taking_over import Basis, Collected, show_conflict
from prelabel.datasets.frames import Frame
from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid
from prelabel.project import Project
from prelabel.scenes import Scenes

_PAGE = 500
_WANTED = ("frame_id", AROUND, ORIGIN, FILLED_FROM, LABELS)


@dataclass(frozen=True, slots=True)
class _SeenScene:
    """A sweep as it stands in FiftyOne; `versions` by frame id are those it was filled from."""

    sample_id: str
    key: str
    cuboids: list[SeenCuboid]
    as_kept: Document | None
    versions: Mapping[str, int]

    def of_frame(self, frame_id: str) -> list[SeenCuboid]:
        """The cuboids that were filled from boxes of a frame."""
        return [one for one in self.cuboids if frame_id in one.places]


def collect_scenes(dataset: Any, project: Project, mark: datetime | None, done: Collected) -> None:
    """Take over cuboids that were edited since the mark: each frame of a sweep gets its boxes.

    They are what edited boxes are: a version in the editor's name, or kept beside where the labels
    changed as well, be it by an edit of the same boxes in the frame's own picture.
    """
    view = scene_samples(dataset)
    if view is None:
        return
    for seen in _scenes(view, mark):
        _collect_scene(dataset, project, seen, done)
    _tell_of_drawings(dataset, mark, done)


def _scenes(view: Any, mark: datetime | None) -> Iterator[_SeenScene]:
    from bson import ObjectId

    since = view if mark is None else view.match({"last_modified_at": {"$gt": mark}})
    ids = since.values("id")
    for start in range(0, len(ids), _PAGE):
        keys = [ObjectId(one) for one in ids[start : start + _PAGE]]
        # As the database holds them: making objects of all boxes takes long.
        for row in view.select(keys).select_fields(list(_WANTED))._aggregate():
            boxes = (row.get(LABELS) or {}).get("detections") or ()
            yield _SeenScene(
                str(row["_id"]),
                row["frame_id"],
                seen_cuboids(boxes, row.get(ORIGIN) or (0.0, 0.0, 0.0)),
                row.get(LABELS),
                row.get(FILLED_FROM) or {},  # none yet, where the process that makes it was killed
            )


def _collect_scene(dataset: Any, project: Project, seen: _SeenScene, done: Collected) -> None:
    """Take over the labels of all frames of a sweep, where they are not what it was filled with."""
    classes = project.classes()
    bases = {frame_id: _basis(project, seen, frame_id) for frame_id in seen.versions}
    if all(
        is_untouched(basis.labels, seen.of_frame(frame_id), classes, frame_id)
        for frame_id, basis in bases.items()
    ) and all(one.places for one in seen.cuboids):
        return
    frames = {one.frame_id: one for one in project.store.find_frames(list(bases))}
    grids = _grids(project, frames)
    new = [(frame_below(one, grids), one) for one in seen.cuboids if grids and not one.places]
    beside: list[str] = []
    for frame_id, grid in grids.items():
        own = seen.of_frame(frame_id) + [one for below, one in new if below == frame_id]
        basis, frame = bases[frame_id], frames[frame_id]
        change = edited_cuboids(basis.labels, own, classes, frame, grid)
        if basis.take_over(change, done):
            boxes = labels_document(basis.version(change), frame, classes, None)
            sample_id = samples_of(dataset, [frame_id])[frame_id]
            show_conflict(dataset, all_samples(dataset), sample_id, boxes)
            beside.append(frame_id)
    if beside:
        show_conflict(dataset, scene_samples(dataset), seen.sample_id, seen.as_kept)
        done.own |= dict.fromkeys([*beside, seen.key], datetime.now(UTC))


def _basis(project: Project, seen: _SeenScene, frame_id: str) -> Basis:
    """What a curator saw of a frame's labels."""
    # The App writes back what was on the screen: cuboids of an older version say so.
    stamps = [one.places[frame_id].version for one in seen.of_frame(frame_id)]
    return Basis(project, frame_id, min(stamps, default=seen.versions[frame_id]))


def _grids(project: Project, frames: Mapping[str, Frame]) -> dict[str, BirdsEyeGrid]:
    """What ground frames show, of those whose scenes are there."""
    scenes = Scenes(project.workspace.scenes_folder)
    return {
        frame_id: scenes.scene(frame_id).grid
        for frame_id, frame in frames.items()
        if scenes.has(frame)
    }


def _tell_of_drawings(dataset: Any, mark: datetime | None, done: Collected) -> None:
    """Boxes drawn on pictures that are no frames stay in FiftyOne; that is said."""
    view = camera_samples(dataset).exists(f"{LABELS}.detections.0")
    if mark is not None:
        view = view.match({"last_modified_at": {"$gt": mark}})
    for key in view.values("frame_id"):
        done.refused[key] = (
            "the picture is no frame of the project: draw in space or from above, or import the "
            "frames of the cameras as well"
        )


def hand_over_tags(dataset: Any, done: Collected) -> None:
    """What is wished of a sweep, or of a camera's picture beside it, is wished of its frames."""
    scenes = scene_samples(dataset)
    for view in () if scenes is None else (scenes, camera_samples(dataset)):
        for wish in WISHES:
            tagged = view.match_tags(wish)
            frame_ids = sorted({one for around in tagged.values(AROUND) for one in around})
            if frame_ids:
                frames = all_samples(dataset).match({"frame_id": {"$in": frame_ids}})
                frames.tag_samples(wish)  # first, so that a kill loses nothing
                keys = tagged.values("frame_id")
                tagged.untag_samples(wish)
                done.own |= dict.fromkeys(keys, datetime.now(UTC))


def settle_scenes(dataset: Any, frame_id: str, done: Collected) -> None:
    """Show no conflict in space any more, where that of this frame was the last of its sweep."""
    scenes = scene_samples(dataset)
    if scenes is None:
        return
    for sample in scenes.match_tags(CONFLICT).match({AROUND: frame_id}):
        others = all_samples(dataset).match({"frame_id": {"$in": list(sample[AROUND])}})
        if not others.match_tags(CONFLICT).count():
            sample[CONFLICT] = None
            sample.tags = [tag for tag in sample.tags if tag != CONFLICT]
            sample.save()
            done.own[sample["frame_id"]] = datetime.now(UTC)
