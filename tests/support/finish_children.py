"""Accepting in a whole project, in processes of their own."""

import os
from multiprocessing.connection import Connection
from pathlib import Path

from accept_children import DONE, die_at

from prelabel.active.acceptance import Promises
from prelabel.active.budgets import Budget
from prelabel.finishing import Aim
from prelabel.project import open_project
from prelabel.store.errors import ConflictError

EASY = Promises(precision=0.9, missed=0.1, confidence=0.9)


def finish(url: str, root: Path, said: Connection, dies_at: int | None) -> None:
    """Bring the pool of a project in `root` on; it dies at a commit."""
    with open_project(root, author="ann") as project:
        die_at(dies_at, "commit")
        project.finish(Aim(EASY, batch=Budget(60)))
    said.send(DONE)


def plan_and_accept(url: str, root: Path, said: Connection, dies_at: int | None) -> None:
    """Accept in a project what its checks allow, as soon as the other process is as far."""
    with open_project(root, author=f"ann {os.getpid()}") as project:
        plan = project.plan_accept(EASY)
        said.send("planned")
        said.recv()
        try:
            project.accept(plan)
        except ConflictError as error:
            said.send(str(error))
            return
    said.send(DONE)
