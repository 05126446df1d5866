"""Contact sheets: sweeps with their cuboids in every view, side by side."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.errors import BadInputError
from prelabel.datasets.files import write_whole
from prelabel.datasets.geometry import rotated_corners
from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid, rasterise
from prelabel.datasets.lidar.cameras import Camera, CameraPicture
from prelabel.datasets.lidar.cuboids import EDGES, CuboidLabels, Cuboids
from prelabel.datasets.lidar.ground import find_ground
from prelabel.datasets.lidar.points import PointCloud
from prelabel.datasets.lidar.projection import project_cuboids
from prelabel.datasets.lidar.sweeps import Sweep

Pixels = NDArray[np.uint8]

_CELL_PX = 320  # height of a row
_NEAREST_M = 0.1
_BOX_COLOUR = (255, 255, 255)
_COLOURS: tuple[tuple[int, int, int], ...] = (
    (80, 200, 255),
    (120, 255, 120),
    (255, 170, 90),
    (200, 120, 255),
    (90, 90, 255),
    (255, 255, 90),
)


def write_contact_sheet(path: Path, sweeps: Iterable[Sweep], grid: BirdsEyeGrid) -> int:
    """Draw a row for each sweep into a JPEG or PNG; how many rows it has.

    A row shows the cuboids from above and in up to three cameras, with the upright box that each
    camera gets for nothing. Raises BadInputError where there is no sweep or another kind of file is
    asked for.
    """
    if path.suffix.lower() not in (".jpg", ".png"):
        raise BadInputError(f"{path}: a sheet is written as .jpg or .png")
    rows = [_row(sweep, grid) for sweep in sweeps]
    if not rows:
        raise BadInputError("there is no sweep to draw")
    width = max(row.shape[1] for row in rows)
    padded = [cv2.copyMakeBorder(row, 0, 4, 0, width - row.shape[1], 0) for row in rows]
    quality = [cv2.IMWRITE_JPEG_QUALITY, 85]  # of no meaning to a PNG
    data = cv2.imencode(path.suffix.lower(), np.concatenate(padded), quality)[1].tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, data)
    return len(rows)


def _row(sweep: Sweep, grid: BirdsEyeGrid) -> Pixels:
    cloud = sweep.load()
    labels = sweep.labels or CuboidLabels.empty()
    above = draw_birds_eye(cloud, labels, grid)
    views = [above, *(draw_camera(one, labels, cloud) for one in sweep.cameras[:3])]
    cells = [_as_high(view) for view in views]
    cv2.putText(cells[0], sweep.name, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, _BOX_COLOUR, 1)
    return np.concatenate(cells, axis=1)


def _as_high(view: Pixels) -> Pixels:
    width = max(1, round(view.shape[1] * _CELL_PX / view.shape[0]))
    shrinks = view.shape[0] > _CELL_PX
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(view, (width, _CELL_PX), interpolation=how), np.uint8)


def draw_birds_eye(cloud: PointCloud, labels: CuboidLabels, grid: BirdsEyeGrid) -> Pixels:
    """A sweep from above with its cuboids, a line showing where each is heading."""
    # Single points must survive being made smaller.
    picture = cv2.dilate(rasterise(cloud, grid, find_ground(cloud)).picture(), np.ones((3, 3)))
    pixels = np.asarray(picture, np.uint8)
    shown = labels.take(grid.inside(labels.cuboids))
    boxes = grid.boxes(shown.cuboids)
    if boxes.angle is None:
        return pixels
    corners = rotated_corners(boxes.xyxy, boxes.angle)
    middle = grid.pixels(shown.cuboids.centre_m[:, :2])
    nose = shown.cuboids.centre_m + shown.cuboids.headings() * shown.cuboids.size_m[:, :1] * 0.7
    ahead = grid.pixels(nose[:, :2])
    for row, colour in enumerate(_colours(shown)):
        cv2.polylines(pixels, [np.round(corners[row]).astype(np.int32)], True, colour, 2)
        cv2.line(pixels, _point(middle[row]), _point(ahead[row]), colour, 2)
    return pixels


def draw_camera(taken: CameraPicture, labels: CuboidLabels, cloud: PointCloud) -> Pixels:
    """A camera's picture with the edges of the cuboids, their points, and the upright boxes."""
    pixels = cv2.imread(str(taken.picture), cv2.IMREAD_COLOR)
    if pixels is None:
        raise BadInputError(f"{taken.picture}: is no picture that can be read: copy it again")
    picture, camera, colours = np.asarray(pixels, np.uint8), taken.camera, _colours(labels)
    seen = project_cuboids(labels.cuboids, camera)
    for row, box in zip(seen.rows.tolist(), seen.boxes.xyxy, strict=True):
        _draw_points(picture, camera, labels.cuboids, row, cloud, colours[row])
        _draw_edges(picture, camera, labels.cuboids.corners()[row], colours[row])
        cv2.rectangle(picture, _point(box[:2]), _point(box[2:]), _BOX_COLOUR, 1)
    return picture


def _draw_points(
    picture: Pixels,
    camera: Camera,
    cuboids: Cuboids,
    row: int,
    cloud: PointCloud,
    colour: tuple[int, int, int],
) -> None:
    inside = cloud.positions()[cuboids.contains(row, cloud.positions())]
    places, depth = camera.project(inside)
    limits = camera.width_px, camera.height_px
    shown = places[(depth > _NEAREST_M) & ((places >= 0) & (places < limits)).all(axis=1)]
    column, line = shown.astype(np.intp).T
    picture[line, column] = colour


def _draw_edges(
    picture: Pixels, camera: Camera, corners: NDArray[np.float64], colour: tuple[int, int, int]
) -> None:
    own = camera.from_lidar.apply(corners)
    for first, last in EDGES.tolist():
        begin, end = own[first], own[last]
        if max(begin[2], end[2]) < _NEAREST_M:
            continue
        if begin[2] < _NEAREST_M:
            begin, end = end, begin
        if end[2] < _NEAREST_M:  # cut where it passes the camera
            end = begin + (begin[2] - _NEAREST_M) / (begin[2] - end[2]) * (end - begin)
        ends = camera.pixels(np.stack([begin, end]))
        cv2.line(picture, _point(ends[0]), _point(ends[1]), colour, 1, cv2.LINE_AA)


def _colours(labels: CuboidLabels) -> Sequence[tuple[int, int, int]]:
    return [_COLOURS[class_id % len(_COLOURS)] for class_id in labels.class_id.tolist()]


def _point(pixel: NDArray[np.float64] | NDArray[np.float32]) -> tuple[int, int]:
    limited = np.clip(np.nan_to_num(pixel), -30_000, 30_000)  # what OpenCV can draw to
    return round(float(limited[0])), round(float(limited[1]))
