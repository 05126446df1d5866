"""Samples that show what lies around frames: a sweep in space, and its cameras' pictures.

They are no frames of the project. Their `around` names the frames they belong to, and their
`frame_id` says what they are in words no frame's id has.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prelabel.curating.fields import AROUND, FILLED_FROM
from prelabel.curating.opening import FiftyOne
from prelabel.curating.samples import GROUP, all_samples, group_id

SCENE_SLICE = "3D"
SCENE_KIND, CAMERA_KIND = "scene", "camera"
_SHOWN = ["frame_id", "id", "filepath", "kind", FILLED_FROM]


@dataclass(frozen=True, slots=True)
class Beside:
    """One such sample as it is to be: of which instant, in which slice, showing which file."""

    instant: str
    slice_name: str
    path: Path
    kind: str

    @property
    def key(self) -> str:
        """What stands in its field `frame_id`: the same each time, and no frame's id."""
        return f"{self.instant} {self.slice_name}"


@dataclass(frozen=True, slots=True)
class ShownBeside:
    """One such sample as it is; without a path where it is not filled yet."""

    sample_id: str
    path: Path | None


def beside_scene(instant: str, path: Path) -> Beside:
    """The sample that shows a sweep in space."""
    return Beside(instant, SCENE_SLICE, path, SCENE_KIND)


def beside_camera(instant: str, name: str, path: Path) -> Beside:
    """The sample that shows a camera's picture which is no frame."""
    # FiftyOne keeps slices as names of fields.
    safe = name.replace(".", "_").replace("$", "_")
    return Beside(instant, f"camera {safe}", path, CAMERA_KIND)


def scene_samples(dataset: Any) -> Any:
    """A view of the sweeps in space; None where there are none."""
    if dataset.media_type != "group" or SCENE_SLICE not in dataset.group_slices:
        return None
    return dataset.select_group_slices(SCENE_SLICE)


def camera_samples(dataset: Any) -> Any:
    """A view of the cameras' pictures that are no frames; there must be sweeps in space."""
    return dataset.select_group_slices(media_type="image").match({"kind": CAMERA_KIND})


def all_kinds(dataset: Any) -> list[Any]:
    """Views of the frames, and of all that lies around them."""
    scenes = scene_samples(dataset)
    beside = [] if scenes is None else [scenes, camera_samples(dataset)]
    return [all_samples(dataset), *beside]


def frames_behind(view: Any) -> list[str]:
    """Ids of the frames of a view; a sample that is none stands for those it belongs to."""
    if view.get_field(AROUND) is None:
        ids: list[str] = view.values("frame_id")
        return ids
    pairs = zip(*view.values(["frame_id", AROUND]), strict=True)
    return [one for frame_id, around in pairs for one in (around or [frame_id])]


def shown_beside(dataset: Any, instants: Iterable[str]) -> dict[str, ShownBeside]:
    """Those of these instants, by their keys."""
    scenes = scene_samples(dataset)
    found: dict[str, ShownBeside] = {}
    if scenes is None:
        return found
    for view in (scenes, camera_samples(dataset)):
        own = view.match({"instant": {"$in": list(instants)}})
        for key, one, path, kind, filled in zip(*own.values(_SHOWN), strict=True):
            complete = kind == CAMERA_KIND or filled is not None
            found[key] = ShownBeside(one, Path(path) if complete else None)
    return found


def add_beside(
    fo: FiftyOne, dataset: Any, wanted: Sequence[Beside], around: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """Make samples, `around` naming the frames of each instant; their ids by key."""
    if not wanted:
        return {}
    for one in wanted:
        if one.slice_name not in dataset.group_slices:
            dataset.add_group_slice(one.slice_name, "3d" if one.kind == SCENE_KIND else "image")
            dataset.group_slice = dataset.default_group_slice
    samples = [
        fo.Sample(
            filepath=str(one.path),
            frame_id=one.key,
            kind=one.kind,
            instant=one.instant,
            **{AROUND: list(around[one.instant])},
            **{GROUP: fo.Group(id=group_id(one.instant)).element(one.slice_name)},
        )
        for one in wanted
    ]
    ids = dataset.add_samples(samples, expand_schema=False, validate=False, batcher=False)
    return dict(zip([one.key for one in wanted], ids, strict=True))
