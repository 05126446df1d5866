"""Looking at pictures ahead of their turn, so that a slow disk is waited for once and not often."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from itertools import chain, islice
from typing import TypeVar

from prelabel.datasets.formats.picture_process import PictureProcess
from prelabel.datasets.formats.picture_threads import Look, PictureThreads

Item = TypeVar("Item")

_CHUNK = 64  # pictures a question: for small files handing over costs more than reading
_AHEAD = 16
# For fewer pictures, starting a process takes longer than looking at them.
_WORTH_A_PROCESS = 2000


def inspected(
    items: Iterable[tuple[Item, str]], max_pixels: int
) -> Generator[tuple[Item, str, Look], None, None]:
    """Each item with its path and what its picture turned out to be, in the order given.

    At most `_AHEAD` chunks are looked at ahead.
    """
    source = iter(items)
    first = list(islice(source, _WORTH_A_PROCESS))
    many = len(first) == _WORTH_A_PROCESS
    waiting: deque[list[tuple[Item, str]]] = deque()
    with PictureProcess(max_pixels) if many else PictureThreads(max_pixels) as pictures:
        for chunk in _chunks(chain(first, source)):
            pictures.ask([path for _, path in chunk])
            waiting.append(chunk)
            if len(waiting) == _AHEAD:
                yield from _answered(waiting.popleft(), pictures.answer())
        while waiting:
            yield from _answered(waiting.popleft(), pictures.answer())


def _chunks(items: Iterable[tuple[Item, str]]) -> Iterator[list[tuple[Item, str]]]:
    source = iter(items)
    while chunk := list(islice(source, _CHUNK)):
        yield chunk


def _answered(chunk: list[tuple[Item, str]], looks: list[Look]) -> Iterator[tuple[Item, str, Look]]:
    for (item, path), look in zip(chunk, looks, strict=True):
        yield item, path, look
