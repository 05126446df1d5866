"""Rays cast into a scene of blocks, ellipsoids and a plane of ground."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.arrays import Bools, Float32s, Float64s, Int64s
from prelabel.datasets.lidar.simulated.bodies import Bodies

NOTHING, GROUND = -2, -1
_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class GroundPlane:
    """Ground whose height is `rise_x` * x + `rise_y` * y, metres in the frame of the world."""

    rise_x: float = 0.0
    rise_y: float = 0.0

    def height(self, x_m: float, y_m: float) -> float:
        return self.rise_x * x_m + self.rise_y * y_m


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """What r rays met first.

    `distance_m` (r,), infinite where nothing was met; `body` (r,) the number of a part, GROUND or
    NOTHING; `cosine` (r,) of the angle between ray and surface's normal, 0 to 1.
    """

    distance_m: Float64s
    body: Int64s
    cosine: Float64s

    def owners(self, bodies: Bodies) -> Int64s:
        """The object that each ray met, (r,); below 0 for the background and for nothing."""
        on_body = self.body >= 0
        return np.where(on_body, bodies.owner[self.body.clip(0)], np.minimum(self.body, -1))


def cast(origin_m: Float64s, directions: Float64s, bodies: Bodies, ground: GroundPlane) -> Hits:
    """Where rays (r, 3), unit vectors from one origin, meet a scene for the first time."""
    distance, cosine = _ground_hits(origin_m, directions, ground)
    body = np.where(np.isfinite(distance), GROUND, NOTHING)
    coarse = directions.astype(np.float32)
    for number in range(len(bodies)):
        rays = _near(origin_m, coarse, bodies, number)
        if not len(rays):
            continue
        start, way = _own_axes(origin_m, directions[rays], bodies, number)
        meet = _round_hits if bodies.is_round[number] else _block_hits
        found, squarely = meet(start, way, bodies.half_m[number])
        nearer = found < distance[rays]
        hit = rays[nearer]
        distance[hit], cosine[hit], body[hit] = found[nearer], squarely[nearer], number
    return Hits(distance, body.astype(np.int64), cosine)


def _ground_hits(
    origin: Float64s, directions: Float64s, ground: GroundPlane
) -> tuple[Float64s, Float64s]:
    normal = np.array([-ground.rise_x, -ground.rise_y, 1.0])
    normal /= np.linalg.norm(normal)
    falls = -(directions @ normal)
    above = float(origin @ normal)
    distance = np.full(len(directions), np.inf)
    down = falls > _TINY
    distance[down] = above / falls[down]
    return distance, np.clip(falls, 0, 1)


def _near(origin: Float64s, directions: Float32s, bodies: Bodies, number: int) -> NDArray[np.intp]:
    """The rays in the cone around the ball around a part."""
    axis = bodies.centre_m[number] - origin
    distance = float(np.linalg.norm(axis))
    radius = float(np.linalg.norm(bodies.half_m[number]))
    if distance <= radius * 1.01:
        return np.arange(len(directions))
    least = np.sqrt(1 - (radius / distance) ** 2) - 1e-6
    return np.flatnonzero(directions @ (axis / distance).astype(np.float32) >= least)


def _own_axes(
    origin: Float64s, directions: Float64s, bodies: Bodies, number: int
) -> tuple[Float64s, Float64s]:
    cos, sin = np.cos(bodies.yaw[number]), np.sin(bodies.yaw[number])
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    way = directions @ turn
    return (origin - bodies.centre_m[number]) @ turn, np.where(way == 0, _TINY, way)


def _block_hits(start: Float64s, way: Float64s, half: Float64s) -> tuple[Float64s, Float64s]:
    one, other = (-half - start) / way, (half - start) / way
    entries = np.minimum(one, other)
    enter = entries.max(axis=1)
    leave = np.maximum(one, other).min(axis=1)
    face = entries.argmax(axis=1)
    squarely = np.abs(way[np.arange(len(way)), face])
    return _ahead(enter, (enter <= leave) & (enter > 0)), squarely


def _round_hits(start: Float64s, way: Float64s, half: Float64s) -> tuple[Float64s, Float64s]:
    """The same of the unit ball, with space drawn out by the half axes."""
    from_here, along = start / half, way / half
    a, b = (along**2).sum(axis=1), along @ from_here
    c = float((from_here**2).sum()) - 1
    inside_root = b * b - a * c
    enter = (-b - np.sqrt(inside_root.clip(0))) / a
    normal = (start + enter[:, None] * way) / half**2
    length = np.linalg.norm(normal, axis=1).clip(_TINY)
    squarely = np.abs((normal * way).sum(axis=1)) / length
    return _ahead(enter, (inside_root > 0) & (enter > 0)), squarely


def _ahead(distance: Float64s, counts: Bools) -> Float64s:
    return np.where(counts, distance, np.inf)
