"""The review page's server under load, and killed under load.

Simulated annotators, by default 200 on PostgreSQL and 20 on SQLite, correct frames of ten boxes
through the real server as the page does: lease, picture, open, a request for each box, hand in.
They take the seconds that the cost model gives people who find every box right, which is fast.
Then they do so while the server is killed with SIGKILL and started anew, and at last a few of them
without any pause, which shows how much the server can do. Afterwards every submission and edit that
was acknowledged is looked for in the database.

A ratio of submissions is those made over those that the annotators would make if the server took
no time at all: 1 means that nobody waits. The other ratios are latencies over a limit that a
person notices; below 1 is good.
"""

import argparse
import asyncio
import json
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from load_annotators import Notes, Pace, all_work
from load_project import BOXES, Server, make_project, running, session_tokens
from machine import describe_machine
from sqlalchemy import select

from prelabel.active.cost import CostModel
from prelabel.project import open_project
from prelabel.store.work_tables import edits

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "support"))
from postgres import running_server, server_programs  # found on the line above

RUSHING = 8  # annotators without a pause; as many as the server works on at once
MOST_PER_S = 60  # frames kept for them
NEXT_LIMIT_S = 1.0  # two frames lie ready: a lease may take as long as the fastest look at one
SUBMIT_LIMIT_S = 0.4  # Doherty & Thadhani 1982: above it, people wait instead of work
# As a careful administrator has it: what is acknowledged is on disk.
POSTGRES = {"fsync": "on", "shared_buffers": "256MB", "max_connections": "100"}


@dataclass(frozen=True)
class Plan:
    """How many work how fast for how long, and how often the server dies in the second run."""

    annotators: int
    pace: Pace
    seconds: float
    killing_s: float
    kills: int
    rush_s: float

    @property
    def offered_per_s(self) -> float:
        """Submissions a second if the server took no time."""
        return self.annotators / self.pace.frame_s(BOXES)

    @property
    def frames(self) -> int:
        """More than can be corrected, so that the queue never runs dry."""
        calmly = self.offered_per_s * (self.seconds + self.killing_s) + 8 * self.annotators
        return int(1.2 * calmly + MOST_PER_S * self.rush_s)


def measured(database: str, plan: Plan, work: Path) -> dict[str, Any]:
    """One database under load: the figures."""
    folder = work / database
    shutil.rmtree(folder, ignore_errors=True)
    with _store(database) as store:
        make_project(folder, plan.frames, store, np.random.default_rng(0))
        tokens = session_tokens(folder, plan.annotators)
        with running(folder) as server:
            cpu_s, began = server.cpu_s(), time.monotonic()
            calm = _run(server, tokens, plan, plan.seconds)
            busy = (server.cpu_s() - cpu_s) / (time.monotonic() - began)
            rate = _rate(calm, began + plan.pace.frame_s(BOXES), began + plan.seconds)
            killed = _run(server, tokens, plan, plan.killing_s, plan.kills)
            few = dict(list(tokens.items())[:RUSHING])
            rush = _run(server, few, replace(plan, pace=Pace(0, 0)), plan.rush_s)
        runs = (calm, killed, rush)
        lost = [_lost(folder, notes) for notes in runs]
    return _figures(plan, calm, rate) | {
        "server_cpu": round(busy, 2),
        "most_submits_per_s": round(len(rush.submitted) / plan.rush_s, 1),
        "refused": sum(len(notes.refused) for notes in runs),
        "lost": sum(lost),
        "doubly_leased": sum(notes.doubly_leased for notes in runs),
        "kills": plan.kills,
        "submits_while_killed": len(killed.submitted),
        "requests_repeated": killed.repeated,
    }


@contextmanager
def _store(database: str) -> Iterator[str | None]:
    """The address of an empty database; None: SQLite in the project."""
    if database == "sqlite":
        yield None
        return
    programs = server_programs()
    if programs is None:
        raise SystemExit("no PostgreSQL server is installed (Debian: apt-get install postgresql)")
    with running_server(programs, POSTGRES) as server, server.database("review_load") as url:
        yield url


def _run(
    server: Server, tokens: dict[str, str], plan: Plan, seconds: float, kills: int = 0
) -> Notes:
    async def kill() -> None:
        for _ in range(kills):
            await asyncio.sleep(seconds / (kills + 1))
            server.end(signal.SIGKILL)
            await asyncio.to_thread(server.start)

    cookie = f"prelabel_{server.port}"
    return asyncio.run(all_work(server.url, cookie, tokens, plan.pace, seconds, kill))


def _lost(folder: Path, notes: Notes) -> int:
    """Submissions and edits that were acknowledged and are not there, or are there twice."""
    with open_project(folder / "project") as project:
        with project.store.database.reading() as connection:
            kept = set(connection.execute(select(edits.c.edit_id)).scalars())
        histories = {one: project.store.label_history(one) for one in notes.submitted}
    wrong = [
        frame_id
        for frame_id, person in notes.submitted.items()
        if [version.author for version in histories[frame_id]] != [person]
    ]
    return len(wrong) + len(notes.edits - kept)


def _rate(notes: Notes, first: float, last: float) -> float:
    """Submissions a second, from when everybody has had time for a first frame."""
    return sum(first <= at < last for at in notes.submitted_at) / (last - first)


def _figures(plan: Plan, notes: Notes, submits: float) -> dict[str, Any]:
    def at(kind: str, percent: float) -> float:
        return round(float(np.percentile(notes.seconds[kind], percent)) * 1000, 1)

    return {
        "annotators": plan.annotators,
        "seconds": plan.seconds,
        "frame_s": round(plan.pace.frame_s(BOXES), 1),
        "submits_per_s": round(submits, 1),
        "ratio_submits": round(submits / plan.offered_per_s, 2),
        "requests": notes.requests,
        "next_p50_ms": at("next", 50),
        "next_p99_ms": at("next", 99),
        "ratio_next_p99": round(at("next", 99) / 1000 / NEXT_LIMIT_S, 2),
        "submit_p50_ms": at("submit", 50),
        "submit_p99_ms": at("submit", 99),
        "ratio_submit_p99": round(at("submit", 99) / 1000 / SUBMIT_LIMIT_S, 2),
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--work", type=Path, required=True, help="a folder for what is written")
    arguments.add_argument("--database", choices=("postgresql", "sqlite"), help="only this one")
    arguments.add_argument("--annotators", type=int, help="instead of 200 and 20")
    arguments.add_argument("--haste", type=float, default=1.0, help="2: people twice as fast")
    arguments.add_argument("--seconds", type=float, default=120.0)
    arguments.add_argument("--killing-s", type=float, default=60.0)
    arguments.add_argument("--kills", type=int, default=3)
    arguments.add_argument("--rush-s", type=float, default=20.0)
    given = arguments.parse_args()
    cost, haste = CostModel().resolved(), given.haste
    pace = Pace(cost.open_s / haste, cost.verify_s / haste)
    result: dict[str, Any] = {}
    for database, annotators in (("postgresql", 200), ("sqlite", 20)):
        if given.database not in (None, database):
            continue
        plan = Plan(
            given.annotators or annotators,
            pace,
            given.seconds,
            given.killing_s,
            given.kills,
            given.rush_s,
        )
        result[database] = measured(database, plan, given.work)
        for name, figure in result[database].items():
            print(f"{database:12} {name:22} {figure}", flush=True)
    print(describe_machine())
    print("RESULT", json.dumps(result))


if __name__ == "__main__":
    main()
