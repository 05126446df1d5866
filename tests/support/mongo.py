"""The MongoDB server that tests and measurements of FiftyOne use: a real one, started for them."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from prelabel.curating.mongod import (
    PROGRAM_VARIABLE,
    MongodOptions,
    find_mongod,
    running_mongod,
)
from prelabel.curating.opening import disconnect, set_environment

_FETCHED = Path(__file__).resolve().parents[2] / ".mongod" / "mongod"  # by .ci/mongod


def mongod_program() -> Path | None:
    """The program to test with; None where there is none that runs."""
    named = PROGRAM_VARIABLE in os.environ
    program = _FETCHED if _FETCHED.is_file() and not named else find_mongod(os.environ)
    return program if program is not None and _runs(program) else None


def skip_without_mongod() -> NoReturn:
    """Leave out a test of FiftyOne; on CI, where all tests are to run, fail instead."""
    told = "no mongod was found: `make mongod` fetches one, see docs/curating.md"
    if os.environ.get("CI"):
        pytest.fail(told)
    pytest.skip(told)


def _runs(program: Path) -> bool:
    try:
        return subprocess.run([program, "--version"], capture_output=True).returncode == 0
    except OSError:
        return False


@contextmanager
def mongo_environment(folder: Path, program: Path) -> Iterator[str]:
    """A server whose files lie in `folder`; FiftyOne, imported afterwards, uses it."""
    with running_mongod(folder / "database", MongodOptions(program, 0.25)) as address:
        before = dict(os.environ)
        set_environment(os.environ, address, folder)
        try:
            yield address
        finally:
            disconnect()
            os.environ.clear()
            os.environ.update(before)
