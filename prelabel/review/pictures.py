"""Pictures of frames as every browser shows them."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.frames import Frame
from prelabel.datasets.picture_headers import JPEG_START, PNG_START, BrokenHeaderError, png_header
from prelabel.datasets.pictures import (
    UnusablePictureError,
    frame_id_of,
    picture_bytes,
    read_picture,
)

# Up to here PNG, which loses nothing; above, a PNG takes seconds to make and tens of megabytes.
_PNG_MAX_PIXELS = 4_000_000
_JPEG_OPTIONS = (
    *(cv2.IMWRITE_JPEG_QUALITY, 95),
    *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
)
_PNG_OPTIONS = (cv2.IMWRITE_PNG_COMPRESSION, 1)


@dataclass(frozen=True, slots=True)
class WebPicture:
    """The bytes of a picture that a browser shows in the frame's size, and their media type."""

    data: bytes
    media_type: str


def web_picture(frame: Frame) -> WebPicture:
    """The picture of a frame, as its file is where browsers show that rightly, else made anew.

    Made anew, turned as it is shown, are TIFF and BMP, and PNG and WebP with an EXIF turn, which
    browsers treat differently; JPEG with one they all turn.

    Raises UnusablePictureError where the file is gone, or is no longer the picture of the frame.
    """
    data = picture_bytes(frame.uri)
    if frame_id_of(data) != frame.frame_id:
        raise UnusablePictureError(
            frame.uri, "is no longer the picture that was imported: put that back, or import anew"
        )
    media_type = _shown_by_browsers(data)
    return WebPicture(data, media_type) if media_type else _made_anew(read_picture(frame))


def _shown_by_browsers(data: bytes) -> str | None:
    if data.startswith(JPEG_START):
        return "image/jpeg"
    if data.startswith(PNG_START):
        return "image/png" if _is_upright_png(data) else None
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP" and b"EXIF" not in data:
        return "image/webp"
    return None


def _is_upright_png(data: bytes) -> bool:
    try:
        return png_header(data).orientation == 1
    except BrokenHeaderError:
        return True


def _made_anew(pixels: NDArray[np.uint8]) -> WebPicture:
    height, width = pixels.shape[:2]
    if width * height <= _PNG_MAX_PIXELS:
        return WebPicture(_encoded(".png", pixels, _PNG_OPTIONS), "image/png")
    return WebPicture(_encoded(".jpg", pixels, _JPEG_OPTIONS), "image/jpeg")


def _encoded(suffix: str, pixels: NDArray[np.uint8], options: tuple[int, ...]) -> bytes:
    _, data = cv2.imencode(suffix, pixels, options)
    return data.tobytes()
