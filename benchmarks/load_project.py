"""What the load test of the review page works on: a project, its people, a server, a database."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import httpx
import numpy as np
import psutil

from prelabel.datasets.boxes import Boxes
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.project import init_project, open_project
from prelabel.proposing import prediction_files
from prelabel.store.records import ModelRecord
from prelabel.store.store import utc_now
from prelabel.work.people import People, Role
from prelabel.work.sessions import Sessions

CLASSES = ("car", "van", "truck", "bus")
MODEL = "0123456789abcdef"
BOXES = 10
WIDTH, HEIGHT = 640, 480
SHOWN_SCORE = 0.3
_START_S = 120


def make_project(folder: Path, frames: int, store: str | None, rng: np.random.Generator) -> None:
    """A project with `frames` pictures, ten proposals on each, all of them chosen as one batch."""
    photos = folder / "photos"
    photos.mkdir(parents=True)
    ground = cv2.GaussianBlur(rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8), (0, 0), 3)
    for number in range(frames):
        picture = ground.copy()
        cv2.putText(picture, str(number), (20, 80), cv2.FONT_HERSHEY_PLAIN, 4, (255,) * 3, 4)
        if not cv2.imwrite(str(photos / f"{number:06d}.jpg"), picture):
            raise SystemExit(f"{photos}: cannot be written")
    project, _ = init_project(folder / "project", source=photos, classes=CLASSES, store=store)
    with project:
        checkpoint = str(project.workspace.training_folder("run") / "best.pt")
        model = ModelRecord(MODEL, "torchvision:micro", checkpoint, 100, 1000, 60.0)
        project.store.add_model(model, "machine")
        prediction_files(project.workspace, MODEL).write(
            [proposals(frame.frame_id, rng) for frame in project.store.frames()]
        )
        settings = project.workspace.folder / "prelabel.yaml"
        text = settings.read_text(encoding="utf-8")
        settings.write_text(text.replace("shown_score: null", f"shown_score: {SHOWN_SCORE}"))
    with open_project(folder / "project") as project:
        project.select(frames, "entropy_sum")


def proposals(frame_id: str, rng: np.random.Generator) -> Prediction:
    """Ten boxes with falling scores."""
    corner = rng.uniform(0, 0.7, (BOXES, 2)) * (WIDTH, HEIGHT)
    xyxy = np.concatenate([corner, corner + rng.uniform(20, 100, (BOXES, 2))], axis=1)
    probs = rng.uniform(0.01, 0.2, (BOXES, len(CLASSES)))
    probs[np.arange(BOXES), rng.integers(0, len(CLASSES), BOXES)] = rng.uniform(0.35, 0.95, BOXES)
    order = np.argsort(-probs.max(axis=1), kind="stable")
    return Prediction(
        frame_id,
        MODEL,
        Boxes(xyxy[order].astype(np.float32)),
        probs[order].max(axis=1),
        probs[order].argmax(axis=1),
        ClassScores.INDEPENDENT,
        class_probs=probs[order],
    )


def session_tokens(folder: Path, count: int) -> dict[str, str]:
    """People who are logged in: by name, the token of a session."""
    with open_project(folder / "project") as project:
        people = People(project.store.database, utc_now)
        sessions = Sessions(project.store.database, utc_now)
        tokens = {}
        for number in range(count):
            name = f"annotator {number:03d}"
            people.add(name, Role.ANNOTATOR, "benchmark")
            if number == 0:  # from then on a login is asked
                people.one_time_link(name, "benchmark")
            tokens[name] = sessions.begin(people.get(name))
        return tokens


class Server:
    """`prelabel review` in a process of its own."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        program = Path(sys.executable).parent / "prelabel"
        self._command = [str(program), "-p", str(folder / "project"), "review"]
        self._command += ["--port", str(self.port)]
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._cpu_s = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        give_up_at = time.monotonic() + _START_S
        while True:
            try:
                httpx.get(f"{self.url}/login", trust_env=False)
                return
            except httpx.TransportError:
                if self._process.poll() is not None or time.monotonic() > give_up_at:
                    raise SystemExit(self._log.read_text()) from None
                time.sleep(0.05)

    def end(self, how: signal.Signals) -> None:
        """SIGKILL: as a crash; SIGTERM: as told."""
        if self._process is None:
            return
        self._cpu_s += self._spent()
        self._process.send_signal(how)
        self._process.wait()
        self._process = None

    def cpu_s(self) -> float:
        """Seconds of processor time so far, of all its lives."""
        return self._cpu_s + self._spent()

    def _spent(self) -> float:
        if self._process is None:
            return 0.0
        times = psutil.Process(self._process.pid).cpu_times()
        return float(times.user + times.system)


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """A server that answers, as long as the block lasts."""
    server = Server(folder)
    server.start()
    try:
        yield server
    finally:
        server.end(signal.SIGTERM)
