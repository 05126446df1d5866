"""Looking at pictures ahead of their turn, so that a slow disk is waited for once and not often."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from prelabel.datasets.pictures import PictureFacts, UnusablePictureError, inspect_picture

Item = TypeVar("Item")
Look = PictureFacts | UnusablePictureError

READERS = 4  # reading and hashing let other threads run
_CHUNK = 32  # pictures a task: for small files handing over costs more than reading
_AHEAD = 2 * READERS


def inspected(
    items: Iterable[tuple[Item, str]], max_pixels: int
) -> Iterator[tuple[Item, str, Look]]:
    """Each item with its path and what its picture turned out to be, in the order given.

    At most `_AHEAD` chunks are looked at ahead.
    """
    source = iter(items)
    waiting: deque[tuple[list[tuple[Item, str]], Future[list[Look]]]] = deque()
    with ThreadPoolExecutor(READERS, "pictures") as pool:
        try:
            while True:
                chunk = list(islice(source, _CHUNK))
                if chunk:
                    paths = [path for _, path in chunk]
                    waiting.append((chunk, pool.submit(_look_at, paths, max_pixels)))
                if not waiting:
                    return
                if not chunk or len(waiting) >= _AHEAD:
                    done, looks = waiting.popleft()
                    for (item, path), look in zip(done, looks.result(), strict=True):
                        yield item, path, look
        finally:
            pool.shutdown(cancel_futures=True)


def _look_at(paths: Sequence[str], max_pixels: int) -> list[Look]:
    looks: list[Look] = []
    for path in paths:
        try:
            looks.append(inspect_picture(path, max_pixels))
        except UnusablePictureError as error:
            looks.append(error)
    return looks
