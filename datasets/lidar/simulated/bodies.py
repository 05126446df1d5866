"""Bodies made of blocks and ellipsoids: vehicles, people, houses, trees."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from prelabel.datasets.arrays import Bools, Float64s, Int64s

Colour = tuple[int, int, int]  # blue, green, red
Triple = tuple[float, float, float]

BACKGROUND = -1


@dataclass(frozen=True, slots=True)
class Part:
    """A block or an ellipsoid of a body, in its own axes: forward, left, up from the ground."""

    centre_m: Triple
    half_m: Triple
    colour: Colour
    shine: float = 0.4  # share of the light that comes back from a surface met squarely
    is_round: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Bodies:
    """All parts of a scene where they stand, m of them, in the frame of the world.

    `centre_m` and `half_m` (m, 3) metres, `yaw` (m,) radians, `is_round` (m,), `colour` (m, 3),
    `shine` (m,), `owner` (m,) the number of the object that a part belongs to, or BACKGROUND.
    """

    centre_m: Float64s
    half_m: Float64s
    yaw: Float64s
    is_round: Bools
    colour: Float64s
    shine: Float64s
    owner: Int64s

    def __len__(self) -> int:
        return len(self.yaw)


@dataclass(slots=True)
class BodyList:
    """Collects the parts of a scene."""

    _rows: list[tuple[Triple, Triple, float, bool, Colour, float, int]] = field(
        default_factory=list
    )

    def add(self, parts: Sequence[Part], foot_m: Triple, yaw: float, owner: int) -> None:
        """Put a body on the ground at `foot_m`, turned by `yaw`."""
        cos, sin = float(np.cos(yaw)), float(np.sin(yaw))
        for part in parts:
            x, y, z = part.centre_m
            centre = (
                foot_m[0] + x * cos - y * sin,
                foot_m[1] + x * sin + y * cos,
                foot_m[2] + z,
            )
            row = (centre, part.half_m, yaw, part.is_round, part.colour, part.shine, owner)
            self._rows.append(row)

    def collected(self) -> Bodies:
        centre, half, yaw, is_round, colour, shine, owner = zip(*self._rows, strict=True)
        return Bodies(
            np.array(centre),
            np.array(half),
            np.array(yaw),
            np.array(is_round, np.bool_),
            np.array(colour, np.float64),
            np.array(shine),
            np.array(owner, np.int64),
        )


def car(size_m: Triple, colour: Colour) -> list[Part]:
    """A body, a cabin set back, and four wheels."""
    length, width, height = size_m
    glass = (96, 84, 70)
    return [
        _block((0, 0, 0.42 * height), (length / 2, width / 2, 0.2 * height), colour, 0.55),
        _block(
            (-0.06 * length, 0, 0.81 * height), (0.27 * length, 0.44 * width, 0.19 * height), glass
        ),
        *_wheels(length, width, 0.31 * length, 0.21 * height),
        # Plates throw the light straight back, and often are the brightest points of a sweep.
        _block((-length / 2 + 0.02, 0, 0.45 * height), (0.03, 0.26, 0.06), (220, 230, 230), 1.0),
    ]


def van(size_m: Triple, colour: Colour) -> list[Part]:
    """A tall box behind a short bonnet, and four wheels."""
    length, width, height = size_m
    box, bonnet = 0.82 * length, 0.18 * length
    return [
        _block((-bonnet / 2, 0, 0.56 * height), (box / 2, width / 2, 0.44 * height), colour, 0.55),
        _block((box / 2, 0, 0.32 * height), (bonnet / 2, 0.47 * width, 0.2 * height), colour, 0.55),
        *_wheels(length, width, 0.33 * length, 0.15 * height),
    ]


def person(size_m: Triple, colour: Colour) -> list[Part]:
    """Two legs in a stride, a trunk, a head."""
    length, width, height = size_m
    stride, hip = 0.26 * length, 0.22 * width
    trousers = (70, 50, 45)
    return [
        _round((stride, hip, 0.25 * height), (0.09, 0.09, 0.25 * height), trousers),
        _round((-stride, -hip, 0.25 * height), (0.09, 0.09, 0.25 * height), trousers),
        _round((0, 0, 0.65 * height), (0.16, 0.46 * width, 0.22 * height), colour),
        _round((0, 0, 0.93 * height), (0.11, 0.1, 0.07 * height), (140, 170, 210)),
    ]


def bicycle(length: float, left_m: float = 0.0) -> list[Part]:
    """Two wheels, a frame, a handlebar."""
    metal = (60, 60, 66)
    reach = length / 2 - 0.34
    return [
        _round((reach, left_m, 0.34), (0.34, 0.03, 0.34), metal, 0.3),
        _round((-reach, left_m, 0.34), (0.34, 0.03, 0.34), metal, 0.3),
        _block((0, left_m, 0.6), (reach, 0.03, 0.05), metal, 0.5),
        _block((0.8 * reach, left_m, 0.98), (0.04, 0.24, 0.03), metal, 0.5),
    ]


def cyclist(size_m: Triple, colour: Colour) -> list[Part]:
    """A person on a bicycle, bent forward over it."""
    length, width, height = size_m
    return [
        *bicycle(length),
        _round((0.02, 0.1, 0.62), (0.13, 0.08, 0.34), (70, 50, 45)),
        _round((0.02, -0.1, 0.55), (0.13, 0.08, 0.34), (70, 50, 45)),
        _round((0.06, 0, 0.72 * height), (0.24, 0.4 * width, 0.19 * height), colour),
        _round((0.2, 0, 0.93 * height), (0.12, 0.1, 0.07 * height), (140, 170, 210)),
    ]


def bicycle_pusher(size_m: Triple, colour: Colour) -> list[Part]:
    """A person who walks to the left of a bicycle."""
    length, width, height = size_m
    walker = person((0.7, 0.5, height), colour)
    aside = [
        Part((x - 0.1, y + width / 2 - 0.26, z), part.half_m, part.colour, part.shine, True)
        for part in walker
        for x, y, z in (part.centre_m,)
    ]
    return [*bicycle(length, left_m=-width / 2 + 0.26), *aside]


def house(size_m: Triple, colour: Colour) -> list[Part]:
    """A block with a roof that stands out a little."""
    length, depth, height = size_m
    return [
        _block((0, 0, height / 2), (length / 2, depth / 2, height / 2), colour, 0.35),
        _block((0, 0, height), (length / 2 + 0.3, depth / 2 + 0.3, 0.2), (60, 60, 90), 0.25),
    ]


def tree(height: float) -> list[Part]:
    """A trunk and two crowns."""
    leaves = (60, 120, 70)
    return [
        _block((0, 0, 0.2 * height), (0.14, 0.14, 0.2 * height), (50, 70, 95), 0.3),
        _round((0, 0, 0.66 * height), (1.5, 1.5, 0.34 * height), leaves, 0.45),
        _round((0.6, 0.4, 0.56 * height), (1.1, 1.1, 0.2 * height), leaves, 0.45),
    ]


def post(height: float) -> list[Part]:
    """A lamp post."""
    return [_block((0, 0, height / 2), (0.07, 0.07, height / 2), (110, 110, 110), 0.7)]


def _wheels(length: float, width: float, apart: float, radius: float) -> list[Part]:
    return [
        _round((x, y, radius), (radius, 0.1, radius), (35, 35, 35), 0.15)
        for x in (-apart, apart)
        for y in (-width / 2 + 0.11, width / 2 - 0.11)
    ]


def _block(centre: Triple, half: Triple, colour: Colour, shine: float = 0.4) -> Part:
    return Part(centre, half, colour, shine)


def _round(centre: Triple, half: Triple, colour: Colour, shine: float = 0.4) -> Part:
    return Part(centre, half, colour, shine, is_round=True)
