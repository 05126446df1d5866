"""Configuration files: strict, and with every mistake told at once."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from prelabel.datasets.errors import PrelabelError


class ConfigurationError(PrelabelError):
    """A configuration file cannot be read or breaks rules; the message names each by its path."""


class StrictModel(BaseModel):
    """A frozen part of a configuration in which an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


Model = TypeVar("Model", bound=StrictModel)


def read_configuration(path: Path, model: type[Model]) -> Model:
    """The configuration in a YAML file.

    Raises ConfigurationError naming the file and, in one message, every rule it breaks.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        told = " ".join(str(error).split())
        raise ConfigurationError(f"{path}: is not valid YAML: {told}") from error
    return check_configuration({} if content is None else content, model, where=str(path))


def check_configuration(content: Any, model: type[Model], where: str) -> Model:
    """`content` as a `model`; `where` is how its origin is named in an error."""
    if not isinstance(content, dict):
        raise ConfigurationError(f"{where}: must hold keys and values, not {content!r}")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        lines = [
            f"{'.'.join(str(part) for part in one['loc']) or '(whole)'}: {_told(one)}"
            for one in error.errors()
        ]
        count = f"{len(lines)} mistakes" if len(lines) > 1 else "1 mistake"
        raise ConfigurationError(f"{where}: {count}: " + "; ".join(lines)) from error


def _told(mistake: Any) -> str:
    if mistake["type"] == "extra_forbidden":
        return "unknown key"
    if mistake["type"] == "missing":
        return "is missing"
    return f"{mistake['msg']}, but is {mistake['input']!r}"
