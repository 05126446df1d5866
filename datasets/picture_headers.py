"""What the bytes of a JPEG or PNG file tell about the picture without decoding it."""

import zlib
from dataclasses import dataclass
from typing import Literal

JPEG_START = b"\xff\xd8"
PNG_START = b"\x89PNG\r\n\x1a\n"

_JPEG_END = b"\xff\xd9"
_APP1, _START_OF_SCAN = 0xE1, 0xDA
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})  # restart markers and the like
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_EXIF_START = b"Exif\x00\x00"
_ORIENTATION_TAG, _SHORT = 0x0112, 3


class BrokenHeaderError(ValueError):
    """The bytes are not a whole picture; the message says in words what is wrong."""


@dataclass(frozen=True, slots=True)
class Header:
    """Size of the stored raster, and the EXIF orientation (1 to 8) by which it is turned."""

    width_px: int
    height_px: int
    orientation: int


def jpeg_header(data: bytes) -> Header:
    """The header of a JPEG file (ITU-T T.81, annex B).

    The end mark is looked for behind the start of the first scan, so that the one of an embedded
    thumbnail does not count, and anywhere there, since cameras add bytes of their own behind it.
    Raises BrokenHeaderError.
    """
    size: tuple[int, int] | None = None
    orientation: int | None = None
    position = len(JPEG_START)
    while True:
        marker, position = _next_marker(data, position)
        if marker in _WITHOUT_LENGTH:
            continue
        length = int.from_bytes(data[position : position + 2], "big")
        if length < 2 or position + length > len(data):
            raise BrokenHeaderError("is truncated: it ends inside its header")
        if marker == _START_OF_SCAN:
            break
        if marker in _START_OF_FRAME:
            size = (
                _number(data[position + 5 : position + 7]),
                _number(data[position + 3 : position + 5]),
            )
        elif marker == _APP1 and data.startswith(_EXIF_START, position + 2):
            start = position + 2 + len(_EXIF_START)
            orientation = orientation or exif_orientation(data[start : position + length])
        position += length
    if size is None or 0 in size:
        raise BrokenHeaderError("is not a whole JPEG: its header gives no size")
    if data.rfind(_JPEG_END, position) < 0:
        raise BrokenHeaderError("is truncated: the mark at the end of a JPEG is missing")
    return Header(*size, orientation or 1)


def _next_marker(data: bytes, position: int) -> tuple[int, int]:
    """The next marker at or behind `position`, and where its segment begins."""
    while True:
        position = data.find(b"\xff", position)
        if position < 0 or position + 1 >= len(data):
            raise BrokenHeaderError("is truncated: it ends inside its header")
        marker = data[position + 1]
        if marker == 0xD9:
            raise BrokenHeaderError("is not a whole JPEG: it ends before any picture data")
        if marker not in (0x00, 0xFF):  # a stuffed byte, or a fill byte before the marker
            return marker, position + 2
        position += 1


def png_header(data: bytes) -> Header:
    """The header of a PNG file (ISO/IEC 15948), with the checksums of its critical chunks tested.

    Raises BrokenHeaderError.
    """
    size: tuple[int, int] | None = None
    orientation, position = 1, len(PNG_START)
    while True:
        length, name = _number(data[position : position + 4]), data[position + 4 : position + 8]
        body, end = position + 8, position + 8 + length
        if len(name) < 4 or end + 4 > len(data):
            raise BrokenHeaderError("is truncated: it ends before its IEND chunk")
        if name[:1].isupper():  # an upper-case first letter marks a critical chunk
            checksum = zlib.crc32(memoryview(data)[position + 4 : end])
            if checksum != _number(data[end : end + 4]):
                raise BrokenHeaderError(f"is corrupt: wrong checksum in its {name!r} chunk")
        if name == b"IHDR":
            size = _number(data[body : body + 4]), _number(data[body + 4 : body + 8])
        elif name == b"eXIf":
            orientation = exif_orientation(data[body:end])
        elif name == b"IEND":
            break
        position = end + 4
    if size is None or 0 in size:
        raise BrokenHeaderError("is not a whole PNG: its header gives no size")
    return Header(*size, orientation)


def exif_orientation(tiff: bytes) -> int:
    """The orientation in an EXIF block (TIFF 6.0), 1 where there is none or it makes no sense."""
    order: Literal["little", "big"]
    if tiff[:4] == b"II*\x00":
        order = "little"
    elif tiff[:4] == b"MM\x00*":
        order = "big"
    else:
        return 1

    def number(start: int, size: int) -> int:
        return int.from_bytes(tiff[start : start + size], order)

    directory = number(4, 4)
    for row in range(number(directory, 2)):
        entry = directory + 2 + 12 * row
        if entry + 12 > len(tiff):
            return 1
        if number(entry, 2) == _ORIENTATION_TAG and number(entry + 2, 2) == _SHORT:
            value = number(entry + 8, 2)
            return value if 1 <= value <= 8 else 1
    return 1


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")
