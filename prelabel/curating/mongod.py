"""A MongoDB server for one project: its files lie in the project, it listens to this machine only.

Several processes may use it at once. The first starts it, whoever leaves last ends it, and one that
a killed process has left running is found and used again.
"""

import fcntl
import importlib.util
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BufferedRandom
from pathlib import Path
from typing import Any

import psutil

from prelabel.curating.errors import CurationError
from prelabel.datasets.files import write_whole

PROGRAM_VARIABLE = "PRELABEL_MONGOD"
_ADDRESS_FILE = "address"
_START_S = 60.0
_STOP_S = 30.0
_PATIENCE_MS = 3000
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class MongodOptions:
    """How the server runs: which program, and how much memory its cache may take."""

    program: Path
    cache_gib: float = 1.0


def find_mongod(environment: Mapping[str, str]) -> Path | None:
    """The program `mongod`: named by PRELABEL_MONGOD, FiftyOne's own, or one on the path."""
    named = environment.get(PROGRAM_VARIABLE)
    if named:
        return Path(named)
    package = importlib.util.find_spec("fiftyone")
    if package is not None and package.origin is not None:
        shipped = Path(package.origin).parent / "db" / "bin" / "mongod"
        if shipped.is_file():
            return shipped
    found = shutil.which("mongod", path=environment.get("PATH"))
    return None if found is None else Path(found)


@contextmanager
def running_mongod(folder: Path, options: MongodOptions) -> Iterator[str]:
    """The address of the server of the database in `folder`, which runs as long as it is used.

    Raises CurationError where it does not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "users.lock").open("a+b") as users:
        address = _joined(folder, options, users)
        try:
            yield address
        finally:
            _left(folder, users)


def _joined(folder: Path, options: MongodOptions, users: BufferedRandom) -> str:
    """Count among the users of the server, starting it where it does not run; its address."""
    with _one_at_a_time(folder):
        fcntl.flock(users, fcntl.LOCK_SH)
        running = _running(folder)
        if running is not None:
            return running[1]
        return _started(folder, options)


def _left(folder: Path, users: BufferedRandom) -> None:
    """Stop counting among the users, and end the server where there is no other."""
    with _one_at_a_time(folder):
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # closing the file lets go of our own lock
        running = _running(folder)
        if running is not None:
            _stopped(running[0])
        (folder / _ADDRESS_FILE).unlink(missing_ok=True)


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    with (folder / "starting.lock").open("a+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _running(folder: Path) -> tuple[int, str] | None:
    """Process id and address of the server that the folder names, if it answers as such."""
    try:
        pid_text, address = (folder / _ADDRESS_FILE).read_text().split()
    except (FileNotFoundError, ValueError):
        return None
    answered = _server_pid(address)
    return (answered, address) if answered == int(pid_text) else None


def _server_pid(address: str) -> int | None:
    """The process id of the server at an address; None where none answers."""
    import pymongo

    with pymongo.MongoClient[Any](address, serverSelectionTimeoutMS=_PATIENCE_MS) as client:
        try:
            return int(client.admin.command("serverStatus", repl=0, metrics=0, locks=0)["pid"])
        except pymongo.errors.PyMongoError:
            return None


def _started(folder: Path, options: MongodOptions) -> str:
    data, log = folder / "data", folder / "mongod.log"
    data.mkdir(exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        str(options.program),
        *("--dbpath", str(data), "--bind_ip", "127.0.0.1", "--port", str(port)),
        *("--nounixsocket", "--wiredTigerCacheSizeGB", f"{options.cache_gib:g}"),
        # It goes into the background once it answers; Ctrl+C, which is meant for us, is not heard.
        *("--fork", "--logpath", str(log), "--logappend"),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_START_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CurationError(f"{options.program}: cannot be started: {error}") from error
    address = f"mongodb://127.0.0.1:{port}"
    pid = None if done.returncode else _server_pid(address)
    if pid is None:
        raise CurationError(_failed(options.program, done.stdout + done.stderr, log))
    write_whole(folder / _ADDRESS_FILE, f"{pid} {address}\n".encode())
    return address


def _failed(program: Path, output: str, log: Path) -> str:
    told = " ".join(output.split())[-300:]
    return (
        f"{program}: the MongoDB server does not start: {told} (more in {log}); install MongoDB "
        f"6.0 or later and name its mongod with {PROGRAM_VARIABLE}, or name a running server with "
        "FIFTYONE_DATABASE_URI"
    )


def _stopped(pid: int) -> None:
    """End the server and wait for it, so that the next one finds its files closed."""
    with suppress(psutil.NoSuchProcess):
        server = psutil.Process(pid)
        server.terminate()
        give_up_at = time.monotonic() + _STOP_S
        # Where nobody collects the processes that ended, they stay as zombies.
        while server.is_running() and server.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > give_up_at:
                return
            time.sleep(_POLL_S)
