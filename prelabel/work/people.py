"""Who may work on a project, as what, and how they show who they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import total_ordering
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from prelabel.datasets.errors import InvalidValueError
from prelabel.store.changes import Change, Clock, Entry, changing
from prelabel.store.database import Database
from prelabel.store.people_tables import login_links, people, sessions
from prelabel.store.records import EventKind
from prelabel.work.names import checked_name, name_key
from prelabel.work.passwords import Passwords
from prelabel.work.people_errors import DisabledPersonError, InvalidLinkError, NameTakenError
from prelabel.work.people_rows import check_owner_remains, end_logins, find_row, known_row
from prelabel.work.tokens import new_token, token_hash

LINK_VALID = timedelta(days=7)


@total_ordering
class Role(Enum):
    """What a person may do; each role may do all that the ones before it may."""

    ANNOTATOR = "annotator"  # corrects
    REVIEWER = "reviewer"  # and judges corrections
    OWNER = "owner"  # and looks after people, guidelines and settings

    def __str__(self) -> str:
        return self.value

    def __lt__(self, other: "Role") -> bool:
        order = list(Role)
        return order.index(self) < order.index(other)


@dataclass(frozen=True, slots=True)
class Person:
    """One person; `login_number` tells apart the times between which all sessions had to end."""

    name: str
    role: Role
    disabled: bool
    has_login: bool
    added_at: datetime
    login_number: int


class People:
    """The people of a project.

    Names are looked up whatever their case. Changes are logged under `author`; neither the log nor
    the database holds a password or a token. Methods that are given the name of nobody raise
    UnknownPersonError.
    """

    def __init__(
        self, database: Database, clock: Clock, passwords: Passwords | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._passwords = passwords or Passwords()

    # Who there is

    def add(self, name: str, role: Role, author: str) -> Person:
        """Add somebody, who cannot log in yet: give a password or a link next.

        Raises InvalidValueError where the name is unfit, NameTakenError where it is in use.
        """
        kept = checked_name(name)
        with changing(self._database, author, self._clock) as change:
            found = find_row(change.connection, kept)
            if found is not None:
                raise NameTakenError(f"{found.name!r} is there already: take another name")
            return _added(change, kept, role)

    def local_user(self, name: str) -> Person:
        """Whoever works alone on this machine: added as an owner without a login if need be."""
        kept = checked_name(name)
        with self._database.reading() as connection:
            found = find_row(connection, kept)
        if found is not None:
            return person_of(found)
        with changing(self._database, kept, self._clock) as change:
            found = find_row(change.connection, kept)
            return _added(change, kept, Role.OWNER) if found is None else person_of(found)

    def get(self, name: str) -> Person:
        """The person with this name."""
        with self._database.reading() as connection:
            return person_of(known_row(connection, name))

    def all(self) -> list[Person]:
        """Everybody, disabled people too, in the order they were added."""
        with self._database.reading() as connection:
            rows = connection.execute(select(people).order_by(people.c.added_at, people.c.name))
            return [person_of(row) for row in rows]

    def any_with_login(self, role: Role | None = None) -> bool:
        """Whether anybody who is not disabled was ever given a password or a link.

        A link that has run out counts: a project that asked for logins never stops by itself.
        """
        wanted = people.c.has_login & ~people.c.disabled
        if role is not None:
            wanted &= people.c.role == role.value
        with self._database.reading() as connection:
            return connection.execute(select(people.c.name).where(wanted)).first() is not None

    # What they may do

    def set_role(self, name: str, role: Role, author: str) -> Person:
        """Give another role; LastOwnerError where the project would be left without an owner."""
        with changing(self._database, author, self._clock) as change:
            row = known_row(change.connection, name)
            if row.role == role.value:
                return person_of(row)
            if not row.disabled:
                check_owner_remains(change.connection, row)
            return _changed(change, row.name, {"role": role.value}, {"role": role.value})

    def disable(self, name: str, author: str) -> Person:
        """End all sessions and links of somebody, and let them log in no more.

        What they did stays. Raises LastOwnerError where the project would be left without an owner.
        """
        with changing(self._database, author, self._clock) as change:
            row = known_row(change.connection, name)
            if row.disabled:
                return person_of(row)
            check_owner_remains(change.connection, row)
            end_logins(change.connection, row.name)
            values = {"disabled": True, "login_number": row.login_number + 1}
            return _changed(change, row.name, values, {"disabled": True})

    def enable(self, name: str, author: str) -> Person:
        """Let somebody log in again, with the password from before or a new link."""
        with changing(self._database, author, self._clock) as change:
            row = known_row(change.connection, name)
            if not row.disabled:
                return person_of(row)
            return _changed(change, row.name, {"disabled": False}, {"disabled": False})

    # How they show who they are

    def set_password(
        self, name: str, password: str, author: str | None = None, keep: str | None = None
    ) -> Person:
        """Set a password, which ends all links and sessions but the one with the token `keep`.

        `author` is who sets it, None: the person. Raises InvalidValueError where it is too short.
        """
        hashed = self._passwords.hashed(password)
        with changing(self._database, author or self.get(name).name, self._clock) as change:
            row = known_row(change.connection, name)
            end_logins(change.connection, row.name, keep)
            number = row.login_number + 1
            of_person = sessions.c.person == row.name
            change.connection.execute(update(sessions).where(of_person).values(login_number=number))
            values = {"password_hash": hashed, "has_login": True, "login_number": number}
            return _changed(change, row.name, values, {"password": "set"})

    def check_password(self, name: str, password: str) -> Person | None:
        """The person with this name and password; None for all else, after the same time."""
        with self._database.reading() as connection:
            row = find_row(connection, name)
        kept: str | None = None if row is None or row.disabled else row.password_hash
        matches = self._passwords.matches(kept, password)
        if row is None or kept is None or not matches:
            return None
        if self._passwords.outdated(kept):
            self._hash_anew(row.name, kept, password)
        return person_of(row)

    def one_time_link(
        self, name: str, author: str | None = None, valid: timedelta = LINK_VALID
    ) -> str:
        """The token of a link with which a person logs in once; it replaces earlier ones."""
        if valid <= timedelta(0):
            raise InvalidValueError(f"a link must be valid for some time, but is for {valid}")
        token = new_token()
        with changing(self._database, author or self.get(name).name, self._clock) as change:
            row = known_row(change.connection, name)
            if row.disabled:
                raise DisabledPersonError(f"{row.name!r} is disabled: enable them first")
            change.connection.execute(delete(login_links).where(login_links.c.person == row.name))
            link = {
                "token_hash": token_hash(token),
                "person": row.name,
                "expires_at": change.at + valid,
            }
            change.connection.execute(insert(login_links), link)
            _changed(change, row.name, {"has_login": True}, {"link": "made"})
        return token

    def redeem(self, token: str) -> Person:
        """The person whom a link belongs to; it works once, InvalidLinkError after that."""
        used = (
            delete(login_links)
            .where(login_links.c.token_hash == token_hash(token))
            .where(login_links.c.expires_at > self._clock())
            .returning(login_links.c.person)
        )
        with self._database.working() as connection:
            name = connection.execute(used).scalar()  # of two at once, one deletes the row
            person = None if name is None else person_of(known_row(connection, name))
        if person is None or person.disabled:
            raise InvalidLinkError(
                "this link was used before or has run out: ask an owner of the project for another"
            )
        return person

    def _hash_anew(self, name: str, kept: str, password: str) -> None:
        hashed = self._passwords.hashed(password)
        same = (people.c.name == name) & (people.c.password_hash == kept)
        with self._database.working() as connection:
            connection.execute(update(people).where(same).values(password_hash=hashed))


def person_of(row: Row[Any]) -> Person:
    """A person from a row of the table."""
    return Person(
        row.name, Role(row.role), row.disabled, row.has_login, row.added_at, row.login_number
    )


def _added(change: Change, name: str, role: Role) -> Person:
    row = {
        "name": name,
        "name_key": name_key(name),
        "role": role.value,
        "added_at": change.at,
        "disabled": False,
        "has_login": False,
        "login_number": 0,
    }
    change.connection.execute(insert(people), row)
    change.log(EventKind.PERSON_ADDED, [Entry({"person": name, "role": role.value})])
    return Person(name, role, False, False, change.at, 0)


def _changed(
    change: Change, name: str, values: Mapping[str, Any], told: Mapping[str, Any]
) -> Person:
    """Write new values of a row, and log what is to be told of them."""
    change.connection.execute(update(people).where(people.c.name == name).values(**values))
    change.log(EventKind.PERSON_CHANGED, [Entry({"person": name, **told})])
    return person_of(known_row(change.connection, name))
