"""Scenes: what people see around a bird's-eye frame, its points, its ground and its cameras.

A scene is one file. Little-endian, one after the other: the length of the header (u8), the header
(JSON, a `Scene`), where the points of each cell begin (u4, one more than there are cells), ground
heights (f4), points (u2, three a point, in `step_m` from `origin_m`). Points are sorted by cells of
the ground, row by row, so that those over a box are found without looking at all.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.arrays import Float64s
from prelabel.datasets.errors import BadInputError
from prelabel.datasets.files import write_whole
from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid
from prelabel.datasets.lidar.cameras import Camera, CameraPicture
from prelabel.datasets.lidar.coordinates import LIDAR, Transform
from prelabel.datasets.lidar.ground import Ground
from prelabel.datasets.lidar.points import PointCloud
from prelabel.datasets.pictures import frame_id_of, picture_bytes

SCENES_FOLDER = "scenes"
SUFFIX = ".scene"

_FORMAT = 1
_LENGTH = struct.Struct("<Q")
_STEPS = np.iinfo(np.uint16).max
_CELL_M = 2.0
_FAR_M = 1000.0  # coordinates beyond are those of a survey, and float32 needs an origin near them
_MOST_CELLS = 250_000
_AROUND_M = 4.0  # beyond the picture: a box may reach over its border

Triple = tuple[float, float, float]


class SceneCamera(msgspec.Struct, frozen=True):
    """A camera of a scene and its picture, which is known again by its content.

    `intrinsics` and `rotation` are 3 x 3, row by row; rotation and translation lead from the
    lidar's frame to the camera's. `picture` is an absolute file name.
    """

    name: str
    picture: str
    picture_id: str
    width_px: int
    height_px: int
    intrinsics: tuple[Triple, Triple, Triple]
    rotation: tuple[Triple, Triple, Triple]
    translation_m: Triple


class Cells(msgspec.Struct, frozen=True):
    """Squares of ground: row r and column c begin at x = `x_m` + r `size_m`, y = `y_m` + c …"""

    x_m: float
    y_m: float
    size_m: float
    rows: int
    columns: int


class Scene(msgspec.Struct, frozen=True):
    """The header of a scene; metres in the lidar's frame.

    The ground is known at the middles of
    `ground`, `ground_z_m` is to be added to its heights. Point = `origin_m` + `step_m` * stored.
    """

    format: int
    frame_id: str
    sweep: str
    grid: BirdsEyeGrid
    cameras: list[SceneCamera]
    points: int
    origin_m: Triple
    step_m: Triple
    cells: Cells
    ground: Cells
    ground_z_m: float


@dataclass(frozen=True, slots=True)
class SceneMaker:
    """Makes the scenes of one sweep's frames; `cameras` as `scene_cameras` gives them."""

    sweep: str
    cloud: PointCloud
    ground: Ground
    cameras: Sequence[SceneCamera]

    def write(self, folder: Path, frame_id: str, grid: BirdsEyeGrid) -> None:
        """Write the scene of a frame into a folder."""
        near, cells, begin = _sorted_points(self.cloud, grid)
        origin, step, stored = _stored(near)
        ground_cells, heights = _ground_below(self.ground, self.cloud, grid)
        scene = Scene(
            _FORMAT,
            frame_id,
            self.sweep,
            grid,
            list(self.cameras),
            len(near),
            _triple(origin),
            _triple(step),
            cells,
            ground_cells,
            self.cloud.origin_m[2],
        )
        header = msgspec.json.encode(scene)
        parts = (begin.astype("<u4"), heights.astype("<f4"), stored.astype("<u2"))
        data = b"".join(part.tobytes() for part in parts)
        write_whole(scene_file(folder, frame_id), _LENGTH.pack(len(header)) + header + data)


def scene_file(folder: Path, frame_id: str) -> Path:
    """Where the scene of a frame lies in a folder of scenes."""
    return folder / f"{frame_id}{SUFFIX}"


def scene_cameras(cameras: Sequence[CameraPicture]) -> list[SceneCamera]:
    """The cameras of a sweep as scenes keep them; UnusablePictureError where a picture is gone."""
    return [
        SceneCamera(
            one.camera.name,
            str(one.picture.resolve()),
            frame_id_of(picture_bytes(one.picture)),
            one.camera.width_px,
            one.camera.height_px,
            _rows(one.camera.intrinsics),
            _rows(one.camera.from_lidar.rotation),
            _triple(one.camera.from_lidar.translation_m),
        )
        for one in cameras
    ]


def read_scene(path: Path) -> Scene:
    """The header of a scene's file; BadInputError where it is none."""
    return _read(path)[0]


def read_scene_data(path: Path) -> bytes:
    """Beginnings of cells, ground heights and points of a scene's file, as they are kept."""
    return _read(path)[1]


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """What a scene's file holds, to be worked with: its points and the ground under them."""

    scene: Scene
    cloud: PointCloud
    ground: Ground


def read_surroundings(path: Path) -> Surroundings:
    """A scene with its points, to a few millimetres, and its ground; BadInputError as above."""
    scene, data = _read(path)
    cells, below = scene.cells, scene.ground
    first = 4 * (cells.rows * cells.columns + 1)
    heights = np.frombuffer(data, "<f4", below.rows * below.columns, first)
    stored = np.frombuffer(data, "<u2", 3 * scene.points, first + heights.nbytes).reshape(-1, 3)
    east, north = (_FAR_M * int(one / _FAR_M) for one in scene.origin_m[:2])
    origin = east, north, scene.ground_z_m
    points = stored * np.array(scene.step_m) + (np.array(scene.origin_m) - origin)
    ground = Ground(
        below.x_m - east, below.y_m - north, below.size_m, heights.reshape(below.rows, -1)
    )
    return Surroundings(scene, PointCloud(points, frame=scene.grid.frame, origin_m=origin), ground)


def camera_of(kept: SceneCamera, frame: str = LIDAR) -> Camera:
    """A camera of a scene, to project with; `frame` is the coordinate frame of the points."""
    mounted = Transform(frame, kept.name, kept.rotation, kept.translation_m)
    return Camera(kept.name, kept.intrinsics, (kept.width_px, kept.height_px), mounted)


def _read(path: Path) -> tuple[Scene, bytes]:
    try:
        content = path.read_bytes()
        (length,) = _LENGTH.unpack_from(content)
        end = _LENGTH.size + length
        scene, data = msgspec.json.decode(content[_LENGTH.size : end], type=Scene), content[end:]
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror}") from error
    except (struct.error, msgspec.DecodeError) as error:
        raise BadInputError(f"{path}: is no scene: {error}: make the frames again") from error
    if scene.format != _FORMAT:
        raise BadInputError(f"{path}: is of format {scene.format}, but {_FORMAT} is known")
    cells, ground = scene.cells, scene.ground
    places = cells.rows * cells.columns + 1 + ground.rows * ground.columns
    if len(data) != 4 * places + 6 * scene.points:
        raise BadInputError(f"{path}: is cut off: make the frames again")
    return scene, data


def _sorted_points(
    cloud: PointCloud, grid: BirdsEyeGrid
) -> tuple[Float64s, Cells, NDArray[np.intp]]:
    """Points over and around a grid (k, 3) by their cells, the cells, and where each begins."""
    low = np.array([grid.x_min_m, grid.y_min_m]) - _AROUND_M
    extent = np.array([grid.x_max_m, grid.y_max_m]) + _AROUND_M - low
    size = max(_CELL_M, float(np.sqrt(extent.prod() / _MOST_CELLS)))
    rows, columns = (int(one) for one in np.ceil(extent / size))
    points = cloud.positions()
    place = np.floor((points[:, :2] - low) / size).astype(np.int64)
    inside = ((place >= 0) & (place < (rows, columns))).all(axis=1)
    cell = place[inside, 0] * columns + place[inside, 1]
    order = np.argsort(cell, kind="stable")
    begin = np.searchsorted(cell[order], np.arange(rows * columns + 1))
    cells = Cells(float(low[0]), float(low[1]), size, rows, columns)
    return points[inside][order], cells, begin


def _stored(points: Float64s) -> tuple[Float64s, Float64s, NDArray[np.uint16]]:
    """Points as whole steps of 16 bits: from where, the steps, and how many of them."""
    if not len(points):
        return np.zeros(3), np.ones(3), np.zeros((0, 3), np.uint16)
    origin = points.min(axis=0)
    step = np.maximum(points.max(axis=0) - origin, 1e-3) / _STEPS
    return origin, step, np.round((points - origin) / step).astype(np.uint16)


def _ground_below(
    ground: Ground, cloud: PointCloud, grid: BirdsEyeGrid
) -> tuple[Cells, NDArray[np.float32]]:
    """The part of the ground that lies below a grid, at least one cell."""
    origin = np.array(cloud.origin_m[:2])
    start = np.array([ground.x_m, ground.y_m]) + origin
    low = np.array([grid.x_min_m, grid.y_min_m]) - _AROUND_M
    high = np.array([grid.x_max_m, grid.y_max_m]) + _AROUND_M
    shape = np.array(ground.height_m.shape)
    # One more on each side, as heights are taken between the middles of cells.
    first = np.clip(np.floor((low - start) / ground.cell_m).astype(int) - 1, 0, shape - 1)
    last = np.clip(np.ceil((high - start) / ground.cell_m).astype(int) + 1, first + 1, shape)
    heights = ground.height_m[first[0] : last[0], first[1] : last[1]]
    x, y = (start + first * ground.cell_m).tolist()
    rows, columns = heights.shape
    return Cells(x, y, ground.cell_m, rows, columns), heights


def _triple(values: Float64s) -> Triple:
    x, y, z = (float(one) for one in values)
    return x, y, z


def _rows(matrix: Float64s) -> tuple[Triple, Triple, Triple]:
    return _triple(matrix[0]), _triple(matrix[1]), _triple(matrix[2])
