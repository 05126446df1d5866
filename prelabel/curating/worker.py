"""The process that does what curators have scheduled in the App: training and searching.

`prelabel curate` starts it beside the App, with the same environment, and ends it with it.
"""

import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PLUGIN = "@prelabel/curation"
_POLL_S = 0.5
_STOP_S = 10.0


@contextmanager
def running_worker(dataset_name: str, log: Path) -> Iterator[None]:
    """A worker for this dataset beside what is done meanwhile; the file `log` has what it prints.

    Work that it is torn out of goes on where it was when it is asked for again.
    """
    with log.open("ab") as output:
        command = [sys.executable, "-m", "prelabel.curating.worker", dataset_name]
        worker = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
        try:
            yield
        finally:
            worker.terminate()
            try:
                worker.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()


def forget_unfinished(dataset_name: str) -> int:
    """Mark what an earlier worker was torn out of as failed, so that it can be asked for again."""
    from fiftyone.operators.delegated import DelegatedOperationService
    from fiftyone.operators.executor import ExecutionResult, ExecutionRunState

    service = DelegatedOperationService()
    left = [
        one
        for one in service.list_operations(
            dataset_name=dataset_name, run_state=ExecutionRunState.RUNNING
        )
        if one.operator.startswith(PLUGIN)
    ]
    for one in left:
        service.set_failed(one.id, result=ExecutionResult(error="was ended; schedule it again"))
    return len(left)


def work_once(dataset_name: str) -> int:
    """Do the next thing that is scheduled; how many there were, 0 or 1."""
    from fiftyone.operators.delegated import DelegatedOperationService

    done: list[object] = DelegatedOperationService().execute_queued_operations(
        dataset_name=dataset_name, limit=1, log=True
    )
    return len(done or ())


def main(dataset_name: str) -> None:
    """Do what is scheduled for a dataset, until the process is ended."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    forget_unfinished(dataset_name)
    while True:
        if not work_once(dataset_name):
            time.sleep(_POLL_S)


if __name__ == "__main__":
    main(sys.argv[1])
