"""Cuboids as boxes in camera pictures: what is visible, what is cut off, what is hidden."""

from dataclasses import dataclass

import cv2
import numpy as np

from prelabel.datasets.arrays import Float32s, Float64s, Int64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.lidar.cameras import Camera
from prelabel.datasets.lidar.coordinates import check_same_frame
from prelabel.datasets.lidar.cuboids import EDGES, Cuboids
from prelabel.datasets.lidar.points import PointCloud

_NEAREST_M = 0.1  # nothing is projected from nearer to the camera
_SMALLEST_PX = 1e-3
_NEARER_M = 0.4  # a point counts as in front of a cuboid from here on
_FEET_SHARE = 0.15  # of the height, left out below: there the ground is nearer than the object


@dataclass(frozen=True, slots=True, eq=False)
class ProjectedCuboids:
    """The k of n cuboids that a camera sees, nearest or not, in the order of the cuboids.

    `rows` (k,) are row numbers of the cuboids; `boxes` the boxes around what lies within the
    picture; `whole_xyxy` (k, 4) the boxes around all of it, which may reach far out; `truncation`
    (k,) the share of the outline that lies outside, 0 to 1; `depth_m` (k,) the distance of the
    middle along the camera's axis; `occlusion` (k,) the share of the lidar's beams towards the
    cuboid that end before it, 0 to 1, NaN where none went there or no points were given.
    """

    rows: Int64s
    boxes: Boxes
    whole_xyxy: Float64s
    truncation: Float64s
    depth_m: Float64s
    occlusion: Float64s

    def __len__(self) -> int:
        return len(self.rows)


def project_cuboids(
    cuboids: Cuboids, camera: Camera, cloud: PointCloud | None = None
) -> ProjectedCuboids:
    """What a camera sees of cuboids of the lidar's frame; `cloud`, of the same frame, tells what
    stands before them.

    Raises CoordinateFrameError where cuboids or points are in another frame than the camera's
    mounting says.
    """
    check_same_frame("cuboids", cuboids.frame, camera.from_lidar.source)
    picture = np.array([0, 0, camera.width_px, camera.height_px], np.float64)
    corners = camera.from_lidar.apply(cuboids.corners())
    rows, seen, whole, cut = [], [], [], []
    for row, own in enumerate(corners):
        outline = _outline(own, camera)
        inside = _clipped(outline, picture)
        if len(inside) < 3:
            continue
        box = np.concatenate([inside.min(axis=0), inside.max(axis=0)])
        if (box[2:] - box[:2]).min() <= _SMALLEST_PX:
            continue
        rows.append(row)
        seen.append(box)
        whole.append(np.concatenate([outline.min(axis=0), outline.max(axis=0)]))
        cut.append(1 - _area(inside) / _area(outline))
    index = np.array(rows, np.int64)
    depth = camera.from_lidar.apply(cuboids.centre_m)[index, 2]
    return ProjectedCuboids(
        index,
        Boxes(np.array(seen, np.float32).reshape(-1, 4)),
        np.array(whole).reshape(-1, 4),
        np.clip(np.array(cut, np.float64), 0, 1),
        depth,
        _occlusion(cuboids.take(index), camera, cloud),
    )


def _outline(own: Float64s, camera: Camera) -> Float64s:
    """The convex outline (m, 2) in pixels of eight corners in the camera's frame.

    Empty where all of it is behind the camera; what is partly behind is cut at a near plane.
    """
    ahead = own[:, 2] >= _NEAREST_M
    if not ahead.any():
        return np.zeros((0, 2))
    points = own[ahead]
    begin, end = own[EDGES[:, 0]], own[EDGES[:, 1]]
    crossing = ahead[EDGES[:, 0]] != ahead[EDGES[:, 1]]
    if crossing.any():
        begin, end = begin[crossing], end[crossing]
        share = (_NEAREST_M - begin[:, 2]) / (end[:, 2] - begin[:, 2])
        points = np.concatenate([points, begin + share[:, None] * (end - begin)])
    hull = cv2.convexHull(camera.pixels(points).astype(np.float32))
    return np.asarray(hull[:, 0], np.float64)


def _clipped(polygon: Float64s, picture: Float64s) -> Float64s:
    """A convex polygon within the picture (Sutherland and Hodgman, 1974)."""
    for axis, limit, keep_above in (
        (0, picture[0], True),
        (1, picture[1], True),
        (0, picture[2], False),
        (1, picture[3], False),
    ):
        if not len(polygon):
            return polygon
        before = (polygon[:, axis] - limit) * (1 if keep_above else -1)
        following, after = np.roll(polygon, -1, axis=0), np.roll(before, -1)
        crosses = (before >= 0) != (after >= 0)
        apart = np.where(crosses, before - after, 1.0)
        meeting = polygon + (before / apart)[:, None] * (following - polygon)
        # Each corner that is kept, then where the side that begins there crosses the line.
        both = np.stack([polygon, meeting], axis=1).reshape(-1, 2)
        polygon = both[np.stack([before >= 0, crosses], axis=1).reshape(-1)]
    return polygon


def _area(polygon: Float64s) -> float:
    x, y = polygon.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(np.roll(x, -1), y)) / 2)


def _occlusion(cuboids: Cuboids, camera: Camera, cloud: PointCloud | None) -> Float64s:
    hidden = np.full(len(cuboids), np.nan)
    if cloud is None or not len(cloud) or not len(cuboids):
        return hidden
    check_same_frame("points", cloud.frame, cuboids.frame)
    points = cloud.positions()
    eye = camera.from_lidar.inverse().translation_m
    for row in range(len(cuboids)):
        near = points[_towards(cuboids, row, points, eye)]
        entry = _entry(cuboids, row, near, eye)
        length = np.linalg.norm(near - eye, axis=1)
        hits = np.isfinite(entry)
        if hits.any():
            nearer = (entry[hits] - 1) * length[hits] > _NEARER_M
            hidden[row] = nearer.mean()
    return hidden


def _towards(cuboids: Cuboids, row: int, points: Float64s, eye: Float64s) -> np.ndarray:
    """Which points lie in the cone from the eye around the ball around a cuboid."""
    axis = cuboids.centre_m[row] - eye
    distance = float(np.linalg.norm(axis))
    radius = float(np.linalg.norm(cuboids.size_m[row])) / 2
    if distance <= radius:
        return np.ones(len(points), np.bool_)
    offset = points - eye
    along = offset @ (axis / distance)
    least = np.sqrt(1 - (radius / distance) ** 2)  # cosine of the half angle of the cone
    return np.asarray(along >= least * np.linalg.norm(offset, axis=1), np.bool_)


def _entry(cuboids: Cuboids, row: int, points: Float32s | Float64s, eye: Float64s) -> Float64s:
    """How far along the way from the eye to each point, which is 1, a ray enters a cuboid.

    (k,), infinite where it passes by. The cuboid's feet are left out.
    """
    own = cuboids.seen_from_inside(row, points)
    start = cuboids.seen_from_inside(row, eye[None])
    half = cuboids.size_m[row] / 2
    low, high = -half, half.copy()
    low[2] += _FEET_SHARE * cuboids.size_m[row, 2]
    direction = own - start
    direction[np.abs(direction) < 1e-12] = 1e-12
    first, last = (low - start) / direction, (high - start) / direction
    enter = np.minimum(first, last).max(axis=1)
    leave = np.maximum(first, last).min(axis=1)
    return np.where((enter <= leave) & (leave > 0), enter, np.inf)
