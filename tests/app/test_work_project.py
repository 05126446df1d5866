"""What the rest of a project makes of people's work: status, the next batch, training, moving."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError
from review_app import opened_copy
from work_content import ManualClock, Work, accepted, an_edit, begin, drawn

from prelabel.datasets.frames import Split
from prelabel.project import Project
from prelabel.selecting import EmptyPoolError
from prelabel.settings import ReviewSettings
from prelabel.store.store import Store, open_store
from prelabel.training import training_set
from prelabel.work.records import Task, TaskState
from prelabel.work.statistics import statistics


@pytest.fixture
def project(birds: Path, tmp_path: Path) -> Iterator[Project]:
    """A batch of three of six frames."""
    with opened_copy(birds, tmp_path / "birds", chosen=3) as opened:
        yield opened


@pytest.fixture
def work(project: Project) -> Work:
    made = Work(project.store, ReviewSettings(skip_limit=1), ManualClock())
    made.queue.fill_newest()
    return made


def finish(work: Work, task: Task) -> None:
    boxes = work.drafts.read(task, "ann").boxes
    work.drafts.append(task.number, "ann", [an_edit([accepted(box) for box in boxes])])
    work.hand_in(task.number, "ann")


def test_status_tells_how_far_the_batch_is(project: Project, work: Work) -> None:
    before = project.status()
    assert before.batch is not None
    assert (before.batch.unfinished, before.next_command) == (3, "prelabel review")
    finish(work, work.take("ann"))
    work.take("ann")
    midway = project.status()
    assert midway.batch is not None
    assert midway.batch.labelled == 1
    assert midway.batch.tasks[TaskState.IN_WORK] == midway.batch.tasks[TaskState.ACCEPTED] == 1
    assert midway.next_command == "prelabel review"
    for task in work.queue.next("ann", 2):
        finish(work, task)
    after = project.status()
    assert after.batch is not None
    assert (after.batch.unfinished, after.next_command) == (0, "prelabel train")


def test_training_learns_from_what_was_handed_in_at_once(project: Project, work: Work) -> None:
    assert training_set(project.store, 0).train == ()
    task = work.take("ann")
    finish(work, task)
    (example,) = training_set(project.store, 0).train
    assert example.frame.frame_id == task.frame_id
    assert len(example.annotations) == 3


def test_the_next_batch_leaves_people_their_frames(project: Project, work: Work) -> None:
    finish(work, work.take("ann"))
    begun, skipped = work.take("ann"), work.take("ben")
    work.queue.skip(skipped.number, "ben", "too dark")
    chosen = {frame.frame_id for frame in project.select(budget=6).frames}
    free = {frame.frame_id for frame in project.store.frames(Split.TRAIN, labelled=False)}
    assert chosen == free - {begun.frame_id, skipped.frame_id}
    assert len(chosen) == 3
    assert work.queue.fill_newest() == 3


def test_where_all_frames_are_in_hands_there_is_no_next_batch(birds: Path, tmp_path: Path) -> None:
    with opened_copy(birds, tmp_path / "birds") as project:
        work = Work(project.store, ReviewSettings(prefetch=9), ManualClock())
        work.queue.fill_newest()
        finish(work, work.take("ann"))
        for task in work.queue.next("ann", 9):
            work.queue.open(task.number, "ann")
        with pytest.raises(EmptyPoolError, match="5 frames without labels are in people's hands"):
            project.select(budget=3)


def test_copies_need_a_reviewer() -> None:
    with pytest.raises(ValidationError, match="copies above 1 needs `reviewer: true`"):
        ReviewSettings(copies=2)


def test_work_moves_with_the_store(store: Store, tmp_path: Path) -> None:
    work = begin(store, frames=3, reviewer=True, copies=2)
    first = work.finish("ann")
    work.submissions.send_back(first.number, "rea", "one is missing")
    work.finish("ben")
    begun = work.take("cat")
    work.drafts.append(begun.number, "cat", [an_edit([drawn((1, 1, 9, 9))], "draw")])
    with open_store("sqlite:///other.sqlite", tmp_path) as other:
        store.copy_to(other)
        moved = Work(other, work.settings, work.clock)
        for number in range(1, 7):
            assert moved.queue.task(number) == work.queue.task(number)
            assert moved.submissions.history(number) == work.submissions.history(number)
        assert moved.drafts.read(begun.number, "cat") == work.drafts.read(begun.number, "cat")
        assert moved.queue.next("ann", 1)[0].sent_back_reason == "one is missing"
        moved.submissions.accept(moved.submissions.waiting()[0].number, "rea")
        assert len(statistics(other)) == 3
