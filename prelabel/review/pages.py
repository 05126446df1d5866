"""The files of the page: HTML, style and modules, found once and served by name."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "page"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file as it is now; the tag differs for different bytes."""

    data: bytes
    media_type: str
    tag: str


class PageFiles:
    """The files below a folder by their names, such as `main.js` or `icons/key.svg`.

    The names are listed once: a name that a request brings is looked up and never made into a path.
    The bytes are read on each request, so that an edited file is served without a restart.
    """

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self._paths = dict(paths)

    @classmethod
    def below(cls, folder: Path = FOLDER) -> "PageFiles":
        """All files of kinds that pages are made of."""
        found = (path for path in folder.rglob("*") if path.suffix in MEDIA_TYPES)
        return cls({path.relative_to(folder).as_posix(): path for path in found})

    def find(self, name: str) -> PageFile | None:
        """The file of this name; None where there is none."""
        path = self._paths.get(name)
        if path is None:
            return None
        data = path.read_bytes()
        tag = hashlib.blake2b(data, digest_size=16).hexdigest()
        return PageFile(data, MEDIA_TYPES[path.suffix], tag)
