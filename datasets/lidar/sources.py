"""Datasets of sweeps by their layout, and the one call to open them."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from prelabel.datasets.errors import BadInputError
from prelabel.datasets.lidar.kitti import kitti_parts, open_kitti_sweeps
from prelabel.datasets.lidar.nuscenes import nuscenes_folder, open_nuscenes_sweeps
from prelabel.datasets.lidar.point_files import PointRules, point_suffix, read_points
from prelabel.datasets.lidar.sweeps import Sweep, SweepSet


def open_sweeps(source: Path, rules: PointRules | None = None) -> SweepSet:
    """The sweeps of a KITTI or nuScenes folder, of a folder of point files, or of one such file.

    Point files that stand alone are unlabelled, and have neither cameras nor poses. Raises
    BadInputError for a source that is none of these.
    """
    if kitti_parts(source):
        return open_kitti_sweeps(source, rules)
    if nuscenes_folder(source):
        return open_nuscenes_sweeps(source, rules)
    files = sorted(source.rglob("*")) if source.is_dir() else [source]
    files = [path for path in files if path.is_file() and point_suffix(path)]
    if not files:
        raise BadInputError(
            f"{source}: holds no KITTI folder (velodyne), no nuScenes tables and no files of "
            "points: check the path"
        )
    return SweepSet("points", (), _plain(files, source, rules or PointRules()))


def _plain(files: list[Path], source: Path, rules: PointRules) -> Iterator[Sweep]:
    for path in files:
        name = path.relative_to(source).as_posix() if path != source else path.name
        suffix = point_suffix(path) or ""
        name = name[: -len(suffix)].replace("/", "-")
        yield Sweep(name, partial(read_points, path, rules))
