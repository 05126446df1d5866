"""The server is killed while people work: what it has acknowledged is there, once."""

import csv
import io
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import pytest
from review_app import Json, a_submission, an_edit, make_project
from review_server import ReviewServer

from prelabel.project import Project, open_project
from prelabel.review.access import CSRF_HEADER
from prelabel.store.store import utc_now
from prelabel.work.exports import edits_csv
from prelabel.work.people import Role
from prelabel.work.sessions import Sessions
from prelabel.work.tokens import csrf_token

FRAMES = 45
KILLS = 2
_PATIENCE_S = 180


@dataclass
class Annotator:
    """Works until nothing is left; asks again, with the same ids, what it got no answer to."""

    name: str
    client: httpx.Client
    edits: set[str] = field(default_factory=set)
    submitted: dict[int, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    def work(self) -> None:
        while tasks := self.ask("/api/queue/next", {"count": 2})["tasks"]:
            for task in tasks:
                self.correct(task)

    def correct(self, task: Json) -> None:
        path = f"/api/tasks/{task['task']}"
        self.ask(f"{path}/open", {})
        for box in task["boxes"]:
            edit = an_edit([box])
            self.ask(f"{path}/edits", {"edits": [edit]})
            self.edits.add(edit["edit_id"])
        self.ask(f"{path}/submit", {**a_submission(task), "edits": []})
        self.submitted[task["task"]] = task["frame_id"]

    def ask(self, path: str, body: Json) -> Json:
        give_up_at = time.monotonic() + _PATIENCE_S
        while True:
            try:
                answer = self.client.post(path, json=body)
            except httpx.TransportError:
                assert time.monotonic() < give_up_at
                time.sleep(0.05)
                continue
            if answer.status_code != 200:
                self.refused.append(f"{path}: {answer.status_code} {answer.text}")
            answered: Json = answer.json()
            return answered


@pytest.mark.slow
def test_nothing_that_was_acknowledged_is_lost_or_done_twice(
    store_url: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    folder = tmp_path / "birds"
    make_project(folder, FRAMES, store_url)
    with open_project(folder, author="ann") as project:
        project.select(FRAMES, "margin_max")
        tokens = {name: session_of(project, name) for name in ("ada", "bob", "cleo")}
    server = ReviewServer(folder)
    server.start()
    with ExitStack() as clients:
        people = [
            Annotator(name, clients.enter_context(client_of(server, token)))
            for name, token in tokens.items()
        ]
        work_while_the_server_dies(people, server, rng)
    server.stop()
    assert [one.refused for one in people] == [[], [], []]
    with open_project(folder) as project:
        check_all_is_there(project, people)


def work_while_the_server_dies(
    people: list[Annotator], server: ReviewServer, rng: np.random.Generator
) -> None:
    threads = [threading.Thread(target=one.work) for one in people]
    for thread in threads:
        thread.start()
    for _ in range(KILLS):
        time.sleep(rng.uniform(0.3, 1.2))
        server.kill()
        server.start()
    for thread in threads:
        thread.join()


def session_of(project: Project, name: str) -> str:
    person = project.people.add(name, Role.ANNOTATOR, "ann")
    project.people.one_time_link(name, "ann")
    return Sessions(project.store.database, utc_now).begin(person)


def client_of(server: ReviewServer, token: str) -> httpx.Client:
    name = f"prelabel_{server.url.rpartition(':')[2]}"
    return httpx.Client(
        base_url=server.url,
        cookies={name: token},
        headers={CSRF_HEADER: csrf_token(token)},
        trust_env=False,
        timeout=20,
    )


def check_all_is_there(project: Project, people: list[Annotator]) -> None:
    done = [(number, frame, one.name) for one in people for number, frame in one.submitted.items()]
    assert len(done) == len({number for number, _, _ in done}) == FRAMES
    for _, frame_id, name in done:
        (version,) = project.store.label_history(frame_id)
        assert version.author == name
        assert len(version.annotations) == 3
        assert project.store.replay(frame_id) == [version]
    kept = kept_edits(project)
    for one in people:
        assert sorted(kept[one.name]) == sorted(one.edits)


def kept_edits(project: Project) -> dict[str, list[str]]:
    """The ids of all edits in the store, by person."""
    kept: dict[str, list[str]] = {}
    for row in csv.DictReader(io.StringIO("".join(edits_csv(project.store)))):
        kept.setdefault(row["person"], []).append(row["edit_id"])
    return kept
