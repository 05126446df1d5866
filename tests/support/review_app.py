"""The review server in a thread of the test's process, small projects for it, and its clients."""

import dataclasses
import shutil
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from builders import a_picture, a_prediction
from fastapi import FastAPI

from prelabel.project import Project, init_project, open_project
from prelabel.proposing import prediction_files
from prelabel.review.access import CSRF_HEADER
from prelabel.review.address import Address
from prelabel.review.app import app_of
from prelabel.review.services import Services
from prelabel.review.serving import configuration, listening_socket
from prelabel.store.records import ModelRecord
from prelabel.store.store import utc_now
from prelabel.work.people import Role

MODEL = "0123456789abcdef"
CLASSES = ("heron", "egret")
_BOXES = [[2, 2, 20, 20], [30, 10, 50, 40], [5, 25, 12, 40]]
_PROBS = [[0.9, 0.05], [0.45, 0.4], [0.1, 0.05]]  # sure, doubtful, and below what is shown
SHOWN_SCORE = 0.3
FRAMES = 6
_PATIENCE_S = 120
# Given, because making the usual one takes longer than most tests.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

Json = dict[str, Any]


def make_project(folder: Path, frames: int = FRAMES, store: str | None = None) -> None:
    """A project on pictures of noise, two proposals to be shown on each, and no batch."""
    photos = folder.parent / f"{folder.name}-photos"
    photos.mkdir(parents=True)
    for number in range(frames):
        a_picture(photos / f"{number:04d}.jpg", seed=number)
    made, _ = init_project(folder, source=photos, classes=CLASSES, store=store, author="ann")
    with made:
        _propose(made)
    settings = folder / "prelabel.yaml"
    text = settings.read_text(encoding="utf-8")
    text = text.replace("shown_score: null", f"shown_score: {SHOWN_SCORE}")
    settings.write_text(text, encoding="utf-8")


def opened_copy(made: Path, folder: Path, *, review: str = "", chosen: int = FRAMES) -> Project:
    """A copy of a project made before, with a batch of so many frames.

    `review` are lines of the section of that name in prelabel.yaml.
    """
    shutil.copytree(made, folder)
    if review:
        lines = "".join(f"  {line}\n" for line in review.splitlines())
        with (folder / "prelabel.yaml").open("a", encoding="utf-8") as settings:
            settings.write(f"\nreview:\n{lines}")
    project = open_project(folder, author="ann")
    if chosen:
        project.select(chosen, "margin_max")
    return project


def _propose(project: Project) -> None:
    checkpoint = str(project.workspace.training_folder("run") / "best.pt")
    project.store.add_model(ModelRecord(MODEL, "torchvision:micro", checkpoint, 3, 10, 1.0), "ann")
    prediction_files(project.workspace, MODEL).write(
        [
            a_prediction(frame.frame_id, _BOXES, _PROBS, model_id=MODEL)
            for frame in project.store.frames()
        ]
    )


@dataclass(frozen=True)
class Served:
    """A running server; `client` and `logged_in` give connections to it, closed at its end."""

    url: str
    app: FastAPI
    _clients: list[httpx.Client] = field(default_factory=list)

    @property
    def services(self) -> Services:
        """What the server works with."""
        services: Services = self.app.state.services
        return services

    def client(self, **options: Any) -> httpx.Client:
        """Somebody whom the server does not know."""
        options = {"timeout": _PATIENCE_S, "verify": _NO_TLS, "trust_env": False, **options}
        client = httpx.Client(base_url=self.url, **options)
        self._clients.append(client)
        return client

    def local(self) -> httpx.Client:
        """Whoever works on a server without login."""
        client = self.client()
        client.headers[CSRF_HEADER] = client.get("/api/me").raise_for_status().json()["csrf"]
        return client

    def logged_in(self, name: str, role: Role = Role.ANNOTATOR) -> httpx.Client:
        """Somebody of this name who is logged in; added, with a login, if need be."""
        people = self.services.people
        if name not in {one.name for one in people.all()}:
            people.add(name, role, "setup")
            people.one_time_link(name, "setup")
        client = self.client()
        token = self.services.sessions.begin(people.get(name))
        client.cookies.set(self.services.address.cookie_name, token)
        client.headers[CSRF_HEADER] = client.get("/api/me").raise_for_status().json()["csrf"]
        return client


@contextmanager
def served(
    project: Project,
    address: Address | None = None,
    clock: Callable[[], datetime] = utc_now,
    monotonic: Callable[[], float] = time.monotonic,
) -> Iterator[Served]:
    """The server of an open project on a free port, as long as the block lasts."""
    wanted = dataclasses.replace(address or Address(), port=0)
    with listening_socket(wanted) as listener:
        port = listener.getsockname()[1]
        address = dataclasses.replace(wanted, port=port)
        app = app_of(Services.of(project, address, clock, monotonic))
        server = uvicorn.Server(configuration(app, address))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        running = Served(f"http://127.0.0.1:{port}", app)
        try:
            _wait_until(lambda: server.started)
            yield running
        finally:
            for client in running._clients:
                client.close()
            server.should_exit = True
            thread.join()


def _wait_until(true: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + _PATIENCE_S
    while not true():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def an_edit(boxes: Sequence[Json], status: str = "accepted", action: str = "accept") -> Json:
    """An edit that gives boxes of a task a status, as the page sends it."""
    states = [
        {name: box[name] for name in ("id", "xyxy", "angle", "class_id")} | {"status": status}
        for box in boxes
    ]
    return {"edit_id": str(uuid.uuid4()), "at": now_ms(), "action": action, "boxes": states}


def an_event(kind: str, at: int | None = None) -> Json:
    """Something that a page noticed."""
    return {"id": str(uuid.uuid4()), "at": now_ms() if at is None else at, "kind": kind}


def a_submission(task: Json, status: str = "accepted") -> Json:
    """What hands a task in with all its boxes accepted or rejected."""
    return {
        "request_id": str(uuid.uuid4()),
        "shown_score": task["shown_score"],
        "edits": [an_edit(task["boxes"], status)],
        "activity": [],
    }


def next_tasks(client: httpx.Client, count: int = 1, holding: Sequence[int] = ()) -> list[Json]:
    """The next frames for somebody."""
    body = {"count": count, "holding": list(holding)}
    tasks: list[Json] = client.post("/api/queue/next", json=body).raise_for_status().json()["tasks"]
    return tasks


def now_ms() -> int:
    return int(time.time() * 1000)
