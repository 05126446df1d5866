"""Reading COCO results: boxes with scores, each naming its picture and its class."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from prelabel.datasets.errors import BadInputError
from prelabel.models.detector import DetectorError

_BOX_NUMBERS = 4


@dataclass(frozen=True, slots=True)
class Numbering:
    """What the numbers in the results stand for: file names, and class ids of the project.

    `file_of` is None where results name their pictures themselves, by file name or its stem.
    A class id of None is a class that the project does not have.
    """

    file_of: Mapping[int | str, str] | None
    class_id_of: Mapping[int, int | None]


@dataclass(slots=True)
class PictureBoxes:
    """The boxes of one picture in the order of the file: (n, 4) left, top, width, height in px."""

    xywh: list[list[float]] = field(default_factory=list)
    score: list[float] = field(default_factory=list)
    class_id: list[int] = field(default_factory=list)


def numbering_of(annotations: Path | None, classes: Sequence[str]) -> Numbering:
    """What the numbers mean, from an annotation file, or 1 for the first class without one.

    Categories are matched to classes by name. Raises BadInputError where the file cannot be used,
    DetectorError where it has no category for a class.
    """
    if annotations is None:
        return Numbering(None, {number: number - 1 for number in range(1, len(classes) + 1)})
    file_of, name_of = _named(annotations)
    place = {name.casefold(): class_id for class_id, name in enumerate(classes)}
    class_id_of = {number: place.get(name.casefold()) for number, name in name_of.items()}
    missing = [classes[one] for one in range(len(classes)) if one not in class_id_of.values()]
    if missing:
        raise DetectorError(
            f"{annotations}: has no category for {', '.join(missing)}; it has "
            f"{', '.join(name_of.values())}"
        )
    return Numbering(file_of, class_id_of)


def category_names(annotations: Path) -> dict[int, str]:
    """The categories of an annotation file; BadInputError where it cannot be used."""
    return _named(annotations)[1]


def _named(annotations: Path) -> tuple[dict[int | str, str], dict[int, str]]:
    """File names of pictures and names of categories by their ids."""
    content = _read_json(annotations)
    try:
        return (
            {one["id"]: str(one["file_name"]) for one in content["images"]},
            {int(one["id"]): str(one["name"]) for one in content["categories"]},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadInputError(
            f"{annotations}: is not a COCO annotation file: images need id and file_name, "
            f"categories id and name ({error!r})"
        ) from error


def read_results(path: Path, numbering: Numbering) -> dict[str, PictureBoxes]:
    """The boxes by the name of their picture: a path with forward slashes, or a stem.

    Boxes of classes that the project does not have are left out. Raises BadInputError naming the
    record and what is wrong with it.
    """
    content = _read_json(path)
    if not isinstance(content, list):
        raise BadInputError(f"{path}: must hold a list of results, as COCO defines them")
    pictures: dict[str, PictureBoxes] = {}
    for number, record in enumerate(content):
        try:
            name = _picture_of(record, numbering)
            class_id = _class_of(record, numbering)
            xywh, score = _box_of(record), _score_of(record)
        except _BadRecordError as error:
            raise BadInputError(
                f"{path}: record {number}: {error}; mend it or leave it out"
            ) from error
        boxes = pictures.setdefault(name, PictureBoxes())
        if class_id is not None:
            boxes.xywh.append(xywh)
            boxes.score.append(score)
            boxes.class_id.append(class_id)
    return pictures


def names_of(path: str) -> Iterator[str]:
    """Names by which results may call the picture at `path`, the most exact first."""
    pure = PurePosixPath(path.replace("\\", "/"))
    for start in range(len(pure.parts)):
        yield str(PurePosixPath(*pure.parts[start:]))
    yield pure.stem


class _BadRecordError(ValueError):
    """What is wrong with one record."""


def _picture_of(record: Any, numbering: Numbering) -> str:
    if not isinstance(record, dict):
        raise _BadRecordError(f"must hold keys and values, but is {record!r:.80}")
    if "image_id" not in record and "file_name" not in record:
        raise _BadRecordError("has no image_id")
    told = record.get("image_id", record.get("file_name"))
    if numbering.file_of is None:
        if not isinstance(told, str):
            raise _BadRecordError(
                f"image_id {told!r} is a number; add + and the path of the annotation file that "
                "says which picture it is"
            )
        return str(PurePosixPath(told.replace("\\", "/")))
    if not isinstance(told, int | str) or told not in numbering.file_of:
        raise _BadRecordError(f"image_id {told!r} is not in the annotation file")
    return str(PurePosixPath(numbering.file_of[told].replace("\\", "/")))


def _class_of(record: Mapping[str, Any], numbering: Numbering) -> int | None:
    told = record.get("category_id")
    if isinstance(told, bool) or not isinstance(told, int) or told not in numbering.class_id_of:
        known = ", ".join(str(one) for one in sorted(numbering.class_id_of))
        raise _BadRecordError(f"category_id {told!r} is unknown; known are {known}")
    return numbering.class_id_of[told]


def _box_of(record: Mapping[str, Any]) -> list[float]:
    told = record.get("bbox")
    if not isinstance(told, list) or len(told) != _BOX_NUMBERS or not all(map(_is_finite, told)):
        raise _BadRecordError(f"bbox must be 4 finite numbers, but is {told!r:.80}")
    if told[2] <= 0 or told[3] <= 0:
        raise _BadRecordError(f"bbox must have width and height above 0, but is {told}")
    return [float(one) for one in told]


def _score_of(record: Mapping[str, Any]) -> float:
    told: Any = record.get("score")
    if not _is_finite(told) or not 0 <= told <= 1:
        raise _BadRecordError(f"score must lie between 0 and 1, but is {told!r}")
    return float(told)


def _is_finite(told: Any) -> bool:
    is_number = isinstance(told, int | float) and not isinstance(told, bool)
    return is_number and math.isfinite(told)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BadInputError(f"{path}: is not JSON: {error}") from error
