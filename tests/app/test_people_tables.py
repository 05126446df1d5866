"""What is known of people moves with a store, and what was written for good stays."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hook_receiver import deliverer_of, direct_client, tell
from people_rules import PASSWORD, START, people_of
from postgres import PostgresServer
from sqlalchemy import Row, select, text
from work_content import ManualClock

from prelabel.store import people_tables as tables
from prelabel.store.errors import StoreError
from prelabel.store.store import Store, open_store
from prelabel.work.activity import Activity, ActivityKind
from prelabel.work.guidelines import Guidelines
from prelabel.work.people import Role
from prelabel.work.sessions import Sessions
from prelabel.work.timesheet import TimeSheet
from prelabel.work.webhooks import HookKind, Webhooks

TABLES = (
    tables.people,
    tables.login_links,
    tables.sessions,
    tables.guidelines,
    tables.activity,
    tables.webhooks,
    tables.deliveries,
    tables.delivery_tries,
)


def fill(store: Store) -> str:
    """A row or more in every table; the token of a session."""
    clock = ManualClock()
    people = people_of(store, clock)
    people.add("Ann Ó Briain", Role.OWNER, "setup")
    people.set_password("ann ó briain", PASSWORD)
    people.one_time_link("ann ó briain")
    token = Sessions(store.database, clock).begin(people.get("ann ó briain"))
    Guidelines(store.database, clock).write("# Héron\n", "ann")
    TimeSheet(store.database, clock, 30).append("ann", 1, [Activity("e", START, ActivityKind.OPEN)])
    Webhooks(store.database, clock).add("http://127.0.0.1:9/", [HookKind.SUBMITTED], "ann")
    tell(store, clock, task=1)
    deliverer_of(store, clock, direct_client()).deliver_due()
    return token


def rows_of(store: Store) -> list[Sequence[Row[Any]]]:
    with store.database.reading() as connection:
        return [connection.execute(select(table)).all() for table in TABLES]


def test_everything_moves_to_postgresql_and_back(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    with (
        postgres_server.database("people_moving") as url,
        open_store("sqlite:///first.sqlite", tmp_path) as first,
        open_store(url, tmp_path) as middle,
        open_store("sqlite:///last.sqlite", tmp_path) as last,
    ):
        token = fill(first)
        assert all(rows_of(first))
        first.copy_to(middle)
        middle.copy_to(last)
        assert rows_of(middle) == rows_of(last) == rows_of(first)
        for copy in (middle, last):
            assert Sessions(copy.database, ManualClock()).find(token) is not None
            ann = people_of(copy, ManualClock()).check_password("ann ó briain", PASSWORD)
            assert ann is not None


def test_what_was_written_for_good_stays(store: Store) -> None:
    fill(store)
    before = rows_of(store)
    for statement in (
        "UPDATE guidelines SET text = ''",
        "DELETE FROM guidelines",
        "UPDATE activity SET at_ms = 0",
        "DELETE FROM activity",
        "UPDATE delivery_tries SET status = 200",
        "DELETE FROM delivery_tries",
    ):
        with pytest.raises(StoreError, match="append-only"), store.database.writing() as writer:
            writer.execute(text(statement))
    assert rows_of(store) == before
