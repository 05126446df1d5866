"""People, their roles, passwords and links, on both databases."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from argon2 import PasswordHasher
from people_rules import PASSWORD, people_of
from sqlalchemy import select

from prelabel.datasets.errors import InvalidValueError, PrelabelError
from prelabel.store import people_tables as tables
from prelabel.store.changes import Clock
from prelabel.store.records import EventKind
from prelabel.store.store import Store
from prelabel.work.passwords import Passwords
from prelabel.work.people import People, Role
from prelabel.work.people_errors import (
    DisabledPersonError,
    InvalidLinkError,
    LastOwnerError,
    NameTakenError,
    UnknownPersonError,
)
from prelabel.work.sessions import Sessions


@pytest.fixture
def people(store: Store, clock: Clock) -> People:
    return people_of(store, clock)


def test_roles_are_ordered_and_spelled() -> None:
    assert Role.ANNOTATOR < Role.REVIEWER < Role.OWNER
    assert Role.OWNER >= Role.OWNER > Role.ANNOTATOR
    assert [str(role) for role in Role] == ["annotator", "reviewer", "owner"]


def test_people_are_added_and_found_in_any_case(people: People, store: Store) -> None:
    ann = people.add("  Ann Ó Briain ", Role.ANNOTATOR, "olga")
    people.add("鷺", Role.REVIEWER, "olga")
    assert ann.name == "Ann Ó Briain"
    assert people.get("ANN Ó BRIAIN") == ann
    assert [one.name for one in people.all()] == ["Ann Ó Briain", "鷺"]
    with pytest.raises(NameTakenError, match="'Ann Ó Briain' is there already"):
        people.add("ann ó briain", Role.OWNER, "olga")
    with pytest.raises(InvalidValueError):
        people.add("a/b", Role.OWNER, "olga")
    for nobody in ("ben", "", "a\0b", "\ud800"):
        with pytest.raises(UnknownPersonError, match="nobody is called"):
            people.get(nobody)
    added = [one.details for one in store.events() if one.kind is EventKind.PERSON_ADDED]
    assert added[0] == {"person": "Ann Ó Briain", "role": "annotator"}


def test_the_local_user_is_an_owner_without_a_login(people: People) -> None:
    first = people.local_user("seth")
    assert (first.role, first.has_login) == (Role.OWNER, False)
    assert people.local_user("SETH") == first
    assert len(people.all()) == 1
    assert not people.any_with_login()


def test_a_login_once_given_counts_for_ever(people: People, store: Store) -> None:
    people.add("ann", Role.ANNOTATOR, "olga")
    assert not people.any_with_login()
    token = people.one_time_link("ann", "olga", timedelta(seconds=1))
    with pytest.raises(InvalidLinkError):  # the clock of the test goes on by a second at each look
        people.redeem(token)
    assert people.any_with_login()
    assert not people.any_with_login(Role.OWNER)
    people.disable("ann", "olga")
    assert not people.any_with_login()


# Passwords


def test_a_password_lets_in_whoever_knows_it(people: People) -> None:
    people.add("Ann", Role.ANNOTATOR, "olga")
    assert people.check_password("ann", PASSWORD) is None
    ann = people.set_password("ann", PASSWORD)
    assert people.check_password("ANN", PASSWORD) == ann
    assert people.check_password("ann", PASSWORD + "!") is None
    assert people.check_password("ben", PASSWORD) is None
    assert people.check_password("a/b\0", PASSWORD) is None
    with pytest.raises(InvalidValueError, match="10 to 1000 characters"):
        people.set_password("ann", "short")
    assert people.check_password("ann", PASSWORD) == ann


def test_hashes_follow_the_parameters(store: Store, clock: Clock) -> None:
    def kept() -> str:
        with store.database.reading() as connection:
            return str(connection.execute(select(tables.people.c.password_hash)).scalar_one())

    people = people_of(store, clock)
    people.add("ann", Role.ANNOTATOR, "olga")
    people.set_password("ann", PASSWORD)
    first = kept()
    assert people.check_password("ann", PASSWORD) is not None
    assert kept() == first
    stronger = Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    assert People(store.database, clock, stronger).check_password("ann", "wrong password") is None
    assert kept() == first
    assert People(store.database, clock, stronger).check_password("ann", PASSWORD) is not None
    assert "m=16,t=2" in kept()
    assert people.check_password("ann", PASSWORD) is not None


def test_a_new_password_ends_other_sessions_and_links(
    people: People, store: Store, clock: Clock
) -> None:
    doors = Sessions(store.database, clock)
    ann = people.add("ann", Role.ANNOTATOR, "olga")
    old, own = doors.begin(ann), doors.begin(ann)
    link = people.one_time_link("ann")
    people.set_password("ann", PASSWORD, keep=own)
    assert doors.find(old) is None
    assert doors.find(own) is not None
    with pytest.raises(InvalidLinkError):
        people.redeem(link)
    # Whoever gave the old password just before is not let in just after.
    with pytest.raises(DisabledPersonError, match="log in anew"):
        doors.begin(ann)


# Links


def test_a_link_works_once(people: People) -> None:
    people.add("ann", Role.ANNOTATOR, "olga")
    token = people.one_time_link("ann", "olga")
    assert people.redeem(token).name == "ann"
    for used in (token, "", "nonsense", "\ud800"):
        with pytest.raises(InvalidLinkError, match="ask an owner of the project for another"):
            people.redeem(used)


def test_a_newer_link_replaces_the_older(people: People) -> None:
    people.add("ann", Role.ANNOTATOR, "olga")
    older, newer = people.one_time_link("ann"), people.one_time_link("ann")
    with pytest.raises(InvalidLinkError):
        people.redeem(older)
    assert people.redeem(newer).name == "ann"


def test_a_link_runs_out(store: Store) -> None:
    now = [datetime(2026, 1, 2, tzinfo=UTC)]
    people = people_of(store, lambda: now[0])
    people.add("ann", Role.ANNOTATOR, "olga")
    token = people.one_time_link("ann", valid=timedelta(hours=1))
    now[0] += timedelta(hours=1)
    with pytest.raises(InvalidLinkError):
        people.redeem(token)
    with pytest.raises(InvalidValueError, match="valid for some time"):
        people.one_time_link("ann", valid=timedelta(0))


def test_of_many_who_use_a_link_at_once_one_gets_in(people: People) -> None:
    people.add("ann", Role.ANNOTATOR, "olga")
    for _ in range(5):
        token = people.one_time_link("ann")
        gate = threading.Barrier(8)
        answers: list[str] = []

        in_threads([partial(redeem_together, people, token, gate, answers)] * 8)
        assert sorted(answers) == ["ann", *["refused"] * 7]


def redeem_together(
    people: People, token: str, gate: threading.Barrier, answers: list[str]
) -> None:
    gate.wait()
    try:
        answers.append(people.redeem(token).name)
    except InvalidLinkError:
        answers.append("refused")


# Disabling and roles


def test_whoever_is_disabled_is_out_at_once(people: People, store: Store, clock: Clock) -> None:
    doors = Sessions(store.database, clock)
    people.add("olga", Role.OWNER, "setup")
    ann = people.add("ann", Role.ANNOTATOR, "olga")
    people.set_password("ann", PASSWORD)
    token, link = doors.begin(people.get("ann")), people.one_time_link("ann")
    assert people.disable("Ann", "olga").disabled
    assert doors.find(token) is None
    assert people.check_password("ann", PASSWORD) is None
    with pytest.raises(InvalidLinkError):
        people.redeem(link)
    with pytest.raises(DisabledPersonError, match="is disabled: enable them first"):
        people.one_time_link("ann")
    with pytest.raises(DisabledPersonError):
        doors.begin(ann)
    assert people.disable("ann", "olga").disabled  # again: nothing new
    people.enable("ann", "olga")
    assert doors.find(token) is None  # what ended stays ended
    assert people.check_password("ann", PASSWORD) is not None
    changes = [one.details for one in store.events() if one.kind is EventKind.PERSON_CHANGED]
    assert [one["disabled"] for one in changes if "disabled" in one] == [True, False]


def test_the_last_owner_stays(people: People) -> None:
    people.add("olga", Role.OWNER, "setup")
    people.add("ann", Role.ANNOTATOR, "olga")
    with pytest.raises(LastOwnerError, match="make somebody else an owner first"):
        people.disable("olga", "ann")
    with pytest.raises(LastOwnerError, match="make somebody else an owner first"):
        people.set_role("olga", Role.REVIEWER, "ann")
    people.set_role("ann", Role.OWNER, "olga")
    assert people.set_role("olga", Role.REVIEWER, "ann").role is Role.REVIEWER
    with pytest.raises(LastOwnerError):
        people.disable("ann", "olga")


def test_an_owner_without_a_login_does_not_stand_in_for_one_with(people: People) -> None:
    people.add("olga", Role.OWNER, "setup")
    people.local_user("seth")
    people.set_password("olga", PASSWORD)
    with pytest.raises(LastOwnerError):
        people.disable("olga", "seth")
    assert people.disable("seth", "olga").disabled
    assert people.set_role("seth", Role.ANNOTATOR, "olga").role is Role.ANNOTATOR


def test_two_owners_cannot_remove_each_other_at_once(people: People) -> None:
    for name in ("olga", "oleg"):
        people.add(name, Role.OWNER, "setup")
    for _ in range(5):
        refused: list[str] = []
        in_threads([partial(disable_or_say, people, name, refused) for name in ("olga", "oleg")])
        assert len(refused) == 1
        for one in people.all():
            people.enable(one.name, "setup")


def disable_or_say(people: People, name: str, refused: list[str]) -> None:
    try:
        people.disable(name, "the other")
    except LastOwnerError:
        refused.append(name)


def test_a_role_holds_from_the_next_request_on(people: People, store: Store, clock: Clock) -> None:
    doors = Sessions(store.database, clock)
    people.add("olga", Role.OWNER, "setup")
    token = doors.begin(people.add("ann", Role.REVIEWER, "olga"))
    people.set_role("ann", Role.ANNOTATOR, "olga")
    session = doors.find(token)
    assert session is not None
    assert session.person.role is Role.ANNOTATOR
    before = list(store.events())
    people.set_role("ann", Role.ANNOTATOR, "olga")
    assert list(store.events()) == before


# Secrets


def test_no_secret_is_kept_or_told(people: People, store: Store, clock: Clock) -> None:
    doors = Sessions(store.database, clock)
    people.add("ann", Role.ANNOTATOR, "olga")
    people.set_password("ann", PASSWORD)
    link = people.one_time_link("ann")
    token = doors.begin(people.get("ann"))
    session = doors.find(token)
    assert session is not None
    told = [repr(one) for one in (*people.all(), session, people, doors, *store.events())]
    with store.database.reading() as connection:
        for table in (tables.people, tables.login_links, tables.sessions):
            told += [repr(row) for row in connection.execute(select(table))]
    for secret in (PASSWORD, link, token, session.csrf_token):
        assert not any(secret in one for one in told)


def test_errors_are_one_line(people: People) -> None:
    with pytest.raises(PrelabelError) as told:
        people.get("a\nb")
    assert "\n" not in str(told.value)


def in_threads(work: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=one) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
