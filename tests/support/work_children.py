"""People at work on one store in processes of their own, which tests kill or let compete.

Each function runs in a child process, goes on with what is not done yet, and sends a line for each
thing the store has acknowledged.
"""

import random
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path

from work_content import SHOWN_SCORE, ManualClock, Work, accepted, an_edit, drawn

from prelabel.settings import ReviewSettings
from prelabel.store.store import open_store, utc_now
from prelabel.work.counting import UNFINISHED
from prelabel.work.errors import LeaseLostError
from prelabel.work.records import Task, TaskState

DONE = "done"
_NAMES = uuid.UUID("5a1d2a36-2d3b-4b86-8b55-1f5ab1f0d0c1")

Said = Callable[[str], None]


class WallClock(ManualClock):
    """The clock of the machine; nobody moves it."""

    def __call__(self) -> datetime:
        return utc_now()


def work_through(url: str, root: Path, said: Connection, person: str) -> None:
    """Take frames, accept what is proposed box by box, draw one, hand in; until all is done."""
    with open_store(url, root) as store:
        work = Work(store, clock=WallClock())
        _work_to_the_end(work, person, said.send)
    said.send(DONE)


def work_in_threads(
    url: str, root: Path, said: Connection, people: Sequence[str], settings: ReviewSettings
) -> None:
    """The same for several people at once, a thread each."""
    with open_store(url, root) as store:
        work = Work(store, settings, WallClock())
        lock = threading.Lock()

        def tell(line: str) -> None:
            with lock:
                said.send(line)

        def run(person: str) -> None:
            _work_to_the_end(work, person, tell)

        threads = [threading.Thread(target=run, args=(person,)) for person in people]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    said.send(DONE)


def box_drawn(task: int, person: str) -> str:
    """The id of the box that a person draws on a task."""
    return str(uuid.uuid5(_NAMES, f"drawn {task} {person}"))


def _work_to_the_end(work: Work, person: str, tell: Said) -> None:
    """Do frame after frame until nothing is left for anybody.

    Who loses frames to others waits longer each time: however slow the machine is, somebody gets
    through while the others wait.
    """
    chance = random.Random(person)
    lost, goes_on = 0, True
    while goes_on:
        try:
            goes_on = _go_on(work, person, tell)
        except LeaseLostError:
            lost += 1
            time.sleep(chance.uniform(0.5, 1.5) * 0.005 * 2 ** min(lost, 9))


def _go_on(work: Work, person: str, tell: Said) -> bool:
    """Do one frame; False where nothing is left for anybody."""
    tasks = work.queue.next(person, 2)
    for task in tasks:
        tell(f"lent {task.number} {task.copy} {person}")
    if not tasks:
        time.sleep(0.02)
        counts = work.queue.counts()
        waiting = [state for state in UNFINISHED if state is not TaskState.SUBMITTED]
        return any(counts[state] for state in waiting) and not work.settings.reviewer
    try:
        _do(work, tasks[0], person, tell)
    except LeaseLostError:
        tell(f"lost {tasks[0].number} {person}")
        raise
    return True


def _do(work: Work, task: Task, person: str, tell: Said) -> None:
    number = task.number
    work.queue.open(number, person)
    boxes = work.drafts.read(number, person).boxes[:3]
    new = replace(drawn((5.0, 5.0, 50.0, 50.0), 2), box_id=box_drawn(number, person))
    edits = [
        an_edit([accepted(box)], "accept", f"{number} {person} {row}")
        for row, box in enumerate(boxes)
    ]
    edits.append(an_edit([new], "draw", f"{number} {person} 3"))
    for edit in edits:
        try:
            work.drafts.append(number, person, [edit])
        except LeaseLostError:
            tell(f"kept {edit.edit_id}")  # even so
            raise
        tell(f"kept {edit.edit_id}")
    submitted = work.submissions.submit(number, person, SHOWN_SCORE, f"{number} {person}")
    tell(f"submitted {number} {person} {submitted.number}")
