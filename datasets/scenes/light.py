"""Time of day, weather, and what they do to colours and to a finished picture."""

import math
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.arrays import Float64s
from prelabel.datasets.scenes.canvas import Colour


@dataclass(frozen=True, slots=True)
class Light:
    """How a scene is lit; colours are blue, green, red.

    `ambient` multiplies everything that gives no light itself; `sun` points to the sun or the
    brightest part of the sky, (x, y, z), length 1; `visibility_m` is the distance at which haze
    takes 63 % of a colour.
    """

    name: str
    sky_top: Colour
    sky_bottom: Colour
    haze: Colour
    ambient: Colour
    contrast: float
    visibility_m: float
    lamps_on: bool
    lit_windows: float
    sun: tuple[float, float, float] = (0.4, 0.8, -0.45)

    def colour(self, base: Colour, factor: float, depth_m: float) -> Colour:
        """A surface's colour as seen from `depth_m` away, lit by `factor` of full light."""
        clear = math.exp(-max(depth_m, 0.0) / self.visibility_m)
        haze = 1 - clear
        return (
            min(255.0, base[0] * factor) * clear + self.haze[0] * haze,
            min(255.0, base[1] * factor) * clear + self.haze[1] * haze,
            min(255.0, base[2] * factor) * clear + self.haze[2] * haze,
        )

    def factors(self, normals: Float64s) -> Float64s:
        """Share of full light on surfaces with these unit normals (n, 3)."""
        facing = np.maximum(normals @ np.asarray(self.sun), 0)
        return np.asarray(1 - self.contrast + self.contrast * 1.25 * facing, np.float64)


_GLOW_SHARE = 48  # the glow of a lamp spreads over this part of the width of the picture

LIGHTS = (
    Light(
        "clear day", (214, 158, 92), (240, 222, 198), (232, 216, 200), (1.0, 1.0, 1.0),
        0.42, 130, False, 0.0,
    ),
    Light(
        "overcast", (196, 188, 180), (222, 218, 214), (212, 208, 204), (0.95, 0.93, 0.92),
        0.22, 85, False, 0.04,
    ),
    Light(
        "dusk", (128, 76, 70), (120, 160, 244), (132, 138, 186), (0.66, 0.62, 0.74),
        0.30, 95, True, 0.35,
    ),
    Light(
        "night", (46, 24, 16), (84, 54, 44), (66, 48, 42), (0.50, 0.40, 0.37),
        0.24, 100, True, 0.45,
    ),
)  # fmt: skip
LIGHT_SHARES = (0.46, 0.26, 0.16, 0.12)


@dataclass(frozen=True, slots=True)
class Weather:
    """What lies between the street and the file: rain (0 to 1), blur and noise of the camera."""

    rain: float = 0.0
    blur_px: float = 0.0
    noise: float = 3.0
    tint: Colour = field(default=(1.0, 1.0, 1.0))


def sample_light(rng: np.random.Generator) -> Light:
    """A time of day, with the sun to a random side."""
    base = LIGHTS[int(rng.choice(len(LIGHTS), p=LIGHT_SHARES))]
    aim = np.array([rng.uniform(-0.9, 0.9), rng.uniform(0.55, 0.9), rng.uniform(-0.8, -0.2)])
    x, y, z = (aim / np.linalg.norm(aim)).tolist()
    values = {name: getattr(base, name) for name in Light.__slots__}
    return Light(**(values | {"sun": (x, y, z)}))


def sample_weather(rng: np.random.Generator, light: Light) -> Weather:
    """Rain more often under a grey sky, noise more in the dark."""
    wet = rng.random() < (0.3 if light.name in ("overcast", "night") else 0.04)
    return Weather(
        rain=float(rng.uniform(0.4, 1.0)) if wet else 0.0,
        blur_px=float(rng.choice([0.0, 0.45, 0.9], p=[0.7, 0.22, 0.08])),
        noise=float(rng.uniform(1.5, 3.5) + (2.0 if light.name == "night" else 0.0)),
        tint=tuple(rng.normal(1.0, 0.02, 3).tolist()),
    )


def draw_sky(
    light: Light, height_px: int, width_px: int, horizon_px: float, seed: int
) -> NDArray[np.uint8]:
    """A whole picture of sky: a gradient to the horizon, clouds, and stars at night."""
    rng = np.random.default_rng(seed)
    small_height, small_width = max(height_px // 4, 1), max(width_px // 4, 1)
    rows = np.arange(small_height) * 4 / max(horizon_px, 1.0)
    down = np.minimum(rows, 1)[:, None, None] ** 0.8
    gradient = np.asarray(light.sky_top) * (1 - down) + np.asarray(light.sky_bottom) * down
    clouds = np.zeros((48, 64), np.float32)
    for _ in range(int(rng.integers(3, 9))):
        centre = (int(rng.integers(0, 64)), int(rng.integers(2, 20)))
        radii = (int(rng.integers(5, 14)), int(rng.integers(1, 4)))
        cv2.ellipse(clouds, centre, radii, 0, 0, 360, float(rng.uniform(0.25, 0.8)), -1)
    soft = cv2.resize(cv2.GaussianBlur(clouds, (0, 0), 1.6), (small_width, small_height))
    white = 0.14 if light.name == "night" else 0.55
    small = gradient + soft[..., None] * (255 - gradient) * white
    sky = cv2.resize(small.astype(np.uint8), (width_px, height_px), interpolation=cv2.INTER_LINEAR)
    if light.name == "night":
        stars = rng.integers(0, (max(1, int(horizon_px * 0.7)), width_px), (40, 2))
        sky[stars[:, 0], stars[:, 1]] = rng.integers(80, 190, (40, 1))
    return np.asarray(sky, np.uint8)


def develop(
    colours: NDArray[np.generic],
    emission: NDArray[np.generic],
    pools: NDArray[np.float32],
    light: Light,
    weather: Weather,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """The picture as a camera gives it: light, glow, rain, blur, noise.

    `colours` (h, w, 3) and `emission` (h, w) come from the canvas at the final size, `pools`
    (h, w) is the light that street lamps add.
    """
    picture = colours.astype(np.float32)
    own = emission.astype(np.float32)[..., None] / np.float32(255)
    if light.lamps_on:
        ambient = np.asarray(light.ambient, np.float32)
        warm = np.asarray((0.62, 0.86, 1.0), np.float32)
        lit = ambient + pools[..., None] * warm
        glow = np.asarray(
            cv2.GaussianBlur(picture * own, (0, 0), picture.shape[1] / _GLOW_SHARE), np.float32
        )
        picture = picture * (lit * (1 - own) + own) + glow * np.float32(1.1)
    else:
        picture = picture * (np.asarray(light.ambient, np.float32) * (1 - own) + own)
    if weather.rain:
        picture = _rained_on(picture, weather.rain, rng)
    if weather.blur_px:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), weather.blur_px), np.float32)
    picture *= np.asarray(weather.tint, np.float32)
    picture += rng.standard_normal(picture.shape, np.float32) * np.float32(weather.noise)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _rained_on(
    picture: NDArray[np.float32], rain: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    height, width = picture.shape[:2]
    streaks = np.zeros((height, width), np.float32)
    slant = rng.uniform(-0.25, 0.25)
    for x, y, length in rng.uniform((0, 0, 0.03), (width, height, 0.08), (int(160 * rain), 3)):
        end = (int(x + slant * length * height), int(y + length * height))
        cv2.line(streaks, (int(x), int(y)), end, float(rng.uniform(0.1, 0.3)), 1, cv2.LINE_AA)
    softened = picture * np.float32(1 - 0.18 * rain) + np.float32(30 * rain)
    return softened + streaks[..., None] * (np.float32(225) - softened)
