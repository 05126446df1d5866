"""Files of points: what is written is read, and what is broken has a named error."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from prelabel.datasets.errors import BadInputError
from prelabel.datasets.lidar.errors import (
    NoPointsError,
    NotFinitePointsError,
    PointFileError,
    TooManyPointsError,
    TruncatedPointsError,
)
from prelabel.datasets.lidar.point_files import PointRules, read_points

Write = Callable[[Path, NDArray[np.float32]], None]


def _bin(path: Path, table: NDArray[np.float32]) -> None:
    table.astype("<f4").tofile(path)


def _nuscenes(path: Path, table: NDArray[np.float32]) -> None:
    rings = np.zeros((len(table), 1), np.float32)
    np.concatenate([table * (1, 1, 1, 255), rings], axis=1).astype("<f4").tofile(path)


def _npy(path: Path, table: NDArray[np.float32]) -> None:
    np.save(path, table)


def _pcd(path: Path, table: NDArray[np.float32]) -> None:
    pypcd4 = pytest.importorskip("pypcd4")
    pypcd4.PointCloud.from_xyzi_points(table).save(path)


def _las(path: Path, table: NDArray[np.float32]) -> None:
    laspy = pytest.importorskip("laspy")
    header = laspy.LasHeader(point_format=3, version="1.2")
    header.scales = [0.001] * 3
    las = laspy.LasData(header)
    las.x, las.y, las.z = table[:, :3].T.astype(np.float64)
    las.intensity = np.round(table[:, 3] * 65535)
    las.write(path)


def _ply(path: Path, table: NDArray[np.float32]) -> None:
    pytest.importorskip("trimesh")
    names = ("x", "y", "z", "intensity")
    head = ["ply", "format binary_little_endian 1.0", f"element vertex {len(table)}"]
    head += [f"property float {name}" for name in names] + ["end_header", ""]
    path.write_bytes("\n".join(head).encode() + table.astype("<f4").tobytes())


WRITERS: dict[str, Write] = {
    ".bin": _bin,
    ".pcd.bin": _nuscenes,
    ".npy": _npy,
    ".pcd": _pcd,
    ".ply": _ply,
    ".las": _las,
    ".laz": _las,
}


@pytest.fixture
def table(rng: np.random.Generator) -> NDArray[np.float32]:
    """Points and intensities up to 1."""
    points = rng.uniform(-60, 60, (500, 3))
    shine = rng.uniform(0, 1, (500, 1))
    shine[0] = 1
    return np.concatenate([points, shine], axis=1).astype(np.float32)


@pytest.mark.parametrize("suffix", WRITERS)
def test_points_are_read_as_written(
    tmp_path: Path, table: NDArray[np.float32], suffix: str
) -> None:
    path = tmp_path / f"sweep{suffix}"
    WRITERS[suffix](path, table)

    cloud = read_points(path)

    assert cloud.intensity is not None
    np.testing.assert_allclose(cloud.xyz_m, table[:, :3], atol=6e-4)
    np.testing.assert_allclose(cloud.intensity, table[:, 3], atol=1e-4)


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_cut_off_file_is_an_error(
    tmp_path: Path, table: NDArray[np.float32], suffix: str
) -> None:
    path = tmp_path / f"sweep{suffix}"
    WRITERS[suffix](path, table)
    path.write_bytes(path.read_bytes()[:-7])

    with pytest.raises(TruncatedPointsError, match=r"sweep"):
        read_points(path)


@pytest.mark.parametrize("suffix", [".bin", ".pcd.bin", ".npy", ".pcd", ".ply"])
def test_nan_is_an_error_or_left_out(
    tmp_path: Path, table: NDArray[np.float32], suffix: str
) -> None:
    path = tmp_path / f"sweep{suffix}"
    table[3, 1] = np.nan
    WRITERS[suffix](path, table)

    with pytest.raises(NotFinitePointsError, match=r"1 of 500 points .* point 3"):
        read_points(path)
    assert len(read_points(path, PointRules(drop_not_finite=True))) == 499


@pytest.mark.parametrize("suffix", WRITERS)
def test_no_points_is_an_error(tmp_path: Path, table: NDArray[np.float32], suffix: str) -> None:
    path = tmp_path / f"sweep{suffix}"
    WRITERS[suffix](path, table[:0])

    with pytest.raises(NoPointsError, match="holds no points"):
        read_points(path)


@pytest.mark.parametrize("suffix", WRITERS)
def test_too_many_points_are_refused_before_they_are_read(
    tmp_path: Path, table: NDArray[np.float32], suffix: str
) -> None:
    path = tmp_path / f"sweep{suffix}"
    WRITERS[suffix](path, table)

    with pytest.raises(TooManyPointsError, match="500 points, more than the limit of 499"):
        read_points(path, PointRules(max_points=499))


def test_only_nan_is_no_points(tmp_path: Path, table: NDArray[np.float32]) -> None:
    path = tmp_path / "sweep.bin"
    _bin(path, np.full_like(table, np.nan))
    with pytest.raises(NoPointsError):
        read_points(path, PointRules(drop_not_finite=True))


def test_coordinates_of_a_country_keep_their_millimetres(tmp_path: Path) -> None:
    laspy = pytest.importorskip("laspy")
    header = laspy.LasHeader(point_format=3, version="1.2")
    header.scales, header.offsets = [0.001] * 3, [600_000, 5_300_000, 0]
    las: Any = laspy.LasData(header)
    las.x = np.array([600_123.456, 600_124.457])
    las.y = np.array([5_300_777.001, 5_300_778.002])
    las.z = np.array([431.5, 432.25])
    las.write(tmp_path / "survey.laz")

    cloud = read_points(tmp_path / "survey.laz")

    assert cloud.intensity is None
    np.testing.assert_allclose(
        cloud.positions(),
        [[600_123.456, 5_300_777.001, 431.5], [600_124.457, 5_300_778.002, 432.25]],
        atol=1e-3,
    )


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("sweep.txt", b"1 2 3", "is no file of points"),
        ("sweep.pcd", b"hello", "no head that says how many points"),
        ("sweep.ply", b"hello", "no head that says how many points"),
        ("sweep.npy", b"hello", "is no whole npy file"),
    ],
)
def test_another_kind_of_file_is_an_error(
    tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInputError, match=told):
        read_points(tmp_path / name)


def test_an_array_of_another_shape_is_an_error(tmp_path: Path) -> None:
    np.save(tmp_path / "flat.npy", np.zeros((5, 2)))
    np.save(tmp_path / "named.npy", np.zeros(3, [("x", "f4"), ("y", "f4")]))
    with pytest.raises(PointFileError, match=r"shape \(n, 3 or more\)"):
        read_points(tmp_path / "flat.npy")
    with pytest.raises(PointFileError, match="no column z, but x, y"):
        read_points(tmp_path / "named.npy")
    with pytest.raises(PointFileError, match="cannot be read"):
        read_points(tmp_path / "missing.npy")


def test_the_default_limit_is_ten_million_points(tmp_path: Path) -> None:
    """A file of zeros that takes no room on the disk: it is refused without being read."""
    path = tmp_path / "sweep.bin"
    with path.open("wb") as file:
        file.truncate(4 * 4 * 10_000_001)
    with pytest.raises(TooManyPointsError, match="10,000,001 points, more than the limit"):
        read_points(path)
