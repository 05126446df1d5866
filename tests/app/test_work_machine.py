"""Whatever people do in whatever order, the queue agrees with a plain model of it."""

import shutil
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from postgres import empty_tables
from sqlalchemy import select
from store_content import CLASSES, labels_of
from work_content import Work, begin, frame_of, numbers
from work_model import QueueModel

from prelabel.datasets.errors import PrelabelError
from prelabel.store.store import open_store
from prelabel.store.work_tables import tasks as tasks_table
from prelabel.work.records import TaskState

SETTINGS = settings(
    max_examples=12,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
FRAMES = 4
PEOPLE = ("ann", "ben", "cat")
ALONE = {"skip_limit": 2, "prefetch": 1, "lease_minutes": 20}
COMPARED = {**ALONE, "reviewer": True, "copies": 2, "hold_sent_back_hours": 2}
COLUMNS = ("number", "state", "person", "leased_until", "held_until", "attempt", "skips")
people = st.sampled_from(PEOPLE)
tasks = st.integers(1, FRAMES)


def machine_on(url: Callable[[Path], str], chosen: dict[str, Any]) -> type[RuleBasedStateMachine]:
    """A machine that works on an empty store at the address that `url` gives for a folder."""

    class QueueMachine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.folder = Path(tempfile.mkdtemp())
            self.store = open_store(url(self.folder), self.folder)
            self.store.add_classes(CLASSES, "setup")
            self.work: Work = begin(self.store, frames=FRAMES, eligible=lambda: PEOPLE, **chosen)
            self.model = QueueModel(FRAMES, self.work.settings, PEOPLE)

        @rule(person=people, count=st.integers(0, 4), holding=st.lists(tasks, max_size=3))
        def ask_for_more(self, person: str, count: int, holding: list[int]) -> None:
            given = numbers(self.work.queue.next(person, count, holding))
            assert given == self.model.next(person, count, holding, self.work.clock())

        @rule(person=people)
        def finish_the_next(self, person: str) -> None:
            given = numbers(self.work.queue.next(person, 1))
            assert given == self.model.next(person, 1, (), self.work.clock())
            for task in given:
                self.edit(person, task)
                self.submit(person, task)

        @rule(person=people, task=tasks)
        def open(self, person: str, task: int) -> None:
            self._same(
                lambda: self.work.queue.open(task, person),
                lambda: self.model.open(task, person, self.work.clock()),
            )

        @rule(person=people, task=tasks)
        def edit(self, person: str, task: int) -> None:
            self._same(
                lambda: self.work.accept_all(task, person),
                lambda: self.model.edit(task, person, self.work.clock()),
            )

        @rule(person=people, task=tasks)
        def submit(self, person: str, task: int) -> None:
            self._same(
                lambda: self.work.hand_in(task, person, str(uuid.uuid4())),
                lambda: self.model.submit(task, person),
            )

        @rule(person=people, task=tasks)
        def skip(self, person: str, task: int) -> None:
            self._same(
                lambda: self.work.queue.skip(task, person, "too dark"),
                lambda: self.model.skip(task, person),
            )

        @rule(person=people, task=tasks)
        def release(self, person: str, task: int) -> None:
            self.work.queue.release(task, person)
            self.model.release(task, person)

        @rule(data=st.data())
        def requeue(self, data: st.DataObject) -> None:
            task = self._one_of(data, TaskState.ACCEPTED, TaskState.SET_ASIDE)
            self._same(
                lambda: self.work.queue.requeue(task, "olga"), lambda: self.model.requeue(task)
            )

        @rule(data=st.data())
        def accept(self, data: st.DataObject) -> None:
            task = self._one_of(data, TaskState.SUBMITTED)
            reviewer = str(uuid.uuid4())  # somebody who has not judged it before
            self._same(
                lambda: self.work.submissions.accept(task, reviewer),
                lambda: self.model.accept(task),
            )

        @rule(data=st.data())
        def send_back(self, data: st.DataObject) -> None:
            task = self._one_of(data, TaskState.SUBMITTED)
            reviewer = str(uuid.uuid4())
            self._same(
                lambda: self.work.submissions.send_back(task, reviewer, "try again"),
                lambda: self.model.send_back(task, self.work.clock()),
            )

        @rule(frame=st.integers(0, FRAMES - 1))
        def label_elsewhere(self, frame: int) -> None:
            self.store.write_labels(frame_of(frame).frame_id, labels_of(frame), "import")
            self.model.label(frame, "import")

        @rule(minutes=st.sampled_from([5, 30, 150]))
        def wait(self, minutes: int) -> None:
            self.work.clock.pass_by(minutes=minutes)

        @invariant()
        def tasks_are_as_they_should_be(self) -> None:
            columns = [tasks_table.c[name] for name in COLUMNS]
            with self.store.database.reading() as connection:
                found = connection.execute(select(*columns).order_by(tasks_table.c.number)).all()
            expected = [
                tuple(getattr(task, name) for name in COLUMNS) for task in self.model.tasks.values()
            ]
            assert list(map(tuple, found)) == expected

        def teardown(self) -> None:
            self.labels_and_log_are_as_they_should_be()
            self.store.close()
            shutil.rmtree(self.folder)

        def labels_and_log_are_as_they_should_be(self) -> None:
            for frame, authors in self.model.labels.items():
                history = self.store.label_history(frame_of(frame).frame_id)
                assert [version.author for version in history] == authors
            logged = list(self.store.events())
            assert [event.number for event in logged] == list(range(1, len(logged) + 1))
            states = [task.state for task in self.model.tasks.values()]
            counts = {state: states.count(state) for state in TaskState}
            assert self.work.queue.counts() == counts

        def _one_of(self, data: st.DataObject, *states: TaskState) -> int:
            """A task in one of these states, or any where there is none."""
            fit = [task.number for task in self.model.tasks.values() if task.state in states]
            return data.draw(st.sampled_from(fit) if fit else tasks)

        def _same(self, real: Callable[[], object], expected: Callable[[], object]) -> None:
            """Both do it, or both refuse with the same error."""
            try:
                expected()
            except PrelabelError as error:
                with pytest.raises(type(error)):
                    real()
            else:
                real()

    return QueueMachine


@pytest.mark.parametrize("chosen", [ALONE, COMPARED], ids=["alone", "compared"])
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_any_order_of_work(
    request: pytest.FixtureRequest, database: str, chosen: dict[str, Any]
) -> None:
    def on_sqlite(folder: Path) -> str:
        shutil.copy(request.getfixturevalue("migrated_file"), folder)
        return f"sqlite:///{folder}/store.sqlite"

    def on_postgresql(_: Path) -> str:
        url: str = request.getfixturevalue("migrated_url")
        empty_tables(url)
        return url

    fresh = on_sqlite if database == "sqlite" else on_postgresql
    run_state_machine_as_test(machine_on(fresh, chosen), settings=SETTINGS)
