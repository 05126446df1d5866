"""Triggers that let rows of a table be added, and neither changed nor removed."""

from alembic import op


def refuse_changes(table: str, taken: str) -> None:
    """Make `table` append-only; `taken` says in SQL when a row has the place of a NEW one."""
    if op.get_bind().dialect.name == "sqlite":
        _refuse_in_sqlite(table, taken)
    else:
        _refuse_in_postgresql(table)


def _refuse_in_sqlite(table: str, taken: str) -> None:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}")
    op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}")
    # REPLACE deletes without a word to the trigger above, unless a connection asks for it.
    op.execute(
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {taken}) {refuse}"
    )


def _refuse_in_postgresql(table: str) -> None:
    op.execute(
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
    )
