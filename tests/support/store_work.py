"""Work on a store in processes of its own, which tests kill or let compete.

Each function runs in a child process, opens the store, goes on with what is not done yet, and sends
a line for each thing the store has acknowledged.
"""

from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from store_content import CLASSES, a_labelled_frame, labels_of

from prelabel.datasets.batches import Batch, Pick
from prelabel.datasets.frames import LabelledFrame
from prelabel.store.records import ModelRecord
from prelabel.store.store import Store, open_store

FRAMES = 120
CHUNK_FRAMES = 6
CORRECTED = 80
ROUNDS = 6
DONE = "done"


def do_everything(url: str, root: Path, said: Connection) -> None:
    """Import, correct and run rounds, each step only where it has not been done."""
    with open_store(url, root) as store:
        store.add_classes(CLASSES, "setup")
        known = store.counts().frames
        store.import_frames(_announced(known, said), "import", chunk_frames=CHUNK_FRAMES)
        for number in range(CORRECTED):
            _correct(store, number, said)
        for number in range(1, ROUNDS + 1):
            _run_round(store, number, said)
    said.send(DONE)


def open_only(url: str, root: Path, said: Connection) -> None:
    """Create the store, or find it created."""
    open_store(url, root).close()
    said.send(DONE)


def write_many(url: str, root: Path, said: Connection, author: str, times: int) -> None:
    """Import the same frames as everybody else, and label each of the first ones once more."""
    with open_store(url, root) as store:
        store.add_classes(CLASSES, "setup")
        store.import_frames(map(a_labelled_frame, range(100)), author, chunk_frames=9)
        for number in range(times):
            frame_id = a_labelled_frame(number % 5).frame.frame_id
            store.write_labels(frame_id, labels_of(number, 3), author, float(number))
    said.send(DONE)


def batch_of_round(number: int) -> Batch:
    ids = [a_labelled_frame(number * 10 + row).frame.frame_id for row in range(10)]
    return Batch("random", number, tuple(Pick(one, 0.5, "because", 1.0) for one in ids))


def _announced(known: int, said: Connection) -> Iterator[LabelledFrame]:
    """The frames; a chunk is asked for only when the one before it is on disk."""
    for number in range(FRAMES):
        if number > known and number % CHUNK_FRAMES == 0:
            said.send(f"imported {number}")
        yield a_labelled_frame(number)


def _correct(store: Store, number: int, said: Connection) -> None:
    frame_id = a_labelled_frame(number).frame.frame_id
    if len(store.label_history(frame_id)) == 1:
        store.write_labels(frame_id, labels_of(number, 3), "ann", float(number))
        said.send(f"corrected {number}")


def _run_round(store: Store, number: int, said: Connection) -> None:
    if len(store.rounds()) < number:
        store.start_round("loop", {"round": number})
        said.send(f"started {number}")
    if store.batch(number) is None:
        store.record_batch(number, batch_of_round(number), "loop")
        said.send(f"chosen {number}")
    if len(store.models()) < number:
        model = ModelRecord(f"m{number}", "onnx:x", "/m.onnx", number, 1, 1.0, None, number)
        store.add_model(model, "loop")
        said.send(f"trained {number}")
    if store.rounds()[number - 1].finished_at is None:
        store.finish_round(number, "loop", {"map50": number / 10})
        said.send(f"finished {number}")


def expected_lines() -> set[str]:
    """All that may be acknowledged, each at most once."""
    imported = {f"imported {number}" for number in range(CHUNK_FRAMES, FRAMES, CHUNK_FRAMES)}
    steps = ("started", "chosen", "trained", "finished")
    rounds = {f"{step} {number}" for step in steps for number in range(1, ROUNDS + 1)}
    return imported | rounds | {f"corrected {number}" for number in range(CORRECTED)}
