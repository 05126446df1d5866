"""Making batches beside the training that uses them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from prelabel.models.training_batches import Batches, TrainingBatch


def made_ahead(batches: Batches, steps: range) -> Iterator[TrainingBatch]:
    """The batches of these steps; a thread makes the next one while one is learned from."""
    with ThreadPoolExecutor(1, "batches") as maker:
        waiting = [maker.submit(batches.batch, step) for step in steps[:1]]
        for step in steps:
            batch = waiting.pop().result()
            if step + 1 in steps:
                waiting.append(maker.submit(batches.batch, step + 1))
            yield batch
