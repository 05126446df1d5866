"""Stores to test with: every test that asks for `store` or `store_url` runs on both databases."""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mongo import mongo_environment, mongod_program, skip_without_mongod
from postgres import PostgresServer, empty_tables, running_server, server_programs

from prelabel.store.store import Store, open_store

if TYPE_CHECKING:
    from accept_projects import BirdWorld

    from prelabel.curating.opening import Curation
    from prelabel.project import Project


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    programs = server_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed (Debian: apt-get install postgresql)")
    with running_server(programs) as server:
        yield server


@pytest.fixture(scope="session")
def mongo_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a MongoDB server; FiftyOne uses one in all of a process."""
    program = mongod_program()
    if program is None:
        skip_without_mongod()
    with mongo_environment(tmp_path_factory.mktemp("fiftyone"), program) as address:
        yield address


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite store without content, to be copied."""
    folder = tmp_path_factory.mktemp("migrated")
    open_store("sqlite:///store.sqlite", folder).close()
    return folder / "store.sqlite"


@pytest.fixture(scope="session")
def migrated_url(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PostgreSQL store that is emptied for each test: to make one takes a second."""
    url = postgres_server.create(f"migrated_{uuid.uuid4().hex}")
    open_store(url, tmp_path_factory.mktemp("root")).close()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database; beside `store` it has the tables already."""
    on_sqlite, has_tables = request.param == "sqlite", "store" in request.fixturenames
    if on_sqlite:
        if has_tables:
            shutil.copy(request.getfixturevalue("migrated_file"), tmp_path)
        yield f"sqlite:///{tmp_path}/store.sqlite"
    elif has_tables:
        url: str = request.getfixturevalue("migrated_url")
        empty_tables(url)
        yield url
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with server.database(f"test_{uuid.uuid4().hex}") as url:
            yield url


@pytest.fixture
def clock() -> Callable[[], datetime]:
    """A clock that goes on by a second each time somebody looks."""
    start = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    looks = iter(range(1_000_000))
    return lambda: start + timedelta(seconds=next(looks))


@pytest.fixture
def store(store_url: str, tmp_path: Path, clock: Callable[[], datetime]) -> Iterator[Store]:
    """An empty store that knows the classes van, car and bus."""
    with open_store(store_url, tmp_path, clock) as opened:
        opened.add_classes(["van", "car", "bus"], "setup")
        yield opened


@pytest.fixture(scope="session")
def bird_pool(tmp_path_factory: pytest.TempPathFactory) -> "BirdWorld":
    """A pool with proposals and no labels, to be copied."""
    from accept_projects import bird_world  # loads prelabel.project, which few tests need

    return bird_world(tmp_path_factory.mktemp("pool"))


@pytest.fixture(scope="session")
def checked_pool(bird_pool: "BirdWorld", tmp_path_factory: pytest.TempPathFactory) -> "BirdWorld":
    """The same in which enough frames were drawn at random and labelled, to be copied."""
    from accept_projects import checked_world

    return checked_world(bird_pool, tmp_path_factory.mktemp("checked") / "birds")


@pytest.fixture(scope="session")
def birds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with proposals and no batch yet, to be copied: see `review_app.opened_copy`."""
    from review_app import make_project  # loads the web server, which few tests need

    folder = tmp_path_factory.mktemp("made") / "birds"
    make_project(folder)
    return folder


@pytest.fixture
def curated_project(birds: Path, tmp_path: Path) -> Iterator["Project"]:
    """Six frames with proposals; the first two have them as accepted labels."""
    from curated import accept_proposals
    from review_app import opened_copy

    with opened_copy(birds, tmp_path / "birds") as opened:
        for frame in list(opened.store.frames())[:2]:
            accept_proposals(opened, frame.frame_id)
        yield opened


@pytest.fixture
def curation(mongo_database: str, curated_project: "Project") -> Iterator["Curation"]:
    """FiftyOne, connected to the tests' database, for that project."""
    from prelabel.curating.opening import opened_curation

    with opened_curation(curated_project.workspace, os.environ) as opened:
        yield opened
