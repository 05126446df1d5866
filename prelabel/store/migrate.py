"""Bringing the tables of a store up to those of this program."""

from importlib.resources import as_file, files

from sqlalchemy import Column, Connection, MetaData, Table, Text, inspect, select

from prelabel.store.database import Database
from prelabel.store.errors import StoreTooNewError

NEWEST_REVISION = "0007"
REVISION_TABLE = "prelabel_revision"  # not Alembic's own name: other programs may use that one

_revision = Table(REVISION_TABLE, MetaData(), Column("version_num", Text))


def migrate(database: Database) -> None:
    """Run the migrations that the store lacks, all or none; nothing to do costs one query.

    Raises StoreTooNewError where the store knows a migration that this program does not.
    """
    with database.reading() as connection:
        if revision_of(connection) == NEWEST_REVISION:
            return
    with database.writing() as connection:
        _upgrade(connection, database.shown)


def revision_of(connection: Connection) -> str | None:
    """The newest migration that the store has seen; None for an empty database."""
    if not inspect(connection).has_table(REVISION_TABLE):
        return None
    return connection.execute(select(_revision.c.version_num)).scalar_one_or_none()


def _upgrade(connection: Connection, shown: str) -> None:
    # Imported here: it takes a quarter of a second, and most runs find nothing to migrate.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    with as_file(files("prelabel.store.migrations")) as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        known = {one.revision for one in ScriptDirectory.from_config(config).walk_revisions()}
        revision = revision_of(connection)
        if revision is not None and revision not in known:
            raise StoreTooNewError(
                f"{shown}: was written by a newer prelabel (its tables are at revision "
                f"{revision}, this program knows up to {NEWEST_REVISION}): install a newer prelabel"
            )
        command.upgrade(config, "head")
