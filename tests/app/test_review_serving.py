"""Where the server may listen, what it says, and how it ends."""

import contextlib
import json
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hook_receiver import receiving
from review_app import Json, a_submission, next_tasks, opened_copy
from review_server import ReviewServer, free_port

from prelabel.review.access import CSRF_HEADER
from prelabel.review.address import Address, AddressError, TlsFiles, tls_files
from prelabel.review.serving import check_allowed, check_tls, listening_socket, warning
from prelabel.store.store import utc_now
from prelabel.work.signatures import signature_fits

_PROGRAM = Path(sys.executable).parent / "prelabel"


def review(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The command, where it is expected to end by itself."""
    command = [str(one) for one in (_PROGRAM, "-p", folder, "review", *arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=240)


@pytest.fixture
def folder(birds: Path, tmp_path: Path) -> Path:
    opened_copy(birds, tmp_path / "birds").store.close()
    return tmp_path / "birds"


@pytest.mark.parametrize(
    ("address", "private"),
    [
        (Address(), True),
        (Address("::1"), True),
        (Address("localhost"), True),
        (Address("127.8.9.1"), True),
        (Address("0.0.0.0"), False),
        (Address("::"), False),
        (Address("192.0.2.1"), False),
        (Address("labels.example.org"), False),
        (Address(public_url="https://labels.example.org"), False),
        (Address(public_url="http://localhost:9000"), False),
    ],
    ids=str,
)
def test_only_this_machine_may_go_without_a_login(address: Address, private: bool) -> None:
    assert address.is_private is private
    check_allowed(address, owner_can_log_in=True)
    with contextlib.nullcontext() if private else pytest.raises(AddressError, match="people add"):
        check_allowed(address, owner_can_log_in=False)


@pytest.mark.parametrize(
    "url",
    [
        "labels.example.org",
        "ftp://labels.example.org",
        "https://",
        "https://labels.example.org/page",
        "https://ada:secret@labels.example.org",
        "http://labels.example.org",
    ],
)
def test_an_address_that_is_no_public_one_is_refused(url: str) -> None:
    with pytest.raises(AddressError, match="--behind-proxy"):
        Address(public_url=url)


def test_a_warning_is_given_only_where_passwords_would_be_read_by_others() -> None:
    assert "in the clear" in (warning(Address("0.0.0.0")) or "")
    tls = TlsFiles(Path("cert"), Path("key"))
    for safe in (Address(), Address("0.0.0.0", tls=tls), Address(public_url="https://a.example")):
        assert warning(safe) is None


def test_addresses_are_told_as_browsers_take_them() -> None:
    assert Address().url == "http://127.0.0.1:8000"
    assert Address("::1", 9).url == "http://[::1]:9"
    assert Address(tls=TlsFiles(Path("c"), Path("k"))).url == "https://127.0.0.1:8000"
    assert Address(public_url="https://a.example/").url == "https://a.example"
    assert Address("0.0.0.0", 9).url == f"http://{socket.gethostname()}:9"
    assert Address("0.0.0.0", 9).url_under("labels.local:9") == "http://labels.local:9"


def test_both_tls_files_are_needed_and_must_belong_together(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("no certificate")
    with pytest.raises(AddressError, match="come together"):
        tls_files(tmp_path / "cert.pem", None)
    with pytest.raises(AddressError, match="no PEM certificate"):
        check_tls(TlsFiles(tmp_path / "cert.pem", tmp_path / "cert.pem"))
    with pytest.raises(AddressError, match="exclude each other"):
        Address(tls=TlsFiles(tmp_path, tmp_path), public_url="https://a.example")


def test_a_port_in_use_is_told_with_the_way_out() -> None:
    with (
        listening_socket(Address(port=0)) as taken,
        pytest.raises(AddressError, match="--port"),
    ):
        listening_socket(Address(port=taken.getsockname()[1]))


def test_an_address_of_another_machine_is_refused_in_one_line() -> None:
    with pytest.raises(AddressError, match=r"192\.0\.2\.1"):
        listening_socket(Address("192.0.2.1", 0))


def test_the_command_refuses_what_others_could_reach_without_a_login(folder: Path) -> None:
    for arguments in (("--host", "0.0.0.0"), ("--behind-proxy", "https://labels.example.org")):
        refused = review(folder, *arguments)
        assert refused.returncode == 1
        assert "prelabel people add NAME --role owner" in refused.stderr
        assert refused.stderr.count("\n") == 1


def test_the_command_tells_of_a_taken_port_in_one_line(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = review(folder, "--port", str(taken.getsockname()[1]))
    assert refused.returncode == 1
    assert "something listens there already" in refused.stderr
    assert refused.stderr.count("\n") == 1


@pytest.fixture
def server(folder: Path) -> Iterator[ReviewServer]:
    running = ReviewServer(folder)
    running.start()
    yield running
    running.stop()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_says_what_waits_and_where_the_page_is_and_ends_cleanly_when_told(
    server: ReviewServer, how: signal.Signals
) -> None:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as client:
        client.get("/api/me").raise_for_status()
        server._end(how)
    told = server.log.read_text()
    assert "Round 1: 6 frames wait for people." in told
    assert "No login is asked on this machine; what is done is ann's." in told
    assert f"The page is at {server.url}" in told
    assert "Traceback" not in told


def a_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost and its key, by the system's openssl."""
    certificate, key = folder / "localhost.crt", folder / "localhost.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command += ["-days", "2", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


def test_over_tls_the_cookie_is_a_host_cookie(folder: Path, tmp_path: Path) -> None:
    certificate, key = a_certificate(tmp_path)
    port = free_port()
    command = [_PROGRAM, "-p", folder, "review", "--port", port]
    command += ["--tls-cert", certificate, "--tls-key", key]
    with subprocess.Popen([str(one) for one in command], stdout=subprocess.DEVNULL) as process:
        try:
            me = _asked_until_it_answers(f"https://localhost:{port}/api/me", certificate)
        finally:
            process.terminate()
    assert me.status_code == 200
    assert me.headers["set-cookie"].startswith("__Host-prelabel=")
    assert "; Secure" in me.headers["set-cookie"]


def _asked_until_it_answers(url: str, certificate: Path) -> httpx.Response:
    trusted = ssl.create_default_context(cafile=certificate)
    give_up_at = time.monotonic() + 180
    while True:
        try:
            return httpx.get(url, verify=trusted, trust_env=False)
        except httpx.TransportError:
            assert time.monotonic() < give_up_at
            time.sleep(0.1)


def test_webhooks_are_told_by_the_server_with_a_signature(server: ReviewServer) -> None:
    with (
        receiving() as receiver,
        httpx.Client(base_url=server.url, trust_env=False, timeout=60) as client,
    ):
        client.headers[CSRF_HEADER] = client.get("/api/me").json()["csrf"]
        wanted = {"url": f"{receiver.url}/told", "events": ["accepted"]}
        hook = client.post("/api/webhooks", json=wanted).raise_for_status().json()
        (task,) = next_tasks(client)
        client.post(f"/api/tasks/{task['task']}/submit", json=a_submission(task))
        told = _delivery_once_done(client, hook["number"])
        (received,) = receiver.received
    header = received.headers["x-prelabel-signature"]
    assert signature_fits(header, hook["secret"], received.body, utc_now())
    assert json.loads(received.body)["data"]["frame_id"] == task["frame_id"]
    assert (told["event"], told["attempts"], told["error"]) == ("accepted", 1, None)


def _delivery_once_done(client: httpx.Client, hook: int) -> Json:
    """The one delivery to a webhook, when the server has noted that it arrived."""
    give_up_at = time.monotonic() + 120
    while True:
        (told,) = client.get(f"/api/webhooks/{hook}/deliveries").json()["deliveries"]
        if told["delivered_at"]:
            return dict(told)
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
