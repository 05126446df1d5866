"""A synchronisation in a process of its own that is killed as soon as one function has done its
work: `python killed_curation.py PROJECT MODULE OWNER.FUNCTION`.
"""

import importlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from prelabel.curating.curate import synchronise
from prelabel.curating.opening import opened_curation
from prelabel.datasets.progress import Silent
from prelabel.project import open_project


def synchronise_until_killed(project: Path, module: str, function: str) -> None:
    """Run it, and see that it was killed there: after the first call of that function."""
    command = [sys.executable, __file__, str(project), module, function]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def _kill_after(module: str, function: str) -> None:
    owner: Any = importlib.import_module(module)
    *parts, name = function.split(".")
    for part in parts:
        owner = getattr(owner, part)
    real = getattr(owner, name)

    def fatal(*given: Any, **named: Any) -> None:
        real(*given, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, fatal)


def main(folder: str, module: str, function: str) -> None:
    with (
        open_project(Path(folder), author="ann") as project,
        opened_curation(project.workspace, os.environ) as curation,
    ):
        _kill_after(module, function)
        synchronise(curation, project, Silent())


if __name__ == "__main__":
    main(*sys.argv[1:])
