"""Copying a store from one database to another."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Table, insert, select, tuple_

from prelabel.store.database import Database
from prelabel.store.errors import ConflictError
from prelabel.store.schema import metadata

_PAGE = 5000


def copy_everything(source: Database, target: Database) -> int:
    """Copy all rows of all tables in one transaction; how many they are.

    Raises ConflictError where `target` holds anything already.
    """
    copied = 0
    with source.reading() as reader, target.writing() as writer:
        for table in metadata.sorted_tables:
            if writer.execute(select(table).limit(1)).first() is not None:
                raise ConflictError(
                    f"{target.shown}: holds {table.name} already: name an empty database"
                )
        for table in metadata.sorted_tables:  # what is referred to comes before what refers
            for rows in _pages(reader, table):
                writer.execute(insert(table), rows)
                copied += len(rows)
    return copied


def _pages(reader: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    key = tuple_(*table.primary_key.columns)
    wanted = select(table).order_by(*table.primary_key.columns).limit(_PAGE)
    page = reader.execute(wanted).mappings().all()
    while page:
        yield [dict(row) for row in page]
        last = tuple(page[-1][column.name] for column in table.primary_key.columns)
        page = reader.execute(wanted.where(key > last)).mappings().all()
