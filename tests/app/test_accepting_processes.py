"""Processes that are killed while they accept, and processes that accept at once."""

import multiprocessing
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import accept_children
import finish_children
import pytest
from accept_children import DONE
from accept_projects import CHECKS, BirdWorld
from store_content import labelled_frames

from prelabel.auditing import look_at_audits
from prelabel.datasets.frames import LabelledFrame
from prelabel.project import open_project
from prelabel.store.acceptances import (
    EndKind,
    Part,
    accepted_by_rule,
    all_acceptances,
    awaiting_audit,
    end_acceptance,
    frames_of,
    half_done,
    record_acceptance,
)
from prelabel.store.errors import ConflictError
from prelabel.store.records import EventKind
from prelabel.store.store import Store, utc_now

PATIENCE_S = 240.0
Work = Callable[[str, Path, Connection, int | None], None]


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Children forked from a server that has loaded everything, so that one starts in no time."""
    context = multiprocessing.get_context("forkserver")
    loaded = ["prelabel.project", "prelabel.finishing", "prelabel.store.store"]
    context.set_forkserver_preload(["__main__", "cv2", "psycopg", "sklearn.linear_model", *loaded])
    return context


def started(
    context: ForkServerContext, work: Work, url: str, root: Path, dies_at: int | None = None
) -> tuple[ForkServerProcess, Connection]:
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(url, root, theirs, dies_at))
    process.start()
    theirs.close()
    return process, ours


def has_ended(process: ForkServerProcess, pipe: Connection) -> bool:
    """Whether a process came to its end; else it was killed."""
    process.join(PATIENCE_S)
    code = process.exitcode
    assert code in (0, -signal.SIGKILL)
    process.close()
    pipe.close()
    return code == 0


def unlabelled(store: Store) -> None:
    frames = labelled_frames(accept_children.FRAMES)
    store.import_frames([LabelledFrame(one.frame, None) for one in frames], "ann")


def state(store: Store) -> tuple[int, ...]:
    """Acceptances, their frames, frames with labels, those half done, audits, events of both."""
    parts = [list(frames_of(store, one.number, list(Part))) for one in all_acceptances(store)]
    kinds = Counter(event.kind for event in store.events())
    return (
        len(parts),
        sum(map(len, parts)),
        store.counts().labelled,
        len(half_done(store, [one.frame_id for one in accept_children.accepted_frames()])),
        len(awaiting_audit(store)),
        kinds[EventKind.LABELS_ACCEPTED],
        kinds[EventKind.LABELS_WITHDRAWN],
    )


def test_killed_at_any_write_all_is_accepted_or_nothing(
    store: Store, store_url: str, tmp_path: Path, processes: ForkServerContext
) -> None:
    unlabelled(store)
    nothing, moments = state(store), 0
    assert nothing == (0,) * len(nothing)
    done = False
    while not done:
        moments += 1 if store_url.startswith("sqlite") else 2
        child = started(processes, accept_children.accept, store_url, tmp_path, moments)
        done = has_ended(*child)
        assert state(store) == ((1, 24, 12, 6, 6, 1, 0) if done else nothing)
    assert moments > 5
    for one in frames_of(store, 1, [Part.WHOLE]):
        assert store.replay(one.frame_id) == store.label_history(one.frame_id)


def test_killed_at_any_write_all_is_withdrawn_or_nothing(
    store: Store, store_url: str, tmp_path: Path, processes: ForkServerContext
) -> None:
    unlabelled(store)
    record_acceptance(store, accept_children.all_accepted(), "ann", utc_now)
    accepted, moments = state(store), 0
    done = False
    while not done:
        moments += 1 if store_url.startswith("sqlite") else 2
        child = started(processes, accept_children.withdraw_first, store_url, tmp_path, moments)
        done = has_ended(*child)
        assert state(store) == ((1, 24, 0, 0, 0, 1, 12) if done else accepted)
    assert moments > 3
    (ended,) = all_acceptances(store)
    assert ended.end_kind is EndKind.WITHDRAWN
    assert end_acceptance(store, 1, EndKind.WITHDRAWN, "again", "ann", utc_now) == []


def answer(process: ForkServerProcess, pipe: Connection) -> str:
    """What a process said before it came to its end."""
    assert pipe.poll(PATIENCE_S)
    said: str = pipe.recv()
    assert has_ended(process, pipe)
    return said


def test_of_some_that_accept_the_same_one_does(
    store: Store, store_url: str, tmp_path: Path, processes: ForkServerContext
) -> None:
    unlabelled(store)
    children = [
        started(processes, accept_children.accept, store_url, tmp_path, None) for _ in range(3)
    ]
    said = sorted(answer(*child) for child in children)
    assert said[-1] == DONE
    assert all("acceptance 1 came in between" in one for one in said[:-1])
    assert state(store) == (1, 24, 12, 6, 6, 1, 0)
    assert {one.version for one in frames_of(store, 1, [Part.WHOLE])} == {1}


def test_an_acceptance_of_nothing_is_refused(store: Store) -> None:
    unlabelled(store)
    accept = accept_children.all_accepted()
    ids = [one.frame_id for one in accept.frames]
    store.import_frames(labelled_frames(accept_children.FRAMES), "bob")
    before = [event.number for event in store.events()]
    with pytest.raises(ConflictError, match="all 24 frames have labels by now"):
        record_acceptance(store, accept, "ann", utc_now)
    assert not all_acceptances(store)
    assert [event.number for event in store.events()] == before
    assert store.labelled_among(ids) == set(ids)


def test_finish_goes_on_where_it_was_killed(
    checked_pool: BirdWorld, tmp_path: Path, processes: ForkServerContext
) -> None:
    folder = tmp_path / "birds"
    shutil.copytree(checked_pool.folder, folder)

    def run(dies_at: int | None) -> tuple[int, int, bool]:
        """How many acceptances and rounds there are then, and whether the audit is in line."""
        child = started(processes, finish_children.finish, "", folder, dies_at)
        assert has_ended(*child) == (dies_at is None)
        with open_project(folder) as project:
            store = project.store
            newest = store.latest_batch()
            assert newest is not None
            waiting = awaiting_audit(store)
            held = {pick.frame_id for pick in newest[1].picks}
            labelled = store.counts().labelled - CHECKS
            assert labelled == len(accepted_by_rule(store))
            in_line = bool(waiting) and set(waiting) <= held
            return len(all_acceptances(store)), len(store.rounds()), in_line

    assert run(2) == (1, 1, False)  # all is accepted; the audit has no round yet
    assert run(2) == (1, 2, False)  # a round without a batch
    assert run(None) == (1, 3, True)
    with open_project(folder) as project:
        (standing,) = look_at_audits(project.store)
        assert standing.checked == 0
        (told,) = project.finished_rounds()
        assert told.turn == "people"
        assert told.standing.by_rule.frames == len(accepted_by_rule(project.store))


def test_two_commands_that_accept_at_once(
    checked_pool: BirdWorld, tmp_path: Path, processes: ForkServerContext
) -> None:
    folder = tmp_path / "birds"
    shutil.copytree(checked_pool.folder, folder)
    children = [
        started(processes, finish_children.plan_and_accept, "", folder, None) for _ in range(2)
    ]
    for _, pipe in children:
        assert pipe.poll(PATIENCE_S)
        assert pipe.recv() == "planned"
    for _, pipe in children:
        pipe.send("go")
    said = sorted(answer(*child) for child in children)
    assert said[-1] == DONE
    assert "look at the plan again" in said[0]
    with open_project(folder) as project:
        store = project.store
        (only,) = all_acceptances(store)
        whole = list(frames_of(store, only.number, [Part.WHOLE]))
        assert whole
        by_rule = accepted_by_rule(store)
        assert by_rule == {one.frame_id: only.number for one in whole}
        assert len(by_rule) == store.counts().labelled - CHECKS
        newest = store.latest_batch()
        assert newest is not None
        waiting = awaiting_audit(store)
        assert waiting
        assert set(waiting) == {pick.frame_id for pick in newest[1].picks}
        assert not set(waiting) & by_rule.keys()
