"""KITTI's object benchmark: calibration, 3D labels, and its folders."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from prelabel.datasets.annotations import Origin, new_box_ids
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.errors import BadInputError, InvalidValueError
from prelabel.datasets.formats.base import ImportReport, split_named
from prelabel.datasets.formats.box_id_table import BoxIdTable
from prelabel.datasets.formats.text_files import (
    CLASSES_FILE,
    UnreadableTextError,
    read_names,
    read_text,
)
from prelabel.datasets.frames import Split
from prelabel.datasets.lidar.cameras import Camera, CameraPicture
from prelabel.datasets.lidar.coordinates import LIDAR, Transform
from prelabel.datasets.lidar.cuboids import CuboidLabels, Cuboids
from prelabel.datasets.lidar.errors import CalibrationError
from prelabel.datasets.lidar.point_files import PointRules, read_points
from prelabel.datasets.lidar.sweeps import Sweep, SweepSet
from prelabel.datasets.pictures import frame_id_of, inspect_picture

CAMERA = "image_2"  # the left colour camera, in whose rectified frame labels are given
RECTIFIED = "camera_0"  # the reference camera after rectification
DONT_CARE = "DontCare"
_POINTS, _LABELS, _CALIBRATION = "velodyne", "label_2", "calib"
_SIZES = {"P2": (3, 4), "R0_rect": (3, 3), "Tr_velo_to_cam": (3, 4)}
_COLUMNS = 15  # a sixteenth holds the score of a detection


@dataclass(frozen=True, slots=True)
class KittiCalibration:
    """What KITTI says of camera 2: `to_camera_0` from the lidar, `projection` (3, 4) from there."""

    to_camera_0: Transform
    projection: Float64s

    def camera(self, size_px: tuple[int, int]) -> Camera:
        """The left colour camera; the shift inside its projection becomes part of its place."""
        intrinsics = self.projection[:, :3]
        shift = np.linalg.solve(intrinsics, self.projection[:, 3])
        beside = Transform(RECTIFIED, CAMERA, np.eye(3), shift)
        return Camera(CAMERA, intrinsics, size_px, self.to_camera_0.then(beside))


@dataclass(frozen=True, slots=True)
class KittiObject:
    """One line of a label file, in KITTI's own terms.

    `truncated` 0 to 1, `occluded` 0 to 3, `alpha` radians; `xyxy` pixels; `size_hwl_m` height,
    width and length; `bottom_m` the middle of the lower face in the rectified camera's frame;
    `rotation_y` radians about its y axis; `score` None but for detections.
    """

    type: str
    truncated: float
    occluded: int
    alpha: float
    xyxy: tuple[float, float, float, float]
    size_hwl_m: tuple[float, float, float]
    bottom_m: tuple[float, float, float]
    rotation_y: float
    score: float | None = None


def read_kitti_calibration(path: Path) -> KittiCalibration:
    """The calibration of one sweep.

    Raises CalibrationError where the file is missing, a matrix of it is missing or has a wrong
    number of values, or where a rotation does not rotate.
    """
    try:
        lines = read_text(path).splitlines()
    except (OSError, UnreadableTextError) as error:
        raise CalibrationError(
            f"{path}: is not there or no text, and without calibration points and pictures do not "
            "fit together: put it beside the sweep"
        ) from error
    given = dict(line.split(":", 1) for line in lines if ":" in line)
    matrices = {name: _matrix(path, name, given.get(name)) for name in _SIZES}
    try:
        rectify = Transform("unrectified", RECTIFIED, matrices["R0_rect"], np.zeros(3))
        velodyne = matrices["Tr_velo_to_cam"]
        mounted = Transform(LIDAR, "unrectified", velodyne[:, :3], velodyne[:, 3])
        calibration = KittiCalibration(mounted.then(rectify), matrices["P2"])
        calibration.camera((1, 1))
    except (InvalidValueError, np.linalg.LinAlgError) as error:
        raise CalibrationError(f"{path}: {error}") from error
    return calibration


def _matrix(path: Path, name: str, text: str | None) -> Float64s:
    rows, columns = _SIZES[name]
    if text is None:
        raise CalibrationError(f"{path}: has no line {name}: take the calibration of this sweep")
    try:
        values = np.array([float(word) for word in text.split()], np.float64)
    except ValueError as error:
        raise CalibrationError(f"{path}: {name} must be numbers: {error}") from error
    if len(values) != rows * columns or not np.isfinite(values).all():
        raise CalibrationError(
            f"{path}: {name} must be {rows} x {columns} finite numbers, but has {len(values)}: "
            "take the calibration of this sweep"
        )
    return values.reshape(rows, columns)


def read_kitti_objects(path: Path) -> tuple[KittiObject, ...]:
    """Every line of a label file, `DontCare` regions included.

    Raises BadInputError naming the line that has another number of columns or no numbers.
    """
    try:
        lines = read_text(path).splitlines()
    except (OSError, UnreadableTextError) as error:
        raise BadInputError(f"{path}: cannot be read as text: {error}") from error
    return tuple(
        _object(path, number, line.split()) for number, line in enumerate(lines, 1) if line.strip()
    )


def _object(path: Path, number: int, columns: list[str]) -> KittiObject:
    if len(columns) not in (_COLUMNS, _COLUMNS + 1):
        raise BadInputError(
            f"{path}: line {number} must have {_COLUMNS} columns, but has {len(columns)}"
        )
    try:
        values = [float(column) for column in columns[1:]]
    except ValueError as error:
        raise BadInputError(f"{path}: line {number}: {error}") from error
    if not np.isfinite(values).all():
        raise BadInputError(f"{path}: line {number} holds NaN or infinity")
    left, top, right, bottom, height, width, length, x, y, z, turn = values[3:14]
    return KittiObject(
        columns[0],
        values[0],
        int(values[1]),
        values[2],
        (left, top, right, bottom),
        (height, width, length),
        (x, y, z),
        turn,
        values[14] if len(values) > 14 else None,
    )


def cuboids_of(objects: Sequence[KittiObject], to_camera_0: Transform) -> Cuboids:
    """KITTI's objects as cuboids of the lidar's frame.

    KITTI's stand upright in the camera's frame, which is tilted by about a degree: middle and
    heading are kept, the tilt is not.
    """
    if not objects:
        return Cuboids.none()
    back = to_camera_0.inverse()
    hwl = np.array([one.size_hwl_m for one in objects])
    turn = np.array([one.rotation_y for one in objects])
    middle = np.array([one.bottom_m for one in objects]) - hwl[:, :1] / 2 * np.array([0, 1, 0])
    ahead = back.turn(np.stack([np.cos(turn), np.zeros(len(turn)), -np.sin(turn)], axis=1))
    yaw = np.arctan2(ahead[:, 1], ahead[:, 0])
    return Cuboids(back.apply(middle), hwl[:, ::-1], yaw)


def open_kitti_sweeps(folder: Path, rules: PointRules | None = None) -> SweepSet:
    """The sweeps of a folder that holds `velodyne`, or whose sub-folders do.

    A sweep without label file is unlabelled. `DontCare` regions are counted in the notes, since
    there is no cuboid to them. Raises BadInputError, CalibrationError for a sweep without a usable
    calibration.
    """
    parts = kitti_parts(folder)
    if not parts:
        raise BadInputError(f"{folder}: holds no folder {_POINTS} with points")
    classes = _classes(folder, parts)
    report = ImportReport()
    table = BoxIdTable(folder, classes, report)
    reading = _Reading(folder, classes, rules or PointRules(), table, [])
    reading.notes.extend(f"{one.file}: {one.reason}" for one in report.problems)
    return SweepSet("kitti", classes, reading.sweeps(parts), reading.notes)


def kitti_parts(folder: Path) -> list[Path]:
    """The folders that hold a `velodyne`: the dataset itself or its sub-folders."""
    if not folder.is_dir():
        return []
    return [part for part in (folder, *sorted(folder.iterdir())) if (part / _POINTS).is_dir()]


@dataclass(frozen=True, slots=True)
class _Reading:
    root: Path
    classes: tuple[str, ...]
    rules: PointRules
    table: BoxIdTable
    notes: list[str]

    def sweeps(self, parts: list[Path]) -> Iterator[Sweep]:
        for part in parts:
            split = split_named(part.name) or Split.TRAIN
            for points in sorted((part / _POINTS).glob("*.bin")):
                yield self._sweep(part, points, split)

    def _sweep(self, part: Path, points: Path, split: Split) -> Sweep:
        name = points.stem
        calibration = read_kitti_calibration(part / _CALIBRATION / f"{name}.txt")
        labels_path = part / _LABELS / f"{name}.txt"
        labels = None
        if labels_path.is_file():
            labels = self._labels(labels_path, calibration.to_camera_0)
        cameras: tuple[CameraPicture, ...] = ()
        picture = part / CAMERA / f"{name}.png"
        if picture.is_file():
            facts = inspect_picture(picture)
            camera = calibration.camera((facts.width_px, facts.height_px))
            cameras = (CameraPicture(camera, picture),)
        load = partial(read_points, points, self.rules)
        return Sweep(name, load, cameras, labels, split=split)

    def _labels(self, path: Path, to_camera_0: Transform) -> CuboidLabels:
        objects = read_kitti_objects(path)
        lines = [line for line in read_text(path).splitlines() if line.strip()]
        kept = [
            (one, line)
            for one, line in zip(objects, lines, strict=True)
            if one.type != DONT_CARE and min(one.size_hwl_m) > 0
        ]
        regions = sum(one.type == DONT_CARE for one in objects)
        flat = len(objects) - len(kept) - regions
        if regions:
            self.notes.append(f"{path}: {regions} DontCare regions have no cuboid: left out")
        if flat:
            self.notes.append(f"{path}: {flat} objects have no size in space: left out")
        ids, origins = self._ids(path, [line for _, line in kept])
        by_type = {"_".join(name.split()): row for row, name in enumerate(self.classes)}
        try:
            class_ids = [by_type[one.type] for one, _ in kept]
        except KeyError as error:
            raise BadInputError(f"{path}: type {error} is not in {CLASSES_FILE}") from error
        cuboids = cuboids_of([one for one, _ in kept], to_camera_0)
        return CuboidLabels(cuboids, class_ids, ids, origins)

    def _ids(self, path: Path, lines: Sequence[str]) -> tuple[list[str], list[Origin]]:
        """The ids that `box_ids.csv` gives the lines, new ones where it gives none."""
        # Of two sweeps with the same labels each gets ids of its own.
        seed = list(bytes.fromhex(frame_id_of(path.stem.encode() + path.read_bytes())))
        made = new_box_ids(len(lines), np.random.default_rng(seed))
        name = path.relative_to(self.root).as_posix()
        told = [self.table.take(name, line) for line in lines]
        ids = [given or new for (given, _), new in zip(told, made, strict=True)]
        return ids, [origin for _, origin in told]


def _classes(folder: Path, parts: list[Path]) -> tuple[str, ...]:
    """The names in `classes.txt`, where we wrote the folder, otherwise the types that occur."""
    if (folder / CLASSES_FILE).is_file():
        return tuple(read_names(folder / CLASSES_FILE))
    types = {
        one.type
        for part in parts
        for path in sorted((part / _LABELS).glob("*.txt"))
        for one in read_kitti_objects(path)
    }
    return tuple(sorted(types - {DONT_CARE}))
