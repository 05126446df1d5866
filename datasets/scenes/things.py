"""Traffic cones, and the clutter beside a street that looks like objects and is none."""

import numpy as np

from prelabel.datasets.scenes.canvas import Colour
from prelabel.datasets.scenes.people import Brush
from prelabel.datasets.scenes.solids import Pose, Solid, View, draw_shadow

CLUTTER = ("bin", "bollard", "hydrant", "poster", "container", "sign", "tree", "lamp")
_ORANGE: Colour = (28, 104, 236)


def draw_cone(view: View, pose: Pose, look_seed: int) -> None:
    """An orange cone with white bands on a square foot."""
    rng = np.random.default_rng(look_seed)
    size = float(rng.uniform(0.9, 1.15))
    faded = float(rng.uniform(0.85, 1.0))
    paint: Colour = (_ORANGE[0] + 40 * (1 - faded), _ORANGE[1] * faded, _ORANGE[2] * faded)
    draw_shadow(view, pose, 0.26, 0.2)
    brush = Brush(view, pose)

    def half(up: float) -> float:
        return size * (0.2 - 0.16 * up / 0.8)

    def slab(low: float, high: float, colour: Colour) -> None:
        corners = [(-half(low), low * size), (half(low), low * size)]
        brush.area([*corners, (half(high), high * size), (-half(high), high * size)], colour)

    brush.area(
        [(-0.27 * size, 0.0), (0.27 * size, 0.0), (0.24 * size, 0.07), (-0.24 * size, 0.07)],
        (40, 60, 120),
    )
    slab(0.05, 0.8, paint)
    slab(0.24, 0.38, (236, 236, 240))
    slab(0.5, 0.6, (236, 236, 240))


def draw_clutter(view: View, kind: str, pose: Pose, look_seed: int) -> None:
    """Something that is no object, by one of the names in CLUTTER."""
    rng = np.random.default_rng(look_seed)
    drawers = {
        "bin": _draw_bin,
        "bollard": _draw_bollard,
        "hydrant": _draw_hydrant,
        "poster": _draw_poster,
        "container": _draw_container,
        "sign": _draw_sign,
        "tree": _draw_tree,
        "lamp": _draw_lamp,
    }
    drawers[kind](view, pose, rng)


def _draw_bin(view: View, pose: Pose, rng: np.random.Generator) -> None:
    paints: tuple[Colour, ...] = ((60, 92, 50), (84, 84, 84), (120, 80, 40))
    paint = paints[int(rng.integers(len(paints)))]
    draw_shadow(view, pose, 0.35, 0.3)
    solid = Solid()
    solid.add_block((-0.3, 0.0, -0.28), (0.3, 0.95, 0.28), paint)
    solid.add_block((-0.34, 0.95, -0.32), (0.34, 1.08, 0.32), (50, 50, 52), layer=1)
    solid.draw(view, pose)


def _draw_bollard(view: View, pose: Pose, rng: np.random.Generator) -> None:
    paint: Colour = (60, 60, 64) if rng.random() < 0.6 else (50, 70, 190)
    brush = Brush(view, pose)
    draw_shadow(view, pose, 0.14, 0.12)
    brush.area([(-0.08, 0.0), (0.08, 0.0), (0.07, 0.85), (-0.07, 0.85)], paint)
    brush.area([(-0.08, 0.6), (0.08, 0.6), (0.075, 0.72), (-0.075, 0.72)], (230, 230, 232))


def _draw_hydrant(view: View, pose: Pose, rng: np.random.Generator) -> None:
    paint: Colour = (44, 60, 196) if rng.random() < 0.6 else (40, 180, 220)
    brush = Brush(view, pose)
    draw_shadow(view, pose, 0.18, 0.15)
    brush.area([(-0.13, 0.0), (0.13, 0.0), (0.11, 0.6), (-0.11, 0.6)], paint)
    brush.area([(-0.22, 0.38), (0.22, 0.38), (0.22, 0.5), (-0.22, 0.5)], paint)
    brush.disc((0.0, 0.62), (0.12, 0.1), paint)


def _draw_poster(view: View, pose: Pose, rng: np.random.Generator) -> None:
    """A lit advertisement that shows half a figure or a car."""
    paper: Colour = tuple(rng.uniform(120, 235, 3).tolist())
    ink: Colour = tuple(rng.uniform(20, 140, 3).tolist())
    draw_shadow(view, pose, 0.75, 0.15)
    solid = Solid()
    solid.add_block((-0.68, 0.25, -0.08), (0.68, 2.15, 0.08), (70, 70, 74))
    solid.draw(view, pose)
    brush = Brush(view, Pose(pose.x_m, pose.z_m - 0.08))
    brush.area([(-0.58, 0.4), (0.58, 0.4), (0.58, 2.05), (-0.58, 2.05)], paper)
    if rng.random() < 0.5:
        brush.disc((0.0, 1.5), (0.2, 0.25), ink)
        brush.area([(-0.42, 0.7), (0.42, 0.7), (0.3, 1.25), (-0.3, 1.25)], ink)
    else:
        brush.area([(-0.48, 1.0), (0.48, 1.0), (0.48, 1.22), (-0.48, 1.22)], ink)
        brush.area([(-0.3, 1.22), (0.3, 1.22), (0.18, 1.45), (-0.18, 1.45)], ink)
    brush.area([(-0.45, 0.5), (0.45, 0.5), (0.45, 0.58), (-0.45, 0.58)], ink)


def _draw_container(view: View, pose: Pose, rng: np.random.Generator) -> None:
    """A skip as long as a small car, with a load of rubble."""
    paints: tuple[Colour, ...] = ((40, 150, 210), (130, 90, 40), (70, 110, 60), (60, 60, 150))
    paint = paints[int(rng.integers(len(paints)))]
    draw_shadow(view, pose, 0.95, 1.6)
    solid = Solid()
    solid.add_block((-0.85, 0.1, -1.5), (0.85, 1.3, 1.5), paint)
    solid.add_block((-0.9, 1.2, -1.55), (0.9, 1.36, 1.55), (70, 70, 72), layer=1)
    for z in (-0.9, 0.0, 0.9):
        for x in (-0.86, 0.86):
            solid.add(
                [(x, 0.1, z - 0.06), (x, 1.2, z - 0.06), (x, 1.2, z + 0.06), (x, 0.1, z + 0.06)],
                (60, 60, 62),
                1,
            )
    solid.draw(view, pose)


def _draw_sign(view: View, pose: Pose, rng: np.random.Generator) -> None:
    brush = Brush(view, pose)
    brush.area([(-0.035, 0.0), (0.035, 0.0), (0.035, 2.5), (-0.035, 2.5)], (130, 130, 132))
    if rng.random() < 0.5:
        brush.disc((0.0, 2.45), (0.3, 0.3), (40, 40, 200))
        brush.disc((0.0, 2.45), (0.21, 0.21), (240, 240, 240))
    else:
        brush.area([(-0.32, 2.2), (0.32, 2.2), (0.32, 2.8), (-0.32, 2.8)], (170, 96, 30))
        brush.area([(-0.12, 2.3), (0.12, 2.3), (0.12, 2.7), (-0.12, 2.7)], (240, 240, 240))


def _draw_tree(view: View, pose: Pose, rng: np.random.Generator) -> None:
    size = float(rng.uniform(0.8, 1.35))
    green = np.array([52, 104, 74]) * rng.uniform(0.75, 1.2) + rng.uniform(-8, 8, 3)
    brush = Brush(view, pose)
    draw_shadow(view, pose, 0.9 * size, 0.5)
    brush.area([(-0.14, 0.0), (0.14, 0.0), (0.09, 2.6 * size), (-0.09, 2.6 * size)], (52, 68, 88))
    for shade in (0.72, 0.9, 1.1):
        colour: Colour = tuple((green * shade).clip(0, 255).tolist())
        for _ in range(5):
            right, up = rng.uniform(-0.85, 0.85) * size, (3.1 + rng.uniform(-0.7, 0.9)) * size
            radius = rng.uniform(0.45, 0.8) * size * (1.2 - 0.35 * shade)
            brush.disc((right, up + 0.4 * (shade - 0.7) * size), (radius, radius * 0.85), colour)


def _draw_lamp(view: View, pose: Pose, rng: np.random.Generator) -> None:
    brush = Brush(view, pose)
    inward = -1.0 if pose.x_m > 0 else 1.0
    brush.area([(-0.06, 0.0), (0.06, 0.0), (0.045, 5.2), (-0.045, 5.2)], (84, 84, 86))
    brush.limb((0.0, 5.2), (inward * 1.1, 5.35), 0.08, (84, 84, 86))
    lit = view.light.lamps_on
    view.canvas.disc(
        brush.at(inward * 1.15, 5.28),
        (brush.px(0.24), brush.px(0.11)),
        (190, 232, 255) if lit else view.colour((200, 206, 208), pose.z_m),
        emissive=lit,
    )
