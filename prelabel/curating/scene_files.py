"""Sweeps as FiftyOne reads them: a scene, its points, and a picture from above for the grid."""

import io
import os
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import cv2
import numpy as np

from prelabel.curating.opening import FiftyOne
from prelabel.datasets.files import write_whole
from prelabel.datasets.frames import Frame
from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid
from prelabel.datasets.lidar.points import PointCloud
from prelabel.datasets.pictures import UnusablePictureError, read_picture

_FORMAT = 1  # of the files; others are written anew
_NAME_BYTES = 12
_PREVIEW_PX = 512
_PREVIEW = ".preview.png"


@dataclass(frozen=True, slots=True)
class SceneFiles:
    """A folder with three files a sweep, called after all that they were made from."""

    folder: Path

    def scene(self, instant: str, stamps: Iterable[str]) -> Path:
        """Where the scene of a sweep is, or is to be: another file for other content."""
        made_from = "\n".join((str(_FORMAT), instant, *sorted(stamps)))
        name = blake2b(made_from.encode(), digest_size=_NAME_BYTES).hexdigest()
        return self.folder / f"{name}.fo3d"

    def write(self, fo: FiftyOne, scene: Path, cloud: PointCloud, grid: BirdsEyeGrid) -> None:
        """Write the points and then the scene, which is complete when it is there."""
        from pypcd4.pypcd4 import PointCloud as PcdPoints

        self.folder.mkdir(parents=True, exist_ok=True)
        points = scene.with_suffix(".pcd")
        content = io.BytesIO()
        PcdPoints.from_xyz_points(cloud.xyz_m).save(content)
        write_whole(points, content.getvalue())
        made = fo.Scene(camera=_camera(fo, grid, cloud))
        made.add(fo.PointCloud("points", points.name))
        unfinished = scene.with_name(f"{scene.stem}.{os.getpid()}.unfinished.fo3d")
        made.write(str(unfinished))
        os.replace(unfinished, scene)

    def preview(self, scene: Path, frame: Frame) -> Path | None:
        """The bird's-eye picture as FiftyOne looks at a scene, x to the right and y up.

        None where the picture is gone.
        """
        path = scene.with_suffix(_PREVIEW)
        if not path.is_file():
            try:
                picture = read_picture(frame)
            except UnusablePictureError:
                return None
            pixels = cv2.rotate(picture, cv2.ROTATE_90_CLOCKWISE)
            scale = min(1.0, _PREVIEW_PX / max(pixels.shape[:2]))
            small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            write_whole(path, cv2.imencode(".png", small)[1].tobytes())
        return path

    def remove(self, scene: Path) -> None:
        """Remove the files of a scene that nothing shows any more."""
        for path in (scene, scene.with_suffix(".pcd"), scene.with_suffix(_PREVIEW)):
            path.unlink(missing_ok=True)

    def keep_only(self, scenes: Iterable[Path]) -> None:
        """Remove the files of all other sweeps, and what killed processes left half."""
        kept = {one.stem for one in scenes}
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            if path.name.partition(".")[0] not in kept or ".unfinished" in path.name:
                path.unlink(missing_ok=True)


def _camera(fo: FiftyOne, grid: BirdsEyeGrid, cloud: PointCloud) -> object:
    """A look forward over the area, from behind and above it."""
    low = np.array([grid.x_min_m, grid.y_min_m]) - cloud.origin_m[:2]
    high = np.array([grid.x_max_m, grid.y_max_m]) - cloud.origin_m[:2]
    length = float(high[0] - low[0])
    x, y = ((low + high) / 2).tolist()
    ground = float(np.median(cloud.xyz_m[:, 2])) if len(cloud) else 0.0
    position = [float(low[0]) - 0.25 * length, y, ground + 0.45 * length]
    return fo.PerspectiveCamera(up="Z", position=position, look_at=[x, y, ground])
