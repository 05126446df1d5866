"""Rounds of a simulation side by side, in processes of one thread each."""

import fcntl
import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType

from prelabel.active.loop import Setting, SimulationError, Step, run_step
from prelabel.active.rounds import RoundRecord

LOCK_FILE = "lock"


class FolderLock:
    """Holds a folder for one simulation at a time; the system lets go when the process ends."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_FILE
        self._file: TextIOWrapper | None = None

    def __enter__(self) -> None:
        self._file = self._path.open("a")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise SimulationError(
                f"{self._path.parent}: another simulation is at work here; wait for it to end, or "
                "take another folder"
            ) from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()


def run_side_by_side(
    setting: Setting, steps: Sequence[Step], workers: int
) -> Iterator[tuple[Step, RoundRecord]]:
    """Finish all steps in `workers` processes; each comes out when it is done, after those it
    builds on.

    Raises SimulationError where a process dies, and what a step raises.
    """
    context = multiprocessing.get_context("spawn")  # a fork of a process with threads may hang
    executor = ProcessPoolExecutor(workers, context, _begin_worker, (setting,))
    try:
        yield from _as_finished(executor, steps, workers)
    except BrokenProcessPool as error:
        raise SimulationError(
            f"{setting.folder}: a worker process died, perhaps for want of memory; run the "
            "simulation again to go on, with fewer workers"
        ) from error
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _as_finished(
    executor: ProcessPoolExecutor, steps: Sequence[Step], workers: int
) -> Iterator[tuple[Step, RoundRecord]]:
    waiting, done = list(steps), set[Step]()
    running: dict[Future[RoundRecord], Step] = {}
    while waiting or running:
        ready = [step for step in waiting if step.before() is None or step.before() in done]
        for step in ready[: workers - len(running)]:
            running[executor.submit(_run_in_worker, step)] = step
            waiting.remove(step)
        finished, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in finished:
            step = running.pop(future)
            done.add(step)
            yield step, future.result()


_setting_of_worker: Setting | None = None


def _begin_worker(setting: Setting) -> None:
    """Prepare a worker process: one thread, and an end as soon as its parent is gone."""
    global _setting_of_worker
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"  # before torch is loaded, which reads them once
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _setting_of_worker = setting


def _end_with_parent() -> None:
    """A killed parent must not leave workers that write where the next run will write."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run_in_worker(step: Step) -> RoundRecord:
    if _setting_of_worker is None:
        raise SimulationError("this process was not prepared to run rounds")
    return run_step(_setting_of_worker, step)
