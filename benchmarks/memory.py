"""What a process and those that it has started hold while it works."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil


@contextmanager
def watched_memory(process: psutil.Process) -> Iterator[list[int]]:
    """Meanwhile collects, five times a second, what `process` and its children hold, in bytes.

    A page that several processes share counts once (proportional set size).
    """
    sums: list[int] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.2):
            sums.append(_held_bytes(process))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield sums
    finally:
        over.set()
        thread.join()


def _held_bytes(process: psutil.Process) -> int:
    total = 0
    try:
        for one in (process, *process.children(recursive=True)):
            total += one.memory_full_info().pss
    except (psutil.NoSuchProcess, psutil.AccessDenied):  # it has just ended
        pass
    return total
