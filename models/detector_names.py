"""Paths inside the names of detectors, such as "onnx:nets/spec.yaml"."""

import os
from collections.abc import Callable
from pathlib import Path

_BETWEEN_PATHS = "+"  # two files may stand in a name: coco-results:results.json+instances.json


def located(name: str, folder: Path) -> str:
    """`name` with the paths in it that lead to files from `folder` made absolute."""

    def absolute(path: str) -> str | None:
        joined = os.path.join(folder, path)
        return os.path.abspath(joined) if Path(path).suffix and os.path.isfile(joined) else None

    return _with_paths(name, absolute)


def seen_from(name: str, folder: Path, inside: Path) -> str:
    """`name` with absolute paths of files in the folder `inside` made relative to `folder`."""

    def relative(path: str) -> str | None:
        if not os.path.isabs(path) or not Path(path).is_relative_to(inside):
            return None
        return Path(os.path.relpath(path, folder)).as_posix()

    return _with_paths(name, relative)


def missing_files(name: str) -> list[str]:
    """Those paths in a name made of nothing but paths that lead to no file."""
    variant = name.partition(":")[2]
    if os.path.isfile(variant):
        return []
    return [path for path in variant.split(_BETWEEN_PATHS) if not os.path.isfile(path)]


def _with_paths(name: str, change: Callable[[str], str | None]) -> str:
    """`name` with every path in it as `change` gives it; what it gives None for stays."""
    family, colon, variant = name.partition(":")
    whole = change(variant)
    if whole is None:
        parts = [change(part) or part for part in variant.split(_BETWEEN_PATHS)]
        whole = _BETWEEN_PATHS.join(parts)
    return family + colon + whole
