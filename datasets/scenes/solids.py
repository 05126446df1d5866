"""Solid bodies made of flat faces, and how they are drawn."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from prelabel.datasets.arrays import Float64s
from prelabel.datasets.scenes.canvas import Camera, Canvas, Colour
from prelabel.datasets.scenes.light import Light

_MOST_CORNERS = 12


@dataclass(frozen=True, slots=True)
class View:
    """Who looks, on what, in which light."""

    canvas: Canvas
    camera: Camera
    light: Light

    def colour(self, base: Colour, z_m: float, factor: float = 1.0) -> Colour:
        return self.light.colour(base, factor, self.camera.depth(z_m))


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a body stands: on the ground at x, z, its front turned by `heading` radians.

    A heading of 0 looks along z, away from the camera; it grows to the right.
    """

    x_m: float
    z_m: float
    heading: float = 0.0

    def place(self, points: Float64s) -> Float64s:
        """Points (..., 3) of a body in the street."""
        cos, sin = np.cos(self.heading), np.sin(self.heading)
        x = points[..., 0] * cos + points[..., 2] * sin + self.x_m
        z = points[..., 2] * cos - points[..., 0] * sin + self.z_m
        return np.stack([x, points[..., 1], z], axis=-1)


@dataclass(slots=True)
class Solid:
    """Faces with colours; faces of a higher layer are drawn over those of a lower one."""

    corners: list[Float64s] = field(default_factory=list)
    colours: list[Colour] = field(default_factory=list)
    layers: list[int] = field(default_factory=list)
    emissive: list[bool] = field(default_factory=list)

    def add(
        self, corners: ArrayLike, colour: Colour, layer: int = 0, emissive: bool = False
    ) -> None:
        """A face (k, 3) of at most 12 corners, in the body's own axes: right, up, forward."""
        flat = np.asarray(corners, np.float64)
        padding = np.repeat(flat[-1:], _MOST_CORNERS - len(flat), axis=0)
        self.corners.append(np.concatenate([flat, padding]))
        self.colours.append(colour)
        self.layers.append(layer)
        self.emissive.append(emissive)

    def add_block(self, low: tuple[float, float, float], high: tuple[float, float, float],
                  colour: Colour, layer: int = 0) -> None:  # fmt: skip
        """A box without its underside, from corner to corner: right, up, forward."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        for corners in (
            [(x0, y0, z0), (x0, y1, z0), (x1, y1, z0), (x1, y0, z0)],
            [(x0, y0, z1), (x0, y1, z1), (x1, y1, z1), (x1, y0, z1)],
            [(x0, y0, z0), (x0, y1, z0), (x0, y1, z1), (x0, y0, z1)],
            [(x1, y0, z0), (x1, y1, z0), (x1, y1, z1), (x1, y0, z1)],
            [(x0, y1, z0), (x0, y1, z1), (x1, y1, z1), (x1, y1, z0)],
        ):
            self.add(corners, colour, layer)

    def draw(self, view: View, pose: Pose) -> None:
        """Draw the faces that look at the camera, layer by layer, the farthest first."""
        own = np.stack(self.corners)
        outward = _outward_normals(own)
        placed = pose.place(own)
        normals = pose.place(outward) - pose.place(np.zeros(3))
        camera = view.camera
        eye = np.array([camera.x_m, camera.height_m, camera.z_m])
        depths = placed[:, :, 2].mean(axis=1)
        seen = np.einsum("fi,fi->f", normals, eye - placed[:, 0]) > 0
        factors = view.light.factors(normals)
        pixels = camera.project(placed)
        rows = np.flatnonzero(seen)
        for row in rows[np.lexsort((-depths[rows], np.asarray(self.layers)[rows]))]:
            own_light = self.emissive[row] and view.light.lamps_on
            colour = (
                self.colours[row]
                if own_light
                else view.colour(self.colours[row], float(depths[row]), float(factors[row]))
            )
            view.canvas.polygons(pixels[row], colour, emissive=own_light)


def _outward_normals(corners: Float64s) -> Float64s:
    """Unit normals (f, 3) that point away from the middle of the body."""
    middle = (corners.min(axis=(0, 1)) + corners.max(axis=(0, 1))) / 2
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    inward = np.einsum("fi,fi->f", normals, corners.mean(axis=1) - middle) < 0
    normals[inward] *= -1
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.asarray(normals / np.maximum(lengths, 1e-9), np.float64)


def draw_shadow(view: View, pose: Pose, half_width_m: float, half_length_m: float) -> None:
    """Darken the ground under a body; the shadow belongs to no object."""
    turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    rim = np.stack(
        [
            np.cos(turn) * half_width_m * 1.12,
            np.full(16, 0.01),
            np.sin(turn) * half_length_m * 1.06,
        ],
        axis=-1,
    )
    owner, view.canvas.owner = view.canvas.owner, 0
    view.canvas.polygons(
        view.camera.project(pose.place(rim)), view.colour((46, 46, 48), pose.z_m, 0.8)
    )
    view.canvas.owner = owner


def flat_quads(low: Float64s, high: Float64s, axes: tuple[int, int]) -> NDArray[np.float64]:
    """Rectangles (m, 4, 3) between corners (m, 3) that span two axes of the three."""
    first, second = axes
    corners = np.repeat(low[:, None, :], 4, axis=1)
    corners[:, 1, first] = high[:, first]
    corners[:, 2] = high
    corners[:, 3, second] = high[:, second]
    return np.asarray(corners, np.float64)
