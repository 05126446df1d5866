"""Work on a stream a few items ahead of whoever uses it."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")

_WAITING = 3  # items worked on or done that nobody has taken yet: what memory they may take


def worked_ahead(work: Callable[[Item], Done], items: Iterable[Item]) -> Iterator[Done]:
    """`work` of each item, in their order, done by a thread of its own.

    Of use where `work` and what brings the items leave Python for most of their time, as numpy and
    Parquet do. At most `_WAITING` items are on the way. What `work` raises comes out in its turn.
    """
    with ThreadPoolExecutor(1, "ahead") as worker:
        waiting: deque[Future[Done]] = deque()
        for item in items:
            waiting.append(worker.submit(work, item))
            if len(waiting) == _WAITING:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
