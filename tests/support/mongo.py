"""The MongoDB server that tests and measurements of FiftyOne use: a real one, started for them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prelabel.curating.mongod import (
    PROGRAM_VARIABLE,
    MongodOptions,
    find_mongod,
    running_mongod,
)
from prelabel.curating.opening import set_environment

_FETCHED = Path(__file__).resolve().parents[2] / ".mongod" / "mongod"  # by .ci/mongod


def mongod_program() -> Path | None:
    """The program to test with; None where there is none."""
    if PROGRAM_VARIABLE not in os.environ and _FETCHED.is_file():
        return _FETCHED
    return find_mongod(os.environ)


@contextmanager
def mongo_environment(folder: Path, program: Path) -> Iterator[str]:
    """A server whose files lie in `folder`; FiftyOne, imported afterwards, uses it."""
    with running_mongod(folder / "database", MongodOptions(program, 0.25)) as address:
        before = dict(os.environ)
        set_environment(os.environ, address, folder)
        try:
            yield address
        finally:
            os.environ.clear()
            os.environ.update(before)
