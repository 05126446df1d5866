"""Long work that runs in a thread, and says how far it is to whoever asks meanwhile."""

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TypeVar

from prelabel.datasets.progress import Advance, Progress

Result = TypeVar("Result")
_PATIENCE_S = 0.2


@dataclass(frozen=True, slots=True)
class Step:
    """What is being done, and how much of that is done, 0 to 1; None where nobody knows."""

    label: str
    share: float | None


class Told:
    """Progress that hands each step to a function."""

    def __init__(self, tell: Callable[[Step], None]) -> None:
        self._tell = tell

    @contextmanager
    def task(self, title: str, total: int | None) -> Iterator[Advance]:
        done = 0
        self._tell(Step(title, 0.0 if total else None))

        def advance(units: int = 1, note: str = "") -> None:
            nonlocal done
            done += units
            told = f"{title}: {note}" if note else title
            self._tell(Step(told, min(1.0, done / total) if total else None))

        yield advance


def in_background(work: Callable[[Progress], Result]) -> Generator[Step, None, Result]:
    """Do the work in a thread, and yield the newest step now and then; its result is returned.

    Whatever the work raises is raised here.
    """
    steps: SimpleQueue[Step] = SimpleQueue()
    with ThreadPoolExecutor(1, "prelabel-curation") as pool:
        doing = pool.submit(work, Told(steps.put))
        while not wait([doing], _PATIENCE_S).done:
            yield from _newest(steps)
    yield from _newest(steps)
    return doing.result()


def _newest(steps: SimpleQueue[Step]) -> Iterator[Step]:
    """The last of the steps that came since; the ones before are out of date."""
    newest = None
    while not steps.empty():
        newest = steps.get()
    if newest is not None:
        yield newest
