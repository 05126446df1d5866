"""Webhooks: who is told what, and that nobody learns a secret."""

import hashlib
import hmac
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hook_receiver import tell
from people_rules import START
from sqlalchemy import select
from work_content import ManualClock

from prelabel.datasets.errors import InvalidValueError
from prelabel.store import people_tables as tables
from prelabel.store.changes import changing
from prelabel.store.errors import UnknownEntryError
from prelabel.store.store import Store
from prelabel.work.signatures import signature, signature_fits
from prelabel.work.webhooks import (
    MAX_BODY_BYTES,
    DeliveryState,
    HookKind,
    Webhooks,
    check_url,
    queue_delivery,
)

URL = "https://example.org/hook?project=birds"
SECRET = "a secret of 22 letters"
DOCS = Path(__file__).resolve().parents[2] / "docs" / "people.md"
DOCS_CODE = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def hooks(store: Store, clock: ManualClock) -> Webhooks:
    return Webhooks(store.database, clock)


def test_webhooks_are_added_listed_and_removed(hooks: Webhooks) -> None:
    first, secret = hooks.add(URL, [HookKind.ACCEPTED, HookKind.SUBMITTED], "olga")
    second, given = hooks.add("http://10.0.0.7:8080", [HookKind.BATCH_DONE], "olga", SECRET)
    assert (first.number, first.url, first.author, first.added_at) == (1, URL, "olga", START)
    assert first.kinds == (HookKind.SUBMITTED, HookKind.ACCEPTED)
    assert len(secret) >= 43
    assert given == SECRET
    assert hooks.all() == [first, second]
    hooks.remove(1)
    assert hooks.all() == [second]
    for number in (1, 7):
        with pytest.raises(UnknownEntryError, match=f"there is no webhook {number}"):
            hooks.remove(number)
    assert hooks.add(URL, [HookKind.ACCEPTED], "olga")[0].number == 3  # numbers are not used again


@pytest.mark.parametrize(
    "url",
    [
        *("", "example.org", "ftp://example.org/", "file:///etc/passwd", "//example.org/x"),
        *(
            "https://",
            "https:///x",
            "https://exa mple.org",
            "https://example.org/\n",
            "https://x:0",
        ),
        *("https://x:99999/", "https://[::1", "https://exämple.org/", f"https://x/{'y' * 2000}"),
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidValueError, match="is no address: write https://host/path"):
        check_url(url)


@pytest.mark.parametrize("url", ["https://ann:secret@example.org/", "https://example.org/#top"])
def test_addresses_hold_no_passwords(url: str) -> None:
    with pytest.raises(InvalidValueError, match="no user, password or #") as told:
        check_url(url)
    assert "secret" not in str(told.value)


def test_what_else_is_unfit(hooks: Webhooks) -> None:
    with pytest.raises(InvalidValueError, match="name what to tell: submitted, accepted"):
        hooks.add(URL, [], "olga")
    for secret in ("too short", "x" * 15, "ünfit for a header, alas"):
        with pytest.raises(InvalidValueError, match="at least 16 printable"):
            hooks.add(URL, [HookKind.ACCEPTED], "olga", secret)
    assert hooks.all() == []


def test_messages_wait_for_those_who_asked_for_their_kind(
    hooks: Webhooks, store: Store, clock: ManualClock
) -> None:
    hooks.add(URL, [HookKind.SUBMITTED, HookKind.ACCEPTED], "olga")
    hooks.add(URL, [HookKind.BATCH_DONE], "olga")
    hooks.add(URL, [HookKind.SUBMITTED], "olga")
    hooks.remove(3)
    assert tell(store, clock, HookKind.SUBMITTED, task=7, person="ännn") == 1
    assert tell(store, clock, HookKind.SENT_BACK, task=7) == 0
    (one,) = hooks.deliveries(1)
    assert hooks.deliveries(2) == hooks.deliveries(3) == []
    with pytest.raises(UnknownEntryError, match="there is no webhook 99"):
        hooks.deliveries(99)
    assert (one.kind, one.state, one.tries) == (HookKind.SUBMITTED, DeliveryState.WAITING, ())
    assert one.queued_at == one.next_at == clock.now
    assert json.loads(one.body) == {
        "delivery": one.delivery_id,
        "kind": "submitted",
        "at": clock.now.isoformat(),
        "data": {"task": 7, "person": "ännn"},
    }


def test_what_is_undone_is_not_told(hooks: Webhooks, store: Store, clock: ManualClock) -> None:
    hooks.add(URL, [HookKind.SUBMITTED], "olga")

    def stop_half_way() -> None:
        with changing(store.database, "ann", clock) as change:
            assert queue_delivery(change, HookKind.SUBMITTED, {"task": 1}) == 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop_half_way()
    assert hooks.deliveries(1) == []


def test_a_message_that_is_too_long_is_sent_without_its_payload(
    hooks: Webhooks, store: Store, clock: ManualClock
) -> None:
    hooks.add(URL, [HookKind.SENT_BACK], "olga")
    tell(store, clock, HookKind.SENT_BACK, reason="x" * MAX_BODY_BYTES)
    (one,) = hooks.deliveries(1)
    body = json.loads(one.body)
    assert (body["data"], body["truncated"], body["kind"]) == (None, True, "sent_back")


def test_deliveries_are_listed_page_by_page(
    hooks: Webhooks, store: Store, clock: ManualClock
) -> None:
    hooks.add(URL, [HookKind.SUBMITTED], "olga")
    for task in range(5):
        tell(store, clock, task=task)
    assert [one.number for one in hooks.deliveries(1, limit=2)] == [5, 4]
    assert [one.number for one in hooks.deliveries(1, limit=2, before=4)] == [3, 2]
    assert len({one.delivery_id for one in hooks.deliveries(1)}) == 5


def test_removing_forgets_the_secret_and_what_waits(
    hooks: Webhooks, store: Store, clock: ManualClock
) -> None:
    hooks.add(URL, [HookKind.SUBMITTED], "olga", SECRET)
    tell(store, clock, task=1)
    hooks.remove(1)
    (one,) = hooks.deliveries(1)
    assert (one.state, one.next_at) == (DeliveryState.DEAD, None)
    with store.database.reading() as connection:
        assert connection.execute(select(tables.webhooks.c.secret)).scalar() == ""
    with pytest.raises(UnknownEntryError, match="there is no webhook 1"):
        hooks.redeliver(1)
    with pytest.raises(UnknownEntryError, match="there is no delivery 9"):
        hooks.redeliver(9)


def test_no_secret_is_told(hooks: Webhooks, store: Store, clock: ManualClock) -> None:
    hook, _ = hooks.add(URL, [HookKind.SUBMITTED], "olga", SECRET)
    tell(store, clock, task=1)
    told = [repr(one) for one in (hook, hooks, *hooks.all(), *hooks.deliveries(1), *store.events())]
    assert not any(SECRET in one for one in told)


# Signatures

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BODY = b'{"task": 1}'


def test_a_signature_says_when_it_was_made() -> None:
    header = signature(SECRET, BODY, NOW)
    seconds = int(NOW.timestamp())
    digest = hmac.new(SECRET.encode(), f"{seconds}.".encode() + BODY, hashlib.sha256).hexdigest()
    assert header == f"t={seconds},v1={digest}"
    assert signature_fits(header, SECRET, BODY, NOW + timedelta(minutes=5))


def test_receivers_can_check_it_as_the_docs_say() -> None:
    (code,) = (one for one in DOCS_CODE if "def is_genuine" in one)
    names: dict[str, Any] = {}
    exec(code, names)
    is_genuine, now = names["is_genuine"], NOW.timestamp()
    header = signature(SECRET, BODY, NOW)
    assert is_genuine(SECRET, header, BODY, now)
    assert not is_genuine(SECRET, header, BODY + b" ", now)
    assert not is_genuine("another secret 1234", header, BODY, now)
    assert not is_genuine(SECRET, header, BODY, now + 301)


@pytest.mark.parametrize(
    "header",
    [
        *("", "t=,v1=", "nonsense", "t=1,v1=00", "v1=00", f"t={'9' * 400},v1=00", "t=²,v1=0"),
        signature("another secret 1234", BODY, NOW),
        signature(SECRET, b"another body", NOW),
        signature(SECRET, BODY, NOW - timedelta(minutes=6)),
        signature(SECRET, BODY, NOW + timedelta(minutes=6)),
        signature(SECRET, BODY, NOW).replace("t=1", "t=2"),
        signature(SECRET, BODY, NOW) + "ü",
    ],
)
def test_other_signatures_do_not_fit(header: str) -> None:
    assert not signature_fits(header, SECRET, BODY, NOW)
