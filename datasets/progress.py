"""How long work says how far it is, without knowing who looks."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Advance(Protocol):
    """Called with how many more units are done, and a few words on the state of things."""

    def __call__(self, units: int = 1, note: str = "") -> None: ...


class Progress(Protocol):
    """Somebody who is told how far work is."""

    def task(self, title: str, total: int | None) -> AbstractContextManager[Advance]:
        """Begin a piece of work of `total` units (None: not known beforehand)."""
        ...


class Silent:
    """Progress that nobody watches."""

    @contextmanager
    def task(self, title: str, total: int | None) -> Iterator[Advance]:
        yield _ignore


def _ignore(units: int = 1, note: str = "") -> None:
    return None
