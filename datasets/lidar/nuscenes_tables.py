"""The tables of a nuScenes dataset, as far as sweeps, cameras and cuboids need them.

A table is a JSON file with a list of records, which refer to each other by their `token`. Other
columns are not read.
"""

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from prelabel.datasets.errors import BadInputError

Token = str


class Record(msgspec.Struct, frozen=True):
    """One row of a table."""

    token: Token


class Scene(Record, frozen=True):
    name: str
    first_sample_token: Token


class PrelabelSample(msgspec.Struct, frozen=True, omit_defaults=True):
    """What we add to a sample: its split, and whether somebody has labelled it."""

    split: str = "train"
    labelled: bool = True


class PrelabelAnnotation(msgspec.Struct, frozen=True):
    """What we add to an annotation: its origin, unless it was imported."""

    origin: dict[str, Any] | None = None


class Sample(Record, frozen=True):
    timestamp: int
    scene_token: Token
    next: str = ""
    prelabel: PrelabelSample = PrelabelSample()


class SampleData(Record, frozen=True):
    sample_token: Token
    ego_pose_token: Token
    calibrated_sensor_token: Token
    filename: str
    timestamp: int
    is_key_frame: bool
    width: int | None = None
    height: int | None = None


class EgoPose(Record, frozen=True):
    translation: tuple[float, float, float]
    rotation: tuple[float, float, float, float]


class CalibratedSensor(Record, frozen=True):
    sensor_token: Token
    translation: tuple[float, float, float]
    rotation: tuple[float, float, float, float]
    camera_intrinsic: list[list[float]] = []


class Sensor(Record, frozen=True):
    channel: str
    modality: str


class Category(Record, frozen=True):
    name: str


class Instance(Record, frozen=True):
    category_token: Token


class SampleAnnotation(Record, frozen=True):
    sample_token: Token
    instance_token: Token
    translation: tuple[float, float, float]
    size: tuple[float, float, float]
    rotation: tuple[float, float, float, float]
    prelabel: PrelabelAnnotation = PrelabelAnnotation()


Row = TypeVar("Row", bound=Record)


def read_table(folder: Path, name: str, row: type[Row]) -> dict[Token, Row]:
    """The records of one table by token, in the order of the file.

    Raises BadInputError where the table is missing, is no JSON, or a record lacks a column.
    """
    path = folder / f"{name}.json"
    try:
        rows: list[Row] = msgspec.json.decode(path.read_bytes(), type=list[row])  # type: ignore[valid-type]  # made at run time
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path}: is no nuScenes table of {name}: {error}") from error
    return {one.token: one for one in rows}


def linked(table: dict[Token, Row], token: Token, name: str, user: str) -> Row:
    """The record that another one refers to; BadInputError where it is not there."""
    found = table.get(token)
    if found is None:
        raise BadInputError(f"{user}: refers to {name} {token!r}, which is in no table")
    return found
