"""The real server of the review page, as a process of its own that tests start and kill."""

import contextlib
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

_START_S = 180
_STOP_S = 120
# Below the ports that systems give to outgoing connections: one of those could take the port of a
# server that is down for a moment.
_PORTS = range(15_000, 32_000)


class ReviewServer:
    """`prelabel review` on one port; started again it is found at the same address."""

    def __init__(self, project: Path, author: str = "ann") -> None:
        self._project = project
        self._author = author
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.log = project.parent / f"{project.name}-server.log"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start and wait until it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(["review", "--port", str(self._port)]), stdout=log, stderr=log
            )
        give_up_at = time.monotonic() + _START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > give_up_at:
                raise RuntimeError(f"the server did not start: {self.log.read_text()}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as a crash does: at once and without a word."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it as Ctrl+C does."""
        self._end(signal.SIGINT)

    def run(self, arguments: Sequence[str]) -> str:
        """Run another command on the project; what it printed."""
        done = subprocess.run(self._command(arguments), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _command(self, arguments: Sequence[str]) -> list[str]:
        program = Path(sys.executable).parent / "prelabel"
        return [str(program), "-p", str(self._project), "--author", self._author, *arguments]

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/login", timeout=30):
                return True
        except OSError:  # urllib's own errors, too
            return False

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.wait(timeout=_STOP_S)
        self._process = None


@contextlib.contextmanager
def serving(project: Path, author: str = "ann") -> Iterator[ReviewServer]:
    """A server that lives as long as the block."""
    server = ReviewServer(project, author)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def free_port() -> int:
    """A port of this machine for a server that may be started again."""
    for port in random.SystemRandom().sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")
