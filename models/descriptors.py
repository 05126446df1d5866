"""What a picture looks like, in numbers that need no network: for choosing before any training.

Colour and the directions of edges on a grid, in the manner of HOG (Dalal and Triggs, CVPR 2005)
and of colour layout. It tells scenes apart and finds near-duplicates; it knows nothing of objects.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.arrays import Float32s
from prelabel.datasets.frames import Frame
from prelabel.datasets.pictures import UnusablePictureError, picture_bytes, read_picture

DESCRIPTOR = "grid-1"  # another name whenever the numbers change
GRID, DIRECTIONS, COLOUR_STEPS = 4, 9, 4
WIDTH = GRID * GRID * (DIRECTIONS + 3) + COLOUR_STEPS**3

_SIDE_PX = 64
_CELL_PX = _SIDE_PX // GRID
_REDUCED = {
    8: cv2.IMREAD_REDUCED_COLOR_8,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    2: cv2.IMREAD_REDUCED_COLOR_2,
}
_TURNED_BY_OPENCV = (b"\xff\xd8", b"\x89PNG")  # JPEG and PNG: of others it reads no orientation


def describe_frame(frame: Frame) -> Float32s:
    """The descriptor of a frame's picture, (WIDTH,); about 1 ms for a JPEG of 640 x 640.

    Raises UnusablePictureError for a file that cannot be read or decoded.
    """
    return describe(_small(frame))


def describe(picture: NDArray[np.uint8]) -> Float32s:
    """The descriptor of a picture (height, width, 3) BGR: (WIDTH,) float32.

    The picture is shrunk to 64 x 64. Of each cell of a 4 x 4 grid come a histogram of 9 edge
    directions (unsigned, weighted by strength) and the mean Lab colour, 0 to 1; of the whole a
    histogram of 4 x 4 x 4 colours. Histograms are scaled to sum 1 and rooted (Hellinger distance,
    Arandjelović and Zisserman, CVPR 2012), each of the three parts to about equal weight.
    """
    resized = cv2.resize(picture, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA)
    small = np.asarray(resized, np.uint8)
    parts = (_edges(small), _colour_layout(small), _colours(small))
    return np.concatenate(parts).astype(np.float32)


def _edges(small: NDArray[np.uint8]) -> NDArray[np.float64]:
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32)
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    direction = np.arctan2(down, across) % np.pi
    step = np.minimum((direction * (DIRECTIONS / np.pi)).astype(np.intp), DIRECTIONS - 1)
    cell = _cells()
    strength = np.hypot(across, down)
    bins = (cell * DIRECTIONS + step).ravel()
    counts = np.bincount(bins, strength.ravel(), GRID * GRID * DIRECTIONS)
    return _rooted(np.asarray(counts, np.float64))


def _colour_layout(small: NDArray[np.uint8]) -> NDArray[np.float64]:
    lab = cv2.cvtColor(small, cv2.COLOR_BGR2LAB)
    means = cv2.resize(lab, (GRID, GRID), interpolation=cv2.INTER_AREA)
    return means.astype(np.float64).ravel() / 255 / GRID


def _colours(small: NDArray[np.uint8]) -> NDArray[np.float64]:
    steps = small.astype(np.intp) * COLOUR_STEPS // 256
    bins = (steps[..., 0] * COLOUR_STEPS + steps[..., 1]) * COLOUR_STEPS + steps[..., 2]
    return _rooted(np.bincount(bins.ravel(), minlength=COLOUR_STEPS**3).astype(np.float64))


def _rooted(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    total = counts.sum()
    return np.sqrt(counts / total) if total > 0 else counts


def _cells() -> NDArray[np.intp]:
    """Which cell of the grid each pixel lies in."""
    along = np.arange(_SIDE_PX) // _CELL_PX
    return along[:, None] * GRID + along[None, :]


def _small(frame: Frame) -> NDArray[np.uint8]:
    """The picture as shown, decoded at a fraction of its size where that is quicker."""
    data = picture_bytes(frame.uri)
    if not data.startswith(_TURNED_BY_OPENCV):
        return read_picture(frame)
    least = min(frame.width_px, frame.height_px)
    flag = next((_REDUCED[by] for by in _REDUCED if least >= by * _SIDE_PX), cv2.IMREAD_COLOR)
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error as error:
        raise UnusablePictureError(frame.uri, f"cannot be decoded: {error.err}") from error
    if pixels is None:
        raise UnusablePictureError(frame.uri, "cannot be decoded: it is corrupt")
    return np.asarray(pixels, np.uint8)
