"""Sessions of people who have logged in."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, insert, select, update

from prelabel.store.changes import Clock
from prelabel.store.database import Database
from prelabel.store.people_tables import people, sessions
from prelabel.work.people import Person, person_of
from prelabel.work.people_errors import DisabledPersonError
from prelabel.work.tokens import csrf_token, new_token, token_hash

UNUSED_FOR = timedelta(hours=12)  # a session that nobody used for so long ends
AT_MOST = timedelta(days=7)
_NOTICED_EVERY = timedelta(minutes=1)  # a write for every request would be too many

# Made once, as every request of a page asks it.
_LIVING = (
    select(people, sessions.c.seen_at, sessions.c.expires_at, sessions.c.ends_at)
    .join(people, people.c.name == sessions.c.person)
    .where(
        sessions.c.token_hash == bindparam("token_hash"),
        sessions.c.login_number == people.c.login_number,
        sessions.c.expires_at > bindparam("now"),
        ~people.c.disabled,
    )
)


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is logged in; unsafe requests must bring `csrf_token`. Times are UTC."""

    person: Person
    csrf_token: str = field(repr=False)
    expires_at: datetime


class Sessions:
    """Begins, finds and ends sessions; only hashes of their tokens are kept."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def begin(self, person: Person) -> str:
        """The token of a new session; `person` is as a password or a link has just shown them.

        Raises DisabledPersonError where they were disabled, or their logins ended, meanwhile.
        """
        token, now = new_token(), self._clock()
        row = {
            "token_hash": token_hash(token),
            "person": person.name,
            "login_number": person.login_number,
            "seen_at": now,
            "expires_at": now + UNUSED_FOR,
            "ends_at": now + AT_MOST,
        }
        still = select(people.c.name).where(
            people.c.name == person.name,
            people.c.login_number == person.login_number,
            ~people.c.disabled,
        )
        with self._database.working() as connection:
            if connection.execute(still).first() is None:
                raise DisabledPersonError(f"{person.name!r} cannot log in any more: log in anew")
            connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
            connection.execute(insert(sessions), row)
        return token

    def find(self, token: str) -> Session | None:
        """The session with this token; None where it ended, ran out, or never was."""
        now = self._clock()
        asked = {"token_hash": token_hash(token), "now": now}
        with self._database.reading() as connection:
            row = connection.execute(_LIVING, asked).first()
        if row is None:
            return None
        expires_at: datetime = row.expires_at
        if now - row.seen_at >= _NOTICED_EVERY:
            expires_at = min(now + UNUSED_FOR, row.ends_at)
            self._prolong(token, now, expires_at)
        return Session(person_of(row), csrf_token(token), expires_at)

    def end(self, token: str) -> None:
        """Log out; a token that is no session's changes nothing."""
        with self._database.working() as connection:
            connection.execute(delete(sessions).where(sessions.c.token_hash == token_hash(token)))

    def _prolong(self, token: str, now: datetime, expires_at: datetime) -> None:
        with self._database.working() as connection:
            connection.execute(
                update(sessions)
                .where(sessions.c.token_hash == token_hash(token), sessions.c.seen_at < now)
                .values(seen_at=now, expires_at=expires_at)
            )
