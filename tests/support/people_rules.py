"""People and logins for tests, with hashing so weak that a test does not wait for it."""

from argon2 import PasswordHasher
from work_content import ManualClock

from prelabel.store.changes import Clock
from prelabel.store.store import Store
from prelabel.work.passwords import Passwords
from prelabel.work.people import People

PASSWORD = "correct horse battery"
START = ManualClock().now


def people_of(store: Store, clock: Clock) -> People:
    """The people of a store."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return People(store.database, clock, Passwords(hasher))
