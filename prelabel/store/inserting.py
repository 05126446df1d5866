"""Many rows at once.

SQLAlchemy prepares each value of each row by itself, which takes longer than SQLite takes to write
them: here a whole column is prepared at a time, and what is the same in every row only once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from typing import Any

from sqlalchemy import Connection, Dialect, Table, insert
from sqlalchemy.sql.compiler import SQLCompiler


@dataclass(frozen=True, slots=True)
class Every:
    """One value for every row."""

    value: Any


def insert_columns(
    connection: Connection, table: Table, columns: Mapping[str, Sequence[Any] | Every]
) -> None:
    """Insert rows given by their columns, at least one of which is no `Every`."""
    statement = _statement(connection.dialect, table, tuple(columns))
    names = statement.positiontup or list(columns)
    prepared = [_prepared(table, name, columns[name], connection.dialect) for name in names]
    rows: list[Any] = list(zip(*prepared, strict=False))  # `Every` has no end
    if not statement.positional:
        rows = [dict(zip(names, row, strict=True)) for row in rows]
    if rows:
        connection.exec_driver_sql(str(statement), rows)


@lru_cache(maxsize=32)
def _statement(dialect: Dialect, table: Table, names: tuple[str, ...]) -> SQLCompiler:
    return dialect.statement_compiler(dialect, insert(table), column_keys=names)


def _prepared(
    table: Table, name: str, values: Sequence[Any] | Every, dialect: Dialect
) -> Iterable[Any]:
    """The values as the driver takes them."""
    prepare = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
    if isinstance(values, Every):
        return repeat(values.value if prepare is None else prepare(values.value))
    return values if prepare is None else map(prepare, values)
