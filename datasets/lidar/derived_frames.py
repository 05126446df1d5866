"""Frames made from sweeps: pictures, labels and the way back, in one folder.

The folder holds `pictures/`, `annotations.json` (COCO, with turned boxes) to be imported like any
dataset, `lidar.json`, by which corrected boxes become cuboids again, and `scenes/`, which people
see around the bird's-eye frames.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import BadInputError
from prelabel.datasets.files import write_whole
from prelabel.datasets.formats.export import new_folder
from prelabel.datasets.formats.own_pictures import PICTURES, write_beside_pictures
from prelabel.datasets.frames import Frame, FrameKind, LabelledFrame
from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid, PictureScale, rasterise, tiles
from prelabel.datasets.lidar.cuboids import CuboidLabels
from prelabel.datasets.lidar.ground import GroundRules, find_ground
from prelabel.datasets.lidar.points import PointCloud
from prelabel.datasets.lidar.projection import project_cuboids
from prelabel.datasets.lidar.range_view import RangeGrid, range_boxes, range_raster
from prelabel.datasets.lidar.scenes import SCENES_FOLDER, SceneMaker, scene_cameras
from prelabel.datasets.lidar.sweeps import Sweep, SweepSet
from prelabel.datasets.pictures import frame_id_of, picture_bytes
from prelabel.datasets.progress import Progress

INDEX_FILE = "lidar.json"
_FORMAT = 1


class View(StrEnum):
    """The pictures that a sweep can be shown as."""

    BIRDS_EYE = "birds-eye"
    RANGE = "range"
    CAMERAS = "cameras"


@dataclass(frozen=True, slots=True)
class FrameSettings:
    """Which pictures to make of each sweep, and how.

    A cuboid gets a box in a camera where at most `most_hidden` of it is hidden by nearer points and
    at most `most_cut` lies outside the picture; boxes from above and in range pictures where at
    least `least_points` points lie in it, since a detector cannot find what the lidar did not see.

    With `tile_m` the whole extent of the points is shown from above, in square tiles that share
    `overlap_m`, at the resolution of `grid`; tiles without a point are left out.
    """

    views: tuple[View, ...] = (View.BIRDS_EYE,)
    grid: BirdsEyeGrid = field(default_factory=BirdsEyeGrid)
    scale: PictureScale = field(default_factory=PictureScale)
    range_grid: RangeGrid = field(default_factory=RangeGrid)
    ground: GroundRules = field(default_factory=GroundRules)
    tile_m: float | None = None
    overlap_m: float = 12.0
    least_points: int = 1
    most_hidden: float = 0.8
    most_cut: float = 0.8

    def grids(self, cloud: PointCloud) -> Iterable[BirdsEyeGrid]:
        """The rectangles of ground to show of a sweep."""
        if self.tile_m is None:
            return (self.grid,)
        x, y = (cloud.xyz_m[:, axis] + np.float64(cloud.origin_m[axis]) for axis in (0, 1))
        low, high = (float(x.min()), float(y.min())), (float(x.max()), float(y.max()))
        # Half a pixel more, so that points on the border lie inside.
        edge = self.grid.resolution_m / 2
        area = low[0] - edge, high[0] + edge, low[1] - edge, high[1] + edge
        return tiles(area, self.grid.resolution_m, self.tile_m, self.overlap_m)


class KnownCuboid(msgspec.Struct, frozen=True):
    """A cuboid as it was when its frame was made; metres and radians.

    `object_id` is the id of the cuboid, `box_id` that of the box that shows it in the frame: they
    differ where an object is shown in several frames, since no two boxes may have one id. Without
    a `class_name` nothing tells whether a person gave it another class.
    """

    object_id: str
    box_id: str
    centre_m: tuple[float, float, float]
    size_m: tuple[float, float, float]
    yaw: float
    class_name: str | None = None


class FrameEntry(msgspec.Struct, frozen=True):
    """What `lidar.json` says of one bird's-eye frame; `grid` are a BirdsEyeGrid's settings."""

    frame_id: str
    sweep: str
    grid: dict[str, Any]
    cuboids: list[KnownCuboid]


class FrameIndex(msgspec.Struct, frozen=True):
    """The whole of `lidar.json`; `source` is the dataset that the frames were made from."""

    format: int
    source: str
    classes: list[str]
    frames: list[FrameEntry]


def write_frames(
    folder: Path, source: Path, opened: SweepSet, settings: FrameSettings, progress: Progress
) -> list[LabelledFrame]:
    """Make the frames of every sweep into a new folder, which appears when it is complete.

    All frames of a sweep are of one group. From above a box has the id of its cuboid, in the other
    views one that `view_id` makes of it. Raises BadInputError if `folder` is there and not empty.
    """
    folder = folder.resolve()
    entries: list[FrameEntry] = []
    frames: list[LabelledFrame] = []
    with new_folder(folder) as beside, progress.task("make frames", None) as advance:
        for name in (PICTURES, SCENES_FOLDER):
            (beside / name).mkdir()
        for sweep in opened.sweeps:
            for one, entry in _frames_of(sweep, beside, settings, opened.classes):
                frames.append(one)
                entries += [] if entry is None else [entry]
            advance()
        write_beside_pictures(beside, opened.classes, frames, progress)
        index = FrameIndex(_FORMAT, str(source.resolve()), list(opened.classes), entries)
        write_whole(beside / INDEX_FILE, msgspec.json.encode(index))
    return [_moved(one, beside, folder) for one in frames]


def view_id(object_id: str, view: str) -> str:
    """The id of the box that shows an object in one more view: the same at every call."""
    return str(uuid.uuid5(uuid.UUID(object_id), view))


def read_index(folder: Path) -> FrameIndex:
    """What `lidar.json` of a folder of frames says; BadInputError where it is none."""
    path = folder / INDEX_FILE
    try:
        index = msgspec.json.decode(path.read_bytes(), type=FrameIndex)
    except OSError as error:
        raise BadInputError(
            f"{path}: cannot be read: {error.strerror}: name the folder of the frames"
        ) from error
    except msgspec.DecodeError as error:
        raise BadInputError(f"{path}: is no index of lidar frames: {error}") from error
    if index.format != _FORMAT:
        raise BadInputError(f"{path}: is of format {index.format}, but {_FORMAT} is known")
    return index


def _moved(one: LabelledFrame, beside: Path, folder: Path) -> LabelledFrame:
    uri = folder / Path(one.frame.uri).relative_to(beside)
    return LabelledFrame(replace(one.frame, uri=str(uri)), one.annotations)


def _frames_of(
    sweep: Sweep, folder: Path, settings: FrameSettings, classes: Sequence[str]
) -> Iterator[tuple[LabelledFrame, FrameEntry | None]]:
    cloud, pictures = sweep.load(), folder / PICTURES
    if View.BIRDS_EYE in settings.views:
        yield from _birds_eye(sweep, cloud, folder, settings, classes)
    if View.RANGE in settings.views:
        yield _range(sweep, cloud, pictures, settings), None
    if View.CAMERAS in settings.views:
        for number in range(len(sweep.cameras)):
            yield _camera(sweep, number, cloud, pictures, settings), None


def _birds_eye(
    sweep: Sweep, cloud: PointCloud, folder: Path, settings: FrameSettings, classes: Sequence[str]
) -> Iterator[tuple[LabelledFrame, FrameEntry]]:
    """The picture from above, or one for each tile, with their scenes."""
    ground = find_ground(cloud, settings.ground)
    scenes = SceneMaker(sweep.name, cloud, ground, scene_cameras(sweep.cameras))
    labels = None if sweep.labels is None else _seen_by_lidar(sweep.labels, cloud, settings)
    shown: set[str] = set()
    for number, grid in enumerate(settings.grids(cloud)):
        raster = rasterise(cloud, grid, ground)
        if settings.tile_m is not None and not len(raster.cells):
            continue
        tile = "" if settings.tile_m is None else f"-{number:04d}"
        pixels = raster.picture(settings.scale)
        frame = _put(sweep, folder / PICTURES, pixels, FrameKind.LIDAR_BEV, tile)
        scenes.write(folder / SCENES_FOLDER, frame.frame_id, grid)
        frame = replace(frame, calibration={"birds_eye": grid.settings()})
        annotations, known = None, list[KnownCuboid]()
        if labels is not None:
            inside = labels.take(grid.inside(labels.cuboids))
            ids = [view_id(one, tile) if one in shown else one for one in inside.box_id]
            shown.update(inside.box_id)
            annotations = AnnotationSet(
                grid.boxes(inside.cuboids),
                inside.class_id,
                ids,
                inside.origin,
                inside.cuboids.heights(),
            )
            known = known_cuboids(inside, ids, classes)
        entry = FrameEntry(frame.frame_id, sweep.name, grid.settings(), known)
        yield LabelledFrame(frame, annotations), entry


def known_cuboids(
    labels: CuboidLabels, box_ids: Sequence[str], classes: Sequence[str]
) -> list[KnownCuboid]:
    """Labels as `lidar.json` keeps them, with the ids of the boxes that show them."""
    cuboids = labels.cuboids
    return [
        KnownCuboid(object_id, box_id, tuple(centre), tuple(size), yaw, classes[class_id])
        for object_id, box_id, centre, size, yaw, class_id in zip(
            labels.box_id,
            box_ids,
            cuboids.centre_m.tolist(),
            cuboids.size_m.tolist(),
            cuboids.yaw.tolist(),
            labels.class_id.tolist(),
            strict=True,
        )
    ]


def _seen_by_lidar(
    labels: CuboidLabels, cloud: PointCloud, settings: FrameSettings
) -> CuboidLabels:
    positions = cloud.positions()
    counts = [labels.cuboids.contains(row, positions, 0.05).sum() for row in range(len(labels))]
    return labels.take(np.flatnonzero(np.array(counts) >= settings.least_points))


def _range(
    sweep: Sweep, cloud: PointCloud, pictures: Path, settings: FrameSettings
) -> LabelledFrame:
    pixels = range_raster(cloud, settings.range_grid).picture()
    frame = _put(sweep, pictures, pixels, FrameKind.LIDAR_RANGE)
    frame = replace(frame, calibration={"range": settings.range_grid.settings()})
    if sweep.labels is None:
        return LabelledFrame(frame, None)
    seen = _seen_by_lidar(sweep.labels, cloud, settings)
    boxes, rows = range_boxes(seen.cuboids, settings.range_grid)
    return LabelledFrame(frame, _annotations(seen, boxes, rows, View.RANGE))


def _camera(
    sweep: Sweep, number: int, cloud: PointCloud, pictures: Path, settings: FrameSettings
) -> LabelledFrame:
    """A camera's picture, copied, with the boxes that the cuboids give for nothing."""
    taken = sweep.cameras[number]
    data = picture_bytes(taken.picture)
    path = pictures / f"{sweep.name}-{taken.camera.name}{taken.picture.suffix}"
    path.write_bytes(data)
    camera = taken.camera
    frame = _frame(sweep, path, data, (camera.width_px, camera.height_px), FrameKind.IMAGE)
    if sweep.labels is None:
        return LabelledFrame(frame, None)
    seen = project_cuboids(sweep.labels.cuboids, camera, cloud)
    hidden = np.nan_to_num(seen.occlusion, nan=0.0)
    kept = (hidden <= settings.most_hidden) & (seen.truncation <= settings.most_cut)
    rows = np.flatnonzero(kept)
    return LabelledFrame(
        frame, _annotations(sweep.labels, seen.boxes.take(rows), seen.rows[rows], camera.name)
    )


def _annotations(
    labels: CuboidLabels, boxes: Boxes, rows: NDArray[np.int64], view: str
) -> AnnotationSet:
    """The labels of some cuboids with boxes of another view in their place."""
    kept = labels.take(rows)
    ids = [view_id(one, view) for one in kept.box_id]
    return AnnotationSet(boxes, kept.class_id, ids, kept.origin)


def _put(
    sweep: Sweep, pictures: Path, pixels: NDArray[np.uint8], kind: FrameKind, tile: str = ""
) -> Frame:
    # Level 1: three times as quick as OpenCV's own choice, and few per cent larger.
    data = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
    path = pictures / f"{sweep.name}-{kind.value}{tile}.png"
    path.write_bytes(data)
    return _frame(sweep, path, data, (pixels.shape[1], pixels.shape[0]), kind)


def _frame(sweep: Sweep, path: Path, data: bytes, size: tuple[int, int], kind: FrameKind) -> Frame:
    return Frame(
        frame_id_of(data),
        str(path),
        size[0],
        size[1],
        kind,
        sweep.split,
        sweep.name,
        # A recording has a sequence for each of its views: neighbours in time stand side by side.
        None if sweep.sequence is None else f"{sweep.sequence} {path.stem[len(sweep.name) + 1 :]}",
        sweep.index,
    )
