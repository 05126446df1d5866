"""A sweep of 120,000 points as a bird's-eye picture, beside FiftyOne's projection and plain numpy.

A generated sweep is written as a PCD file once. From that file to a picture: ours, with ground
found and height taken over it; ours of plain height alone, which is what FiftyOne's orthographic
projection makes; and that. From points in memory: ours (ground, raster, picture), and a reference
in plain numpy (`histogram2d` for density and intensity, a sort for the height, no ground). One
core, each `--repeats` times, in turn by lot; processor time, means. A ratio is the other's over
ours.
"""

import argparse
import json
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from machine import describe_machine
from numpy.typing import NDArray
from pypcd4.pypcd4 import PointCloud as PcdFile

from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid, Channel, PictureScale, rasterise
from prelabel.datasets.lidar.ground import find_ground
from prelabel.datasets.lidar.point_files import read_points
from prelabel.datasets.lidar.points import PointCloud
from prelabel.datasets.lidar.simulated.options import SweepOptions
from prelabel.datasets.lidar.simulated.writing import generated_sweeps

POINTS = 120_000
GRID = BirdsEyeGrid(-51.2, 51.2, -51.2, 51.2, 0.1)


def a_sweep() -> PointCloud:
    """A dense generated sweep, cut to the number of points."""
    options = SweepOptions(seed=0, train=1, val=0, test=0, beams=64, columns=2600)
    cloud = next(iter(generated_sweeps(options))).load()
    if len(cloud) < POINTS:
        raise SystemExit(f"the sweep has {len(cloud)} points only")
    kept = np.random.default_rng(0).choice(len(cloud), POINTS, replace=False)
    return cloud.take(np.sort(kept))


def ours(cloud: PointCloud) -> NDArray[np.uint8]:
    return rasterise(cloud, GRID, find_ground(cloud)).picture()


def height_only(cloud: PointCloud) -> NDArray[np.uint8]:
    """What FiftyOne's projection shows: the height of the highest point, and no ground."""
    scale = PictureScale((Channel.HEIGHT,) * 3, -3.0, 3.0)
    return rasterise(cloud, GRID, None).picture(scale)


def in_numpy(cloud: PointCloud) -> NDArray[np.uint8]:
    """Height, density and intensity without a thought for speed."""
    xyz, shine = cloud.positions(), cloud.intensity
    pixels = GRID.pixels(xyz[:, :2])
    size = (GRID.width_px, GRID.height_px)
    inside = ((pixels >= 0) & (pixels < size)).all(axis=1)
    pixels, z = pixels[inside], xyz[inside, 2]
    weights = None if shine is None else shine[inside].astype(np.float64)
    edges = [np.arange(size[1] + 1), np.arange(size[0] + 1)]
    density, *_ = np.histogram2d(pixels[:, 1], pixels[:, 0], edges)
    total, *_ = np.histogram2d(pixels[:, 1], pixels[:, 0], edges, weights=weights)
    height = np.zeros((size[1], size[0]))
    order = np.argsort(z)
    row, column = pixels[order].astype(int).T[::-1]
    height[row, column] = z[order]
    levels = (height + 3) / 6, np.log1p(density) / np.log(65), total / density.clip(1)
    return np.asarray(np.clip(np.stack(levels, axis=-1), 0, 1) * 255, np.uint8)


def fiftyone_s(path: Path) -> NDArray[np.uint8]:
    from fiftyone.utils.utils3d import compute_orthographic_projection_image

    low, high = (GRID.x_min_m, GRID.y_min_m, None), (GRID.x_max_m, GRID.y_max_m, None)
    image, _ = compute_orthographic_projection_image(
        str(path), (GRID.width_px, GRID.height_px), shading_mode="height", bounds=(low, high)
    )
    return np.asarray(image, np.uint8)


def processor_s() -> float:
    """Seconds that this process has computed, in the system's calls too."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--repeats", type=int, default=100)
    given = arguments.parse_args()
    cloud = a_sweep()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sweep.pcd"
        shine = np.zeros(len(cloud)) if cloud.intensity is None else cloud.intensity
        table = np.column_stack([cloud.xyz_m, shine]).astype(np.float32)
        PcdFile.from_xyzi_points(table).save(path)
        runs: dict[str, Callable[[], NDArray[np.uint8]]] = {
            "ours": lambda: ours(cloud),
            "numpy": lambda: in_numpy(cloud),
            "ours_from_file": lambda: ours(read_points(path)),
            "height_only_from_file": lambda: height_only(read_points(path)),
            "fiftyone_from_file": lambda: fiftyone_s(path),
        }
        seconds = dict.fromkeys(runs, 0.0)
        rng = np.random.default_rng(0)
        for number in range(given.repeats + 1):  # the first round warms caches, and is left out
            # In any order: what runs after something large gets its memory cold.
            for name in rng.permutation(list(runs)).tolist():
                started = processor_s()
                if runs[name]().shape != (GRID.height_px, GRID.width_px, 3):
                    raise SystemExit(f"{name} made a picture of another size")
                seconds[name] += processor_s() - started if number else 0.0
    mean = {name: total / given.repeats for name, total in seconds.items()}
    print(describe_machine())
    result = {
        "points": POINTS,
        **{f"{name}_ms": round(1000 * value, 1) for name, value in mean.items()},
        "ratio_fiftyone": round(mean["fiftyone_from_file"] / mean["ours_from_file"], 1),
        "ratio_fiftyone_alike": round(
            mean["fiftyone_from_file"] / mean["height_only_from_file"], 1
        ),
        "ratio_numpy": round(mean["numpy"] / mean["ours"], 1),
    }
    print("RESULT", json.dumps(result))


if __name__ == "__main__":
    main()
