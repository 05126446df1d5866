"""Addresses that are told when work is done, and what is to be told to them."""

import json
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, Row, func, insert, select, update

from prelabel.datasets.errors import InvalidValueError
from prelabel.store.changes import Change, Clock, changing
from prelabel.store.database import Database
from prelabel.store.errors import UnknownEntryError
from prelabel.store.people_tables import deliveries, delivery_tries, webhooks

MAX_BODY_BYTES = 256_000
_MAX_URL = 2000
_MIN_SECRET = 16


class HookKind(StrEnum):
    """What a webhook can be told."""

    SUBMITTED = "submitted"  # a task was handed in
    ACCEPTED = "accepted"  # its boxes are labels now
    SENT_BACK = "sent_back"
    BATCH_DONE = "batch_done"  # no task of the newest batch is left


class DeliveryState(StrEnum):
    """Where a message to a webhook stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"  # given up after too many tries; may be sent again by hand


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that is told of what is in `kinds`. Its secret is never given back."""

    number: int
    url: str
    kinds: tuple[HookKind, ...]
    author: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryTry:
    """One try to deliver: `status` is HTTP's, None where no answer came.

    `answer` is its first 500 characters, or why there was none; it took `seconds`.
    """

    number: int
    at: datetime
    seconds: float
    status: int | None
    answer: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one webhook. `delivery_id` is in its header, for receivers who saw it before.

    `next_at` is when it is tried next, None: it is not.
    """

    number: int
    delivery_id: str
    webhook: int
    kind: HookKind
    body: str
    queued_at: datetime
    state: DeliveryState
    next_at: datetime | None
    tries: tuple[DeliveryTry, ...]


class Webhooks:
    """The webhooks of a project and what was delivered to them.

    Methods that are given the number of no webhook or delivery raise UnknownEntryError.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def add(
        self, url: str, kinds: Sequence[HookKind], author: str, secret: str | None = None
    ) -> tuple[Webhook, str]:
        """Add an address (http or https); the webhook, and the secret that signs its messages.

        The secret, made here unless it is given, cannot be read again later. Raises
        InvalidValueError where the address, the kinds or the secret are unfit.
        """
        check_url(url)
        wanted = tuple(kind for kind in HookKind if kind in kinds)
        if not wanted:
            raise InvalidValueError(f"name what to tell: {', '.join(HookKind)}")
        key = secrets.token_urlsafe(32) if secret is None else secret
        if len(key) < _MIN_SECRET or not (key.isascii() and key.isprintable()):
            raise InvalidValueError(f"a secret has at least {_MIN_SECRET} printable characters")
        with changing(self._database, author, self._clock) as change:
            number = (
                change.connection.execute(select(func.max(webhooks.c.number))).scalar() or 0
            ) + 1
            row = {
                "number": number,
                "url": url,
                "kinds": list(wanted),
                "secret": key,
                "author": author,
                "added_at": change.at,
            }
            change.connection.execute(insert(webhooks), row)
        return Webhook(number, url, wanted, author, change.at), key

    def all(self) -> list[Webhook]:
        """The webhooks that were not removed, oldest first."""
        wanted = select(webhooks).where(webhooks.c.removed_at.is_(None))
        with self._database.reading() as connection:
            return [_webhook(row) for row in connection.execute(wanted.order_by(webhooks.c.number))]

    def remove(self, number: int) -> None:
        """Tell an address nothing any more, and forget its secret; its deliveries stay listed."""
        with self._database.writing() as connection:
            _check_webhook(connection, number)
            gone = {"removed_at": self._clock(), "secret": ""}
            connection.execute(update(webhooks).where(webhooks.c.number == number).values(**gone))
            waiting = (deliveries.c.webhook == number) & (
                deliveries.c.state == DeliveryState.WAITING.value
            )
            connection.execute(
                update(deliveries).where(waiting).values(state=DeliveryState.DEAD.value)
            )

    def deliveries(
        self, webhook: int, limit: int = 100, before: int | None = None
    ) -> list[Delivery]:
        """The newest deliveries to a webhook, those numbered below `before`, newest first."""
        wanted = select(deliveries).where(deliveries.c.webhook == webhook)
        if before is not None:
            wanted = wanted.where(deliveries.c.number < before)
        wanted = wanted.order_by(deliveries.c.number.desc()).limit(limit)
        with self._database.reading() as connection:
            _check_webhook(connection, webhook, removed_too=True)
            rows = connection.execute(wanted).all()
            tries = _tries_of(connection, [row.number for row in rows])
        return [_delivery(row, tries.get(row.number, ())) for row in rows]

    def redeliver(self, number: int) -> None:
        """Send a message again, now, with as many tries as a new one; its id stays."""
        with self._database.working() as connection:
            wanted = select(deliveries.c.webhook).where(deliveries.c.number == number)
            webhook = connection.execute(wanted.with_for_update()).scalar()
            if webhook is None:
                raise UnknownEntryError(f"there is no delivery {number}")
            _check_webhook(connection, webhook)
            again = {"state": DeliveryState.WAITING.value, "tries": 0, "next_at": self._clock()}
            connection.execute(
                update(deliveries).where(deliveries.c.number == number).values(**again)
            )


def queue_delivery(change: Change, kind: HookKind, payload: Mapping[str, Any]) -> int:
    """Have every webhook for `kind` told, if and only if the change is committed; how many.

    `payload` are plain JSON values. A message of more than 256,000 bytes is sent without it, with
    `"truncated": true`: a webhook must not keep work from being saved.
    """
    wanted = select(webhooks.c.number, webhooks.c.kinds).where(webhooks.c.removed_at.is_(None))
    told = [row.number for row in change.connection.execute(wanted) if kind in row.kinds]
    if not told:
        return 0
    newest = change.connection.execute(select(func.max(deliveries.c.number))).scalar() or 0
    rows = [
        _waiting(change, newest + place, webhook, kind, payload)
        for place, webhook in enumerate(told, start=1)
    ]
    change.connection.execute(insert(deliveries), rows)
    return len(rows)


def _waiting(
    change: Change, number: int, webhook: int, kind: HookKind, payload: Mapping[str, Any]
) -> dict[str, Any]:
    delivery_id = str(uuid.uuid4())
    head = {"delivery": delivery_id, "kind": kind.value, "at": change.at.isoformat()}
    body = json.dumps({**head, "data": payload}, allow_nan=False)  # ASCII: as many bytes
    if len(body) > MAX_BODY_BYTES:
        body = json.dumps({**head, "data": None, "truncated": True})
    return {
        "number": number,
        "delivery_id": delivery_id,
        "webhook": webhook,
        "kind": kind.value,
        "body": body,
        "queued_at": change.at,
        "state": DeliveryState.WAITING.value,
        "tries": 0,
        "next_at": change.at,
    }


def check_url(url: str) -> None:
    """InvalidValueError where a webhook cannot have this address."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or len(url) > _MAX_URL or not (url.isascii() and url.isprintable()) or " " in url:
        raise InvalidValueError(f"{url!r} is no address: write https://host/path")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise InvalidValueError("the address of a webhook has no user, password or # in it")


def _check_webhook(connection: Connection, number: int, removed_too: bool = False) -> None:
    wanted = select(webhooks.c.number).where(webhooks.c.number == number)
    if not removed_too:
        wanted = wanted.where(webhooks.c.removed_at.is_(None))
    if connection.execute(wanted).first() is None:
        raise UnknownEntryError(f"there is no webhook {number}, or not any more")


def _tries_of(connection: Connection, numbers: list[int]) -> dict[int, tuple[DeliveryTry, ...]]:
    wanted = select(delivery_tries).where(delivery_tries.c.delivery.in_(numbers))
    found: dict[int, tuple[DeliveryTry, ...]] = {}
    for row in connection.execute(wanted.order_by(delivery_tries.c.number)):
        one = DeliveryTry(row.number, row.at, row.seconds, row.status, row.answer)
        found[row.delivery] = (*found.get(row.delivery, ()), one)
    return found


def _webhook(row: Row[Any]) -> Webhook:
    kinds = tuple(HookKind(kind) for kind in row.kinds)
    return Webhook(row.number, row.url, kinds, row.author, row.added_at)


def _delivery(row: Row[Any], tries: tuple[DeliveryTry, ...]) -> Delivery:
    state = DeliveryState(row.state)
    return Delivery(
        row.number,
        row.delivery_id,
        row.webhook,
        HookKind(row.kind),
        row.body,
        row.queued_at,
        state,
        row.next_at if state is DeliveryState.WAITING else None,
        tries,
    )
