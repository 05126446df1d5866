"""Requests that were not meant for the server, are too large, or hope for a slip."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from review_app import Served, an_edit, next_tasks, opened_copy, served

from prelabel.review.access import CSRF_HEADER
from prelabel.review.address import Address
from prelabel.review.security import MAX_BODY_BYTES


@pytest.fixture(scope="module")
def server(birds: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("security") / "birds"
    with opened_copy(birds, folder) as project, served(project) as running:
        yield running


def test_every_answer_has_the_safe_headers(server: Served) -> None:
    client = server.client()
    for path in ("/", "/api/me", "/nowhere", "/page/login.js", "/openapi.json"):
        headers = client.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"], path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers
    assert client.get("/api/me").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "@", ""],
)
def test_a_strange_name_gets_nothing_from_a_server_without_login(server: Served, host: str) -> None:
    answer = server.client().get("/api/me", headers={"Host": host})
    assert answer.status_code == 400
    assert "csrf" not in answer.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "[::1]:8000", "127.0.0.1"])
def test_names_of_this_machine_are_answered(server: Served, host: str) -> None:
    assert server.client().get("/api/me", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_pages_of_other_sites_change_nothing(server: Served, headers: dict[str, str]) -> None:
    answer = server.local().post("/api/queue/next", json={}, headers=headers)
    assert answer.status_code == 403
    assert "another site" in answer.json()["error"]


def test_the_own_page_may_change_things(server: Served) -> None:
    headers = {"Origin": server.url, "Sec-Fetch-Site": "same-origin"}
    answer = server.local().post("/api/queue/next", json={"count": 0}, headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("token", [None, "", "wrong", "ü"])
def test_without_the_csrf_token_nothing_changes(server: Served, token: str | None) -> None:
    client = server.local()
    del client.headers[CSRF_HEADER]
    headers = {} if token is None else {CSRF_HEADER.encode(): token.encode()}
    answer = client.post("/api/queue/next", json={"count": 1}, headers=headers)
    assert answer.status_code == 403
    assert CSRF_HEADER in answer.json()["error"]


def test_the_csrf_token_of_one_session_is_no_good_in_another(server: Served) -> None:
    one, other = server.local(), server.local()
    one.headers[CSRF_HEADER] = other.headers[CSRF_HEADER]
    assert one.post("/api/queue/next", json={"count": 0}).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/page/../app.py",
        "/page/..%2fapp.py",
        "/page/%2e%2e/app.py",
        "/page/..%5capp.py",
        "/page//etc/passwd",
        "/page/%2fetc%2fpasswd",
        "/page/login.js%00.html",
        "/page/./login.js",
        "/page/",
        "/api/frames/..%2f..%2fstore.db/picture",
        "/api/frames/%00/picture",
        "/../prelabel.yaml",
        "/prelabel.yaml",
    ],
)
def test_no_path_of_a_request_reaches_the_disk(server: Served, path: str) -> None:
    # httpx would tidy the path up, so it is sent as it stands.
    request = httpx.Request("GET", server.url, extensions={"target": path.encode()})
    answer = server.client().send(request)
    assert answer.status_code in (404, 422)
    assert set(answer.json()) == {"error"}
    for told in ("root:", "import ", "detector:"):
        assert told not in answer.text


def test_a_large_body_is_refused_before_it_is_read(server: Served) -> None:
    client = server.local()
    declared = client.post("/api/queue/next", content=b" " * (MAX_BODY_BYTES + 1))
    assert declared.status_code == 413
    assert "4 MiB" in declared.json()["error"]


def test_a_large_body_of_unknown_length_is_refused(server: Served) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(80):
            yield b" " * (1 << 16)

    answer = server.local().post(
        "/api/queue/next", content=endless(), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413


def a_box(**changes: Any) -> dict[str, Any]:
    box = {
        "id": str(uuid.uuid4()),
        "xyxy": [1.0, 1.0, 9.0, 9.0],
        "angle": None,
        "class_id": 0,
        "status": "accepted",
    }
    return box | changes


BAD_BOXES = {
    "not a number": a_box(xyxy=[float("nan"), 1.0, 9.0, 9.0]),
    "endless": a_box(xyxy=[1.0, 1.0, float("inf"), 9.0]),
    "far away": a_box(xyxy=[1.0, 1.0, 1e7, 9.0]),
    "turned over": a_box(xyxy=[9.0, 1.0, 1.0, 9.0]),
    "three corners": a_box(xyxy=[1.0, 1.0, 9.0]),
    "text": a_box(xyxy=["1", 1.0, 9.0, 9.0]),
    "class unknown": a_box(class_id=77),
    "class negative": a_box(class_id=-1),
    "class true": a_box(class_id=True),
    "id no uuid": a_box(id="../../x"),
    "id upper case": a_box(id=str(uuid.uuid4()).upper()),
    "status unknown": a_box(status="gold"),
    "unknown key": a_box(colour="red"),
}


@pytest.mark.parametrize("name", BAD_BOXES)
def test_boxes_that_make_no_sense_are_refused_in_one_sentence(server: Served, name: str) -> None:
    client = server.local()
    task = next_tasks(client, 1)[0]["task"]
    edit = an_edit([]) | {"boxes": [BAD_BOXES[name]]}
    # As JavaScript's JSON never would, json.dumps writes NaN and Infinity.
    answer = client.post(
        f"/api/tasks/{task}/edits",
        content=json.dumps({"edits": [edit]}),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 422
    assert "\n" not in answer.json()["error"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"count": 1, "count2": 1}',
        b'{"count": 99999999999999999999999}',
        b"[" * 100_000,
        b'{"holding": [' + b"1," * 1000 + b"1]}",
    ],
    ids=lambda content: repr(content[:20]),
)
def test_bodies_that_cannot_be_read_are_refused(server: Served, content: bytes) -> None:
    answer = server.local().post(
        "/api/queue/next", content=content, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (400, 422)
    assert answer.json()["error"]


@pytest.mark.parametrize("reason", ["zero \0 inside", "half a pair \ud800"])
def test_text_that_no_database_keeps_is_refused(server: Served, reason: str) -> None:
    client = server.local()
    answer = client.post(
        f"/api/tasks/{next_tasks(client)[0]['task']}/skip",
        content=json.dumps({"reason": reason}),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 422


def test_a_mishap_is_logged_in_full_and_told_in_one_sentence(
    birds: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: object) -> None:
        raise RuntimeError("the secret of the house")

    with opened_copy(birds, tmp_path / "birds") as project, served(project) as running:
        client = running.local()
        monkeypatch.setattr(type(running.services.guidelines), "current", fail)
        answer = client.get("/api/guidelines")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    mark = answer.json()["error"].split()[-1]
    assert f"mishap {mark} in GET /api/guidelines" in caplog.text
    assert "the secret of the house" in caplog.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_behind_a_proxy_its_name_and_origin_count(birds: Path, tmp_path: Path) -> None:
    address = Address(public_url="https://labels.example.org")
    with opened_copy(birds, tmp_path / "birds") as project, served(project, address) as running:
        client = running.client(headers={"Host": "labels.example.org"})
        assert client.get("/api/me").status_code == 401
        assert client.get("/api/me", headers={"Host": "evil.example"}).status_code == 400
        login = {"name": "ada", "password": "some password"}
        own = client.post("/api/login", json=login, headers={"Origin": address.url})
        assert own.status_code == 401
        strange = {"Origin": "https://evil.example"}
        assert client.post("/api/login", json=login, headers=strange).status_code == 403
