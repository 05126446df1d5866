"""The street itself: where its houses stand, the road, pavements and crossing."""

from dataclasses import dataclass

import numpy as np

from prelabel.datasets.scenes.canvas import NEAREST_M, Colour
from prelabel.datasets.scenes.houses import House
from prelabel.datasets.scenes.solids import View

FAR_M = 80.0
_KERB_M = 0.16
_STRIPS = 7  # a surface along the street is cut up, so that haze grows with distance


@dataclass(frozen=True, slots=True)
class Street:
    """A straight street along z, houses on both sides; a cross street at `crossing_m`, if any."""

    road_half_m: float
    pavement_m: float
    houses: tuple[House, ...]
    crossing_m: float | None
    crossing_half_m: float
    verge: bool
    look_seed: int

    @property
    def wall_m(self) -> float:
        """Distance of the house fronts from the middle of the road."""
        return self.road_half_m + self.pavement_m

    def crosses(self, z_m: float, margin_m: float) -> bool:
        """Whether the cross street, widened by a margin, lies at `z_m`."""
        if self.crossing_m is None:
            return False
        return abs(z_m - self.crossing_m) <= self.crossing_half_m + margin_m


def sample_street(rng: np.random.Generator) -> Street:
    """A street with or without a cross street, gaps and parks between its houses."""
    crossing = float(rng.uniform(10, 18)) if rng.random() < 0.45 else None
    half = float(rng.uniform(3.4, 4.6))
    houses: list[House] = []
    for side in (-1, 1):
        houses += _sample_row(side, crossing, half + 2.5, rng)
    return Street(
        road_half_m=float(rng.uniform(3.4, 4.4)),
        pavement_m=float(rng.uniform(2.0, 3.0)),
        houses=tuple(houses),
        crossing_m=crossing,
        crossing_half_m=half,
        verge=bool(rng.random() < 0.3),
        look_seed=int(rng.integers(1 << 31)),
    )


def _sample_row(
    side: int, crossing_m: float | None, gap_half_m: float, rng: np.random.Generator
) -> list[House]:
    """Houses along one side, near ones first; none where the cross street comes in."""
    row: list[House] = []
    z, free = -6.0, True
    while z < FAR_M:
        length = float(rng.uniform(8, 17))
        if crossing_m is not None and z < crossing_m + gap_half_m < z + length + 2 * gap_half_m:
            gap_start = crossing_m - gap_half_m
            if gap_start - z < 3.5:
                z, free = crossing_m + gap_half_m, True
                continue
            length = min(length, gap_start - z)
        if rng.random() > 0.14:
            height = float(rng.choice([6.5, 9.6, 12.7, 15.8], p=[0.25, 0.35, 0.25, 0.15]))
            rises = free or height > row[-1].height_m
            row.append(House(side, z, z + length, height, rises, int(rng.integers(1 << 31))))
            free = bool(rng.random() < 0.15)
            z += float(rng.uniform(1, 5)) if free else 0.0
        else:
            free = True
        z += length
    return row


def draw_ground(view: View, street: Street) -> None:
    """Everything flat, from the lawn behind the houses to the lane markings."""
    rng = np.random.default_rng(street.look_seed)
    grey = float(rng.uniform(82, 108))
    road: Colour = (grey + 4, grey + 2, grey)
    slab = float(rng.uniform(150, 186))
    paving: Colour = (slab - 6, slab, slab + 4)
    _draw_skyline(view, rng)
    start = view.camera.z_m + NEAREST_M
    lawn: Colour = (78, 122, 98)
    wall, half = street.wall_m, street.road_half_m
    _band(view, (-90, 90), (start, FAR_M), lawn)
    for left, right in ((-wall, -half), (half, wall)):
        _band(view, (left, right), (start, FAR_M), paving)
    if street.verge:
        _band(view, (half + 0.3, half + 1.2), (start, FAR_M), lawn)
    if street.crossing_m is not None:
        near, far = (street.crossing_m + sign * street.crossing_half_m for sign in (-1, 1))
        _band(view, (-90, 90), (near - 2.5, far + 2.5), paving)
        _band(view, (-90, 90), (near, far), road)
    _band(view, (-half, half), (start, FAR_M), road)
    for side in (-1, 1):
        for near_m, far_m in _outside_crossing(street, start):
            edge = sorted((side * half, side * (half + _KERB_M)))
            _band(view, (edge[0], edge[1]), (near_m, far_m), (196, 200, 202))
    _draw_stains(view, half, rng, road)
    _draw_markings(view, street)


def _outside_crossing(street: Street, start_m: float) -> list[tuple[float, float]]:
    if street.crossing_m is None:
        return [(start_m, FAR_M)]
    near = street.crossing_m - street.crossing_half_m
    return [(start_m, near), (street.crossing_m + street.crossing_half_m, FAR_M)]


def _band(view: View, x_m: tuple[float, float], z_m: tuple[float, float], colour: Colour) -> None:
    """A rectangle on the ground, cut into strips so that haze grows with distance."""
    start = max(z_m[0], view.camera.z_m + NEAREST_M)
    if z_m[1] <= start:
        return
    depth, end = view.camera.depth(start), view.camera.depth(z_m[1])
    edges = depth * (end / depth) ** np.linspace(0, 1, _STRIPS + 1)
    corners = np.zeros((_STRIPS, 4, 3))
    corners[:, :2, 0], corners[:, 2:, 0] = x_m
    corners[:, [0, 3], 2] = edges[:-1, None] + view.camera.z_m
    corners[:, [1, 2], 2] = edges[1:, None] + view.camera.z_m
    for strip, middle in zip(view.camera.project(corners), edges[:-1] + edges[1:], strict=True):
        view.canvas.polygons(strip, view.light.colour(colour, 1.0, float(middle) / 2))


def _draw_stains(view: View, half_m: float, rng: np.random.Generator, road: Colour) -> None:
    """Patches of newer asphalt and manhole covers."""
    for _ in range(int(rng.integers(3, 8))):
        x, z = rng.uniform(-half_m + 0.8, half_m - 0.8), rng.uniform(4, 34)
        size = rng.uniform(0.3, 1.3)
        shade = float(rng.uniform(0.8, 1.1))
        turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
        rim = [(x + size * np.cos(t), 0.0, z + 1.4 * size * np.sin(t)) for t in turn]
        if z - 1.4 * size > view.camera.z_m + NEAREST_M:
            colour: Colour = (road[0] * shade, road[1] * shade, road[2] * shade)
            view.canvas.polygons(view.camera.project(rim), view.colour(colour, z))


def _draw_markings(view: View, street: Street) -> None:
    white: Colour = (214, 218, 220)
    z = np.arange(-3.0, 66.0, 6.0)
    for near in z[z + 3 > view.camera.z_m + NEAREST_M]:
        if not street.crosses(float(near) + 1.5, margin_m=2.0):
            _dash(view, (-0.07, 0.07), (float(near), float(near) + 3.0), white)
    if street.crossing_m is None:
        return
    stripe_near = street.crossing_m - street.crossing_half_m - 2.2
    for x in np.arange(-street.road_half_m + 0.3, street.road_half_m - 0.4, 1.0):
        _dash(view, (float(x), float(x) + 0.5), (stripe_near, stripe_near + 2.0), white)


def _dash(view: View, x_m: tuple[float, float], z_m: tuple[float, float], colour: Colour) -> None:
    near = max(z_m[0], view.camera.z_m + NEAREST_M)
    if z_m[1] > near:
        corners = [(x_m[0], 0, near), (x_m[0], 0, z_m[1]), (x_m[1], 0, z_m[1]), (x_m[1], 0, near)]
        view.canvas.polygons(view.camera.project(corners), view.colour(colour, z_m[1]))


def _draw_skyline(view: View, rng: np.random.Generator) -> None:
    """Roofs and hills where the street vanishes."""
    height, width = view.canvas.shape
    horizon = view.camera.horizon_px
    tone = view.light.colour((120, 112, 100), 0.8, 1.6 * view.light.visibility_m)
    x = 0.0
    while x < width:
        end = x + float(rng.uniform(0.03, 0.1)) * width
        top, foot = horizon - float(rng.uniform(0.01, 0.07)) * height, horizon + 2
        view.canvas.polygons(np.array([(x, foot), (x, top), (end, top), (end, foot)]), tone)
        x = end
