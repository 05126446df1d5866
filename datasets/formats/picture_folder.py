"""Finding the pictures that a dataset names, and nothing outside the folder they should be in."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from prelabel.datasets.errors import BadInputError
from prelabel.datasets.formats.known_pictures import (
    AmbiguousPictureError,
    KnownPictures,
    folded,
)
from prelabel.datasets.pictures import PICTURE_SUFFIXES


class PictureNotFoundError(BadInputError):
    """A named picture is missing or not to be read; the message is the reason alone."""


class PictureFolder:
    """The folder that a dataset's pictures must lie in.

    Names come from files that strangers wrote, so a path or a link that leads out of the folder
    is refused; `follow_links` accepts links, never paths. A name that leads to no file may stand
    for a picture that is `known` already.
    """

    def __init__(
        self, root: Path, follow_links: bool = False, known: KnownPictures | None = None
    ) -> None:
        self.root = Path(os.path.realpath(root))
        if not self.root.is_dir():
            raise BadInputError(f"{root}: is no folder: name the folder that holds the pictures")
        self._prefix = os.path.join(self.root, "")
        self._follow_links = follow_links
        self._known = known or KnownPictures()
        self._inside: dict[str, bool] = {}  # folders already looked at
        self._listings: dict[str, dict[str, str]] = {}

    def find(self, name: str) -> str:
        """The absolute path of the picture called `name`, relative to the root or absolute.

        Where no file has exactly this name, one that differs only in upper and lower case or in
        how an accent is encoded is taken. Raises PictureNotFoundError.
        """
        try:
            return self._find_here(name)
        except PictureNotFoundError:
            known = self._known_called(name)
            if known is None:
                raise
            return known

    def _known_called(self, name: str) -> str | None:
        try:
            return self._known.find(name)
        except AmbiguousPictureError as error:
            raise PictureNotFoundError(str(error)) from error

    def _find_here(self, name: str) -> str:
        if not name or "\0" in name:
            raise PictureNotFoundError(f"picture name {name!r} is no path")
        path = os.path.normpath(os.path.join(self.root, name))
        if not path.startswith(self._prefix):
            raise PictureNotFoundError(f"picture {name!r} is refused: it lies outside {self.root}")
        try:
            kind = os.lstat(path).st_mode
        except (OSError, ValueError):
            path = self._similar(path, name)
            kind = os.lstat(path).st_mode
        self._check_inside(path, name, stat.S_ISLNK(kind))
        if not stat.S_ISREG(kind) and not os.path.isfile(path):
            raise PictureNotFoundError(f"picture {name!r} is missing or no file in {self.root}")
        return path

    def walk(self, below: str = "") -> Iterator[str]:
        """Relative paths of all picture files below a sub-folder, sorted, hidden ones left out."""
        for name in self.walk_files(below):
            if os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES:
                yield name

    def walk_files(self, below: str = "") -> Iterator[str]:
        """Relative paths of all files below a sub-folder, sorted, hidden ones left out."""
        for folder, folders, files in os.walk(os.path.join(self.root, below)):
            folders[:] = sorted(one for one in folders if not one.startswith("."))
            for name in sorted(files):
                if not name.startswith("."):
                    yield os.path.relpath(os.path.join(folder, name), self.root)

    def _check_inside(self, path: str, name: str, is_link: bool) -> None:
        if self._follow_links:
            return
        folder = os.path.dirname(path)
        if folder not in self._inside:
            self._inside[folder] = self._contains(os.path.realpath(folder))
        if not self._inside[folder] or (is_link and not self._contains(os.path.realpath(path))):
            raise PictureNotFoundError(f"picture {name!r} is refused: a link out of {self.root}")

    def _contains(self, real_path: str) -> bool:
        return os.path.join(real_path, "").startswith(self._prefix)

    def _similar(self, path: str, name: str) -> str:
        folder, base = os.path.split(path)
        if folder not in self._listings:
            try:
                entries = os.listdir(folder)
            except (OSError, ValueError):
                entries = []
            self._listings[folder] = {folded(entry): entry for entry in entries}
        found = self._listings[folder].get(folded(base))
        if found is not None:
            return os.path.join(folder, found)
        if "\\" in name:  # a path written on Windows
            return self._find_here(name.replace("\\", "/"))
        raise PictureNotFoundError(f"picture {name!r} is missing in {self.root}")


def lies_below(root: Path, name: str) -> bool:
    """Whether a file called `name`, a relative path without tricks, lies below `root`."""
    plain = bool(name) and "\0" not in name and not os.path.isabs(name) and ".." not in name
    return plain and os.path.isfile(os.path.join(root, name))
