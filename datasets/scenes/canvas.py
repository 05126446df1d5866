"""A camera in a street and the surface that it draws on."""

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from prelabel.datasets.arrays import Float64s

Colour = tuple[float, float, float]  # blue, green, red, each 0 to 255

NEAREST_M = 0.8
MOST_OBJECTS = 127
_EMISSIVE = 128
_SUBPIXEL_BITS = 4


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole that looks along z; x runs right, y up, metres; the picture's y runs down."""

    focal_px: float
    centre_x_px: float
    horizon_px: float
    height_m: float
    x_m: float = 0.0
    z_m: float = 0.0

    def moved(self, right_m: float, forward_m: float) -> "Camera":
        return replace(self, x_m=self.x_m + right_m, z_m=self.z_m + forward_m)

    def depth(self, z_m: float) -> float:
        """Distance along the line of sight."""
        return z_m - self.z_m

    def scale(self, z_m: float) -> float:
        """Pixels a metre at this depth."""
        return self.focal_px / max(self.depth(z_m), NEAREST_M)

    def project(self, points: ArrayLike) -> Float64s:
        """Points (..., 3) in the picture, (..., 2) pixels; those behind are put just in front."""
        world = np.asarray(points, np.float64)
        scale = self.focal_px / np.maximum(world[..., 2] - self.z_m, NEAREST_M)
        pixels = np.empty((*world.shape[:-1], 2))
        pixels[..., 0] = self.centre_x_px + (world[..., 0] - self.x_m) * scale
        pixels[..., 1] = self.horizon_px - (world[..., 1] - self.height_m) * scale
        return pixels

    def project_point(self, right_m: float, up_m: float, z_m: float) -> tuple[float, float]:
        """One point in the picture, pixels."""
        scale = self.scale(z_m)
        x = self.centre_x_px + (right_m - self.x_m) * scale
        return x, self.horizon_px - (up_m - self.height_m) * scale


class Canvas:
    """A picture and, for each of its pixels, which object it shows and whether it gives light.

    Drawn over, a pixel changes hands: what is drawn last is in front. `owner` is the number of the
    object being drawn, 1 to 127, or 0 for what is no object.
    """

    def __init__(self, width_px: int, height_px: int) -> None:
        self._layers = np.zeros((height_px, width_px, 4), np.uint8)
        self._extents: dict[int, list[float]] = {}
        self.owner = 0

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self._layers.shape[:2]
        return height, width

    @property
    def colours(self) -> NDArray[np.uint8]:
        """(h, w, 3), blue, green, red."""
        return self._layers[..., :3]

    @property
    def owners(self) -> NDArray[np.uint8]:
        """(h, w), the number of the object that each pixel shows."""
        return self._layers[..., 3] & np.uint8(MOST_OBJECTS)

    @property
    def emission(self) -> NDArray[np.uint8]:
        """(h, w), 255 where a pixel gives light of its own."""
        return np.where(self._layers[..., 3] & _EMISSIVE, 255, 0).astype(np.uint8)

    def mask_of(self, owner: int) -> tuple[NDArray[np.bool_], int, int]:
        """Which pixels show an object, in a window around all that was drawn of it.

        The second and third are the left and the top edge of the window.
        """
        left, top, right, bottom = self._extents[owner]
        first_row, first_column = max(math.floor(top) - 1, 0), max(math.floor(left) - 1, 0)
        rows = slice(first_row, max(math.ceil(bottom) + 2, 0))
        columns = slice(first_column, max(math.ceil(right) + 2, 0))
        shown = (self._layers[rows, columns, 3] & np.uint8(MOST_OBJECTS)) == owner
        return shown, first_column, first_row

    def share_inside(self, owner: int) -> float:
        """Share of the box around all that was drawn of an object that lies in the picture."""
        left, top, right, bottom = self._extents[owner]
        height, width = self.shape
        inside_x = min(right, width) - max(left, 0.0)
        inside_y = min(bottom, height) - max(top, 0.0)
        whole = max((right - left) * (bottom - top), 1e-6)
        return max(inside_x, 0.0) * max(inside_y, 0.0) / whole

    def paint(self, colours: NDArray[np.uint8]) -> None:
        """Cover everything with a picture (h, w, 3) that belongs to no object."""
        no_object = np.zeros(self.shape, np.uint8)
        cv2.merge((*cv2.split(colours), no_object), self._layers)

    def polygons(self, corners_px: Float64s, colour: Colour, emissive: bool = False) -> None:
        """Fill polygons (m, k, 2), or one (k, 2); those of one call must not overlap."""
        corners = corners_px.reshape(-1, *corners_px.shape[-2:])
        if len(corners):
            if self.owner:
                self._extend(corners.reshape(-1, 2), 0.0)
            cv2.fillPoly(
                self._layers,
                list(_fixed_point(corners)),
                self._paint_of(colour, emissive),
                lineType=cv2.LINE_8,
                shift=_SUBPIXEL_BITS,
            )

    def limb(
        self,
        start_px: tuple[float, float],
        end_px: tuple[float, float],
        width_px: float,
        colour: Colour,
    ) -> None:
        """A thick stroke with round ends."""
        if self.owner:
            self._extend(np.array([start_px, end_px]), width_px / 2)
        cv2.line(
            self._layers,
            _fixed_pair(start_px),
            _fixed_pair(end_px),
            self._paint_of(colour, False),
            thickness=max(1, round(width_px)),
            lineType=cv2.LINE_8,
            shift=_SUBPIXEL_BITS,
        )

    def disc(
        self,
        centre_px: tuple[float, float],
        radii_px: tuple[float, float],
        colour: Colour,
        *,
        emissive: bool = False,
        ring_px: float | None = None,
    ) -> None:
        """An upright ellipse, filled, or only its rim of this width."""
        if self.owner:
            rim = (ring_px or 0.0) / 2
            self._extend(np.subtract(centre_px, radii_px)[None], rim)
            self._extend(np.add(centre_px, radii_px)[None], rim)
        cv2.ellipse(
            self._layers,
            _fixed_pair(centre_px),
            _fixed_pair((max(radii_px[0], 0.3), max(radii_px[1], 0.3))),
            0,
            0,
            360,
            self._paint_of(colour, emissive),
            thickness=-1 if ring_px is None else max(1, round(ring_px)),
            lineType=cv2.LINE_8,
            shift=_SUBPIXEL_BITS,
        )

    def _extend(self, points_px: Float64s, margin_px: float) -> None:
        left, top = (points_px.min(axis=0) - margin_px).tolist()
        right, bottom = (points_px.max(axis=0) + margin_px).tolist()
        now = self._extents.setdefault(self.owner, [left, top, right, bottom])
        now[:2] = min(now[0], left), min(now[1], top)
        now[2:] = max(now[2], right), max(now[3], bottom)

    def _paint_of(self, colour: Colour, emissive: bool) -> tuple[float, float, float, float]:
        return (*colour, self.owner | _EMISSIVE if emissive else self.owner)


def _fixed_point(pixels: Float64s) -> NDArray[np.int32]:
    return np.rint(pixels * (1 << _SUBPIXEL_BITS)).astype(np.int32)


def _fixed_pair(pixels: tuple[float, float]) -> tuple[int, int]:
    return round(pixels[0] * (1 << _SUBPIXEL_BITS)), round(pixels[1] * (1 << _SUBPIXEL_BITS))
