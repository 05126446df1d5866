"""Simulated annotators: each asks, looks, edits and hands in as the page does, and takes notes."""

import asyncio
import time
import uuid
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np

from prelabel.review.access import CSRF_HEADER
from prelabel.work.tokens import csrf_token

AHEAD = 3  # frames that a page holds: the one in hand and two to come
_AGAIN_S = 0.1
_PATIENCE_S = 60.0

Json = dict[str, Any]


@dataclass
class Notes:
    """What the server has acknowledged, and how long it took.

    `leased` are the people to whom each task was lent, `submitted` who handed which frame in,
    `submitted_at` when that was (monotonic), `edits` the ids of edits, `seconds` by kind the
    latencies of requests that were answered at the first try.
    """

    leased: dict[int, set[str]] = field(default_factory=dict)
    submitted: dict[str, str] = field(default_factory=dict)
    submitted_at: list[float] = field(default_factory=list)
    edits: set[str] = field(default_factory=set)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    repeated: int = 0

    @property
    def doubly_leased(self) -> int:
        """Tasks lent to more than one; nobody here lets a lease run out or gives one back."""
        return sum(len(people) > 1 for people in self.leased.values())

    @property
    def requests(self) -> int:
        return sum(map(len, self.seconds.values()))


@dataclass(frozen=True)
class Pace:
    """Seconds for a first look at a frame, and for each box."""

    look_s: float
    box_s: float

    def frame_s(self, boxes: int) -> float:
        return self.look_s + boxes * self.box_s


@dataclass
class Annotator:
    """One person with one page."""

    name: str
    token: str
    client: httpx.AsyncClient
    cookie: str
    notes: Notes
    rng: np.random.Generator
    pace: Pace
    until: float

    async def work(self) -> None:
        """Correct frames until the time is up or none are left."""
        await asyncio.sleep(float(self.rng.uniform(0, self.pace.frame_s(10))))
        held: list[Json] = []
        while time.monotonic() < self.until:
            if len(held) < AHEAD:
                held += await self._more(held)
            if not held:
                return
            await self._correct(held.pop(0))

    async def _more(self, held: list[Json]) -> list[Json]:
        body = {"count": AHEAD - len(held), "holding": [task["task"] for task in held]}
        answer = await self._ask("next", "POST", "/api/queue/next", body)
        tasks: list[Json] = answer.json()["tasks"]
        for task in tasks:
            self.notes.leased.setdefault(task["task"], set()).add(self.name)
        for task in tasks:
            await self._ask("picture", "GET", task["picture"])
        return tasks

    async def _correct(self, task: Json) -> None:
        path = f"/api/tasks/{task['task']}"
        await self._ask("open", "POST", f"{path}/open", {})
        await self._think(self.pace.look_s)
        *boxes, last = task["boxes"]
        for box in boxes:  # the page sends an edit as it happens, the last one with handing in
            await self._think(self.pace.box_s)
            await self._send("edits", f"{path}/edits", box)
        await self._think(self.pace.box_s)
        submission = {"request_id": str(uuid.uuid4()), "shown_score": task["shown_score"]}
        event = {"id": str(uuid.uuid4()), "at": _now_ms(), "kind": "close"}
        await self._send("submit", f"{path}/submit", last, {**submission, "activity": [event]})
        self.notes.submitted[task["frame_id"]] = self.name
        self.notes.submitted_at.append(time.monotonic())

    async def _send(
        self, kind: str, path: str, box: Json, more: Mapping[str, Any] | None = None
    ) -> None:
        edit = self._edit(box)
        await self._ask(kind, "POST", path, {"edits": [edit], **(more or {})})
        self.notes.edits.add(edit["edit_id"])

    def _edit(self, box: Json) -> Json:
        status = "accepted" if self.rng.random() < 0.8 else "rejected"
        state = {name: box[name] for name in ("id", "xyxy", "angle", "class_id")}
        edit_id = str(uuid.uuid4())
        boxes = [{**state, "status": status}]
        return {"edit_id": edit_id, "at": _now_ms(), "action": status, "boxes": boxes}

    async def _think(self, mean_s: float) -> None:
        await asyncio.sleep(float(self.rng.gamma(4, mean_s / 4)))

    async def _ask(
        self, kind: str, method: str, path: str, body: Json | None = None
    ) -> httpx.Response:
        """The answer; where the server is away, the same is asked until it is back."""
        headers = {CSRF_HEADER: csrf_token(self.token), "Cookie": f"{self.cookie}={self.token}"}
        give_up_at = time.monotonic() + _PATIENCE_S
        first = True
        while True:
            began = time.perf_counter()
            try:
                answer = await self.client.request(method, path, json=body, headers=headers)
            except httpx.TransportError:
                if time.monotonic() > give_up_at:
                    raise
                first, self.notes.repeated = False, self.notes.repeated + 1
                await asyncio.sleep(_AGAIN_S)
                continue
            if first:
                self.notes.seconds.setdefault(kind, []).append(time.perf_counter() - began)
            if answer.status_code != 200:
                self.notes.refused.append(f"{method} {path}: {answer.status_code} {answer.text}")
                answer.raise_for_status()
            return answer


async def all_work(
    url: str,
    cookie: str,
    tokens: Mapping[str, str],
    pace: Pace,
    seconds: float,
    beside: Callable[[], Coroutine[Any, Any, None]] | None = None,
) -> Notes:
    """Let everybody work at once for so long, and `beside` run meanwhile; what was noted."""
    notes, until = Notes(), time.monotonic() + seconds
    async with AsyncExitStack() as opened, asyncio.TaskGroup() as group:
        # A client each, as everybody has a browser: one for all would look through all its
        # connections at every request, and measure itself.
        for (name, token), seed in zip(
            tokens.items(), np.random.SeedSequence(0).spawn(len(tokens)), strict=True
        ):
            client = await opened.enter_async_context(
                httpx.AsyncClient(base_url=url, timeout=_PATIENCE_S, trust_env=False, verify=False)
            )
            rng = np.random.default_rng(seed)
            person = Annotator(name, token, client, cookie, notes, rng, pace, until)
            group.create_task(person.work())
        if beside is not None:
            group.create_task(beside())
    return notes


def _now_ms() -> int:
    return int(time.time() * 1000)
