"""Streets: who stands and drives where, and where everything is a moment later."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from prelabel.datasets.lidar.coordinates import LIDAR, WORLD, Transform
from prelabel.datasets.lidar.cuboids import Cuboids
from prelabel.datasets.lidar.simulated import bodies
from prelabel.datasets.lidar.simulated.bodies import (
    BACKGROUND,
    Bodies,
    BodyList,
    Colour,
    Part,
    Triple,
)
from prelabel.datasets.lidar.simulated.casting import GroundPlane
from prelabel.datasets.lidar.simulated.options import SWEEP_CLASSES

LIDAR_HEIGHT_M = 1.75
_MEAN_SIZES: dict[str, Triple] = {
    "car": (4.3, 1.8, 1.5),
    "person": (0.7, 0.6, 1.74),
    "van": (5.4, 2.05, 2.3),
    "cyclist": (1.8, 0.62, 1.78),
    "bicycle pusher": (1.8, 1.05, 1.74),
}
_PARTS: dict[str, Callable[[Triple, Colour], list[Part]]] = {
    "car": bodies.car,
    "person": bodies.person,
    "van": bodies.van,
    "cyclist": bodies.cyclist,
    "bicycle pusher": bodies.bicycle_pusher,
}
_PAINTS: tuple[Colour, ...] = (
    (40, 40, 46),
    (205, 205, 200),
    (150, 150, 155),
    (130, 60, 30),
    (40, 40, 170),
    (60, 110, 60),
)


@dataclass(frozen=True, slots=True)
class Mover:
    """An object at time 0; `speed` is in metres a second, `turning` in radians a second."""

    name: str
    size_m: Triple
    x_m: float
    y_m: float
    yaw: float
    colour: Colour
    speed: float = 0.0
    turning: float = 0.0

    def at(self, seconds: float) -> tuple[float, float, float]:
        """x, y and heading some time later, on a circle or a straight line."""
        yaw = self.yaw + self.turning * seconds
        if abs(self.turning) < 1e-9:
            way = self.speed * seconds
            return self.x_m + way * np.cos(yaw), self.y_m + way * np.sin(yaw), yaw
        radius = self.speed / self.turning
        x = self.x_m + radius * (np.sin(yaw) - np.sin(self.yaw))
        y = self.y_m - radius * (np.cos(yaw) - np.cos(self.yaw))
        return float(x), float(y), yaw


@dataclass(frozen=True, slots=True)
class Street:
    """A street with all that stands, walks and drives in it; `ego` carries the sensors."""

    ground: GroundPlane
    ego: Mover
    movers: tuple[Mover, ...]
    scenery: tuple[tuple[tuple[Part, ...], float, float, float], ...]  # parts, x, y, yaw

    def bodies_at(self, seconds: float) -> Bodies:
        """Every part in the frame of the world; the owner of a part is its mover's number."""
        collected = BodyList()
        for scene, x, y, yaw in self.scenery:
            collected.add(scene, (x, y, self.ground.height(x, y)), yaw, BACKGROUND)
        for number, mover in enumerate(self.movers):
            x, y, yaw = mover.at(seconds)
            parts = _PARTS[mover.name](mover.size_m, mover.colour)
            collected.add(parts, (x, y, self.ground.height(x, y)), yaw, number)
        return collected.collected()

    def cuboids_at(self, seconds: float) -> Cuboids:
        """The movers, in the frame of the world."""
        places = [mover.at(seconds) for mover in self.movers]
        sizes = [mover.size_m for mover in self.movers]
        centres = [
            (x, y, self.ground.height(x, y) + size[2] / 2)
            for (x, y, _), size in zip(places, sizes, strict=True)
        ]
        return Cuboids(centres, sizes, [yaw for _, _, yaw in places], WORLD)

    def lidar_pose(self, seconds: float) -> Transform:
        """Where the lidar is; it stays level, as one on a vehicle's roof nearly does."""
        x, y, yaw = self.ego.at(seconds)
        height = self.ground.height(x, y) + LIDAR_HEIGHT_M
        return Transform.about_z(LIDAR, WORLD, yaw, (x, y, height))


def sample_street(crowd: float, rng: np.random.Generator) -> Street:
    """A street, drawn at random; x runs along it and the sensors start near 0, 0."""
    return _Sampler(crowd, rng).street()


class _Sampler:
    def __init__(self, crowd: float, rng: np.random.Generator) -> None:
        self._crowd, self._rng = crowd, rng
        self._road_half_m = float(rng.uniform(5.5, 8.5))
        self._pavement_m = float(rng.uniform(2.5, 4.5))
        self._movers: list[Mover] = []
        self._scenery: list[tuple[tuple[Part, ...], float, float, float]] = []

    def street(self) -> Street:
        rng = self._rng
        lane = -self._road_half_m / 4
        speed = float(rng.choice([0.0, 4.0, 8.0, 12.0]))
        turning = float(rng.normal(0, 0.02)) if speed else 0.0
        ego = Mover("car", _MEAN_SIZES["car"], 0, lane, 0, _PAINTS[0], speed, turning)
        self._place_houses()
        self._place_parked()
        for _ in range(self._number(3)):
            self._place_driving(lane)
        for _ in range(self._number(6)):
            self._place_walking("person")
        for _ in range(self._number(2)):
            self._place_riding()
        for _ in range(self._number(1.6)):
            self._place_walking("bicycle pusher")
        ground = GroundPlane(*rng.normal(0, 0.008, 2).tolist())
        return Street(ground, ego, tuple(self._movers), tuple(self._scenery))

    def _number(self, mean: float) -> int:
        return int(self._rng.poisson(mean * self._crowd))

    def _place_houses(self) -> None:
        rng = self._rng
        for side in (-1.0, 1.0):
            front = self._road_half_m + self._pavement_m
            x = -70.0
            while x < 110:
                length, depth = rng.uniform(9, 24), rng.uniform(8, 14)
                if rng.random() < 0.85:
                    size = float(length), float(depth), float(rng.uniform(4, 14))
                    shade = float(rng.uniform(0.7, 1))
                    colour = int(120 * shade), int(160 * shade), int(185 * shade)
                    setback = float(rng.choice([0.0, 0.0, 2.5]))
                    y = side * (front + setback + depth / 2)
                    self._scene(bodies.house(size, colour), x + length / 2, y)
                x += length + float(rng.choice([0.0, 0.0, 4.0]))
            for x in np.arange(-60, 100, rng.uniform(16, 28)):
                y = side * (self._road_half_m + 0.5)
                kind = bodies.tree(rng.uniform(4.5, 7)) if rng.random() < 0.5 else bodies.post(6.0)
                self._scene(kind, float(x + rng.normal(0, 1)), float(y))

    def _scene(self, parts: list[Part], x: float, y: float) -> None:
        self._scenery.append((tuple(parts), float(x), float(y), 0.0))

    def _place_parked(self) -> None:
        rng = self._rng
        for side in (-1.0, 1.0):
            share, x = min(0.9, float(rng.uniform(0.1, 0.6)) * self._crowd), -50.0
            while x < 80:
                if rng.random() < share:
                    name = "van" if rng.random() < 0.2 else "car"
                    yaw = (0.0 if side < 0 else np.pi) + float(rng.normal(0, 0.03))
                    y = side * (self._road_half_m - 1.15 + float(rng.normal(0, 0.1)))
                    self._put(name, x + float(rng.uniform(-0.4, 0.4)), y, yaw)
                x += 6.6

    def _place_driving(self, lane: float) -> None:
        rng, ahead = self._rng, self._rng.random() < 0.5
        x = float(rng.uniform(9, 60) * rng.choice([-1, 1], p=[0.35, 0.65]))
        name = "van" if rng.random() < 0.25 else "car"
        yaw = 0.0 if ahead else np.pi
        y = (lane if ahead else -lane) + float(rng.normal(0, 0.2))
        speed = float(rng.uniform(3, 13))
        turning = float(rng.normal(0, 0.03))
        self._put(name, x, y, yaw + float(rng.normal(0, 0.04)), speed, turning)

    def _place_walking(self, name: str) -> None:
        rng = self._rng
        x = float(rng.uniform(-30, 45))
        if rng.random() < 0.25:  # across the road
            y = float(rng.uniform(-1, 1) * (self._road_half_m - 2.5))
            yaw = float(rng.choice([-0.5, 0.5])) * np.pi
        else:
            away = self._road_half_m + float(rng.uniform(0.9, self._pavement_m - 0.4))
            y, yaw = float(rng.choice([-1, 1])) * away, float(rng.choice([0, np.pi]))
        self._put(name, x, y, yaw + float(rng.normal(0, 0.25)), float(rng.uniform(0.6, 1.7)))

    def _place_riding(self) -> None:
        rng, ahead = self._rng, self._rng.random() < 0.5
        x = float(rng.uniform(-30, 45))
        y = (-1 if ahead else 1) * (self._road_half_m - 2.9)
        yaw = (0.0 if ahead else np.pi) + float(rng.normal(0, 0.08))
        self._put("cyclist", x, y, yaw, float(rng.uniform(2.5, 6.5)))

    def _put(
        self, name: str, x: float, y: float, yaw: float, speed: float = 0.0, turning: float = 0.0
    ) -> None:
        """Add an object, unless something stands there or the sensors' vehicle does."""
        rng = self._rng
        factors = rng.normal(1, 0.06, 3).clip(0.85, 1.15)
        length, width, height = (np.array(_MEAN_SIZES[name]) * factors).tolist()
        colour = _PAINTS[int(rng.integers(len(_PAINTS)))]
        if np.hypot(x, y) < 5 + length / 2:
            return
        for other in self._movers:
            reach = (length + other.size_m[0]) / 2 + 0.3
            across = (width + other.size_m[1]) / 2 + 0.3
            if abs(x - other.x_m) < reach and abs(y - other.y_m) < max(
                across, reach * abs(np.sin(yaw)), reach * abs(np.sin(other.yaw))
            ):
                return
        size = (length, width, height)
        self._movers.append(Mover(name, size, x, y, float(yaw), colour, speed, turning))


def class_ids(street: Street) -> list[int]:
    """The class id of each mover."""
    return [SWEEP_CLASSES.index(mover.name) for mover in street.movers]
