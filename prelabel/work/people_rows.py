"""Rows of people: looking them up, ending their logins, and keeping an owner."""

from typing import Any

from sqlalchemy import Connection, Row, delete, func, select

from prelabel.datasets.errors import InvalidValueError
from prelabel.store.people_tables import login_links, people, sessions
from prelabel.work.names import checked_name, name_key
from prelabel.work.people_errors import LastOwnerError, UnknownPersonError
from prelabel.work.tokens import token_hash

OWNER = "owner"


def find_row(connection: Connection, name: str) -> Row[Any] | None:
    """The row of a person by their name in any case; None where nobody is called so."""
    try:
        key = name_key(checked_name(name))
    except InvalidValueError:
        return None  # nobody can have it
    return connection.execute(select(people).where(people.c.name_key == key)).first()


def known_row(connection: Connection, name: str) -> Row[Any]:
    """The row of a person; UnknownPersonError where nobody is called so."""
    row = find_row(connection, name)
    if row is None:
        raise UnknownPersonError(f"nobody is called {name!r}: `prelabel people list` names all")
    return row


def end_logins(connection: Connection, name: str, keep: str | None = None) -> None:
    """Remove the links of a person, and their sessions but the one with the token `keep`."""
    connection.execute(delete(login_links).where(login_links.c.person == name))
    ending = sessions.c.person == name
    if keep is not None:
        ending &= sessions.c.token_hash != token_hash(keep)
    connection.execute(delete(sessions).where(ending))


def check_owner_remains(connection: Connection, leaving: Row[Any]) -> None:
    """LastOwnerError where no other owner is left, or none who can log in as this one can."""
    if leaving.role != OWNER:
        return
    others = select(func.count()).where(
        people.c.role == OWNER, ~people.c.disabled, people.c.name != leaving.name
    )
    if leaving.has_login:
        others = others.where(people.c.has_login)
    if not connection.execute(others).scalar():
        raise LastOwnerError(
            f"{leaving.name!r} is the last owner who can log in: make somebody else an owner first"
        )
