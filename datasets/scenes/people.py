"""Pedestrians and cyclists, drawn as flat figures of limbs that face the camera."""

from dataclasses import dataclass

import numpy as np

from prelabel.datasets.scenes.canvas import Colour
from prelabel.datasets.scenes.solids import Pose, View, draw_shadow

_JACKETS: tuple[Colour, ...] = (
    (60, 60, 66), (180, 90, 40), (44, 44, 196), (60, 140, 60), (40, 160, 236), (190, 190, 190),
    (140, 60, 140), (200, 150, 60), (216, 200, 110), (40, 40, 44), (232, 232, 234), (110, 90, 226),
)  # fmt: skip
_TROUSERS: tuple[Colour, ...] = (
    (90, 62, 44), (46, 44, 44), (96, 104, 116), (70, 60, 54), (120, 130, 150),
)  # fmt: skip
_SKINS: tuple[Colour, ...] = ((160, 190, 226), (120, 156, 204), (84, 116, 164), (56, 78, 112))
_HAIR: tuple[Colour, ...] = ((30, 36, 46), (50, 80, 110), (110, 160, 190), (150, 150, 150))
_HELMETS: tuple[Colour, ...] = ((40, 40, 200), (230, 230, 230), (200, 140, 40), (40, 190, 220))
_SHOE: Colour = (30, 30, 34)

_PEDALS, _SADDLE, _BARS, _BACK_HUB, _FRONT_HUB = (
    (-0.06, 0.3), (-0.24, 0.92), (0.4, 0.98), (-0.52, 0.34), (0.52, 0.34),
)  # fmt: skip
_BICYCLE = (
    (_PEDALS, _SADDLE),
    (_PEDALS, (0.36, 0.8)),
    ((-0.2, 0.8), (0.36, 0.8)),
    (_BACK_HUB, _PEDALS),
    (_BACK_HUB, (-0.2, 0.8)),
    (_BARS, _FRONT_HUB),
)


@dataclass(frozen=True, slots=True)
class Brush:
    """A figure's own plane: metres right of and above the point where it stands, in its light.

    `size` scales the figure; `stretch` squeezes it sideways, below 0 it is mirrored.
    """

    view: View
    pose: Pose
    size: float = 1.0
    stretch: float = 1.0

    def at(self, right_m: float, up_m: float) -> tuple[float, float]:
        """That point in the picture, pixels."""
        right = self.pose.x_m + right_m * self.size * self.stretch
        return self.view.camera.project_point(right, up_m * self.size, self.pose.z_m)

    def px(self, metres: float) -> float:
        return metres * self.size * self.view.camera.scale(self.pose.z_m)

    def limb(
        self, start: tuple[float, float], end: tuple[float, float], width_m: float, colour: Colour
    ) -> None:
        self.view.canvas.limb(
            self.at(*start),
            self.at(*end),
            self.px(width_m),
            self.view.colour(colour, self.pose.z_m),
        )

    def disc(
        self,
        centre: tuple[float, float],
        radii_m: tuple[float, float],
        colour: Colour,
        ring_m: float | None = None,
    ) -> None:
        radii = (self.px(radii_m[0]), self.px(radii_m[1]))
        self.view.canvas.disc(
            self.at(*centre),
            radii,
            self.view.colour(colour, self.pose.z_m),
            ring_px=None if ring_m is None else self.px(ring_m),
        )

    def area(self, corners: list[tuple[float, float]], colour: Colour) -> None:
        pixels = np.array([self.at(*corner) for corner in corners])
        self.view.canvas.polygons(pixels, self.view.colour(colour, self.pose.z_m))


def draw_person(view: View, pose: Pose, look_seed: int, stride: float) -> None:
    """Somebody who walks or stands; `stride` is the phase of the walk in radians."""
    rng = np.random.default_rng(look_seed)
    child = rng.random() < 0.1
    brush = Brush(view, pose, size=float(rng.normal(1.0, 0.05)) * (0.66 if child else 1.0))
    jacket, trousers = _one_of(_JACKETS, rng), _one_of(_TROUSERS, rng)
    skin, hair = _one_of(_SKINS, rng), _one_of(_HAIR, rng)
    turned = abs(float(np.sin(pose.heading)))
    walking = rng.random() < 0.75
    step = 0.3 * float(np.sin(stride)) * (0.35 + 0.65 * turned) if walking else 0.06
    broad = 0.2 - 0.06 * turned
    draw_shadow(view, pose, 0.3, 0.2)
    for side, swing in ((-1, step), (1, -step)):
        knee, foot = (side * 0.07 + swing * 0.55, 0.47), (side * 0.07 + swing, 0.06)
        brush.limb((side * 0.08, 0.88), knee, 0.17, trousers)
        brush.limb(knee, foot, 0.14, trousers)
        brush.limb((foot[0], 0.04), (foot[0] + 0.06, 0.04), 0.09, _SHOE)
    hem = 0.6 if rng.random() < 0.25 else 0.82
    brush.area([(-broad, 1.42), (broad, 1.42), (broad * 1.02, hem), (-broad * 1.02, hem)], jacket)
    brush.limb((0.06 - broad, 1.42), (broad - 0.06, 1.42), 0.13, jacket)
    for side, swing in ((-1, -step), (1, step)):
        elbow = (side * (broad + 0.05) + swing * 0.3, 1.12)
        brush.limb((side * (broad + 0.01), 1.38), elbow, 0.11, _shaded(jacket))
        brush.limb(elbow, (side * (broad + 0.04) + swing * 0.75, 0.88), 0.1, _shaded(jacket))
    brush.limb((0, 1.45), (0, 1.53), 0.1, skin)
    brush.disc((0, 1.62), (0.1, 0.125), skin)
    brush.disc((0, 1.68), (0.105, 0.08), hair)
    if rng.random() < 0.25:
        bag = [(broad + 0.02, 0.9), (broad + 0.22, 0.9), (broad + 0.24, 0.6), (broad, 0.6)]
        brush.area(bag, _one_of(_JACKETS, rng))


def draw_cyclist(view: View, pose: Pose, look_seed: int, stride: float) -> None:
    """A rider on a bicycle, seen from the front or the side as the heading says."""
    rng = np.random.default_rng(look_seed)
    jacket, trousers = _one_of(_JACKETS, rng), _one_of(_TROUSERS, rng)
    skin, metal, helmet = _one_of(_SKINS, rng), _one_of(_JACKETS, rng), _one_of(_HELMETS, rng)
    across = float(np.sin(pose.heading))
    along = (1.0 if across >= 0 else -1.0) * max(abs(across), 0.16)
    draw_shadow(view, pose, 0.25 + 0.6 * abs(across), 0.3)
    brush = Brush(view, pose, stretch=along)
    for hub in (-0.52, 0.52):
        brush.disc((hub, 0.34), (0.34 * abs(along) + 0.02, 0.34), (26, 26, 28), ring_m=0.06)
    for start, end in _BICYCLE:
        brush.limb(start, end, 0.045, metal)
    for phase in (stride, stride + np.pi):
        swing, lift = float(np.cos(phase)), float(np.sin(phase))
        knee, foot = (0.14 + 0.05 * swing, 0.72 + 0.08 * lift), (0.16 * swing, 0.3 + 0.15 * lift)
        brush.limb((-0.22, 0.98), knee, 0.16, trousers)
        brush.limb(knee, foot, 0.12, trousers)
    brush.limb((-0.2, 1.02), (0.1, 1.42), 0.3 - 0.06 * abs(across), jacket)
    if abs(across) < 0.5:
        _draw_shoulders(Brush(view, pose), jacket)
    else:
        brush.limb((0.1, 1.38), (0.38, 1.02), 0.1, _shaded(jacket))
    brush.disc((0.2, 1.6), (0.1, 0.12), skin)
    brush.disc((0.18, 1.67), (0.125, 0.085), helmet)


def _draw_shoulders(brush: Brush, jacket: Colour) -> None:
    """Shoulders, arms and handlebars of a rider seen from the front or from behind."""
    brush.limb((-0.17, 1.4), (0.17, 1.4), 0.14, jacket)
    for side in (-1, 1):
        brush.limb((side * 0.2, 1.36), (side * 0.26, 1.02), 0.1, jacket)
    brush.limb((-0.28, 1.0), (0.28, 1.0), 0.05, (40, 40, 42))


def _one_of(choices: tuple[Colour, ...], rng: np.random.Generator) -> Colour:
    return choices[int(rng.integers(len(choices)))]


def _shaded(colour: Colour) -> Colour:
    return colour[0] * 0.82, colour[1] * 0.82, colour[2] * 0.82
