"""Who may call what: every route of the app, by everybody there is."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from review_app import Served, a_submission, an_edit, next_tasks, opened_copy, served

from prelabel.review.access import CSRF_HEADER
from prelabel.work.people import Role
from prelabel.work.tokens import csrf_token

# `annotator` has the tasks that are asked about, `other` is another annotator.
WHO = ("anonymous", "other", "annotator", "reviewer", "owner")
ROLES = {
    "other": Role.ANNOTATOR,
    "annotator": Role.ANNOTATOR,
    "reviewer": Role.REVIEWER,
    "owner": Role.OWNER,
}

EVERYBODY = (200,) * 5
LOGGED_IN = (401, 200, 200, 200, 200)
REVIEWERS = (401, 403, 403, 200, 200)
OWNERS = (401, 403, 403, 403, 200)


def owners(status: int) -> tuple[int, ...]:
    """Only owners get as far as this status."""
    return (401, 403, 403, 403, status)


@dataclass(frozen=True)
class Case:
    """A request, and the status that each of `WHO` gets.

    `at` gives what stands in the place of the route's parameters: names of the world below, or
    plain text.
    """

    method: str
    route: str
    statuses: tuple[int, ...]
    body: Mapping[str, Any] | None = None
    at: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join([self.method, self.route, *self.at.values()])


@dataclass(frozen=True)
class World:
    """A server on which the annotator has one task in hand and has handed one in."""

    server: Served
    places: Mapping[str, str]

    def client(self, name: str) -> httpx.Client:
        client = self.server.client()
        if name != "anonymous":
            services = self.server.services
            token = services.sessions.begin(services.people.get(name))
            client.cookies.set(services.address.cookie_name, token)
            client.headers[CSRF_HEADER] = csrf_token(token)
        return client


REQUEST_ID = str(uuid.uuid4())
BOX = {
    "id": str(uuid.uuid4()),
    "xyxy": [1.0, 1.0, 9.0, 9.0],
    "angle": None,
    "class_id": 0,
}
PICTURE = "/api/frames/{frame_id}/picture"
MINE, WAITING, FREE = ({"task": name} for name in ("mine", "waiting", "free"))
NOBODY = {"name": "nobody"}
SCENE_PARTS: list[tuple[str, dict[str, str]]] = [
    ("", {}),
    ("/data", {}),
    ("/cameras/{number}", {"number": "0"}),
]
CASES = [
    *(
        Case("GET", path, EVERYBODY)
        for path in ("/", "/reviewing", "/record", "/owner", "/login", "/docs", "/openapi.json")
    ),
    Case("GET", "/link/{token}", EVERYBODY, at={"token": "x"}),
    Case("GET", "/page/{name:path}", EVERYBODY, at={"name:path": "login.js"}),
    Case("GET", "/api/me", LOGGED_IN),
    Case("POST", "/api/login", (401,) * 5, {"name": "x", "password": "wrong"}),
    Case("POST", "/api/link", (401,) * 5, {"token": "never made"}),
    Case("POST", "/api/logout", LOGGED_IN),
    Case("GET", "/api/project", LOGGED_IN),
    Case("POST", "/api/queue/next", LOGGED_IN, {"count": 0}),
    Case("GET", "/api/tasks/{task}", (401, 403, 200, 403, 200), at=MINE),
    Case("GET", "/api/tasks/{task}", (401, 403, 200, 200, 200), at=WAITING),
    Case("GET", "/api/tasks/{task}", owners(200), at=FREE),
    Case("GET", "/api/tasks/{task}", (401, 404, 404, 404, 404), at={"task": "999"}),
    Case("POST", "/api/tasks/{task}/open", (401, 409, 200, 409, 409), at=MINE),
    Case("POST", "/api/tasks/{task}/open", (401, 409, 409, 409, 409), at=FREE),
    Case(
        "POST",
        "/api/tasks/{task}/edits",
        (401, 409, 200, 409, 409),
        {"edits": [an_edit([BOX])]},
        MINE,
    ),
    Case(
        "POST",
        "/api/tasks/{task}/submit",
        (401, 409, 200, 409, 409),
        {"request_id": REQUEST_ID, "shown_score": 0.5},
        WAITING,
    ),
    Case(
        "POST",
        "/api/tasks/{task}/skip",
        (401, 409, 200, 409, 409),
        {"reason": "blurred"},
        {"task": "blurred"},
    ),
    Case("POST", "/api/tasks/{task}/release", LOGGED_IN, at=FREE),
    Case("POST", "/api/tasks/{task}/requeue", owners(409), at=MINE),
    Case("GET", PICTURE, (401, 403, 200, 403, 200), at={"frame_id": "frame mine"}),
    Case("GET", PICTURE, (401, 403, 200, 200, 200), at={"frame_id": "frame waiting"}),
    Case("GET", PICTURE, owners(200), at={"frame_id": "frame free"}),
    Case("HEAD", PICTURE, owners(200), at={"frame_id": "frame free"}),
    Case("GET", PICTURE, owners(404), at={"frame_id": "0" * 32}),
    *(
        Case("GET", f"/api/frames/{{frame_id}}/scene{what}", statuses, at={"frame_id": frame} | at)
        for what, at in SCENE_PARTS
        for frame, statuses in (
            ("frame mine", (401, 403, 404, 403, 404)),  # a picture: there is nothing around it
            ("frame waiting", (401, 403, 404, 404, 404)),
        )
    ),
    Case("GET", "/api/reviewing", REVIEWERS),
    Case("GET", "/api/reviewing/{task}", REVIEWERS, at=WAITING),
    Case("POST", "/api/reviewing/{task}/accept", (401, 403, 403, 409, 409), {}, MINE),
    Case(
        "POST",
        "/api/reviewing/{task}/send-back",
        (401, 403, 403, 409, 409),
        {"reason": "no"},
        MINE,
    ),
    Case("GET", "/api/guidelines", LOGGED_IN),
    Case("GET", "/api/guidelines/changes", (401, 422, 422, 422, 422)),
    Case("PUT", "/api/guidelines", OWNERS, {"text": "# Birds"}),
    Case("POST", "/api/guidelines/preview", OWNERS, {"text": "# Birds"}),
    Case("GET", "/api/record", LOGGED_IN),
    Case("GET", "/api/people", OWNERS),
    Case("POST", "/api/people", owners(409), {"name": "annotator", "role": "owner"}),
    Case("POST", "/api/people/{name}/link", owners(404), at=NOBODY),
    Case("POST", "/api/people/{name}/disable", owners(404), at=NOBODY),
    Case("POST", "/api/people/{name}/enable", owners(404), at=NOBODY),
    Case("POST", "/api/people/{name}/role", owners(404), {"role": "owner"}, NOBODY),
    *(
        Case("GET", f"/api/{name}", OWNERS)
        for name in (
            "progress",
            "statistics",
            "activity.csv",
            "corrections.csv",
            "edits.csv",
            "statistics.csv",
            "webhooks",
        )
    ),
    Case("POST", "/api/webhooks", owners(422), {"url": "ftp://host/", "events": ["accepted"]}),
    Case("DELETE", "/api/webhooks/{hook}", owners(404), at={"hook": "7"}),
    Case("GET", "/api/webhooks/{hook}/deliveries", owners(404), at={"hook": "7"}),
    Case("POST", "/api/deliveries/{delivery}/again", owners(404), at={"delivery": "7"}),
]


@pytest.fixture(scope="module")
def world(birds: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("rights") / "birds"
    with (
        opened_copy(birds, folder, review="reviewer: true\nprefetch: 3") as project,
        served(project) as server,
    ):
        for name, role in ROLES.items():
            server.logged_in(name, role)
        annotator = server.logged_in("annotator")
        mine, waiting, blurred = next_tasks(annotator, 3)
        annotator.post(f"/api/tasks/{mine['task']}/open").raise_for_status()
        body = a_submission(waiting) | {"request_id": REQUEST_ID}
        annotator.post(f"/api/tasks/{waiting['task']}/submit", json=body).raise_for_status()
        free = project.store.batch(1)
        assert free is not None
        number = max(one["task"] for one in (mine, waiting, blurred)) + 1
        yield World(
            server,
            {
                "mine": str(mine["task"]),
                "waiting": str(waiting["task"]),
                "blurred": str(blurred["task"]),
                "free": str(number),
                "frame mine": mine["frame_id"],
                "frame waiting": waiting["frame_id"],
                "frame free": free.picks[number - 1].frame_id,
            },
        )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_everybody_gets_what_they_may(case: Case, world: World) -> None:
    path = case.route
    for name, what in case.at.items():
        path = path.replace(f"{{{name}}}", world.places.get(what, what))
    got = [world.client(who).request(case.method, path, json=case.body).status_code for who in WHO]
    assert dict(zip(WHO, got, strict=True)) == dict(zip(WHO, case.statuses, strict=True))


def test_no_route_is_forgotten(world: World) -> None:
    routes = list(iter_route_contexts(world.server.app.routes))
    known = {(method, one.path) for one in routes for method in one.methods or ()}
    assert {("GET", "/"), ("GET", "/api/me"), ("POST", "/api/login")} <= known
    # Of a page, HEAD is GET without its body.
    of_pages = {(method, path) for method, path in known if method == "HEAD" and path != PICTURE}
    assert known - of_pages == {(case.method, case.route) for case in CASES}
