"""Files of points: KITTI and nuScenes binaries, npy, PCD, PLY, LAS and LAZ."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.errors import BadInputError, MissingExtraError
from prelabel.datasets.lidar.coordinates import LIDAR
from prelabel.datasets.lidar.errors import (
    NoPointsError,
    NotFinitePointsError,
    PointFileError,
    TooManyPointsError,
    TruncatedPointsError,
)
from prelabel.datasets.lidar.points import PointCloud

DEFAULT_MAX_POINTS = 10_000_000
_FAR_M = 10_000.0  # beyond it float32 no longer holds the millimetre
_INTENSITY_SCALES = (1.0, 255.0, 65535.0)
_INTENSITY_NAMES = ("intensity", "reflectivity", "reflectance", "i", "scalar_intensity")
_HEADER_BYTES = 8192
_EMPTY = "{}: holds no points: record or copy the sweep again"

Table = NDArray[Any]


@dataclass(frozen=True, slots=True)
class PointRules:
    """Choices at reading points.

    A file of more than `max_points` is refused before its points are read. Points with NaN or
    infinite coordinates, by which some drivers mark beams without an answer, refuse the file unless
    `drop_not_finite`. `intensity_scale` is the number that means full intensity; None takes the
    format's own, or the least of 1, 255 and 65535 that no point exceeds.
    """

    max_points: int = DEFAULT_MAX_POINTS
    drop_not_finite: bool = False
    intensity_scale: float | None = None


@dataclass(frozen=True, slots=True)
class _Columns:
    """What a file holds: coordinates (n, 3) and intensity (n,), both as written."""

    xyz: Table
    intensity: Table | None
    scale: float | None = None


def read_points(path: Path, rules: PointRules | None = None, frame: str = LIDAR) -> PointCloud:
    """The points of a file whose kind its name tells.

    Known are `.pcd.bin` (nuScenes, 5 columns), `.bin` (KITTI, 4 columns), `.npy` (3 columns or
    more, or named fields), `.pcd`, `.ply`, `.las` and `.laz`. Raises PointFileError, by its
    subclasses TruncatedPointsError, NotFinitePointsError, NoPointsError and TooManyPointsError
    where the caller may do something about it, and MissingExtraError for the extra `lidar`.
    """
    chosen = rules or PointRules()
    try:
        columns = _reader(path)(path, chosen)
    except OSError as error:
        raise PointFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    return _checked(path, columns, chosen, frame)


def point_suffix(path: Path) -> str | None:
    """The suffix in `SUFFIXES` that a file name ends with; None where it is no file of points."""
    name = path.name.lower()
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix)), None)


def _reader(path: Path) -> "Callable[[Path, PointRules], _Columns]":
    suffix = point_suffix(path)
    if suffix is None:
        raise BadInputError(f"{path}: is no file of points: give one of {', '.join(SUFFIXES)}")
    return SUFFIXES[suffix]


def _checked(path: Path, columns: _Columns, rules: PointRules, frame: str) -> PointCloud:
    xyz, intensity = columns.xyz, columns.intensity
    shine_is_finite = intensity is None or bool(np.isfinite(intensity).all())
    if not (shine_is_finite and np.isfinite(xyz).all()):
        finite = np.isfinite(xyz).all(axis=1)
        if intensity is not None:
            finite &= np.isfinite(intensity)
        lost = len(xyz) - int(finite.sum())
        if not rules.drop_not_finite:
            raise NotFinitePointsError(
                f"{path}: {lost:,} of {len(xyz):,} points hold NaN or infinity (the first is point "
                f"{int(finite.argmin())}): write the file anew, or leave them out with "
                "drop_not_finite"
            )
        xyz, intensity = xyz[finite], None if intensity is None else intensity[finite]
    if not len(xyz):
        raise NoPointsError(_EMPTY.format(path))
    origin = _origin(xyz)
    near = xyz if not any(origin) else xyz - np.array(origin)
    return PointCloud(near, _scaled(intensity, columns, rules), None, frame, origin)


def _origin(xyz: Table) -> tuple[float, float, float]:
    """Zero, or for coordinates of a country a whole number of metres near all points."""
    if max(abs(float(xyz.min())), abs(float(xyz.max()))) < _FAR_M:
        return 0.0, 0.0, 0.0
    x, y, z = np.floor(xyz.min(axis=0).astype(np.float64)).tolist()
    return x, y, z


def _scaled(
    intensity: Table | None, columns: _Columns, rules: PointRules
) -> NDArray[np.float32] | None:
    if intensity is None:
        return None
    most = float(intensity.max())
    guessed = next((scale for scale in _INTENSITY_SCALES if most <= scale), most)
    scale = rules.intensity_scale or columns.scale or guessed
    return np.clip(intensity / np.float32(scale), 0, 1).astype(np.float32)


def _check_count(path: Path, count: int, rules: PointRules) -> None:
    if count > rules.max_points:
        raise TooManyPointsError(
            f"{path}: holds {count:,} points, more than the limit of {rules.max_points:,}: cut it "
            "into tiles or raise max_points"
        )


def _binary(columns: int, scale: float) -> "Callable[[Path, PointRules], _Columns]":
    """A reader of bare float32 rows; x, y, z and intensity come first."""

    def read(path: Path, rules: PointRules) -> _Columns:
        size, row = path.stat().st_size, 4 * columns
        if size % row:
            raise TruncatedPointsError(
                f"{path}: has {size:,} bytes, no multiple of the {row} of a point: the file is cut "
                "off or of another kind; copy it again"
            )
        _check_count(path, size // row, rules)
        table = np.fromfile(path, "<f4").reshape(-1, columns)
        return _Columns(table[:, :3], table[:, 3], scale)

    return read


def _npy(path: Path, rules: PointRules) -> _Columns:
    try:
        table = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        raise TruncatedPointsError(
            f"{path}: is no whole npy file: {' '.join(str(error).split())}: write it again"
        ) from error
    _check_count(path, len(table) if table.ndim else 0, rules)
    if table.dtype.names:
        return _named(path, table, table.dtype.names)
    if table.ndim != 2 or table.shape[1] < 3 or table.dtype.kind not in "fiu":
        raise PointFileError(
            f"{path}: must hold numbers of shape (n, 3 or more), but holds {table.dtype} of shape "
            f"{table.shape}"
        )
    wide = table.dtype.itemsize > 4
    xyz: Table = np.array(table[:, :3], np.float64 if wide else np.float32)
    return _Columns(xyz, np.array(table[:, 3], np.float32) if table.shape[1] > 3 else None)


def _pcd(path: Path, rules: PointRules) -> _Columns:
    stated = _stated_count(path, rb"^POINTS\s+(\d+)", rules)
    try:
        from pypcd4.pypcd4 import PointCloud as PcdFile
    except ImportError as error:
        raise MissingExtraError("lidar", f"{path}: reading PCD") from error
    try:
        content = PcdFile.from_path(path)
        table = content.pc_data
    except (ValueError, IndexError, TypeError, KeyError, EOFError, RuntimeError) as error:
        raise TruncatedPointsError(_broken(path, "PCD", error)) from error
    _check_whole(path, len(table), stated)
    return _named(path, table, tuple(content.fields))


def _ply(path: Path, rules: PointRules) -> _Columns:
    stated = _stated_count(path, rb"^element\s+vertex\s+(\d+)", rules)
    try:
        from trimesh.exchange.ply import load_ply
    except ImportError as error:
        raise MissingExtraError("lidar", f"{path}: reading PLY") from error
    try:
        with path.open("rb") as file:
            loaded = load_ply(file, skip_materials=True)
        table = loaded["metadata"]["_ply_raw"]["vertex"]["data"]
        names = tuple(table.dtype.names) if isinstance(table, np.ndarray) else tuple(table)
        columns = _named(path, table, names)
    except (ValueError, IndexError, TypeError, KeyError, AttributeError) as error:
        raise TruncatedPointsError(_broken(path, "PLY", error)) from error
    _check_whole(path, len(columns.xyz), stated)
    return columns


def _las(path: Path, rules: PointRules) -> _Columns:
    try:
        import laspy
        from lazrs import LazrsError
    except ImportError as error:
        raise MissingExtraError("lidar", f"{path}: reading LAS and LAZ") from error
    try:
        with laspy.open(path) as reader:
            stated = reader.header.point_count
            _check_count(path, stated, rules)
            content = reader.read()
    except (laspy.LaspyException, LazrsError, ValueError) as error:
        raise TruncatedPointsError(_broken(path, "LAS", error)) from error
    _check_whole(path, len(content.points), stated)
    intensity = np.asarray(content.intensity)
    return _Columns(np.asarray(content.xyz, np.float64), intensity if intensity.any() else None)


def _stated_count(path: Path, pattern: bytes, rules: PointRules) -> int:
    """How many points the text at the head of a file announces; an error if none or too many."""
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
    found = re.search(pattern, head, re.MULTILINE)
    if found is None:
        raise PointFileError(
            f"{path}: has no head that says how many points it holds: it is another kind of file, "
            "or cut off"
        )
    stated = int(found[1])
    _check_count(path, stated, rules)
    if not stated:
        raise NoPointsError(_EMPTY.format(path))
    return stated


def _check_whole(path: Path, found: int, stated: int) -> None:
    if found < stated:
        raise TruncatedPointsError(
            f"{path}: says it holds {stated:,} points, but {found:,} are there: copy it again"
        )


def _broken(path: Path, kind: str, error: Exception) -> str:
    told = " ".join(str(error).split()) or type(error).__name__
    return f"{path}: is no whole {kind} file ({told}): copy or write it again"


def _named(path: Path, table: Any, names: tuple[str, ...]) -> _Columns:
    """Coordinates and intensity out of named columns, whatever the case of their names."""
    by_name = {name.lower(): name for name in names}
    missing = [axis for axis in "xyz" if axis not in by_name]
    if missing:
        raise PointFileError(
            f"{path}: has no column {' and no '.join(missing)}, but {', '.join(names) or 'none'}"
        )
    columns = [np.asarray(table[by_name[axis]]).reshape(-1) for axis in "xyz"]
    wide = any(column.dtype.itemsize > 4 for column in columns)
    xyz: Table = np.empty((len(columns[0]), 3), np.float64 if wide else np.float32)
    for axis, column in enumerate(columns):
        xyz[:, axis] = column
    found = next((by_name[name] for name in _INTENSITY_NAMES if name in by_name), None)
    intensity = None if found is None else np.asarray(table[found], np.float32).reshape(-1)
    return _Columns(xyz, intensity)


# The longer suffix first: a nuScenes sweep is called `.pcd.bin`.
SUFFIXES: dict[str, Callable[[Path, PointRules], _Columns]] = {
    ".pcd.bin": _binary(5, 255.0),
    ".bin": _binary(4, 1.0),
    ".npy": _npy,
    ".pcd": _pcd,
    ".ply": _ply,
    ".las": _las,
    ".laz": _las,
}
