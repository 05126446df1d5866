"""Messages reach a real server as soon as it answers, whoever is killed meanwhile."""

import json
import logging
import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hook_receiver import (
    Received,
    Receiver,
    deliver_for_ever,
    deliverer_of,
    direct_client,
    receiving,
    tell,
)
from postgres import PostgresServer
from work_content import ManualClock

from prelabel.store.changes import changing
from prelabel.store.database import Database
from prelabel.store.store import Store, open_store, utc_now
from prelabel.work.delivering import DELAYS_S, MAX_TRIES, Deliverer, delay_s
from prelabel.work.signatures import signature_fits
from prelabel.work.webhooks import DeliveryState, HookKind, Webhooks, queue_delivery

SECRET = "a secret of 22 letters"
Answer = Callable[[Received, int], tuple[int, dict[str, str], bytes]]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest.fixture
def hooks(store: Store, clock: ManualClock, receiver: Receiver) -> Webhooks:
    """Webhook 1 goes to the receiver."""
    found = Webhooks(store.database, clock)
    found.add(f"{receiver.url}/hook", [HookKind.SUBMITTED], "olga", SECRET)
    return found


def always(
    status: int, headers: dict[str, str] | None = None, body: bytes = b"", after_s: float = 0
) -> Answer:
    def answer(*_: object) -> tuple[int, dict[str, str], bytes]:
        time.sleep(after_s)
        return status, headers or {}, body

    return answer


def test_a_message_arrives_signed_and_once(
    hooks: Webhooks, store: Store, clock: ManualClock, receiver: Receiver
) -> None:
    receiver.answer = always(202, body=b"thanks")
    tell(store, clock, task=7)
    deliverer = deliverer_of(store, clock)
    assert deliverer.deliver_due() == 1
    assert deliverer.deliver_due() == 0
    (one,) = receiver.received
    (kept,) = hooks.deliveries(1)
    assert (one.path, one.body) == ("/hook", kept.body.encode())
    assert one.headers["content-type"] == "application/json"
    assert one.headers["x-prelabel-event"] == "submitted"
    assert one.headers["x-prelabel-delivery"] == kept.delivery_id
    assert signature_fits(one.headers["x-prelabel-signature"], SECRET, one.body, clock.now)
    assert (kept.state, kept.next_at) == (DeliveryState.DELIVERED, None)
    (only,) = kept.tries
    assert (only.number, only.at, only.status, only.answer) == (1, clock.now, 202, "thanks")


def test_a_server_that_fails_gets_it_when_it_has_recovered(
    hooks: Webhooks, store: Store, clock: ManualClock, receiver: Receiver
) -> None:
    receiver.answer = lambda _, before: (500, {}, b"down") if before < 3 else (204, {}, b"")
    tell(store, clock, task=7)
    deliverer = deliverer_of(store, clock)
    for tries in (1, 2, 3):
        assert deliverer.deliver_due() == 1
        (kept,) = hooks.deliveries(1)
        assert kept.next_at is not None
        pause_s = (kept.next_at - clock.now).total_seconds()
        assert 0.75 <= pause_s / DELAYS_S[tries - 1] <= 1.25
        clock.now = kept.next_at - timedelta(milliseconds=1)
        assert deliverer.deliver_due() == 0
        clock.now = kept.next_at
    assert deliverer.deliver_due() == 1
    (kept,) = hooks.deliveries(1)
    assert kept.state is DeliveryState.DELIVERED
    assert [(one.status, one.answer) for one in kept.tries] == [(500, "down")] * 3 + [(204, "")]
    assert len(set(receiver.ids())) == 1
    signatures = {one.headers["x-prelabel-signature"] for one in receiver.received}
    assert len(signatures) == 4  # each try says when it was made


def test_it_is_given_up_after_many_tries_and_sent_again_by_hand(
    hooks: Webhooks, store: Store, clock: ManualClock, receiver: Receiver
) -> None:
    receiver.answer = always(503)
    tell(store, clock, task=7)
    deliverer = deliverer_of(store, clock)
    for _ in range(MAX_TRIES):
        assert deliverer.deliver_due() == 1
        clock.pass_by(hours=8)
    assert deliverer.deliver_due() == 0
    (dead,) = hooks.deliveries(1)
    assert (dead.state, dead.next_at, len(dead.tries)) == (DeliveryState.DEAD, None, MAX_TRIES)
    receiver.answer = always(200)
    hooks.redeliver(dead.number)
    assert deliverer.deliver_due() == 1
    (kept,) = hooks.deliveries(1)
    assert kept.state is DeliveryState.DELIVERED
    assert [one.number for one in kept.tries] == list(range(1, MAX_TRIES + 2))
    assert set(receiver.ids()) == {dead.delivery_id}
    hooks.redeliver(dead.number)  # what arrived may be sent once more, too
    assert deliverer.deliver_due() == 1


def test_pauses_grow_and_differ() -> None:
    rng = np.random.default_rng(1)
    pauses = np.array([[delay_s(tries, rng) for tries in range(1, MAX_TRIES)] for _ in range(200)])
    planned = np.array(DELAYS_S)
    assert ((pauses >= 0.75 * planned) & (pauses <= 1.25 * planned)).all()
    assert (np.diff(planned) > 0).all()
    assert (pauses.std(axis=0) > 0.1 * planned).all()
    assert (DELAYS_S[0], DELAYS_S[-1], MAX_TRIES) == (10, 6 * 3600, 8)


def test_redirections_are_not_followed(
    hooks: Webhooks, store: Store, clock: ManualClock, receiver: Receiver
) -> None:
    with receiving() as elsewhere:
        receiver.answer = always(307, {"Location": f"{elsewhere.url}/there"})
        tell(store, clock, task=7)
        deliverer_of(store, clock).deliver_due()
        assert elsewhere.received == []
    (kept,) = hooks.deliveries(1)
    assert (kept.state, kept.tries[0].status) == (DeliveryState.WAITING, 307)


def test_no_answer_is_a_failure_with_its_reason(
    hooks: Webhooks, store: Store, clock: ManualClock, receiver: Receiver
) -> None:
    hooks.add("http://127.0.0.1:9/", [HookKind.BATCH_DONE], "olga")  # nobody listens
    given_up = threading.Event()

    def answer_too_late(*_: object) -> tuple[int, dict[str, str], bytes]:
        given_up.wait(60)
        return 200, {}, b""

    receiver.answer = answer_too_late
    tell(store, clock, task=7)
    tell(store, clock, HookKind.BATCH_DONE, round=1)
    deliverer_of(store, clock, direct_client(timeout_s=0.1)).deliver_due()
    given_up.set()
    tries = [one.tries[0] for hook in (1, 2) for one in hooks.deliveries(hook)]
    assert [one.status for one in tries] == [None, None]
    assert tries[0].answer.startswith("ReadTimeout")
    assert tries[1].answer.startswith("ConnectError")


def test_of_an_answer_without_end_the_beginning_is_kept(
    hooks: Webhooks, store: Store, clock: ManualClock, receiver: Receiver
) -> None:
    receiver.answer = always(200, body=b"\xff\0" + "é".encode() * 2_000_000)
    tell(store, clock, task=7)
    deliverer_of(store, clock).deliver_due()
    (kept,) = hooks.deliveries(1)
    assert kept.state is DeliveryState.DELIVERED
    assert kept.tries[0].answer == "\ufffd\ufffd" + "é" * 498


def test_an_address_that_does_not_answer_holds_up_no_other(
    hooks: Webhooks, store: Store, receiver: Receiver
) -> None:
    """Two threads: one waits for the slow server, the other serves the rest meanwhile."""
    woken = threading.Event()

    def wait_to_be_woken(*_: object) -> tuple[int, dict[str, str], bytes]:
        woken.wait(60)
        return 500, {}, b""

    with receiving() as slow:
        slow.answer = wait_to_be_woken
        hooks.add(slow.url, [HookKind.SUBMITTED], "olga")
        for task in range(10):
            tell(store, utc_now, task=task)
        deliverer = deliverer_of(store, utc_now, direct_client(timeout_s=60))
        deliverer.start(threads=2)
        _wait_for(lambda: len(receiver.received) == 10)
        assert len(slow.received) <= 1
        woken.set()
        deliverer.stop()
    tasks = [json.loads(one.body)["data"]["task"] for one in receiver.received]
    assert tasks == list(range(10))  # each once, in their order


def test_several_processes_share_the_work(
    store: Store, store_url: str, tmp_path: Path, receiver: Receiver
) -> None:
    """Two open stores, two threads each: every message arrives exactly once."""
    hooks = Webhooks(store.database, utc_now)
    for number in range(3):
        hooks.add(f"{receiver.url}/{number}", [HookKind.SUBMITTED], "olga")
    receiver.answer = always(200, after_s=0.005)
    with open_store(store_url, tmp_path) as other:
        deliverers = [deliverer_of(one, utc_now) for one in (store, other)]
        for deliverer in deliverers:
            deliverer.start(threads=2)
        for task in range(12):
            tell(store, utc_now, task=task)
        _wait_for(lambda: len(receiver.received) >= 36)
        for deliverer in deliverers:
            deliverer.stop()
    assert Counter(receiver.ids()) == dict.fromkeys(receiver.ids(), 1)
    assert len(receiver.received) == 36
    states = {one.state for hook in (1, 2, 3) for one in hooks.deliveries(hook)}
    assert states == {DeliveryState.DELIVERED}


def test_messages_leave_while_others_are_queued(
    postgres_server: PostgresServer, tmp_path: Path, receiver: Receiver
) -> None:
    """Submissions come without a pause; each refers to the webhook until it is committed."""
    with (
        postgres_server.database("queueing") as url,
        open_store(url, tmp_path) as store,
    ):
        Webhooks(store.database, utc_now).add(receiver.url, [HookKind.SUBMITTED], "olga")
        tell(store, utc_now, task=1)
        with changing(store.database, "ann", utc_now) as change:
            queue_delivery(change, HookKind.SUBMITTED, {"task": 2})
            assert deliverer_of(store, utc_now).deliver_due() == 1
        assert deliverer_of(store, utc_now).deliver_due() == 1
    assert len(receiver.received) == 2


def test_killed_while_it_delivers_nothing_is_lost(
    store: Store, store_url: str, tmp_path: Path, receiver: Receiver
) -> None:
    hooks = Webhooks(store.database, utc_now)
    hooks.add(receiver.url, [HookKind.SUBMITTED], "olga")
    for task in range(20):
        tell(store, utc_now, task=task)
    receiver.answer = always(200, after_s=0.02)
    context = multiprocessing.get_context("forkserver")
    hearing, saying = context.Pipe(duplex=False)
    process = context.Process(target=deliver_for_ever, args=(store_url, tmp_path, saying))
    process.start()
    saying.close()
    assert hearing.poll(60)
    _wait_for(lambda: len(receiver.received) >= 3)
    process.kill()
    process.join()
    hearing.close()
    # What the dead process had in hand is due again once it counts as dead.
    deliverer_of(store, lambda: utc_now() + timedelta(minutes=3)).deliver_due()
    assert {one.state for one in hooks.deliveries(1)} == {DeliveryState.DELIVERED}
    arrived = Counter(receiver.ids())
    assert set(arrived) == {one.delivery_id for one in hooks.deliveries(1)}
    assert sum(arrived.values()) <= 21  # the one in hand may have come twice, under its id


def test_threads_outlive_a_database_that_is_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bare = Database("sqlite:///bare.sqlite", tmp_path)  # has no tables
    deliverer = Deliverer(bare, utc_now, np.random.default_rng(0), direct_client(), poll_s=0.01)
    deliverer.start(threads=1)
    _wait_for(lambda: len(caplog.records) >= 2)
    deliverer.stop()
    bare.close()
    assert "webhooks wait: " in caplog.text


def test_no_secret_gets_into_the_logs(
    hooks: Webhooks,
    store: Store,
    clock: ManualClock,
    receiver: Receiver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.answer = always(500)
    tell(store, clock, task=7)
    deliverer = deliverer_of(store, clock)
    deliverer.deliver_due()
    assert "delivery 1 to webhook 1" in caplog.text
    assert SECRET not in caplog.text
    assert SECRET not in repr(deliverer._claim())


def _wait_for(done: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 120
    while not done():
        assert time.monotonic() < give_up_at
        time.sleep(0.005)
