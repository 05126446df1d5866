"""Many people at once, in processes that are killed: nothing acknowledged is lost or done twice."""

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

import pytest
import work_children
from sqlalchemy import select
from store_content import labels_of
from work_content import Work, frame_of, numbers, record_batch

from prelabel.datasets.frames import LabelledFrame
from prelabel.settings import ReviewSettings
from prelabel.store.store import Store, utc_now
from prelabel.store.work_tables import corrections, edits, judgements, submissions
from prelabel.work.queue import Queue
from prelabel.work.records import TaskState

KILLS = 18
FRAMES = 48
PATIENCE_S = 240.0
PEOPLE = ("ann", "ben", "cat")


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Children forked from a server that has loaded everything, so that one starts in no time."""
    context = multiprocessing.get_context("forkserver")
    rules = [f"prelabel.work.{name}" for name in ("queue", "drafts", "submissions", "timesheet")]
    context.set_forkserver_preload(["__main__", "cv2", "psycopg", *rules])
    return context


@dataclass
class Child:
    """A process that works for somebody, and all that it said so far, over all its lives."""

    context: ForkServerContext
    work: Callable[..., None]
    arguments: tuple[Any, ...]
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.process, self.receiver = self._start()

    @property
    def is_done(self) -> bool:
        return work_children.DONE in self.said

    def kill(self) -> None:
        """Kill it and start it again."""
        self.process.kill()
        self.listen_to_the_end()
        assert self.process.exitcode in (-9, 0)
        if not self.is_done:
            self.process, self.receiver = self._start()

    def listen(self) -> None:
        """Keep what was said up to now."""
        while not self.receiver.closed and self.receiver.poll():
            try:
                self.said.append(self.receiver.recv())
            except EOFError:
                return

    def listen_to_the_end(self) -> None:
        while self.receiver.poll(PATIENCE_S):
            try:
                self.said.append(self.receiver.recv())
            except EOFError:
                break
        self.receiver.close()
        self.process.join(PATIENCE_S)

    def _start(self) -> tuple[ForkServerProcess, Connection]:
        url, root, *rest = self.arguments
        receiver, sender = self.context.Pipe(duplex=False)
        process = self.context.Process(target=self.work, args=(url, root, sender, *rest))
        process.start()
        sender.close()
        return process, receiver


def lines_of(children: Sequence[Child], kind: str) -> list[tuple[str, ...]]:
    said = [line.split() for child in children for line in child.said]
    return [tuple(line[1:]) for line in said if line[0] == kind]


@pytest.mark.slow
def test_killed_many_times_nothing_acknowledged_is_lost_or_doubled(
    store: Store, store_url: str, tmp_path: Path, processes: ForkServerContext
) -> None:
    queue = Queue(store, ReviewSettings(), utc_now)
    queue.fill(record_batch(store, range(FRAMES)))
    moments = random.Random(0)
    crew = [
        Child(processes, work_children.work_through, (store_url, tmp_path, person))
        for person in PEOPLE
    ]
    kills = 0
    while kills < KILLS and not all(child.is_done for child in crew):
        _wait_for_lines(crew, moments.randrange(1, 12))
        time.sleep(moments.random() * 0.005)
        victims = [child for child in crew if not child.is_done and child.said]
        if victims:
            moments.choice(victims).kill()
            kills += 1
    for child in crew:
        if not child.receiver.closed:
            child.listen_to_the_end()
        assert child.is_done
    assert kills >= KILLS // 2
    _check_loans(crew)
    _check_work(store, crew)


def test_many_threads_of_many_processes_share_the_frames(
    store: Store, store_url: str, tmp_path: Path, processes: ForkServerContext
) -> None:
    settings = ReviewSettings(copies=2, reviewer=True)
    queue = Queue(store, settings, utc_now)
    queue.fill(record_batch(store, range(20)))
    names = [[f"p{process}{thread}" for thread in range(5)] for process in range(3)]
    arguments = [(store_url, tmp_path, people, settings) for people in names]
    crew = [Child(processes, work_children.work_in_threads, one) for one in arguments]
    for child in crew:
        child.listen_to_the_end()
        assert child.is_done
    _check_loans(crew)
    assert queue.counts()[TaskState.SUBMITTED] == 40
    by_frame: dict[int, list[str]] = {}
    for number, copy, person in set(lines_of(crew, "lent")):
        frame = (int(number) - 1 - int(copy)) // 2
        by_frame.setdefault(frame, []).append(person)
    assert all(len(set(people)) == 2 for people in by_frame.values())
    assert len(by_frame) == 20


def test_loans_that_run_out_all_the_time_make_nothing_double(
    store: Store, store_url: str, tmp_path: Path, processes: ForkServerContext
) -> None:
    settings = ReviewSettings(lease_minutes=0.002 / 60)  # less than it takes to do a frame
    queue = Queue(store, settings, utc_now)
    queue.fill(record_batch(store, range(15)))
    names = [[f"p{process}{thread}" for thread in range(3)] for process in range(2)]
    arguments = [(store_url, tmp_path, people, settings) for people in names]
    crew = [Child(processes, work_children.work_in_threads, one) for one in arguments]
    for child in crew:
        child.listen_to_the_end()
        assert child.is_done
    _check_work(store, crew)
    assert lines_of(crew, "lost")  # else the loans were too long to show anything


def test_imports_and_people_do_not_lock_each_other_up(store: Store) -> None:
    """Both lock many tasks at once, the one by frames and the others by their own order."""
    settings = ReviewSettings(prefetch=10, lease_minutes=0.001)
    work = Work(store, settings, work_children.WallClock())
    work.queue.fill(record_batch(store, range(100)))

    def be_somebody(person: str) -> None:
        order = random.Random(person)
        for _ in range(15):
            lent = numbers(work.queue.next(person, 8))
            order.shuffle(lent)
            work.queue.renew(lent, person)

    def bring_labels_in() -> None:
        for start in range(0, 100, 20):
            frames = [frame_of(one) for one in reversed(range(start, start + 20))]
            store.import_frames([LabelledFrame(one, labels_of(start)) for one in frames], "import")

    with ThreadPoolExecutor(5) as threads:
        doing = [threads.submit(be_somebody, f"p{number}") for number in range(4)]
        doing.append(threads.submit(bring_labels_in))
        for one in doing:
            one.result()
    counts = work.queue.counts()
    assert (counts[TaskState.SUPERSEDED], counts[TaskState.QUEUED]) == (100, 0)


def _wait_for_lines(crew: Sequence[Child], more: int) -> None:
    """Listen until so many lines more were said, or nobody is left to say any."""
    wanted = more + sum(len(child.said) for child in crew)
    while sum(len(child.said) for child in crew) < wanted:
        if not any(child.process.is_alive() for child in crew):
            return
        time.sleep(0.001)
        for child in crew:
            child.listen()


def _check_loans(crew: Sequence[Child]) -> None:
    """Nobody gave a frame back, so each was lent to one person only."""
    people: dict[str, set[str]] = {}
    for number, _, person in lines_of(crew, "lent"):
        people.setdefault(number, set()).add(person)
    assert {number: names for number, names in people.items() if len(names) > 1} == {}


def _check_work(store: Store, crew: Sequence[Child]) -> None:
    """Every frame was handed in once, with all that its author did, and nothing is missing."""
    with store.database.reading() as connection:
        kept = list(connection.execute(select(edits.c.edit_id)).scalars())
        handed_in = connection.execute(select(submissions)).all()
        judged = connection.execute(select(judgements)).all()
        boxes = Counter(connection.execute(select(corrections.c.submission)).scalars())
    assert max(Counter(kept).values()) == 1
    assert {" ".join(words) for words in lines_of(crew, "kept")} <= set(kept)
    authors = {row.task: row.person for row in handed_in}
    assert len(handed_in) == len(authors) == len(judged) == len(list(store.frames()))
    told = lines_of(crew, "submitted")
    assert {(int(task), person) for task, person, _ in told} <= set(authors.items())
    assert boxes == {row.number: 4 for row in handed_in}
    for task, author in authors.items():
        (version,) = store.label_history(frame_of(task - 1).frame_id)
        assert version.author == author
        assert len(version.annotations) == 4
        assert version.annotations.box_id[3] == work_children.box_drawn(task, author)
    events = [event.number for event in store.events()]
    assert events == list(range(1, len(events) + 1))
