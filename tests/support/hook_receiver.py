"""A web server that receives webhooks, and answers as a test tells it to."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from prelabel.store.changes import Clock, changing
from prelabel.store.store import Store, open_store, utc_now
from prelabel.work.delivering import Deliverer
from prelabel.work.webhooks import HookKind, queue_delivery


@dataclass(frozen=True)
class Received:
    """One request, whatever was answered."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """What came in; `answer` decides by request and by how many came before what goes out.

    It gives a status, headers and a body, and may take its time.
    """

    url: str = ""
    answer: Callable[[Received, int], tuple[int, dict[str, str], bytes]] = lambda *_: (200, {}, b"")
    received: list[Received] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ids(self) -> list[str]:
        """The delivery ids in the order of their arrival."""
        return [one.headers["x-prelabel-delivery"] for one in self.received]

    def take(self, one: Received) -> tuple[int, dict[str, str], bytes]:
        with self.lock:
            self.received.append(one)
            before = len(self.received) - 1
        return self.answer(one, before)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a free port of this machine."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, extra, answer = receiver.take(Received(self.path, headers, body))
            try:
                self.send_response(status)
                for name, value in extra.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)
            except OSError:
                pass  # the sender has heard enough

        def log_message(self, *given: Any) -> None:
            """Say nothing on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


def direct_client(timeout_s: float = 60.0) -> httpx.Client:
    """A client that no proxy of the machine stands in the way of."""
    return httpx.Client(timeout=timeout_s, trust_env=False)


def deliverer_of(store: Store, clock: Clock, client: httpx.Client | None = None) -> Deliverer:
    """A deliverer with chance of its own, the same in every run."""
    rng = np.random.default_rng(0)
    return Deliverer(store.database, clock, rng, client or direct_client(), poll_s=0.02)


def tell(store: Store, clock: Clock, kind: HookKind = HookKind.SUBMITTED, **payload: Any) -> int:
    """Queue a message in a change of its own."""
    with changing(store.database, "ann", clock) as change:
        return queue_delivery(change, kind, payload)


def deliver_for_ever(url: str, root: Path, sender: Connection) -> None:
    """What a process does that is to be killed: says `ready`, then delivers what is due."""
    with open_store(url, root) as store:
        sender.send("ready")
        deliverer = deliverer_of(store, utc_now)
        while not sender.closed:
            deliverer.deliver_due()
