"""Threads that look at pictures."""

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from prelabel.datasets.pictures import PictureFacts, UnusablePictureError, inspect_picture

Look = PictureFacts | str  # what is known of a picture, or why it cannot be used

READERS = 4  # reading and hashing let other threads run


class PictureThreads:
    """Answers questions about lists of pictures, in the order they are asked, while more come.

    Used as a context manager; what is not answered at its end is dropped.
    """

    def __init__(self, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        self._pool = ThreadPoolExecutor(READERS, "pictures")
        self._asked: deque[Future[list[Look]]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def ask(self, paths: Sequence[str]) -> None:
        """Have these pictures looked at."""
        self._asked.append(self.look_at(paths))

    def answer(self) -> list[Look]:
        """What was found at the oldest question that is not answered yet."""
        return self._asked.popleft().result()

    def look_at(self, paths: Sequence[str]) -> Future[list[Look]]:
        """The same for who keeps account of the answers by himself."""
        return self._pool.submit(_look_at, paths, self._max_pixels)


def _look_at(paths: Sequence[str], max_pixels: int) -> list[Look]:
    looks: list[Look] = []
    for path in paths:
        try:
            looks.append(inspect_picture(path, max_pixels))
        except UnusablePictureError as error:
            looks.append(error.reason)
    return looks
