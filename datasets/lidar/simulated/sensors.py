"""What a lidar and cameras measure in a scene."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.arrays import Float64s, Int64s
from prelabel.datasets.lidar.cameras import Camera
from prelabel.datasets.lidar.coordinates import LIDAR, Transform
from prelabel.datasets.lidar.points import PointCloud
from prelabel.datasets.lidar.simulated.bodies import Bodies
from prelabel.datasets.lidar.simulated.casting import GROUND, NOTHING, GroundPlane, Hits, cast
from prelabel.datasets.lidar.simulated.options import SweepOptions

HIGHEST, LOWEST = float(np.radians(2.0)), float(np.radians(-24.8))
FARTHEST_M = 90.0
_GROUND_SHINE = 0.22
_GROUND_COLOUR = np.array([96.0, 98, 100])
_SKY_LOW, _SKY_HIGH = np.array([225.0, 215, 200]), np.array([205.0, 165, 120])


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A sweep, and for each of its points the object it lies on, (n,), below 0 for none."""

    cloud: PointCloud
    owner: Int64s


def measure_sweep(
    scene: tuple[Bodies, GroundPlane],
    pose: Transform,
    options: SweepOptions,
    rng: np.random.Generator,
) -> Measured:
    """One turn of a lidar, all of it at one moment.

    Beams are lost at random, more so where a surface is dark, grazed or far; intensity is the
    surface's shine by how squarely it is met.
    """
    directions = _beam_directions(options)
    bodies, ground = scene
    hits = cast(pose.translation_m, pose.turn(directions), bodies, ground)
    shine = np.where(hits.body >= 0, bodies.shine[hits.body.clip(0)], _GROUND_SHINE)
    echo = shine * (0.25 + 0.75 * hits.cosine)
    far = hits.distance_m / FARTHEST_M
    lost = options.dropout + 0.5 * (1 - options.dropout) * (far**2) * (1 - echo)
    kept = np.flatnonzero((far < 1) & (rng.random(len(directions)) >= lost))
    distance = hits.distance_m[kept] + rng.normal(0, options.noise_m, len(kept))
    intensity = np.clip(echo[kept] + rng.normal(0, 0.03, len(kept)), 0, 1)
    cloud = PointCloud(directions[kept] * distance[:, None], intensity)
    return Measured(cloud, hits.owners(bodies)[kept])


def _beam_directions(options: SweepOptions) -> Float64s:
    elevation = np.linspace(HIGHEST, LOWEST, options.beams)[:, None]
    azimuth = np.linspace(np.pi, -np.pi, options.columns, endpoint=False)[None]
    level = np.cos(elevation) * np.ones_like(azimuth)
    parts = level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation) + 0 * azimuth
    return np.asarray(np.stack(parts, axis=-1).reshape(-1, 3), np.float64)


def make_cameras(size_px: tuple[int, int]) -> tuple[Camera, ...]:
    """Three cameras 90 degrees wide beside the lidar, looking ahead, left and right."""
    width, height = size_px
    focal = width / 2
    intrinsics = [[focal, 0.0, width / 2], [0.0, focal, height * 0.42], [0.0, 0.0, 1.0]]
    cameras = []
    for name, yaw in (
        ("CAM_FRONT", 0.0),
        ("CAM_FRONT_LEFT", np.pi / 2),
        ("CAM_FRONT_RIGHT", -np.pi / 2),
    ):
        cos, sin = np.cos(yaw), np.sin(yaw)
        # Rows: the camera's right, down and forward in the lidar's axes.
        rotation = np.array([[sin, -cos, 0], [0, 0, -1], [cos, sin, 0]])
        place = np.array([0.3 * cos, 0.3 * sin, -0.25])
        mounting = Transform(LIDAR, name, rotation, -rotation @ place)
        cameras.append(Camera(name, intrinsics, size_px, mounting))
    return tuple(cameras)


def take_picture(
    scene: tuple[Bodies, GroundPlane], pose: Transform, camera: Camera, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """What a camera sees of the same scene, (height, width, 3) BGR."""
    bodies, ground = scene
    to_world = camera.from_lidar.inverse().then(pose)
    columns, rows = np.meshgrid(np.arange(camera.width_px) + 0.5, np.arange(camera.height_px) + 0.5)
    pixels = np.stack([columns, rows, np.ones_like(rows)], axis=-1).reshape(-1, 3)
    rays = pixels @ np.linalg.inv(camera.intrinsics).T
    directions = to_world.turn(rays / np.linalg.norm(rays, axis=1, keepdims=True))
    hits = cast(to_world.translation_m, directions, bodies, ground)
    colour = _colours(hits, bodies, directions, to_world.translation_m)
    colour += rng.normal(0, 4, colour.shape)
    whole = np.clip(colour, 0, 255).astype(np.uint8)
    return whole.reshape(camera.height_px, camera.width_px, 3)


def _colours(hits: Hits, bodies: Bodies, directions: Float64s, eye: Float64s) -> Float64s:
    up = directions[:, 2:].clip(0, 1)
    colour = _SKY_LOW + up * (_SKY_HIGH - _SKY_LOW)
    met = hits.body != NOTHING
    on_ground = hits.body == GROUND
    surface = np.where(on_ground[:, None], _GROUND_COLOUR, bodies.colour[hits.body.clip(0)])
    place = eye + directions * np.where(met, hits.distance_m, 0)[:, None]
    # A grain that stays with the surface, and slabs in the ground to see perspective by.
    grain = np.sin(3.1 * place).sum(axis=1) * 4
    slabs = np.where(on_ground & (np.abs(place[:, 1] % 3.5 - 1.75) < 0.08), 70, 0)
    shade = 0.45 + 0.55 * hits.cosine
    lit = surface * shade[:, None] + (grain + slabs)[:, None]
    haze = (1 - np.exp(-np.where(met, hits.distance_m, 0) / 160))[:, None]
    hazy = lit + haze * (_SKY_LOW - lit)
    return np.asarray(np.where(met[:, None], hazy, colour), np.float64)
