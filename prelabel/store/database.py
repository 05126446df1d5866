"""Connections and transactions on SQLite and PostgreSQL; the only file that knows them apart."""

import importlib.util
import json
import os
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Dialect, Engine, create_engine, event, func, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as NoFreeConnectionError

from prelabel.datasets.errors import MissingExtraError
from prelabel.store.errors import StoreError

_WAIT_SECONDS = 120  # how long a writer waits for the others before it gives up
_RESTED_SECONDS = 5  # after so long a connection may have been cut without our noticing
_USED_AT = "prelabel_used_at"
_WRITES = "prelabel_writes"
_WRITER_LOCK = 0x70726C62  # "prlb": tells our lock from the locks of others in the same database
_TURN_LOCK = 0x70726C74  # "prlt"
# A web server works with 40 threads; they are all to have a connection of their own.
_POOL = {"pool_size": 10, "max_overflow": 30, "pool_timeout": _WAIT_SECONDS}


class Database:
    """One SQL database; writers take turns, readers never wait.

    One writer at a time, on PostgreSQL too, numbers the events without gaps in the order of their
    commits, so that whoever follows the log misses none.
    """

    def __init__(self, url: str, root: Path) -> None:
        parsed = _checked_url(url, root)
        self.shown = parsed.render_as_string(hide_password=True)
        self._engine = _sqlite(parsed) if _is_sqlite(parsed) else _postgresql(parsed)
        self._writing_engine = self._engine.execution_options(**{_WRITES: True})
        # Threads of one process queue up here: SQLite itself lets them ask again and again, in no
        # order and with growing pauses.
        self._in_line = threading.Lock() if _is_sqlite(parsed) else nullcontext()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees the store as it is now."""
        with self._one_line_errors(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that no other writer runs beside; durable once the block is left.

        Rows that `working` may lock are locked after this, never the other way round.
        """
        with self._begun() as connection:
            _wait_for_turn(connection, _WRITER_LOCK, "")
            yield connection

    @contextmanager
    def working(self, turn: str | None = None) -> Iterator[Connection]:
        """A transaction for what is not an event; durable once the block is left.

        On PostgreSQL many run at once, beside a writer too: lock the rows that are read to be
        changed. Those of the same `turn` wait for one another. SQLite has one writer at a time.
        """
        with self._begun() as connection:
            if turn is not None:
                _wait_for_turn(connection, _TURN_LOCK, turn)
            yield connection

    @contextmanager
    def _begun(self) -> Iterator[Connection]:
        with self._one_line_errors(), self._in_line, self._writing_engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()

    @contextmanager
    def _one_line_errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            told = " ".join(str(error.orig).split())
            raise StoreError(f"{self.shown}: {told}{_advice(told)}") from error
        except NoFreeConnectionError as error:
            raise StoreError(
                f"{self.shown}: all connections have been in use for {_WAIT_SECONDS} s: "
                "work with fewer threads"
            ) from error


def _wait_for_turn(connection: Connection, lock: int, turn: str) -> None:
    """Take a lock that ends with the transaction; on SQLite there is one writer anyway."""
    if connection.dialect.name == "postgresql":
        of_turn = func.hashtext(func.concat(func.current_schema(), turn))
        connection.execute(select(func.pg_advisory_xact_lock(lock, of_turn)))


def _checked_url(url: str, root: Path) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(
            f"{url!r} is no database address: write sqlite:///file.sqlite or "
            "postgresql://user@host/database"
        ) from error
    if _is_sqlite(parsed):
        if parsed.database in (None, "", ":memory:"):
            raise StoreError(f"{url}: must name a file, such as sqlite:///store.sqlite")
        # A relative file lies in the workspace, wherever the program was started.
        return parsed.set(drivername="sqlite", database=os.path.join(root, str(parsed.database)))
    if parsed.get_backend_name() in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    raise StoreError(f"{parsed.drivername}: only sqlite and postgresql can hold the store")


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _postgresql(url: URL) -> Engine:
    if importlib.util.find_spec("psycopg") is None:
        raise MissingExtraError("postgres", "a store on PostgreSQL")
    engine = create_engine(url, json_serializer=_as_json, **_POOL)
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "checkout", partial(_check_after_a_rest, engine.dialect))
    return engine


def _note_use(connection: Any, record: Any) -> None:
    record.info[_USED_AT] = time.monotonic()


def _check_after_a_rest(dialect: Dialect, connection: Any, record: Any, proxy: Any) -> None:
    """Try a connection that has lain idle, and have another one made if it is dead.

    Before every use, as `pool_pre_ping` does it, costs a page's requests a third of their time.
    """
    rested = time.monotonic() - record.info.get(_USED_AT, time.monotonic())
    if rested < _RESTED_SECONDS:
        return
    try:
        dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error as error:
        raise DisconnectionError(str(error)) from error


def _sqlite(url: URL) -> Engine:
    waits = {"timeout": _WAIT_SECONDS}
    engine = create_engine(url, json_serializer=_as_json, connect_args=waits, **_POOL)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, record: Any) -> None:
    connection.isolation_level = None  # transactions begin where we say, not where Python guesses
    _switch_to_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")  # in WAL mode, less may lose the last commits
    # 32 MB: the pages of an index are written back once for many commits of an import.
    connection.execute("PRAGMA wal_autocheckpoint = 8000")
    connection.execute("PRAGMA foreign_keys = ON")


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Turn on the write-ahead log; SQLite does not wait by itself for others who do the same."""
    give_up_at = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up_at:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: Connection) -> None:
    # A reader that turns writer in mid-transaction fails at once when another wrote in between;
    # a writer from the start waits its turn.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _as_json(values: Any) -> str:
    """What `json.dumps` writes, without spaces, in a tenth of the time."""
    try:
        return msgspec.json.encode(values).decode()
    except (TypeError, OverflowError):  # subclasses of plain types, whole numbers of any size
        return json.dumps(values)


def _advice(told: str) -> str:
    if "unable to open database file" in told:
        return ": check that its folder exists and may be written"
    if "not a database" in told:
        return ": it is some other file; name another one or move it away"
    if "database is locked" in told:
        return f": another program has been writing for {_WAIT_SECONDS} s; end it and try again"
    if re.search("(relation|table) .* already exists", told):
        return ": another program has tables there; give prelabel a database of its own"
    return ""
