"""COCO detection files as text: records, decoded one by one."""

import json
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from prelabel.datasets.errors import BadInputError, InvalidValueError
from prelabel.datasets.frames import FrameKind, Split

_SHOWN_BYTES = 100

T = TypeVar("T")


class CocoDocument(msgspec.Struct):
    """A file split into its records, none of them decoded yet."""

    images: list[msgspec.Raw]
    categories: list[msgspec.Raw] = []
    annotations: list[msgspec.Raw] | None = None  # files of test sets have none


class CocoCategory(msgspec.Struct):
    """A class."""

    id: int
    name: str


class ImageExtras(msgspec.Struct, frozen=True, gc=False):
    """What prelabel adds to an image, under a key of its own that other tools ignore."""

    labelled: bool | None = None
    split: Split | None = None
    kind: FrameKind = FrameKind.IMAGE
    group: str | None = None
    sequence: str | None = None
    index: int | None = None


class BoxExtras(msgspec.Struct, frozen=True, gc=False):
    """What prelabel adds to an annotation.

    A turned box has its `angle`, radians clockwise, and its corners before the turn, `xyxy`; the
    annotation's `bbox` is the upright box around it. A box seen from above may have the bottom and
    the top of its object, `height_m`, in metres of the lidar's frame.
    """

    box_id: str | None = None
    origin: dict[str, Any] | None = None
    angle: float | None = None
    xyxy: list[float] | None = None
    height_m: list[float] | None = None


class CocoImage(msgspec.Struct, gc=False):
    """A picture; sizes in pixels, of which some tools write fractions."""

    id: int | str
    file_name: str
    width: int | float | None = None
    height: int | float | None = None
    prelabel: ImageExtras = ImageExtras()


class CocoAnnotation(msgspec.Struct, gc=False):
    """A box; `bbox` is left, top, width, height in pixels."""

    image_id: int | str
    category_id: int
    bbox: list[float] | None = None
    id: int | str | None = None
    iscrowd: bool | int | float | None = 0
    prelabel: BoxExtras | None = None


CATEGORY = msgspec.json.Decoder(CocoCategory)
IMAGE = msgspec.json.Decoder(CocoImage)
ANNOTATION = msgspec.json.Decoder(CocoAnnotation)


def decoded_record(record: msgspec.Raw, decoder: "msgspec.json.Decoder[T]") -> T:
    """One record; raises InvalidValueError with the beginning of its text, to find it by."""
    try:
        return decoder.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        text = bytes(record)[:_SHOWN_BYTES].decode("utf-8", "replace")
        raise InvalidValueError(f"{error}, in {text}: left out") from error


def read_document(path: Path) -> CocoDocument:
    """The records of a file; BadInputError says in one line why it is no COCO dataset."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror}") from error
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return msgspec.json.decode(data, type=CocoDocument)
    except msgspec.ValidationError as error:
        if data.lstrip()[:1] == b"[":
            raise BadInputError(
                f"{path}: is a list (a COCO results file?), not a COCO dataset with images, "
                "annotations and categories"
            ) from error
        raise BadInputError(f"{path}: is no COCO dataset: {error}") from error
    except msgspec.DecodeError:
        return _with_nan(path, data)
    except RecursionError as error:
        raise BadInputError(f"{path}: is no COCO dataset: it is nested too deeply") from error


def _with_nan(path: Path, data: bytes) -> CocoDocument:
    """The document by Python's own parser, which takes NaN and says where a mistake is."""
    if not data.strip():
        raise BadInputError(f"{path}: is empty: write or copy the file again")
    try:
        content = json.loads(data.decode("utf-8"), parse_constant=str)  # NaN becomes "NaN"
    except json.JSONDecodeError as error:
        raise BadInputError(
            f"{path}: is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"{path}: is not UTF-8 text: byte {error.start}") from error
    # Half a surrogate pair in a name becomes "?", so that it harms this one record only.
    again = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
    try:
        return msgspec.json.decode(again, type=CocoDocument)
    except msgspec.DecodeError as error:
        raise BadInputError(f"{path}: is no COCO dataset: {error}") from error
