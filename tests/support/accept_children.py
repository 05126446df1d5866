"""Accepting and withdrawing in processes of their own, which kill themselves at a given moment.

A process that is to die does so by SIGKILL before its n-th statement or commit that writes: each
moment at which a store could be left half changed is met, however fast the machine is.
"""

import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from store_content import a_labelled_frame, labels_of

from prelabel.datasets.annotations import Origin, OriginKind
from prelabel.store.acceptances import (
    AcceptedFrame,
    EndKind,
    NewAcceptance,
    Part,
    end_acceptance,
    record_acceptance,
)
from prelabel.store.errors import ConflictError
from prelabel.store.store import open_store, utc_now

DONE = "done"
RULE = Origin(OriginKind.AUTO, "m1", 0.9, rule="a rule")
PARTS = (Part.WHOLE, Part.HALF, Part.WHOLE, Part.AUDIT_WHOLE)
FRAMES = 24


def accepted_frames() -> list[AcceptedFrame]:
    """What every process accepts: frames of all parts."""
    ids = [a_labelled_frame(number).frame.frame_id for number in range(FRAMES)]
    return [
        AcceptedFrame(one, PARTS[row % len(PARTS)], labels_of(row, 2, RULE))
        for row, one in enumerate(ids)
    ]


def all_accepted() -> NewAcceptance:
    """The same, planned before there was any acceptance."""
    return NewAcceptance("m1", {"rule": "a rule"}, accepted_frames(), 0)


def accept(url: str, root: Path, said: Connection, dies_at: int | None) -> None:
    """Accept all frames in one acceptance, or say who was faster."""
    with open_store(url, root) as store:
        die_at(dies_at, "statement")
        try:
            record_acceptance(store, all_accepted(), "ann", utc_now)
        except ConflictError as error:
            said.send(str(error))
            return
    said.send(DONE)


def withdraw_first(url: str, root: Path, said: Connection, dies_at: int | None) -> None:
    """Take the first acceptance back."""
    with open_store(url, root) as store:
        die_at(dies_at, "statement")
        end_acceptance(store, 1, EndKind.WITHDRAWN, "a test", "ann", utc_now)
    said.send(DONE)


def die_at(moment: int | None, what: str) -> None:
    """Kill this process before the n-th write from now on."""
    if moment is None:
        return
    passed = 0

    def note(connection: Any, *_: Any) -> None:
        nonlocal passed
        if not connection.get_execution_options().get("prelabel_writes"):
            return
        passed += 1
        if passed == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "commit", note)
    if what == "statement":
        event.listen(Engine, "before_cursor_execute", note)
