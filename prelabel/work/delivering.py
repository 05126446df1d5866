"""Delivers what webhooks are to be told, and goes on where a killed process stopped."""

import importlib.metadata
import logging
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import numpy as np
from sqlalchemy import Connection, exists, func, insert, or_, select, update

from prelabel.store.changes import Clock
from prelabel.store.database import Database
from prelabel.store.errors import StoreError
from prelabel.store.people_tables import deliveries, delivery_tries, webhooks
from prelabel.work.signatures import signature
from prelabel.work.webhooks import DeliveryState

# Pauses after each failed try but the last, in seconds, before chance makes them differ.
DELAYS_S = (10, 30, 120, 600, 1800, 7200, 21_600)
MAX_TRIES = len(DELAYS_S) + 1
_TIMEOUT = httpx.Timeout(10, connect=5)
_CLAIM = timedelta(minutes=2)  # longer than a try can take; then a killed process counts as dead
_ANSWER_CHARACTERS = 500
_ANSWER_SECONDS = 10
_STOP_S = 15.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Claim:
    """A message that this process alone may deliver for a while."""

    webhook: int
    url: str
    secret: str
    delivery: int
    delivery_id: str
    kind: str
    body: str

    def __repr__(self) -> str:
        return f"delivery {self.delivery} to webhook {self.webhook}"


@dataclass(frozen=True, slots=True)
class _Outcome:
    at: datetime
    seconds: float
    status: int | None
    answer: str

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def new_client() -> httpx.Client:
    """How messages are sent: with time limits, and to the address that was given only."""
    return httpx.Client(timeout=_TIMEOUT, follow_redirects=False)


def delay_s(tries: int, rng: np.random.Generator) -> float:
    """How long to wait after so many failed tries, in seconds: the plan, give or take a quarter."""
    return DELAYS_S[tries - 1] * float(rng.uniform(0.75, 1.25))


class Deliverer:
    """Threads that deliver, each to one webhook at a time, while others deliver to other ones.

    Every message arrives at least once; one whose sender was killed before it noted the success
    arrives twice, under the same id. Several processes may run this on one store.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        rng: np.random.Generator,
        client: httpx.Client | None = None,
        poll_s: float = 1.0,
    ) -> None:
        self._database = database
        self._clock = clock
        self._rng = rng
        self._client = client or new_client()
        self._poll_s = poll_s
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, threads: int = 2) -> None:
        """Deliver in the background until `stop`."""
        self._stopping.clear()
        self._threads = [
            threading.Thread(target=self._run, name=f"webhooks-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the threads once they have delivered what they have in hand."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(_STOP_S)
        self._threads = []

    def deliver_due(self) -> int:
        """Try all that is due now, one after another; how many tries that were."""
        tried = 0
        while not self._stopping.is_set() and self._deliver_one():
            tried += 1
        return tried

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.deliver_due()
            except StoreError as error:  # the database is away: it comes back, or the server ends
                _log.warning("webhooks wait: %s", error)
            self._stopping.wait(self._poll_s)

    def _deliver_one(self) -> bool:
        claim = self._claim()
        if claim is None:
            return False
        outcome = self._sent(claim)
        with self._database.working() as connection:
            self._note(connection, claim, outcome)
        told = "no answer" if outcome.status is None else f"status {outcome.status}"
        _log.log(logging.DEBUG if outcome.succeeded else logging.WARNING, "%r: %s", claim, told)
        return True

    def _claim(self) -> _Claim | None:
        now = self._clock()
        due = (
            (deliveries.c.webhook == webhooks.c.number)
            & (deliveries.c.state == DeliveryState.WAITING.value)
            & (deliveries.c.next_at <= now)
        )
        free = webhooks.c.removed_at.is_(None) & or_(
            webhooks.c.busy_until.is_(None), webhooks.c.busy_until <= now
        )
        waiting = (
            select(webhooks)
            .where(free, exists().where(due))
            .order_by(webhooks.c.busy_until.nulls_first(), webhooks.c.number)
            .limit(1)
        )
        with self._database.reading() as connection:  # mostly there is nothing, and no need to lock
            if connection.execute(waiting).first() is None:
                return None
        # Key share: a change that is queueing more messages must not keep these from being sent.
        locked = waiting.with_for_update(skip_locked=True, key_share=True)
        with self._database.working() as connection:
            hook = connection.execute(locked).first()
            if hook is None:
                return None
            oldest = (
                select(deliveries)
                .where(due, webhooks.c.number == hook.number)
                .order_by(deliveries.c.next_at, deliveries.c.number)
                .limit(1)
            )
            message = connection.execute(oldest).first()
            if message is None:
                return None
            _set_busy(connection, hook.number, now + _CLAIM)
        return _Claim(
            hook.number,
            hook.url,
            hook.secret,
            message.number,
            message.delivery_id,
            message.kind,
            message.body,
        )

    def _sent(self, claim: _Claim) -> _Outcome:
        at = self._clock()
        body = claim.body.encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"prelabel/{importlib.metadata.version('prelabel')}",
            "Accept-Encoding": "identity",
            "X-Prelabel-Event": claim.kind,
            "X-Prelabel-Delivery": claim.delivery_id,
            "X-Prelabel-Signature": signature(claim.secret, body, at),
        }
        status: int | None = None
        try:
            with self._client.stream("POST", claim.url, content=body, headers=headers) as response:
                status = response.status_code
                answer = self._beginning(response, at)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            answer = f"{type(error).__name__}: {error}"[:_ANSWER_CHARACTERS]
        return _Outcome(at, (self._clock() - at).total_seconds(), status, answer)

    def _beginning(self, response: httpx.Response, at: datetime) -> str:
        """The first characters of an answer, which may be endless or slow."""
        read = b""
        for chunk in response.iter_raw():
            read += chunk
            late = (self._clock() - at).total_seconds() > _ANSWER_SECONDS
            if late or len(read) >= 4 * _ANSWER_CHARACTERS:
                break
        text = read.decode(errors="replace").replace("\0", "\ufffd")
        return text[:_ANSWER_CHARACTERS]

    def _note(self, connection: Connection, claim: _Claim, outcome: _Outcome) -> None:
        message = connection.execute(
            select(deliveries).where(deliveries.c.number == claim.delivery).with_for_update()
        ).one()
        of_delivery = delivery_tries.c.delivery == claim.delivery
        made = connection.execute(select(func.count()).where(of_delivery)).scalar() or 0
        row = {
            "delivery": claim.delivery,
            "number": made + 1,
            "at": outcome.at,
            "seconds": outcome.seconds,
            "status": outcome.status,
            "answer": outcome.answer,
        }
        connection.execute(insert(delivery_tries), row)
        now = self._clock()
        if outcome.succeeded or message.state == DeliveryState.WAITING.value:
            values = self._after(outcome, message.tries + 1, now)
            connection.execute(
                update(deliveries).where(deliveries.c.number == claim.delivery).values(**values)
            )
        _set_busy(connection, claim.webhook, now)

    def _after(self, outcome: _Outcome, tries: int, now: datetime) -> dict[str, Any]:
        """How a message stands after a try."""
        if outcome.succeeded:
            return {"tries": tries, "state": DeliveryState.DELIVERED.value}
        if tries >= MAX_TRIES:
            return {"tries": tries, "state": DeliveryState.DEAD.value}
        return {"tries": tries, "next_at": now + timedelta(seconds=delay_s(tries, self._rng))}


def _set_busy(connection: Connection, webhook: int, until: datetime) -> None:
    connection.execute(
        update(webhooks).where(webhooks.c.number == webhook).values(busy_until=until)
    )
