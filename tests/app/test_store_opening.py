"""Opening, creating and migrating stores, and telling clearly why one cannot be opened."""

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from importlib import util
from importlib.resources import as_file, files
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, text
from store_content import labelled_frames

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.batches import Batch, Pick
from prelabel.datasets.errors import MissingExtraError
from prelabel.store import tables
from prelabel.store.database import Database
from prelabel.store.errors import StoreError, StoreTooNewError
from prelabel.store.migrate import NEWEST_REVISION, REVISION_TABLE, revision_of
from prelabel.store.records import ModelRecord, Shown
from prelabel.store.store import Store, open_store


def test_a_store_outlives_its_closing(store_url: str, tmp_path: Path) -> None:
    with open_store(store_url, tmp_path) as store:
        store.add_classes(["van", "car", "bus"], "ann")
        store.import_frames(labelled_frames(3), "ann")
    with open_store(store_url, tmp_path) as store:
        assert list(store.labelled_frames()) == list(labelled_frames(3))
        assert store.classes() == ("van", "car", "bus")
        assert all(event.at.tzinfo is not None for event in store.events())


def test_the_migrations_make_the_tables_that_the_program_uses(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    def differences(connection: Connection) -> list[object]:
        options = {"version_table": REVISION_TABLE, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, tables.metadata))

    database = Database(store_url, tmp_path)
    with database.reading() as connection:
        assert differences(connection) == []
        assert revision_of(connection) == NEWEST_REVISION
    database.close()


def test_models_of_an_older_store_stay_in_use(store_url: str, tmp_path: Path) -> None:
    database = Database(store_url, tmp_path)
    with database.writing() as connection, as_file(files("prelabel.store.migrations")) as folder:
        config = Config()
        config.set_main_option("script_location", str(folder))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        columns = {column.name: None for column in tables.models.columns}
        for number in (1, 2):
            row: dict[str, object] = {"number": number, "model_id": f"m{number}"}
            row |= {"detector": "onnx:x", "checkpoint": "/m.onnx", "train_frames": 1, "steps": 1}
            row |= {"seconds": 1.0, "added_at": datetime(2026, 1, number, tzinfo=UTC)}
            connection.execute(insert(tables.models), columns | row)
    database.close()
    with open_store(store_url, tmp_path) as store:
        assert [one.model_id for one in store.models()] == ["m1", "m2"]
        latest = store.latest_model()
        assert latest is not None
        assert latest.model_id == "m2"


def test_a_store_of_a_newer_program_is_left_alone(store_url: str, tmp_path: Path) -> None:
    open_store(store_url, tmp_path).close()
    database = Database(store_url, tmp_path)
    with database.writing() as connection:
        connection.execute(text(f"UPDATE {REVISION_TABLE} SET version_num = '9999'"))
    database.close()
    with pytest.raises(StoreTooNewError, match=r"revision 9999.*install a newer prelabel") as told:
        open_store(store_url, tmp_path)
    assert "\n" not in str(told.value)


def test_tables_of_another_program_are_not_mixed_with_ours(store_url: str, tmp_path: Path) -> None:
    database = Database(store_url, tmp_path)
    with database.writing() as connection:
        connection.execute(text("CREATE TABLE events (what TEXT)"))
    with pytest.raises(StoreError, match="give prelabel a database of its own"):
        open_store(store_url, tmp_path)
    with database.reading() as connection:
        assert revision_of(connection) is None  # all or nothing
    database.close()


def test_a_relative_file_lies_in_the_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "100% ours").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    open_store("sqlite:///store.sqlite", tmp_path / "100% ours").close()
    assert (tmp_path / "100% ours" / "store.sqlite").is_file()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_sqlite_is_set_up_to_lose_nothing(tmp_path: Path) -> None:
    database = Database("sqlite:///store.sqlite", tmp_path)
    with database.reading() as connection:
        for setting, value in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
            assert connection.execute(text(f"PRAGMA {setting}")).scalar() == value
    database.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "is no database address: write sqlite:///file.sqlite or postgresql://"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("mysql://a@b/c", "mysql: only sqlite and postgresql can hold the store"),
        ("sqlite:///no/such/folder/s.sqlite", "check that its folder exists and may be written"),
        ("sqlite:///text.sqlite", "it is some other file; name another one or move it away"),
        ("postgresql://ann:secret@/x?host=/nowhere", r"ann:\*\*\*@.*connection"),
    ],
)
def test_an_address_that_cannot_be_opened_is_told_in_one_line(
    url: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "text.sqlite").write_text("These are some notes, and not a database at all.\n" * 9)
    with pytest.raises(StoreError, match=message) as told:
        open_store(url, tmp_path)
    assert "\n" not in str(told.value)
    assert "secret" not in str(told.value)


def test_a_missing_driver_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = util.find_spec
    monkeypatch.setattr(
        util, "find_spec", lambda name: None if name == "psycopg" else find_spec(name)
    )
    with pytest.raises(MissingExtraError, match=r"pip install 'prelabel\[postgres\]'"):
        open_store("postgresql://ann@/x", tmp_path)


def test_opening_an_up_to_date_store_does_not_load_the_migration_tool(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from prelabel.store.store import open_store;"
        "open_store('sqlite:///store.sqlite', pathlib.Path(sys.argv[1])).close();"
        "print('alembic' in sys.modules, 'torch' in sys.modules)"
    )
    python = [sys.executable, "-P", "-c", program, str(tmp_path)]
    told = [
        subprocess.run(python, check=True, capture_output=True, text=True).stdout.split()
        for _ in range(2)
    ]
    assert told == [["True", "False"], ["False", "False"]]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET author = 'me'",
        "DELETE FROM events",
        "UPDATE label_versions SET seconds = 0",
        "DELETE FROM label_versions WHERE number = 1",
        "DELETE FROM classes",
        "UPDATE models SET validation_map50 = 1",
        "UPDATE batches SET seed = 1",
        "DELETE FROM picks",
        "UPDATE shown SET shown_score = 0",
        "DELETE FROM adoptions",
    ],
)
def test_the_database_refuses_to_change_what_was_recorded(
    store: Store, store_url: str, tmp_path: Path, statement: str
) -> None:
    _fill(store)
    before = list(store.events())
    database = Database(store_url, tmp_path)
    table = next(word for word in statement.split() if word in tables.metadata.tables)
    with pytest.raises(StoreError, match=f"{table} is append-only"), database.writing() as writer:
        writer.execute(text(statement))
    database.close()
    assert list(store.events()) == before


def test_replacing_and_truncating_are_refused_too(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    _fill(store)
    database = Database(store_url, tmp_path)
    sqlite = "INSERT OR REPLACE INTO events SELECT * FROM events"
    statement = sqlite if store_url.startswith("sqlite") else "TRUNCATE events CASCADE"
    with pytest.raises(StoreError, match="is append-only"), database.writing() as writer:
        writer.execute(text(statement))
    database.close()


def test_another_program_may_look_but_not_change(tmp_path: Path) -> None:
    with open_store("sqlite:///store.sqlite", tmp_path) as store:
        store.add_classes(["van", "car", "bus"], "ann")
        _fill(store)
    connection = sqlite3.connect(tmp_path / "store.sqlite")
    assert connection.execute("SELECT count(*) FROM label_versions").fetchone() == (2,)
    for verb in ("UPDATE events SET author = 'me'", "REPLACE INTO events SELECT * FROM events"):
        with pytest.raises(sqlite3.IntegrityError, match="events is append-only"):
            connection.execute(verb)
    connection.close()


def _fill(store: Store) -> None:
    store.import_frames(labelled_frames(2), "ann")
    store.start_round("loop")
    pick = Pick(next(labelled_frames(1)).frame.frame_id, 1.0, "because", 1.0)
    shown = Shown("m", 0.3, AnnotationSet.empty(), ())
    store.record_batch(1, Batch("random", 0, (pick,)), "loop", {pick.frame_id: shown})
    store.add_model(ModelRecord("m", "onnx:x", "/m.onnx", 1, 1, 1.0), "loop")
