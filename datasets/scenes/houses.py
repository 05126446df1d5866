"""Houses: walls in perspective with windows, plinths, cornices and shops."""

from dataclasses import dataclass

import numpy as np

from prelabel.datasets.arrays import Float64s
from prelabel.datasets.scenes.canvas import NEAREST_M, Colour
from prelabel.datasets.scenes.solids import View, flat_quads

_FLOOR_M = 3.1
_DEPTH_M = 14.0
_ACROSS, _UP, _ALONG = 0, 1, 2  # axes of the street

_WALLS: tuple[Colour, ...] = (
    (128, 158, 190), (150, 176, 196), (96, 112, 150), (172, 182, 186), (188, 196, 204),
    (116, 138, 132), (92, 108, 128), (150, 150, 172), (176, 168, 150), (82, 96, 136),
)  # fmt: skip
_SHOPS: tuple[Colour, ...] = (
    (50, 60, 150), (120, 80, 40), (60, 110, 60), (50, 130, 190), (90, 70, 110),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class House:
    """A house on one side (-1 left, 1 right) from `near_m` to `far_m` along the street."""

    side: int
    near_m: float
    far_m: float
    height_m: float
    free_standing: bool  # nothing hides the wall that looks at the camera
    look_seed: int


@dataclass(frozen=True, slots=True)
class _Wall:
    """An upright rectangle along one axis of the street, from `start` to `end` on that axis.

    `fixed_m` is its place on the other axis, `facing` its outward normal, `seen_from_m` where along
    the street things come into view.
    """

    axis: int
    start: float
    end: float
    fixed_m: float
    height_m: float
    facing: tuple[float, float, float]
    seen_from_m: float

    @property
    def visible_start(self) -> float:
        """Where the part begins that lies before the camera."""
        return max(self.start, self.seen_from_m) if self.axis == _ALONG else self.start

    @property
    def middle_z(self) -> float:
        return (self.visible_start + self.end) / 2 if self.axis == _ALONG else self.fixed_m

    def area(self, low_m: float, high_m: float, inset_share: float = 0.0) -> Float64s:
        """The four corners (4, 3) of the visible part between two heights."""
        inset = inset_share * (self.end - self.visible_start)
        corners = np.full((4, 3), self.fixed_m)
        corners[:2, self.axis], corners[2:, self.axis] = (
            self.visible_start + inset,
            self.end - inset,
        )
        corners[[0, 3], _UP], corners[[1, 2], _UP] = low_m, high_m
        return corners

    def windows(self) -> Float64s:
        """All windows (m, 4, 3) of the upper floors, those behind the camera too."""
        low_end, high_end = sorted((self.start, self.end))
        columns = np.arange(low_end + 0.9, high_end - 1.6, 2.4)
        floors = np.arange(_FLOOR_M + 0.9, self.height_m - 1.6, _FLOOR_M)
        across, up = (grid.ravel() for grid in np.meshgrid(columns, floors))
        low = np.full((len(across), 3), self.fixed_m)
        low[:, self.axis], low[:, _UP] = across, up
        high = low.copy()
        high[:, self.axis] += 1.2
        high[:, _UP] += 1.5
        return flat_quads(low, high, (_UP, self.axis))


def draw_house(view: View, wall_m: float, house: House) -> None:
    """A house whose front stands `wall_m` beside the middle of the road."""
    rng = np.random.default_rng(house.look_seed)
    paint = _WALLS[int(rng.integers(len(_WALLS)))]
    shop = _SHOPS[int(rng.integers(len(_SHOPS)))] if rng.random() < 0.6 else None
    x = house.side * wall_m
    start = view.camera.z_m + NEAREST_M
    if house.far_m <= start + 0.5:
        return
    if house.near_m > start and house.free_standing:
        back = x + house.side * _DEPTH_M
        facing = (0.0, 0.0, -1.0)
        _draw_wall(
            view, _Wall(_ACROSS, x, back, house.near_m, house.height_m, facing, start), paint, rng
        )
    facing = (-float(house.side), 0.0, 0.0)
    front = _Wall(_ALONG, house.near_m, house.far_m, x, house.height_m, facing, start)
    _draw_wall(view, front, paint, rng)
    if shop is not None:
        _draw_shop(view, front, shop)


def _draw_wall(view: View, wall: _Wall, paint: Colour, rng: np.random.Generator) -> None:
    """Plaster, a plinth at the foot, a cornice under the roof, and windows, some of them lit."""
    top = wall.height_m
    for low, high, shade in ((0.0, top, 1.0), (0.0, 0.5, 0.72), (top - 0.45, top, 0.8)):
        tone: Colour = (paint[0] * shade, paint[1] * shade, paint[2] * shade)
        _fill(view, wall, wall.area(low, high), tone)
    windows = wall.windows()
    lit = rng.random(len(windows)) < view.light.lit_windows
    seen = windows[:, :, _ALONG].min(axis=1, initial=np.inf) > wall.seen_from_m
    glass: Colour = (70, 60, 52) if view.light.lamps_on else (132, 116, 96)
    _fill(view, wall, windows[seen & ~lit], glass)
    view.canvas.polygons(view.camera.project(windows[seen & lit]), (118, 196, 238), emissive=True)


def _draw_shop(view: View, front: _Wall, paint: Colour) -> None:
    """A shop window on the ground floor, bright when lamps are on, under an awning."""
    pane = front.area(0.6, 2.4, inset_share=0.08)
    if view.light.lamps_on:
        view.canvas.polygons(view.camera.project(pane), (120, 190, 226), emissive=True)
    else:
        _fill(view, front, pane, (150, 134, 112))
    _fill(view, front, front.area(2.4, 3.0), paint)


def _fill(view: View, wall: _Wall, corners: Float64s, paint: Colour) -> None:
    factor = float(view.light.factors(np.array([wall.facing]))[0])
    view.canvas.polygons(view.camera.project(corners), view.colour(paint, wall.middle_z, factor))
