"""Logging in and out: passwords, links, cookies, and how often one may try."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from review_app import Served, opened_copy, served

from prelabel.review.access import CSRF_HEADER
from prelabel.review.address import Address
from prelabel.review.limits import RateLimit, TooManyTriesError
from prelabel.work.people import Role

PASSWORD = "correct horse battery"
PUBLIC = Address(public_url="https://labels.example.org")


@dataclass
class Time:
    """Clocks that stand still until a test moves them."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    monotonic: float = 0.0

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.monotonic += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def server(birds: Path, tmp_path: Path, time: Time) -> Iterator[Served]:
    with (
        opened_copy(birds, tmp_path / "birds", chosen=0) as project,
        served(project, clock=lambda: time.now, monotonic=lambda: time.monotonic) as running,
    ):
        running.services.people.add("owen", Role.OWNER, "setup")
        running.services.people.set_password("owen", PASSWORD)
        yield running


def log_in(client: httpx.Client, name: str = "owen", password: str = PASSWORD) -> httpx.Response:
    return client.post("/api/login", json={"name": name, "password": password})


def test_a_password_opens_and_logging_out_closes(server: Served) -> None:
    client = server.client()
    assert client.get("/api/me").status_code == 401
    me = log_in(client).raise_for_status().json()
    assert (me["person"], me["role"], me["login_needed"]) == ("owen", "owner", True)
    client.headers[CSRF_HEADER] = me["csrf"]
    stolen = client.cookies.get(server.services.address.cookie_name)
    client.post("/api/logout").raise_for_status()
    assert client.get("/api/me").status_code == 401
    client.cookies.set(server.services.address.cookie_name, stolen or "")
    assert client.get("/api/me").status_code == 401


def test_wrong_name_and_wrong_password_look_alike(server: Served) -> None:
    client = server.client()
    wrong, nobody = log_in(client, password="wrong password"), log_in(client, name="nobody")
    assert wrong.status_code == nobody.status_code == 401
    assert wrong.json() == nobody.json()
    assert "set-cookie" not in wrong.headers


def test_logging_in_anew_ends_the_session_before(server: Served) -> None:
    client = server.client()
    log_in(client)
    before = client.cookies.get(server.services.address.cookie_name)
    log_in(client)
    assert before is not None
    assert server.services.sessions.find(before) is None


def test_a_name_can_be_tried_only_so_often_and_recovers(server: Served, time: Time) -> None:
    client = server.client()
    answers = [log_in(client, password="wrong password") for _ in range(9)]
    assert [one.status_code for one in answers] == [401] * 8 + [429]
    assert int(answers[-1].headers["retry-after"]) == 30
    assert log_in(client, name=" OWEN ").status_code == 429
    assert log_in(client, name="somebody else").status_code == 401
    time.pass_by(31)
    assert log_in(client).status_code == 200


def test_an_address_can_try_only_so_often_whatever_the_name(server: Served) -> None:
    client = server.client()
    answers = [
        client.post("/api/link", json={"token": f"guess {number}"}).status_code
        for number in range(41)
    ]
    assert answers == [401] * 40 + [429]
    assert log_in(client).status_code == 429


def test_good_logins_cost_no_tries(server: Served) -> None:
    client = server.client()
    assert {log_in(client).status_code for _ in range(12)} == {200}


def test_behind_a_proxy_the_last_address_counts_and_claims_do_not(
    birds: Path, tmp_path: Path, time: Time
) -> None:
    with (
        opened_copy(birds, tmp_path / "birds", chosen=0) as project,
        served(project, PUBLIC, monotonic=lambda: time.monotonic) as running,
    ):
        client = running.client()

        def guess(number: int, nearest: str) -> int:
            headers = {"X-Forwarded-For": f"10.9.9.{number}, {nearest}"}
            return client.post("/api/link", json={"token": "x"}, headers=headers).status_code

        assert {guess(number, "192.0.2.1") for number in range(40)} == {401}
        assert guess(77, "192.0.2.1") == 429
        assert guess(77, "192.0.2.2") == 401


def test_a_link_lets_in_once_and_sets_a_password(server: Served) -> None:
    people = server.services.people
    people.add("ada", Role.ANNOTATOR, "owen")
    token = people.one_time_link("ada", "owen")
    client = server.client()
    short = client.post("/api/link", json={"token": token, "password": "short"})
    assert short.status_code == 422
    assert "at least 10 characters" in short.json()["error"]
    opened = client.post("/api/link", json={"token": token, "password": PASSWORD})
    assert opened.json()["person"] == "ada"
    assert client.get("/api/me").status_code == 200
    again = server.client().post("/api/link", json={"token": token})
    assert again.status_code == 401
    assert "used before" in again.json()["error"]
    assert log_in(server.client(), "ada").status_code == 200


def test_a_link_runs_out(server: Served, time: Time) -> None:
    server.services.people.add("ada", Role.ANNOTATOR, "owen")
    token = server.services.people.one_time_link("ada", "owen")
    time.pass_by(8 * 24 * 3600)
    assert server.client().post("/api/link", json={"token": token}).status_code == 401


def test_who_is_shut_out_is_out_at_once(server: Served) -> None:
    ada, owen = server.logged_in("ada"), server.logged_in("owen", Role.OWNER)
    owen.post("/api/people/ada/disable").raise_for_status()
    assert ada.get("/api/me").status_code == 401


def test_a_role_counts_from_the_next_request_on(server: Served) -> None:
    ada, owen = server.logged_in("ada"), server.logged_in("owen", Role.OWNER)
    assert ada.get("/api/reviewing").status_code == 403
    owen.post("/api/people/ada/role", json={"role": "reviewer"}).raise_for_status()
    assert ada.get("/api/reviewing").status_code == 200


def test_the_last_owner_cannot_shut_the_door_from_outside(server: Served) -> None:
    owen = server.logged_in("owen", Role.OWNER)
    assert owen.post("/api/people/owen/disable").status_code == 409
    assert owen.post("/api/people/owen/role", json={"role": "annotator"}).status_code == 409


def test_an_unused_session_ends(server: Served, time: Time) -> None:
    client = server.client()
    log_in(client)
    time.pass_by(13 * 3600)
    assert client.get("/api/me").status_code == 401


def test_from_the_first_link_on_a_login_is_asked_and_an_owner_has_one(
    birds: Path, tmp_path: Path
) -> None:
    with opened_copy(birds, tmp_path / "birds", chosen=0) as project, served(project) as running:
        local = running.local()
        local.post("/api/people", json={"name": "ada", "role": "annotator"}).raise_for_status()
        refused = local.post("/api/people/ada/link")
        assert refused.status_code == 409
        assert "link for an owner first, such as ann" in refused.json()["error"]
        link = local.post("/api/people/ann/link").raise_for_status().json()["link"]
        assert link.startswith(f"{running.url}/link/")
        assert local.get("/api/me").status_code == 401
        ann = running.client()
        me = ann.post("/api/link", json={"token": link.rpartition("/")[2]}).json()
        assert (me["person"], me["role"]) == ("ann", "owner")
        ann.headers[CSRF_HEADER] = me["csrf"]
        assert ann.post("/api/people/ada/link").status_code == 200


@pytest.mark.parametrize(
    ("address", "name", "secure"),
    [
        (Address(port=8017), "prelabel_8017", False),
        (PUBLIC, "__Host-prelabel", True),
        (Address(public_url="http://localhost:9000", port=8017), "prelabel_8017", False),
    ],
)
def test_the_cookie_is_as_safe_as_the_address_allows(
    address: Address, name: str, secure: bool
) -> None:
    from starlette.responses import Response

    from prelabel.review.access import set_cookie

    response = Response()
    set_cookie(response, address, "token")
    cookie = response.headers["set-cookie"]
    assert cookie.startswith(f"{name}=token;")
    assert ("; Secure" in cookie) is secure
    assert "Domain" not in cookie


def test_a_rate_limit_gives_tries_back_with_time() -> None:
    now = 0.0
    limit = RateLimit(tries=2, refill_s=10, monotonic=lambda: now)
    limit.take("a")
    limit.take("a")
    with pytest.raises(TooManyTriesError, match="wait 10 s"):
        limit.take("a")
    limit.take("b")
    now = 9.0
    with pytest.raises(TooManyTriesError, match="wait 1 s"):
        limit.take("a")
    now = 10.5
    limit.take("a")
    limit.give_back("a")
    limit.take("a")
    now = 1e9
    limit.take("a")
    limit.take("a")
    with pytest.raises(TooManyTriesError):
        limit.take("a")
