"""Who and what is in a scene, and where."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from prelabel.datasets.scenes.canvas import Camera
from prelabel.datasets.scenes.light import Light, Weather, sample_light, sample_weather
from prelabel.datasets.scenes.options import SceneOptions
from prelabel.datasets.scenes.solids import Pose
from prelabel.datasets.scenes.street import Street, sample_street
from prelabel.datasets.scenes.things import CLUTTER

_AWAY, _TOWARDS = 0.0, np.pi
_MOST_TRIES = 6
_ROADWORKS_SHARE = 0.18
_CLEARANCE_M = {"car": 2.6, "van": 2.8, "truck": 4.6, "person": 0.5, "cone": 0.5, "cyclist": 1.1}


@dataclass(frozen=True, slots=True)
class Actor:
    """An object to be labelled, where it stands and how it moves, metres a second."""

    class_name: str
    pose: Pose
    look_seed: int
    velocity: tuple[float, float] = (0.0, 0.0)
    stride: float = 0.0

    def after(self, seconds: float) -> "Actor":
        right, forward = self.velocity
        pose = replace(
            self.pose, x_m=self.pose.x_m + right * seconds, z_m=self.pose.z_m + forward * seconds
        )
        return replace(self, pose=pose, stride=self.stride + 5.0 * seconds)


@dataclass(frozen=True, slots=True)
class Clutter:
    """Something beside the street that is no object."""

    kind: str
    pose: Pose
    look_seed: int


@dataclass(frozen=True, slots=True)
class Scene:
    """A street at one instant; `camera_m_s` is how fast the camera drives."""

    street: Street
    light: Light
    weather: Weather
    camera: Camera
    camera_m_s: float
    actors: tuple[Actor, ...]
    clutter: tuple[Clutter, ...]
    sky_seed: int

    def after(self, seconds: float) -> "Scene":
        """The same street a moment later."""
        return replace(
            self,
            camera=self.camera.moved(0.0, self.camera_m_s * seconds),
            actors=tuple(actor.after(seconds) for actor in self.actors),
        )


def sample_scene(options: SceneOptions, rng: np.random.Generator, drawing_scale: int) -> Scene:
    """A scene for a picture of `drawing_scale` times the size that `options` asks for."""
    street, light = sample_street(rng), sample_light(rng)
    height, width = options.height_px * drawing_scale, options.width_px * drawing_scale
    camera = Camera(
        focal_px=float(rng.uniform(1.1, 1.3)) * width,
        centre_x_px=width * float(rng.uniform(0.42, 0.58)),
        horizon_px=height * float(rng.uniform(0.36, 0.48)),
        height_m=float(rng.uniform(1.6, 2.6)),
        x_m=float(rng.uniform(-0.25, 0.5)) * street.road_half_m,
    )
    clutter = _sample_clutter(street, rng)
    return Scene(
        street=street,
        light=light,
        weather=sample_weather(rng, light),
        camera=camera,
        camera_m_s=float(rng.choice([0.0, 1.0, 2.5])),
        actors=tuple(_Casting(street, camera, options, rng).actors()),
        clutter=clutter,
        sky_seed=int(rng.integers(1 << 31)),
    )


def _depth(rng: np.random.Generator, near: float, far: float) -> float:
    """Drawn so that large and small sizes in the picture are about as frequent."""
    return float(near * (far / near) ** rng.random())


def _sample_clutter(street: Street, rng: np.random.Generator) -> tuple[Clutter, ...]:
    clutter = []
    kerb = street.road_half_m + 0.5
    for side in (-1, 1):
        lamp_every = float(rng.uniform(13, 20))
        first = float(rng.uniform(4, 12))
        for number in range(4):
            clutter.append(_standing("lamp", side * kerb, first + number * lamp_every, rng))
        if rng.random() < 0.6:
            every = float(rng.uniform(7, 12))
            for number in range(5):
                z = first + 3 + number * every
                clutter.append(_standing("tree", side * (kerb + 0.4), z, rng))
    for _ in range(int(rng.integers(2, 8))):
        kind = CLUTTER[int(rng.choice(6, p=[0.26, 0.24, 0.12, 0.16, 0.08, 0.14]))]
        outward = float(rng.choice([-1.0, 1.0]))
        inset = street.pavement_m - 0.5 if kind in ("poster", "bin") else 0.5
        x = outward * (street.road_half_m + (inset if kind != "container" else -1.1))
        clutter.append(_standing(kind, x, _depth(rng, 6, 32), rng))
    return tuple(clutter)


def _standing(kind: str, x_m: float, z_m: float, rng: np.random.Generator) -> Clutter:
    return Clutter(kind, Pose(x_m, z_m), int(rng.integers(1 << 31)))


class _Casting:
    """Puts objects into a street: in view of the camera, and none inside another."""

    def __init__(
        self, street: Street, camera: Camera, options: SceneOptions, rng: np.random.Generator
    ) -> None:
        self._street = street
        self._camera = camera
        self._rng = rng
        self._cast: list[Actor] = []
        mood = rng.random()
        self._empty = mood < options.empty_share
        self._busy = mood > 1 - options.crowded_share
        self._with_cyclist = rng.random() < options.cyclist_share

    def actors(self) -> list[Actor]:
        if self._empty:
            return []
        rng = self._rng
        if self._with_cyclist:
            self._try(self._place_cyclist)
        if self._street.crossing_m is not None and rng.random() < 0.55:
            self._try(self._place_crossing)
        for place, usual, more in (
            (self._place_driving, 1.4, 3),
            (self._place_parked, 1.3, 2),
            (self._place_person, 1.6, 6),
        ):
            for _ in range(int(rng.poisson(usual)) + (more if self._busy else 0)):
                self._try(place)
        if rng.random() < _ROADWORKS_SHARE:
            self._try(self._place_cones)
        return self._cast

    def _try(self, place: Callable[[], bool]) -> None:
        for _ in range(_MOST_TRIES):
            if place():
                return

    def _put(self, class_name: str, pose: Pose, velocity: tuple[float, float] = (0, 0)) -> bool:
        """Take in an object, unless it would stand in another or out of sight."""
        x_px, _ = self._camera.project_point(pose.x_m, 0.0, pose.z_m)
        if not 0 <= x_px <= 2 * self._camera.centre_x_px:
            return False
        for other in self._cast:
            apart = np.hypot(other.pose.x_m - pose.x_m, other.pose.z_m - pose.z_m)
            if apart < _CLEARANCE_M[class_name] + _CLEARANCE_M[other.class_name]:
                return False
        look = int(self._rng.integers(1 << 31))
        stride = float(self._rng.uniform(0, 2 * np.pi))
        self._cast.append(Actor(class_name, pose, look, velocity, stride))
        return True

    def _vehicle(self) -> tuple[str, float]:
        """A class, and the nearest depth at which the whole of it fits into the picture."""
        class_name = str(self._rng.choice(["car", "van", "truck"], p=[0.66, 0.23, 0.11]))
        return class_name, 12.0 if class_name == "truck" else 7.0

    def _place_driving(self) -> bool:
        class_name, near = self._vehicle()
        away = self._rng.random() < 0.5
        lane = self._street.road_half_m * (0.4 if away else -0.45)
        speed = float(self._rng.uniform(1.0, 4.0)) * (1 if away else -1)
        heading = (_AWAY if away else _TOWARDS) + float(self._rng.normal(0, 0.06))
        x, z = lane + float(self._rng.normal(0, 0.25)), _depth(self._rng, near, 25)
        return self._put(class_name, Pose(x, z, heading), (0.0, speed))

    def _place_parked(self) -> bool:
        class_name, near = self._vehicle()
        side = float(self._rng.choice([-1.0, 1.0]))
        heading = (_AWAY if side > 0 else _TOWARDS) + float(self._rng.normal(0, 0.05))
        x = side * (self._street.road_half_m - 0.95)
        return self._put(class_name, Pose(x, _depth(self._rng, near + 1, 23), heading))

    def _place_crossing(self) -> bool:
        """A vehicle in the cross street, which shows its side."""
        crossing_m = self._street.crossing_m
        if crossing_m is None:
            return False
        right = self._rng.random() < 0.5
        heading = _across(right) + float(self._rng.normal(0, 0.15))
        pose = Pose(float(self._rng.uniform(-9, 9)), crossing_m + (-1.3 if right else 1.3), heading)
        return self._put(self._vehicle()[0], pose, (3.0 if right else -3.0, 0.0))

    def _place_person(self) -> bool:
        rng, street = self._rng, self._street
        if street.crossing_m is not None and rng.random() < 0.35:
            right = rng.random() < 0.5
            x = float(rng.uniform(-street.road_half_m, street.road_half_m))
            z = street.crossing_m - street.crossing_half_m - float(rng.uniform(0.2, 2.0))
            return self._put("person", Pose(x, z, _across(right)), (1.2 if right else -1.2, 0.0))
        x = street.road_half_m + float(rng.uniform(0.4, street.pavement_m - 0.4))
        x *= float(rng.choice([-1.0, 1.0]))
        z, away = _depth(rng, 5.5, 14), rng.random() < 0.5
        walk = (0.0, 1.2 if away else -1.2)
        placed = self._put("person", Pose(x, z, _AWAY if away else _TOWARDS), walk)
        if placed and rng.random() < 0.25:  # in company
            self._put("person", Pose(x + 1.05, z + 0.3, _AWAY if away else _TOWARDS), walk)
        return placed

    def _place_cyclist(self) -> bool:
        rng, street = self._rng, self._street
        if street.crossing_m is not None and rng.random() < 0.4:
            right = rng.random() < 0.5
            pose = Pose(float(rng.uniform(-5, 5)), street.crossing_m, _across(right))
            return self._put("cyclist", pose, (2.5 if right else -2.5, 0.0))
        away = rng.random() < 0.5
        x = street.road_half_m * (0.72 if away else -0.72)
        heading = (_AWAY if away else _TOWARDS) + float(rng.normal(0, 0.35))
        return self._put("cyclist", Pose(x, _depth(rng, 6, 13), heading), (0, 2 if away else -2))

    def _place_cones(self) -> bool:
        """A short row of cones that closes a part of the road."""
        rng = self._rng
        side = float(rng.choice([-1.0, 1.0]))
        x = side * self._street.road_half_m * float(rng.uniform(0.35, 0.7))
        z = _depth(rng, 5.5, 9)
        placed = 0
        for number in range(int(rng.integers(1, 5))):
            spot = Pose(x + side * 0.35 * number, z + 1.7 * number + float(rng.normal(0, 0.2)))
            placed += self._put("cone", spot)
        return placed > 0


def _across(right: bool) -> float:
    return 0.5 * np.pi if right else -0.5 * np.pi
