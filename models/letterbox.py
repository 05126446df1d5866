"""Placing pictures of any size on the canvas that a network sees, and mapping boxes back."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.arrays import Float32s
from prelabel.datasets.geometry import moved_boxes
from prelabel.models.views import SMALLER_SCALE, View

GREY = 114  # what the canvas shows beside the picture; detectors are trained with it


@dataclass(frozen=True, slots=True)
class Letterbox:
    """Where one picture lies on its canvas; all figures in pixels.

    The picture is scaled to `resized_width_px` x `resized_height_px` and its top left corner put
    at (`left_px`, `top_px`). Each side has its own scale, since each is rounded to whole pixels.
    A `mirrored` picture has its left side on the right.
    """

    width_px: int
    height_px: int
    resized_width_px: int
    resized_height_px: int
    left_px: int
    top_px: int
    canvas_width_px: int
    canvas_height_px: int
    mirrored: bool = False

    @property
    def canvas_shape(self) -> tuple[int, int]:
        """Rows and columns of the canvas; pictures that share it can be predicted together."""
        return self.canvas_height_px, self.canvas_width_px

    @property
    def scale(self) -> tuple[float, float]:
        """Canvas pixels a picture pixel, along x and along y."""
        return self.resized_width_px / self.width_px, self.resized_height_px / self.height_px

    def viewed(self, view: View) -> "Letterbox":
        """The same canvas with the picture changed."""
        if view is View.MIRRORED:
            return replace(self, mirrored=not self.mirrored)
        if view is View.AS_IS:
            return self
        width = max(1, round(SMALLER_SCALE * self.resized_width_px))
        height = max(1, round(SMALLER_SCALE * self.resized_height_px))
        return replace(
            self,
            resized_width_px=width,
            resized_height_px=height,
            left_px=self.left_px + (self.resized_width_px - width) // 2,
            top_px=self.top_px + (self.resized_height_px - height) // 2,
        )

    def place(self, picture_bgr: NDArray[np.uint8], canvas_rgb: NDArray[np.uint8]) -> None:
        """Draw the picture into a grey canvas of `canvas_shape`, turning blue-first to red-first.

        Scaling is OpenCV's bilinear one, as in the training of the detectors.
        """
        size = (self.resized_width_px, self.resized_height_px)
        same_size = picture_bgr.shape[1::-1] == size
        resized = picture_bgr if same_size else cv2.resize(picture_bgr, size)
        if self.mirrored:
            resized = cv2.flip(resized, 1)
        rows = slice(self.top_px, self.top_px + self.resized_height_px)
        columns = slice(self.left_px, self.left_px + self.resized_width_px)
        cv2.cvtColor(resized, cv2.COLOR_BGR2RGB, dst=canvas_rgb[rows, columns])

    def to_picture(self, canvas_xyxy: Float32s) -> Float32s:
        """Corners (n, 4) on the canvas, in pixels of the picture; not clipped."""
        offset = np.array([self.left_px, self.top_px] * 2, np.float32)
        xyxy = np.asarray((canvas_xyxy - offset) / self.scale_of_sides(), np.float32)
        if self.mirrored:
            xyxy[:, [0, 2]] = self.width_px - xyxy[:, [2, 0]]
        return xyxy

    def turned_to_picture(self, xyxy: Float32s, angle: Float32s) -> tuple[Float32s, Float32s]:
        """Turned boxes on the canvas, corners (n, 4) and angle (n,), in pixels of the picture."""
        factors = 1 / np.array(self.scale)
        offset = -factors * (self.left_px, self.top_px)
        if self.mirrored:
            factors, offset = factors * (-1, 1), offset * (-1, 1) + (self.width_px, 0)
        return moved_boxes(xyxy, angle, factors, offset)

    def sides_from_canvas(self, of_sides: Float32s, *, turned: bool = False) -> Float32s:
        """Values of the left, top, right and bottom side of boxes on the canvas, (n, 4), in the
        order of the sides that `to_picture` gives, or `turned_to_picture`; not scaled."""
        if not self.mirrored:
            return of_sides
        # A turned box keeps its first side along the mirrored one, and so its second is reversed.
        return of_sides[:, [0, 3, 2, 1] if turned else [2, 1, 0, 3]]

    def scale_of_sides(self) -> Float32s:
        """`scale` for left, top, right and bottom, (4,)."""
        return np.array(self.scale * 2, np.float32)


def minimal_rectangle(width_px: int, height_px: int, input_px: int, stride: int) -> Letterbox:
    """The smallest canvas with sides a multiple of `stride` and the longest side `input_px`.

    The picture keeps its proportions; what is left is split between both sides of it. `input_px`
    must itself be a multiple of `stride`.
    """
    ratio = min(input_px / height_px, input_px / width_px)
    resized_width, resized_height = (max(round(side * ratio), 1) for side in (width_px, height_px))
    rest_x, rest_y = (input_px - resized_width) % stride, (input_px - resized_height) % stride
    return Letterbox(
        width_px,
        height_px,
        resized_width,
        resized_height,
        left_px=rest_x // 2,
        top_px=rest_y // 2,
        canvas_width_px=resized_width + rest_x,
        canvas_height_px=resized_height + rest_y,
    )


def stretched(width_px: int, height_px: int, input_px: int) -> Letterbox:
    """A square canvas that the picture fills whatever its proportions."""
    return Letterbox(width_px, height_px, input_px, input_px, 0, 0, input_px, input_px)


def grey_canvases(count: int, canvas_shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Empty canvases, (count, rows, columns, 3)."""
    return np.full((count, *canvas_shape, 3), GREY, np.uint8)
