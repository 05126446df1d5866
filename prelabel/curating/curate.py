"""The work of `prelabel curate`: collect what was done in FiftyOne, fill it anew, open the App."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prelabel.curating.busy import Since
from prelabel.curating.collecting import collect
from prelabel.curating.errors import CurationError
from prelabel.curating.filling import Filled, Filler
from prelabel.curating.notes import open_dataset
from prelabel.curating.opening import Curation, opened_curation
from prelabel.curating.taking_over import Collected
from prelabel.curating.views import WORKSPACE
from prelabel.curating.worker import running_worker
from prelabel.datasets.progress import Progress
from prelabel.datasets.wording import counted
from prelabel.project import Project

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Synchronised:
    """What came back from FiftyOne, None where there was no dataset yet, and what went there."""

    collected: Collected | None
    filled: Filled


def synchronise(curation: Curation, project: Project, progress: Progress) -> Synchronised:
    """Bring back what the curator did, then show what the project knows."""
    dataset = open_dataset(curation)
    collected = None if dataset is None else collect(dataset, project)
    filler = Filler(curation, project, progress)
    return Synchronised(collected, filler.fill(_since(collected)))


def rebuild(curation: Curation, project: Project, progress: Progress) -> Synchronised:
    """Bring back what the curator did, then make the dataset anew from the project."""
    dataset = open_dataset(curation)
    collected = None if dataset is None else collect(dataset, project)
    if dataset is not None:
        curation.fiftyone.delete_dataset(curation.dataset_name)
    return Synchronised(collected, Filler(curation, project, progress).fill(None))


def _since(collected: Collected | None) -> Since | None:
    if collected is None:
        return None
    return Since(collected.at, collected.own, set(collected.refused))


@dataclass(frozen=True, slots=True)
class CurateOptions:
    """Whether to open the App and on which port, and whether to make the dataset anew."""

    app: bool = True
    port: int = 5151
    anew: bool = False
    open_browser: bool = True


def run_curate(
    project: Project, options: CurateOptions, progress: Progress, say: Callable[[str], None]
) -> None:
    """Synchronise, and serve the App until the process is told to stop; then synchronise again.

    Raises CurationError where FiftyOne or its database cannot be used, or the port is taken.
    """
    if options.app:
        _check_free(options.port)
    with opened_curation(project.workspace, os.environ) as curation:
        act = rebuild if options.anew else synchronise
        for line in told(act(curation, project, progress)):
            say(line)
        if not options.app:
            return
        try:
            _serve(curation, options, say)
        finally:
            for line in told(synchronise(curation, project, progress)):
                say(line)


def told(done: Synchronised) -> list[str]:
    """What was done, line by line."""
    lines = []
    if done.collected is not None:
        lines = [f"Frame {one}: {what}." for one, what in done.collected.edits.items()]
        lines += [
            f"Conflict on frame {one}: {what}; both versions are kept, see the view `conflicts`."
            for one, what in done.collected.conflicts.items()
        ]
        lines += [
            f"Frame {one}: not taken over: {why}." for one, why in done.collected.refused.items()
        ]
        lines += [
            f"Tag {one.wish!r} on {counted(one.frames, 'frame')}: {one.told}."
            for one in done.collected.wishes
        ]
    filled = done.filled
    lines.append(
        f"FiftyOne: {counted(filled.added, 'frame')} added, {filled.updated} brought up to date, "
        f"{filled.boxes} boxes."
    )
    if filled.sweeps:
        lines.append(f"{counted(filled.sweeps, 'sweep')} shown in space.")
    lines += [f"Not shown in space: {why}." for why in filled.unread]
    if filled.left:
        lines.append(
            f"{counted(filled.left, 'frame')} are being edited just now and are left for later."
        )
    return lines


def _check_free(port: int) -> None:
    # FiftyOne would join a server of somebody else's that it finds there, and show their data.
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise CurationError(
                f"port {port} is in use: end what uses it, or name another with --port"
            ) from error


def _serve(curation: Curation, options: CurateOptions, say: Callable[[str], None]) -> None:
    """Serve the App on this machine only: it knows no login, and hands out any file."""
    fo = curation.fiftyone
    dataset = fo.load_dataset(curation.dataset_name)
    with running_worker(curation.dataset_name, curation.folder / "worker.log"):
        app = fo.launch_app(
            dataset,
            spaces=dataset.load_workspace(WORKSPACE),
            remote=not options.open_browser,
            address=LOOPBACK,
            port=options.port,
            auto=False,
        )
        say(
            f"FiftyOne is at http://{LOOPBACK}:{options.port} (Ctrl+C ends it, and takes over "
            "what was done there)."
        )
        try:
            with _ended_by_signals():
                app.wait(-1)
        except KeyboardInterrupt:
            return
        finally:
            app.close()


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM end the work as Ctrl+C does, and Ctrl+C where it would not be heard."""
    before = {
        number: signal.signal(number, signal.default_int_handler)
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
