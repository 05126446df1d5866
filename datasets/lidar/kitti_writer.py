"""Writing sweeps and cuboids in the layout of KITTI's object benchmark."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import BadInputError
from prelabel.datasets.formats.box_id_table import BOX_IDS_FILE, BoxIdTableWriter
from prelabel.datasets.formats.export import new_folder
from prelabel.datasets.formats.text_files import CLASSES_FILE, write_names
from prelabel.datasets.lidar.cameras import Camera
from prelabel.datasets.lidar.coordinates import LIDAR, Transform, wrapped
from prelabel.datasets.lidar.cuboids import CuboidLabels, Cuboids
from prelabel.datasets.lidar.kitti import CAMERA, DONT_CARE, RECTIFIED
from prelabel.datasets.lidar.points import PointCloud
from prelabel.datasets.lidar.projection import ProjectedCuboids, project_cuboids
from prelabel.datasets.lidar.sweeps import Sweep
from prelabel.datasets.progress import Progress

# Where a sweep has no camera: its axes (right, down, forward) in the lidar's, at the same place.
_NO_CAMERA = Transform(LIDAR, RECTIFIED, [[0, -1, 0], [0, 0, -1], [1, 0, 0]], np.zeros(3))
_PARTLY, _LARGELY, _UNKNOWN = 0.1, 0.5, 3  # KITTI's steps of occlusion, from these shares on
_NOT_SEEN = (-1.0, -1.0, -1.0, -1.0)


def write_kitti_sweeps(
    folder: Path, classes: Sequence[str], sweeps: Iterable[Sweep], progress: Progress
) -> int:
    """Write sweeps into a new folder, which appears when it is complete; how many were written.

    `<split>/velodyne`, `calib`, `label_2` and, of the first camera of a sweep, `image_2`. Boxes,
    truncation and occlusion of a label are those of the cuboid as that camera sees it. Six decimals
    are written, not KITTI's two, which are half a degree. Ids go into `box_ids.csv`; poses and
    tracks have no place. Raises BadInputError if `folder` is there and not empty, or where class
    names become the same when blanks are written as underscores.
    """
    types = ["_".join(name.split()) for name in classes]
    if len({*types, DONT_CARE}) <= len(types):
        raise BadInputError(
            f"classes {', '.join(classes)}: KITTI writes blanks as underscores and keeps "
            f"{DONT_CARE} for itself, so two of these would be one: rename a class"
        )
    count = 0
    with (
        new_folder(folder) as beside,
        (beside / BOX_IDS_FILE).open("w", encoding="utf-8", newline="") as file,
        progress.task("export as KITTI", None) as advance,
    ):
        write_names(beside / CLASSES_FILE, classes)
        writer = _Writer(beside, types, BoxIdTableWriter(file, classes))
        for sweep in sweeps:
            writer.add(sweep)
            count += 1
            advance()
    return count


@dataclass(frozen=True, slots=True)
class _Writer:
    folder: Path
    types: Sequence[str]
    table: BoxIdTableWriter

    def add(self, sweep: Sweep) -> None:
        part = self.folder / sweep.split
        camera = sweep.cameras[0].camera if sweep.cameras else None
        cloud = sweep.load()
        _write_points(part / "velodyne" / f"{sweep.name}.bin", cloud)
        calibration = part / "calib" / f"{sweep.name}.txt"
        calibration.parent.mkdir(parents=True, exist_ok=True)
        calibration.write_text(_calibration(camera), encoding="utf-8")
        if sweep.cameras:
            _write_picture(part / CAMERA / f"{sweep.name}.png", sweep.cameras[0].picture)
        if sweep.labels is None:
            return
        lines = self._lines(sweep.labels, camera, cloud)
        labels = part / "label_2" / f"{sweep.name}.txt"
        labels.parent.mkdir(parents=True, exist_ok=True)
        labels.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        kept = sweep.labels
        boxes = AnnotationSet(
            Boxes(kept.cuboids.footprints().xyxy), kept.class_id, kept.box_id, kept.origin
        )
        self.table.add(labels.relative_to(self.folder).as_posix(), lines, boxes)

    def _lines(self, labels: CuboidLabels, camera: Camera | None, cloud: PointCloud) -> list[str]:
        to_camera = _NO_CAMERA if camera is None else camera.from_lidar
        bottom, turn = in_camera(labels.cuboids, to_camera)
        alpha = wrapped(turn - np.arctan2(bottom[:, 0], bottom[:, 2]))
        views = _views(
            len(labels), None if camera is None else project_cuboids(labels.cuboids, camera, cloud)
        )
        return [
            " ".join(
                [
                    self.types[labels.class_id[row]],
                    f"{views[row][0]:.2f} {views[row][1]} {alpha[row]:.6f}",
                    *(f"{value:.2f}" for value in views[row][2]),
                    *(f"{value:.6f}" for value in labels.cuboids.size_m[row, ::-1]),
                    *(f"{value:.6f}" for value in bottom[row]),
                    f"{turn[row]:.6f}",
                ]
            )
            for row in range(len(labels))
        ]


def in_camera(cuboids: Cuboids, to_camera: Transform) -> tuple[Float64s, Float64s]:
    """KITTI's terms for cuboids: the middle of the lower face (n, 3), and rotation_y (n,)."""
    height = cuboids.size_m[:, 2:]
    middle = to_camera.apply(cuboids.centre_m)
    ahead = to_camera.turn(cuboids.headings())
    return middle + height / 2 * np.array([0, 1, 0]), np.arctan2(-ahead[:, 2], ahead[:, 0])


View = tuple[float, int, tuple[float, ...]]  # truncation, occlusion, box


def _views(count: int, seen: ProjectedCuboids | None) -> list[View]:
    """What label lines say of the picture; of what it does not show, that it is all cut off."""
    views: list[View] = [(1.0 if seen else -1.0, _UNKNOWN, _NOT_SEEN)] * count
    if seen is None:
        return views
    for position, row in enumerate(seen.rows.tolist()):
        hidden = seen.occlusion[position]
        occluded = _UNKNOWN
        if np.isfinite(hidden):
            occluded = int(hidden >= _PARTLY) + int(hidden >= _LARGELY)
        box = tuple(seen.boxes.xyxy[position].tolist())
        views[row] = (float(seen.truncation[position]), occluded, box)
    return views


def _calibration(camera: Camera | None) -> str:
    intrinsics = np.eye(3) if camera is None else camera.intrinsics
    mounted = _NO_CAMERA if camera is None else camera.from_lidar
    projection = np.column_stack([intrinsics, np.zeros(3)])
    velodyne = np.column_stack([mounted.rotation, mounted.translation_m])
    matrices = {f"P{number}": projection for number in range(4)}
    matrices |= {"R0_rect": np.eye(3), "Tr_velo_to_cam": velodyne}
    return "".join(
        f"{name}: {' '.join(f'{value:.12e}' for value in matrix.ravel())}\n"
        for name, matrix in matrices.items()
    )


def _write_points(path: Path, cloud: PointCloud) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shine = np.zeros(len(cloud)) if cloud.intensity is None else cloud.intensity
    np.column_stack([cloud.positions(), shine]).astype("<f4").tofile(path)


def _write_picture(path: Path, picture: Path) -> None:
    """A copy where the picture is a PNG, as KITTI has it, and otherwise the same pixels as one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if picture.suffix.lower() == ".png":
        path.write_bytes(picture.read_bytes())
        return
    pixels = cv2.imread(str(picture), cv2.IMREAD_COLOR)
    if pixels is None:
        raise BadInputError(f"{picture}: is no picture that can be read: copy it again")
    path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
