"""Processes that are killed at any moment, and processes that work on one store at once."""

import multiprocessing
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
import store_work
from store_content import CLASSES, a_labelled_frame, labelled_frames, labels_of

from prelabel.store.records import EventKind
from prelabel.store.store import Store, open_store

KILLS = 32
KILLS_WHILE_OPENING = 12
PATIENCE_S = 240.0


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Children forked from a server that has loaded everything, so that one starts in no time."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", "cv2", "prelabel.store.store", "psycopg"])
    return context


@dataclass
class Worker:
    """Starts a function of `store_work` again and again, and keeps what it said."""

    context: ForkServerContext
    work: Callable[..., None]
    url: str
    root: Path
    said: list[str] = field(default_factory=list)

    def run(self, kill_after_lines: int | None, delay_s: float = 0.0) -> bool:
        """Run until done, or kill it some time after some lines; whether it was killed."""
        receiver, sender = self.context.Pipe(duplex=False)
        process = self.context.Process(target=self.work, args=(self.url, self.root, sender))
        process.start()
        sender.close()
        self._listen(receiver, kill_after_lines)
        killed = kill_after_lines is not None and store_work.DONE not in self.said
        if killed:
            time.sleep(delay_s)
            process.kill()
        self._listen(receiver, None)
        process.join(PATIENCE_S)
        assert process.exitcode in ((0, -9) if killed else (0,))
        process.close()
        receiver.close()
        return killed

    def _listen(self, receiver: Connection, lines: int | None) -> None:
        """Keep what is said, up to so many lines or to the end."""
        while lines is None or lines > 0:
            assert receiver.poll(PATIENCE_S)
            try:
                self.said.append(receiver.recv())
            except EOFError:
                return
            lines = None if lines is None else lines - 1


@pytest.mark.slow
def test_killed_many_times_nothing_is_lost_or_doubled(
    store_url: str, tmp_path: Path, processes: ForkServerContext
) -> None:
    moments = random.Random(0)
    worker = Worker(processes, store_work.do_everything, store_url, tmp_path)
    killed_after: list[str] = []
    while len(killed_after) < KILLS and store_work.DONE not in worker.said:
        lines = moments.randrange(3)
        if worker.run(lines, moments.random() * (0.1 if lines == 0 else 0.004)):
            killed_after.append(worker.said[-1].split()[0] if worker.said else "nothing")
    assert len(killed_after) >= KILLS // 2
    if store_work.DONE not in worker.said:
        worker.run(None)
    assert worker.said[-1] == store_work.DONE
    assert {"imported", "corrected"} <= set(killed_after)

    acknowledged = Counter(worker.said)
    assert set(acknowledged) - {store_work.DONE} <= store_work.expected_lines()
    assert max(acknowledged.values()) == 1  # what was acknowledged was never found missing
    with open_store(store_url, tmp_path) as store:
        _check_content(store)
        _check_log(store)
    if store_url.startswith("sqlite"):
        _check_file(tmp_path / "store.sqlite")


def _check_content(store: Store) -> None:
    assert store.classes() == CLASSES
    assert [frame.frame_id for frame in store.frames()] == [
        a_labelled_frame(number).frame.frame_id for number in range(store_work.FRAMES)
    ]
    for number in range(store_work.FRAMES):
        one = a_labelled_frame(number)
        history = store.label_history(one.frame.frame_id)
        corrected = [labels_of(number, 3)] if number < store_work.CORRECTED else []
        assert [version.annotations for version in history] == [one.annotations, *corrected]
        assert store.replay(one.frame.frame_id) == history
    numbers = range(1, store_work.ROUNDS + 1)
    assert [(one.number, one.figures) for one in store.rounds()] == [
        (number, {"map50": number / 10}) for number in numbers
    ]
    assert [one.model_id for one in store.models()] == [f"m{number}" for number in numbers]
    for number in numbers:
        assert store.batch(number) == store_work.batch_of_round(number)


def _check_log(store: Store) -> None:
    events = list(store.events())
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert Counter(event.kind for event in events) == {
        EventKind.CLASS_ADDED: len(CLASSES),
        EventKind.FRAME_ADDED: store_work.FRAMES,
        EventKind.LABELS_WRITTEN: store_work.FRAMES + store_work.CORRECTED,
        EventKind.ROUND_STARTED: store_work.ROUNDS,
        EventKind.BATCH_RECORDED: store_work.ROUNDS,
        EventKind.MODEL_ADDED: store_work.ROUNDS,
        EventKind.ROUND_FINISHED: store_work.ROUNDS,
    }
    counts = store.counts()
    assert (counts.frames, counts.labelled) == (store_work.FRAMES, store_work.FRAMES)
    assert counts.boxes == 2 * store_work.FRAMES + store_work.CORRECTED


def _check_file(path: Path) -> None:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


@pytest.mark.slow
def test_killed_while_creating_its_tables(
    store_url: str, tmp_path: Path, processes: ForkServerContext
) -> None:
    moments = random.Random(1)
    worker = Worker(processes, store_work.open_only, store_url, tmp_path)
    for _ in range(KILLS_WHILE_OPENING):
        worker.run(0, moments.random() * 0.2)
        worker.said.clear()
    worker.run(None)
    with open_store(store_url, tmp_path) as store:
        store.add_classes(CLASSES, "setup")
        assert store.import_frames(labelled_frames(3), "ann").frames_added == 3


def test_processes_take_turns(store_url: str, tmp_path: Path, processes: ForkServerContext) -> None:
    """Four open a store that is not there yet, import the same and write to the same frames."""
    authors, times = ("ann", "ben", "cat", "dan"), 30
    pipes = [processes.Pipe(duplex=False) for _ in authors]
    children = [
        processes.Process(
            target=store_work.write_many, args=(store_url, tmp_path, sender, author, times)
        )
        for (_, sender), author in zip(pipes, authors, strict=True)
    ]
    for child in children:
        child.start()
    for child, (receiver, sender) in zip(children, pipes, strict=True):
        child.join(PATIENCE_S)
        assert child.exitcode == 0
        receiver.close()
        sender.close()
    with open_store(store_url, tmp_path) as store:
        events = list(store.events())
        assert [event.number for event in events] == list(range(1, len(events) + 1))
        kinds = Counter(event.kind for event in events)
        assert kinds[EventKind.FRAME_ADDED] == 100
        assert kinds[EventKind.LABELS_WRITTEN] == 100 + len(authors) * times
        for number in range(5):
            history = store.label_history(a_labelled_frame(number).frame.frame_id)
            assert [one.number for one in history] == list(range(1, len(history) + 1))
            assert Counter(one.author for one in history[1:]) == dict.fromkeys(authors, times // 5)
            assert store.replay(history[0].frame_id) == history
