"""Sessions run out, slide while they are used, and cost little to find."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from people_rules import START, people_of
from sqlalchemy import event, func, select
from work_content import ManualClock

from prelabel.store.people_tables import sessions as session_table
from prelabel.store.store import Store
from prelabel.work.people import Person, Role
from prelabel.work.sessions import AT_MOST, UNUSED_FOR, Sessions
from prelabel.work.tokens import csrf_token


@pytest.fixture
def wall() -> ManualClock:
    return ManualClock()


@pytest.fixture
def sessions(store: Store, wall: ManualClock) -> Sessions:
    return Sessions(store.database, wall)


@pytest.fixture
def ann(store: Store, wall: ManualClock) -> Person:
    return people_of(store, wall).add("ann", Role.ANNOTATOR, "olga")


def test_a_session_is_found_by_its_token_alone(sessions: Sessions, ann: Person) -> None:
    token, other = sessions.begin(ann), sessions.begin(ann)
    found = sessions.find(token)
    assert found is not None
    assert found.person == ann
    assert found.expires_at == START + UNUSED_FOR
    assert found.csrf_token == csrf_token(token) != csrf_token(other)
    assert len(token) >= 43  # 256 bits
    for nonsense in ("", token[:-1], token + "x", found.csrf_token, "\ud800"):
        assert sessions.find(nonsense) is None


def test_logging_out_ends_one_session(sessions: Sessions, ann: Person) -> None:
    token, other = sessions.begin(ann), sessions.begin(ann)
    sessions.end(token)
    sessions.end("nonsense")
    assert sessions.find(token) is None
    assert sessions.find(other) is not None


def test_a_session_slides_while_it_is_used_but_not_for_ever(
    sessions: Sessions, ann: Person, wall: ManualClock
) -> None:
    token = sessions.begin(ann)
    while wall.now < START + AT_MOST - UNUSED_FOR:
        wall.now += UNUSED_FOR - timedelta(minutes=5)
        found = sessions.find(token)
        assert found is not None
        assert found.expires_at == min(wall.now + UNUSED_FOR, START + AT_MOST)
    wall.now = START + AT_MOST - timedelta(seconds=1)
    assert sessions.find(token) is not None
    wall.now = START + AT_MOST
    assert sessions.find(token) is None


def test_an_unused_session_runs_out(sessions: Sessions, ann: Person, wall: ManualClock) -> None:
    token = sessions.begin(ann)
    wall.now += UNUSED_FOR - timedelta(seconds=1)
    assert sessions.find(token) is not None
    wall.now += UNUSED_FOR
    assert sessions.find(token) is None


def test_what_has_run_out_is_cleared_away(
    sessions: Sessions, ann: Person, wall: ManualClock, store: Store
) -> None:
    for _ in range(3):
        sessions.begin(ann)
    wall.now += UNUSED_FOR
    sessions.begin(ann)
    with store.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(session_table)).scalar() == 1


@pytest.fixture
def statements(store: Store) -> Iterator[list[str]]:
    """What is sent to the database, by its first word."""
    seen: list[str] = []
    engine = store.database._engine

    def notice(*given: object) -> None:
        verb = str(given[2]).split()[0]
        if verb != "BEGIN":
            seen.append(verb)

    event.listen(engine, "before_cursor_execute", notice)
    yield seen
    event.remove(engine, "before_cursor_execute", notice)


def test_finding_writes_no_more_than_once_a_minute(
    sessions: Sessions, ann: Person, wall: ManualClock, statements: list[str]
) -> None:
    token = sessions.begin(ann)
    statements.clear()
    for _ in range(59):
        wall.now += timedelta(seconds=1)
        sessions.find(token)
    assert statements == ["SELECT"] * 59
    wall.now += timedelta(seconds=1)
    sessions.find(token)
    sessions.find(token)
    assert statements.count("UPDATE") == 1
