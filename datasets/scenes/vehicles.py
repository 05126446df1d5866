"""Cars, vans and trucks.

Cars and vans come out of one shape whose parameter `boxiness` runs from 0, a low saloon, to 1, a
panel van; the two classes meet in the middle, where a tall car and a small van look much alike.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from prelabel.datasets.scenes.canvas import Colour
from prelabel.datasets.scenes.solids import Pose, Solid, View, draw_shadow

_PAINTS: tuple[Colour, ...] = (
    (236, 236, 236), (188, 190, 192), (66, 64, 62), (40, 38, 180), (168, 88, 36), (120, 62, 40),
    (52, 126, 60), (40, 168, 214), (110, 124, 150), (150, 150, 80), (96, 40, 110), (60, 110, 220),
)  # fmt: skip
_VAN_PAINTS: tuple[Colour, ...] = (
    (240, 240, 240), (240, 240, 240), (200, 202, 204), (150, 92, 44), (44, 160, 218), (70, 68, 66),
    (60, 60, 190), (90, 140, 90),
)  # fmt: skip
_LOADS: tuple[Colour, ...] = (
    (238, 238, 236), (206, 208, 210), (180, 120, 60), (70, 120, 190), (60, 60, 170), (90, 150, 110),
)  # fmt: skip
_GLASS: Colour = (92, 78, 62)
_DARK: Colour = (34, 34, 36)
_TYRE: Colour = (30, 30, 32)
_RIM: Colour = (160, 160, 160)


@dataclass(frozen=True, slots=True)
class VehicleLook:
    """The measures and paint of a car or a van."""

    boxiness: float
    length_m: float
    half_width_m: float
    height_m: float
    panelled: bool
    paint: Colour


def sample_look(class_name: str, rng: np.random.Generator) -> VehicleLook:
    """A car (boxiness below 0.5) or a van (above)."""
    van = class_name == "van"
    box = 1 - 0.46 * rng.beta(1.1, 2.2) if van else 0.46 * rng.beta(1.3, 1.5)
    paints = _VAN_PAINTS if van else _PAINTS
    return VehicleLook(
        boxiness=float(box),
        length_m=float(4.2 + 0.7 * box + rng.normal(0, 0.15)),
        half_width_m=float(0.88 + 0.1 * box + rng.normal(0, 0.02)),
        height_m=float(1.42 + 0.62 * box**1.3 + rng.normal(0, 0.03)),
        panelled=bool(van and rng.random() < 0.65),
        paint=paints[int(rng.integers(len(paints)))],
    )


def draw_vehicle(view: View, pose: Pose, class_name: str, look_seed: int) -> None:
    """A car, a van or a truck."""
    rng = np.random.default_rng(look_seed)
    if class_name == "truck":
        _draw_truck(view, pose, rng)
        return
    look = sample_look(class_name, rng)
    draw_shadow(view, pose, look.half_width_m, look.length_m / 2)
    solid = Solid()
    _add_body(solid, look)
    _add_front_and_back(solid, look.half_width_m, look.length_m / 2, 0.62 + 0.1 * look.boxiness)
    _add_wheels(solid, look.half_width_m, (-0.31 * look.length_m, 0.31 * look.length_m), 0.32)
    solid.draw(view, pose)


def _profile(look: VehicleLook) -> list[tuple[float, float, str]]:
    """The side view from the rear bumper over the roof to the front: z, y, and what follows."""
    half, top, box = look.length_m / 2, look.height_m, look.boxiness
    boot = (1 - box) * 0.85
    belt = 0.92 + 0.12 * box
    return [
        (-half, 0.28, "body"),
        (-half, belt - 0.06, "body"),
        (-half + boot * 0.9 + 0.02, belt + 0.02, "glass" if box < 0.75 else "body"),
        (-half + boot * 1.5 + 0.12, top - 0.04, "body"),
        (0.08 * half + 0.42 * box * half, top, "glass"),
        (0.42 * half + 0.3 * box * half, belt, "body"),
        (half - 0.1, 0.78 + 0.1 * box, "body"),
        (half, 0.62, "body"),
        (half, 0.28, "body"),
    ]


def _add_body(solid: Solid, look: VehicleLook) -> None:
    profile = _profile(look)
    top = look.height_m
    width = look.half_width_m

    def half_width(y: float) -> float:
        lean = 0.14 * (1 - look.boxiness) + 0.05
        return width * (1 - lean * max(0.0, (y - 0.95) / (top - 0.95)))

    for (z0, y0, kind), (z1, y1, _) in itertools.pairwise(profile):
        w0, w1 = half_width(y0), half_width(y1)
        paint = _GLASS if kind == "glass" else look.paint
        solid.add([(-w0, y0, z0), (w0, y0, z0), (w1, y1, z1), (-w1, y1, z1)], paint)
    for side in (-1, 1):
        outline = [(side * half_width(y), y, z) for z, y, _ in profile]
        solid.add(outline, look.paint, layer=1)
        for corners in _side_windows(look):
            solid.add([(side * (half_width(y) + 0.004), y, z) for z, y in corners], _GLASS, 2)
        sill = [(-0.5, 0.34), (-0.5, 0.44), (0.5, 0.44), (0.5, 0.34)]
        solid.add([(side * (width + 0.004), y, z * look.length_m) for z, y in sill], _DARK, 2)


def _side_windows(look: VehicleLook) -> list[list[tuple[float, float]]]:
    """Panes as corners (z, y): a front one, and a rear one unless the sides are panels."""
    profile = _profile(look)
    belt = profile[5][1] + 0.02
    roof = look.height_m - 0.1
    rear_low, rear_high = profile[2][0] + 0.18, profile[3][0] + 0.1
    front_low, front_high = profile[5][0] - 0.12, profile[4][0] - 0.04
    post = front_low - 1.0 - 0.05 * look.boxiness
    front = [(post + 0.06, belt), (post + 0.06, roof), (front_high, roof), (front_low, belt)]
    if look.panelled:
        return [front]
    return [front, [(rear_low, belt), (rear_high, roof), (post - 0.06, roof), (post - 0.06, belt)]]


def _add_front_and_back(solid: Solid, width: float, half: float, lamp_y: float) -> None:
    """Lamps, plates and bumpers; lamps give light when the street lamps are on."""
    front, back = half + 0.005, -half - 0.005
    for side in (-1, 1):
        x0, x1 = side * (width - 0.4), side * (width - 0.06)
        lamp = [(x0, lamp_y - 0.08), (x0, lamp_y + 0.08), (x1, lamp_y + 0.1), (x1, lamp_y - 0.06)]
        solid.add([(x, y - 0.04, front) for x, y in lamp], (214, 240, 248), 3, emissive=True)
        solid.add([(x, y + 0.12, back) for x, y in lamp], (36, 30, 214), 3, emissive=True)
    for z, paint in ((front, (230, 230, 230)), (back, (90, 214, 236))):
        plate = [(-0.25, 0.4), (-0.25, 0.52), (0.25, 0.52), (0.25, 0.4)]
        solid.add([(x, y, z) for x, y in plate], paint, 3)
        bumper = [(-width, 0.28), (-width, 0.38), (width, 0.38), (width, 0.28)]
        solid.add([(x, y, z) for x, y in bumper], _DARK, 2)
    grille = [(-0.38, 0.55), (-0.38, 0.68), (0.38, 0.68), (0.38, 0.55)]
    solid.add([(x, y, front) for x, y in grille], _DARK, 3)


def _add_wheels(solid: Solid, width: float, axles_z: tuple[float, ...], radius: float) -> None:
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    circle = np.stack([np.zeros(12), np.sin(turn), np.cos(turn)], axis=-1)
    for z in axles_z:
        for side in (-1, 1):
            hub = np.array([side * (width + 0.01), radius, z])
            solid.add(hub + circle * radius, _TYRE, 3)
            solid.add(hub + circle * radius * 0.55 + [side * 0.005, 0, 0], _RIM, 4)
        for back in (-radius * 0.8, radius * 0.8):  # tyres under the body, seen from either end
            for side in (-1, 1):
                x0, x1 = side * (width - 0.22), side * width
                low = [(x0, 0.0), (x0, 0.3), (x1, 0.3), (x1, 0.0)]
                solid.add([(x, y, z + back) for x, y in low], _TYRE, 0)


def _draw_truck(view: View, pose: Pose, rng: np.random.Generator) -> None:
    """A cab and a box behind it."""
    half_width, half_length = 1.22, float(rng.uniform(3.3, 4.2))
    height = float(rng.uniform(2.9, 3.5))
    nose = half_length - 1.9
    paint, load_paint, stripe = (
        choices[int(rng.integers(len(choices)))] for choices in (_PAINTS, _LOADS, _PAINTS)
    )
    draw_shadow(view, pose, half_width, half_length)
    cab = _truck_cab(half_width * 0.95, nose, half_length, paint)
    load = _truck_load((half_width, height), (-half_length, nose - 0.15), load_paint, stripe)
    cab_is_near = np.cos(pose.heading) < 0
    for part in (load, cab) if cab_is_near else (cab, load):
        part.draw(view, pose)


def _truck_cab(half_width: float, back: float, front: float, paint: Colour) -> Solid:
    cab = Solid()
    cab.add_block((-half_width, 0.45, back), (half_width, 2.55, front), paint)
    pane = [(-1.0, 1.55), (-1.0, 2.35), (1.0, 2.35), (1.0, 1.55)]
    cab.add([(x, y, front + 0.005) for x, y in pane], _GLASS, 1)
    for side in (-1, 1):
        x = side * (half_width + 0.005)
        window = [(back + 0.5, 1.6), (back + 0.5, 2.3), (front - 0.25, 2.3), (front - 0.1, 1.6)]
        cab.add([(x, y, z) for z, y in window], _GLASS, 1)
    _add_front_and_back(cab, half_width, front, 0.75)
    _add_wheels(cab, half_width, (front - 0.95,), 0.48)
    return cab


def _truck_load(
    size: tuple[float, float], span_z: tuple[float, float], paint: Colour, stripe: Colour
) -> Solid:
    """The box of a truck: half its width and its height, from back to front."""
    (width, height), (back, front) = size, span_z
    load = Solid()
    load.add_block((-width, 0.8, back), (width, height, front), paint)
    load.add_block((-width * 0.8, 0.45, back + 0.1), (width * 0.8, 0.8, front + 0.15), _DARK)
    for side in (-1, 1):
        band = [(back + 0.6, 1.5), (back + 0.6, 2.2), (front - 0.65, 2.2), (front - 0.65, 1.5)]
        load.add([(side * (width + 0.005), y, z) for z, y in band], stripe, 2)
        x0, x1 = side * (width - 0.3), side * (width - 0.05)
        lamp = [(x0, 0.62), (x0, 0.8), (x1, 0.8), (x1, 0.62)]
        load.add([(x, y, back - 0.01) for x, y in lamp], (36, 30, 214), 3, emissive=True)
    seam = [(-0.03, 0.85), (-0.03, height - 0.1), (0.03, height - 0.1), (0.03, 0.85)]
    load.add([(x, y, back - 0.005) for x, y in seam], _DARK, 2)
    _add_wheels(load, width, (back + 1.0, back + 2.1), 0.48)
    return load
