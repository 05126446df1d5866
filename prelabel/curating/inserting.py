"""Many documents into the database, without waiting where there is something to do."""

import gc
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from prelabel.curating.documents import Document


class Inserting:
    """Adds samples to a dataset while the next ones are made: most of the time is the server's."""

    def __init__(self, dataset: Any, pool: ThreadPoolExecutor) -> None:
        self._collection = dataset._sample_collection
        self._pool = pool
        self._under_way: Future[object] | None = None

    def add(self, documents: Sequence[Document]) -> None:
        """Hand over samples; those handed over before are there when this returns."""
        self.wait()
        if documents:
            self._under_way = self._pool.submit(
                self._collection.insert_many, documents, ordered=False
            )

    def wait(self) -> None:
        """Return when all is there; what went wrong is raised here."""
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            under_way.result()


@contextmanager
def inserting(dataset: Any) -> Iterator[Inserting]:
    """Samples may be added within, and are in the dataset at the end."""
    with ThreadPoolExecutor(1, "prelabel-inserting") as pool:
        samples = Inserting(dataset, pool)
        yield samples
        samples.wait()


@contextmanager
def without_garbage_search() -> Iterator[None]:
    """Let Python look for garbage afterwards, not within.

    It goes through all that there is again and again as many objects are made, which is a third of
    the time of making documents; none of them is garbage of the kind it looks for.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
