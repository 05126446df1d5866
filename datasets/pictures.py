"""Pictures as files: their id, their size as shown, whether they are whole, and their pixels."""

import hashlib
import io
import os
import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.arrays import Float64s
from prelabel.datasets.errors import BadInputError
from prelabel.datasets.frames import FRAME_ID_LENGTH, Frame
from prelabel.datasets.picture_headers import (
    JPEG_START,
    PNG_START,
    BrokenHeaderError,
    Header,
    jpeg_header,
    png_header,
)

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

PICTURE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".tif", ".tiff"}
)
DEFAULT_MAX_PIXELS = 250_000_000  # above the 200 megapixels of the largest common sensors
_SWAPS_SIDES = frozenset({5, 6, 7, 8})
_OPEN_FLAGS = getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_ORIENTATION_TAG = 0x0112
_TIFF_STARTS = (b"II*\x00", b"MM\x00*")
_PILLOW_ERRORS = (OSError, SyntaxError, ValueError, KeyError, EOFError, struct.error)


class UnusablePictureError(BadInputError):
    """A picture cannot be used; `reason` says why without naming the file again."""

    def __init__(self, path: str | Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What is known of a picture without its pixels.

    `width_px` and `height_px` are the size as shown; `orientation` (1 to 8, EXIF) is the turn from
    the stored raster to what is shown.
    """

    frame_id: str
    width_px: int
    height_px: int
    orientation: int

    @property
    def stored_size(self) -> tuple[int, int]:
        """Width and height of the stored raster, in pixels."""
        if self.orientation in _SWAPS_SIDES:
            return self.height_px, self.width_px
        return self.width_px, self.height_px


def frame_id_of(data: bytes) -> str:
    """The id of the frame whose file holds these bytes: 32 hexadecimal digits of BLAKE2b."""
    return hashlib.blake2b(data, digest_size=FRAME_ID_LENGTH // 2).hexdigest()


def inspect_picture(path: str | Path, max_pixels: int = DEFAULT_MAX_PIXELS) -> PictureFacts:
    """Id and size of a picture file, after a check that it is whole.

    JPEG and PNG are not decoded: the end mark (JPEG) and the checksums (PNG) tell a cut-off file.
    Pictures of other kinds are decoded once. Raises UnusablePictureError for a
    file that cannot be read, is empty, cut off, no picture, or has more than `max_pixels`.
    """
    data = picture_bytes(path)
    header = _header(path, data)
    if header.width_px * header.height_px > max_pixels:
        raise UnusablePictureError(
            path,
            f"has {header.width_px} x {header.height_px} pixels, more than the limit of "
            f"{max_pixels:,}: make it smaller or raise the limit",
        )
    _check_decodes(path, data)
    width, height = header.width_px, header.height_px
    if header.orientation in _SWAPS_SIDES:
        width, height = height, width
    return PictureFacts(frame_id_of(data), width, height, header.orientation)


def read_picture(frame: Frame) -> NDArray[np.uint8]:
    """The pixels of a frame, (height, width, 3) BGR, turned as its EXIF orientation says.

    Raises UnusablePictureError for a file that cannot be read or decoded, or whose size is no
    longer the frame's.
    """
    data = picture_bytes(frame.uri)
    header = _header(frame.uri, data)
    _check_decodes(frame.uri, data)
    shown = _decoded(frame.uri, data)
    if not data.startswith(_TIFF_STARTS):  # OpenCV turns TIFF pictures whatever it is told
        shown = _turned(shown, header.orientation)
    height, width = shown.shape[:2]
    if (width, height) != (frame.width_px, frame.height_px):
        raise UnusablePictureError(
            frame.uri,
            f"is {width} x {height} pixels, but was {frame.width_px} x {frame.height_px} when it "
            "was imported: import it again",
        )
    return shown


def shown_from_stored(xyxy: Float64s, facts: PictureFacts) -> Float64s:
    """Boxes (n, 4) given in pixels of the stored raster, in pixels of the picture as shown."""
    width, height = facts.stored_size
    left, top, right, bottom = xyxy.T
    flipped_x, flipped_y = (width - right, width - left), (height - bottom, height - top)
    plain_x, plain_y = (left, right), (top, bottom)
    across, down = {
        1: (plain_x, plain_y),
        2: (flipped_x, plain_y),
        3: (flipped_x, flipped_y),
        4: (plain_x, flipped_y),
        5: (plain_y, plain_x),
        6: (flipped_y, plain_x),
        7: (flipped_y, flipped_x),
        8: (plain_y, flipped_x),
    }[facts.orientation]
    return np.stack([across[0], down[0], across[1], down[1]], axis=1)


def picture_bytes(path: str | Path) -> bytes:
    """What a file holds; UnusablePictureError where it is no file, is empty, or cannot be read."""
    try:
        # Plain calls, since a file object costs twice as many: it matters for 100,000 small files.
        # Non-blocking, so that a pipe with a picture's name is refused instead of waited for.
        descriptor = os.open(path, os.O_RDONLY | _OPEN_FLAGS)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise UnusablePictureError(path, "is not a file")
            data = os.read(descriptor, status.st_size)
            while len(data) < status.st_size and (more := os.read(descriptor, status.st_size)):
                data += more  # one read gives at most 2 GiB
        finally:
            os.close(descriptor)
    except OSError as error:
        raise UnusablePictureError(path, f"cannot be read: {error.strerror}") from error
    if not data:
        raise UnusablePictureError(path, "is empty (0 bytes)")
    return data


def _header(path: str | Path, data: bytes) -> Header:
    try:
        if data.startswith(JPEG_START):
            return jpeg_header(data)
        if data.startswith(PNG_START):
            return png_header(data)
    except BrokenHeaderError as error:
        raise UnusablePictureError(path, str(error)) from error
    try:
        return _header_by_pillow(_opened_by_pillow(path, data))
    except _PILLOW_ERRORS as error:
        raise UnusablePictureError(path, f"cannot be read as a picture: {error}") from error


def _opened_by_pillow(path: str | Path, data: bytes) -> "ImageFile":
    # The classes instead of Image.open, which warns or raises above a limit of its own.
    from PIL import BmpImagePlugin, TiffImagePlugin, WebPImagePlugin

    if data.startswith(b"BM"):
        return BmpImagePlugin.BmpImageFile(io.BytesIO(data))
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return WebPImagePlugin.WebPImageFile(io.BytesIO(data))
    if data.startswith(_TIFF_STARTS):
        return TiffImagePlugin.TiffImageFile(io.BytesIO(data))
    raise UnusablePictureError(path, "is not a JPEG, PNG, BMP, WebP or TIFF picture")


def _header_by_pillow(image: "ImageFile") -> Header:
    from PIL.TiffImagePlugin import TiffImageFile

    orientation = int(image.getexif().get(_ORIENTATION_TAG, 1))
    if orientation not in range(1, 9):
        orientation = 1
    width, height = image.size
    if isinstance(image, TiffImageFile) and orientation in _SWAPS_SIDES:
        width, height = height, width  # of TIFF Pillow gives the size as shown
    return Header(width, height, orientation)


def _check_decodes(path: str | Path, data: bytes) -> None:
    """Decode a picture whose header says nothing of its end.

    Strictly, by Pillow: OpenCV fills up what is missing.
    """
    if data.startswith((JPEG_START, PNG_START)):
        return
    try:
        _opened_by_pillow(path, data).load()
    except _PILLOW_ERRORS as error:
        raise UnusablePictureError(path, f"is truncated or corrupt: {error}") from error


def _decoded(path: str | Path, data: bytes) -> NDArray[np.uint8]:
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise UnusablePictureError(path, f"cannot be decoded: {error.err}") from error
    if pixels is None:
        raise UnusablePictureError(path, "cannot be decoded: it is corrupt or of an unknown kind")
    return np.asarray(pixels, np.uint8)


def _turned(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    transposed = pixels.transpose(1, 0, 2)
    view = {
        1: pixels,
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: transposed,
        6: transposed[:, ::-1],
        7: transposed[::-1, ::-1],
        8: transposed[::-1],
    }[orientation]
    return np.ascontiguousarray(view)
