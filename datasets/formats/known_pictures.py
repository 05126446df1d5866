"""Recognising pictures that are known already by the ends of their paths."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from itertools import takewhile

from prelabel.datasets.errors import BadInputError


class AmbiguousPictureError(BadInputError):
    """A name may mean several pictures; the message is the reason alone."""


class KnownPictures:
    """Pictures by absolute path, for datasets that name them by where they lay elsewhere.

    Neither upper and lower case, nor how an accent is encoded, nor the direction of slashes counts.
    """

    def __init__(self, paths: Iterable[str] = ()) -> None:
        self._by_file_name: dict[str, list[str]] = defaultdict(list)
        for path in paths:
            self._by_file_name[_parts(path)[-1]].append(path)

    def find(self, name: str) -> str | None:
        """The picture that a path called `name` elsewhere stands for, None where there is none.

        Of several with its file name it is the one that shares most folders with it, counted from
        the end. Raises AmbiguousPictureError where that is not a single one.
        """
        wanted = _parts(name)
        candidates = self._by_file_name.get(wanted[-1], [])
        if len(candidates) < 2:
            return next(iter(candidates), None)
        shared = [_shared_end(wanted, _parts(path)) for path in candidates]
        best = [
            path for path, count in zip(candidates, shared, strict=True) if count == max(shared)
        ]
        if len(best) > 1:
            raise AmbiguousPictureError(
                f"picture {name!r} may be {best[0]} or {best[1]}: say in which folder the pictures "
                "lie (--images)"
            )
        return best[0]


def folded(name: str) -> str:
    """A file name without what file systems may change of it."""
    return unicodedata.normalize("NFC", name).casefold()


def _parts(path: str) -> list[str]:
    return folded(path.replace("\\", "/")).split("/")


def _shared_end(one: list[str], other: list[str]) -> int:
    pairs = zip(reversed(one), reversed(other), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
