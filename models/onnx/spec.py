"""What a file must say about an ONNX detector, since the net itself does not."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from prelabel.datasets.configuration import StrictModel, read_configuration
from prelabel.models.detector import DetectorError

Share = Annotated[float, Field(ge=0, le=1)]
Side = Annotated[int, Field(ge=1)]
PerChannel = tuple[float, float, float]


class Decoding(StrEnum):
    """How the output of the net is to be read; a module of this package says each in full."""

    YOLO = "yolo"  # (b, 4 + classes, candidates), as Ultralytics exports YOLOv8, 11 and 12
    END_TO_END = "end_to_end"  # (b, rows, 6), as it exports YOLOv10, YOLO26 and nets with NMS
    FASTESTDET = "fastestdet"  # (b, 5 + classes, rows, columns)


class Placing(StrEnum):
    """How a picture is fitted into the input."""

    STRETCH = "stretch"
    LETTERBOX = "letterbox"  # proportions kept, grey beside it


class Colours(StrEnum):
    """Order of the channels."""

    RGB = "rgb"
    BGR = "bgr"


class Layout(StrEnum):
    """Order of the axes: pictures, channels, height, width."""

    NCHW = "nchw"
    NHWC = "nhwc"


class InputSpec(StrictModel):
    """The picture that the net wants: value = (byte * scale - mean) / std, channel by channel."""

    width_px: Side
    height_px: Side
    placing: Placing = Placing.LETTERBOX
    colours: Colours = Colours.RGB
    layout: Layout = Layout.NCHW
    scale: Annotated[float, Field(gt=0)] = 1 / 255
    mean: PerChannel = (0.0, 0.0, 0.0)
    std: PerChannel = (1.0, 1.0, 1.0)


class OnnxSpec(StrictModel):
    """A detector in an ONNX file.

    `file` and `classes_file` (one name a line) are paths relative to the specification. `classes`
    are the names of the net's outputs in order. `class_map` gives, for a class of the project, the
    net's name of it, or null where the net does not know it; names that are equal need no entry.
    `nms_iou`, where given, is used in place of what the caller asks for, and scores below
    `score_min` are left out whatever the caller asks for. `embedding_output` names an output of
    the net beside its boxes that holds a feature map (pictures, channels, rows, columns): vectors
    that describe boxes and pictures are pooled from it.
    """

    file: Path
    input: InputSpec
    decoding: Decoding
    classes: tuple[str, ...] = ()
    classes_file: Path | None = None
    class_map: dict[str, str | None] = Field(default_factory=dict)
    score_min: Share = 0.0
    nms_iou: Share | None = None
    embedding_output: str | None = None

    @model_validator(mode="after")
    def _names_classes_once(self) -> Self:
        if bool(self.classes) == (self.classes_file is not None):
            raise ValueError("give either classes or classes_file")
        return self


def read_spec(path: Path) -> OnnxSpec:
    """The specification in a YAML file, its paths made absolute and its classes read.

    Raises ConfigurationError where the file breaks rules, DetectorError where a file it names
    cannot be read.
    """
    spec = read_configuration(path, OnnxSpec)
    folder = path.resolve().parent
    classes = spec.classes
    if spec.classes_file is not None:
        classes = _read_classes(folder / spec.classes_file)
    return spec.model_copy(
        update={"file": folder / spec.file, "classes": classes, "classes_file": None}
    )


def class_columns(spec: OnnxSpec, classes: tuple[str, ...]) -> list[int | None]:
    """For each class of the project the output of the net that stands for it.

    Raises DetectorError naming the classes that the net does not know.
    """
    place = _places(spec)
    wanted = {name: spec.class_map.get(name, name) for name in classes}
    unknown = [
        name
        for name, known_as in wanted.items()
        if known_as is not None and known_as.casefold() not in place
    ]
    if unknown:
        raise DetectorError(
            f"{spec.file.name} does not know {', '.join(unknown)}; name its classes for them in "
            f"class_map of the specification (null for none); it knows {', '.join(spec.classes)}"
        )
    return [None if name is None else place[name.casefold()] for name in wanted.values()]


def known_classes(spec: OnnxSpec, classes: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `classes` that the net has an output for."""
    place = _places(spec)
    known_as = {name: spec.class_map.get(name, name) for name in classes}
    return tuple(name for name, told in known_as.items() if told and told.casefold() in place)


def _places(spec: OnnxSpec) -> dict[str, int]:
    return {name.casefold(): column for column, name in enumerate(spec.classes)}


def _read_classes(path: Path) -> tuple[str, ...]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DetectorError(f"{path}: the names of the classes cannot be read: {error}") from error
    return tuple(line.strip() for line in lines if line.strip())
