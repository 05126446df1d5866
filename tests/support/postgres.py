"""A PostgreSQL server of the tests' own: a temporary folder, a Unix socket, no network."""

import glob
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from prelabel.store.migrate import REVISION_TABLE

_OWNER = "prelabel"
_START_SECONDS = 180


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server, reached through the socket in `folder`."""

    folder: Path

    def url(self, database: str) -> str:
        return f"postgresql://{_OWNER}@/{database}?host={self.folder}"

    @contextmanager
    def database(self, name: str) -> Iterator[str]:
        """The address of a new empty database, dropped at the end."""
        url = self.create(name)
        try:
            yield url
        finally:
            self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def create(self, name: str) -> str:
        """The address of a new empty database."""
        self._run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


def empty_tables(url: str) -> None:
    """Remove all rows of a store, those of append-only tables too, but keep its tables."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # fires no triggers
        listed = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        names = {name for (name,) in connection.execute(listed).fetchall()}
        for name in names - {REVISION_TABLE}:
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))


def server_programs() -> Path | None:
    """The folder of `initdb` and `postgres`, the newest installed; None where there is none."""
    versions = glob.glob("/usr/lib/postgresql/*/bin/initdb")
    newest = max(versions, key=lambda path: float(Path(path).parts[4]), default=None)
    found = newest or shutil.which("initdb")
    return None if found is None else Path(found).resolve().parent


@contextmanager
def running_server(
    programs: Path, settings: Mapping[str, str] | None = None
) -> Iterator[PostgresServer]:
    """A server that lives as long as the block; `settings` of its own go before ours."""
    user = _unprivileged_user()
    # Not below pytest's own folder, which other users may not enter; and a socket needs a short
    # path.
    folder = Path(tempfile.mkdtemp(prefix="prelabel-pg-"))
    if user is not None:
        shutil.chown(folder, user)
    try:
        _initialise(programs, folder, user)
        with _started(programs, folder, user, settings or {}) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged_user() -> str | None:
    """Whom to run the server as: it refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _initialise(programs: Path, folder: Path, user: str | None) -> None:
    options = ["-U", _OWNER, "-A", "trust", "--no-sync", "--encoding=UTF8", "--locale=C"]
    subprocess.run(
        [programs / "initdb", "-D", folder / "data", *options],
        user=user,
        cwd=folder,
        check=True,
        capture_output=True,
    )


@contextmanager
def _started(
    programs: Path, folder: Path, user: str | None, more: Mapping[str, str]
) -> Iterator[PostgresServer]:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": folder,
        "fsync": "off",  # clients are killed here, never the machine
        "shared_buffers": "32MB",
        "max_connections": "50",
        **more,
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [programs / "postgres", "-D", folder / "data", *options],
            user=user,
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    server = PostgresServer(folder)
    try:
        give_up_at = time.monotonic() + _START_SECONDS
        while not server.answers():
            if process.poll() is not None or time.monotonic() > give_up_at:
                raise RuntimeError((folder / "server.log").read_text())
            time.sleep(0.05)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.send_signal(3)  # SIGQUIT: at once, whoever is still connected
            process.wait(timeout=120)
