"""How smooth the review page is: dragging among many boxes, and the way to the next frame.

The real server serves a project of generated 4000 x 3000 pictures with 500 proposals each; the page
runs in chromium without a graphics card (software rendering), driven by mouse and key events.

Dragging: one box is pressed by the mouse and moved for some seconds, a new place before every frame
of the screen; the time between two frames is taken in the page (60 Hz: 16.7 ms); for comparison the
same on a page that does nothing, which is what the machine and the browser themselves cost. Next
frame: from the time stamp of the key to the moment the next frame's picture and boxes are drawn, as
the page itself notes it.
"""

import argparse
import contextlib
import json
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import psutil
from machine import describe_machine
from numpy.typing import NDArray
from playwright.sync_api import Page, ViewportSize, sync_playwright

from prelabel.datasets.boxes import Boxes
from prelabel.datasets.frames import Frame
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.project import Project, init_project
from prelabel.proposing import prediction_files
from prelabel.store.records import ModelRecord

WIDTH, HEIGHT, BOXES = 4000, 3000, 500
CLASSES = ("car", "van", "truck", "bus", "bicycle", "person", "sign", "lamp")
MODEL = "0123456789abcdef"
SHOWN_SCORE = 0.3
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")
WINDOW = ViewportSize(width=1440, height=900)
FRAME_MS, NEXT_LIMIT_MS = 1000 / 60, 100.0
LATE_MS = (
    1.5 * FRAME_MS
)  # a time stamp of a frame is a multiple of 16.7 ms: above, one was left out
START_S = 60

RECORD_FRAMES = """() => {
  const { canvas } = window.__prelabel.page.editor;
  const draw = canvas.draw;
  window.__restore = () => { canvas.draw = draw; };
  window.__frames = [];
  window.__drawn = 0;
  canvas.draw = () => { window.__drawn += 1; draw(); };
  const note = (at) => {
    if (!window.__frames) return;
    window.__frames.push(at);
    requestAnimationFrame(note);
  };
  requestAnimationFrame(note);
}"""
STOP_RECORDING = """() => {
  const frames = window.__frames;
  window.__frames = null;
  window.__restore();
  return [frames, window.__drawn];
}"""


# A mouse that reports a new place before every frame of the screen.
CIRCLE = """([x, y, lasting]) => new Promise((resolve) => {
  const { stage } = window.__prelabel.page.editor;
  const start = performance.now();
  const move = (now) => {
    const passed = now - start;
    if (passed > lasting) return resolve();
    const clientX = x + 150 * Math.sin(passed / 330), clientY = y + 110 * Math.sin(passed / 230);
    const mouse = { clientX, clientY, pointerId: 1, pointerType: "mouse", bubbles: true };
    stage.dispatchEvent(new PointerEvent("pointermove", mouse));
    requestAnimationFrame(move);
  };
  requestAnimationFrame(move);
})"""


def picture(rng: np.random.Generator) -> NDArray[np.uint8]:
    """A picture with large and small detail, so that decoding it is work."""
    coarse = rng.integers(40, 200, (24, 32, 3), dtype=np.uint8)
    fine = rng.integers(0, 40, (HEIGHT // 4, WIDTH // 4, 3), dtype=np.uint8)
    size = (WIDTH, HEIGHT)
    smooth = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.add(smooth, cv2.resize(fine, size)), np.uint8)


def proposals(frame: Frame, rng: np.random.Generator) -> Prediction:
    """500 boxes of many sizes anywhere on the picture."""
    side = np.exp(rng.uniform(np.log(30), np.log(400), (BOXES, 2)))
    corner = rng.uniform(0, 1, (BOXES, 2)) * (np.array([WIDTH, HEIGHT]) - side)
    probs = rng.uniform(0.01, 0.1, (BOXES, len(CLASSES)))
    class_id = rng.integers(len(CLASSES), size=BOXES)
    probs[np.arange(BOXES), class_id] = rng.uniform(0.35, 0.97, BOXES)
    order = np.argsort(-probs.max(axis=1), kind="stable")
    return Prediction(
        frame.frame_id,
        MODEL,
        Boxes(np.concatenate([corner, corner + side], axis=1)[order]),
        probs.max(axis=1)[order],
        class_id[order],
        ClassScores.INDEPENDENT,
        class_probs=probs[order],
        frame_embedding=rng.normal(size=8),
    )


def make_project(folder: Path, frames: int) -> None:
    """A project with a batch of `frames` pictures that wait for people."""
    rng = np.random.default_rng(0)
    photos = folder.parent / "photos"
    photos.mkdir(parents=True)
    for number in range(frames + 1):
        cv2.imwrite(str(photos / f"{number:03}.jpg"), picture(rng), [cv2.IMWRITE_JPEG_QUALITY, 90])
    project, _ = init_project(folder, source=photos, format="images", classes=CLASSES)
    settings = folder / "prelabel.yaml"
    text = settings.read_text("utf-8").replace("shown_score: null", f"shown_score: {SHOWN_SCORE}")
    settings.write_text(text, "utf-8")
    with project:
        record_proposals(project, rng)
        project.select(frames)


def record_proposals(project: Project, rng: np.random.Generator) -> None:
    """Write down what a model would have said of every frame."""
    checkpoint = str(project.workspace.training_folder("run") / "best.pt")
    project.store.add_model(ModelRecord(MODEL, "torchvision:micro", checkpoint, 1, 1, 1.0), "bench")
    files = prediction_files(project.workspace, MODEL)
    files.write([proposals(frame, rng) for frame in project.store.frames()])


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The real server on a free port; its address."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    program = Path(sys.executable).parent / "prelabel"
    command = [str(program), "-p", str(folder), "--author", "bench", "review", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            wait_for(f"http://127.0.0.1:{port}/login", server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def wait_for(url: str, server: "subprocess.Popen[bytes]") -> None:
    """Until the server answers."""
    give_up_at = time.monotonic() + START_S
    while server.poll() is None and time.monotonic() < give_up_at:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def intervals(page: Page, act: Callable[[], object]) -> tuple[list[float], float]:
    """Milliseconds between frames of the screen while something is done, and on which share of
    these frames the page drew."""
    page.evaluate(RECORD_FRAMES)
    act()
    stamps, drawn = page.evaluate(STOP_RECORDING)
    return [later - sooner for sooner, later in pairwise(stamps)][2:], drawn / len(stamps)


def drag(page: Page, seconds: float) -> tuple[list[float], dict[str, float]]:
    """Move one box about; times between frames, and what else is known of them."""
    page.evaluate("""() => {
      const { editor } = window.__prelabel.page;
      editor.run("nextBox");
      editor.run("fit");
    }""")
    page.wait_for_timeout(400)
    x, y = page.evaluate("""() => {
      const { editor } = window.__prelabel.page;
      const { view } = editor.scene, box = editor.selected.xyxy;
      const stage = editor.stage.getBoundingClientRect();
      return [stage.left + view.x + view.scale * (box[0] + box[2]) / 2,
              stage.top + view.y + view.scale * (box[1] + box[3]) / 2];
    }""")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 8, y + 8)
    before = browser_seconds()
    found, drawn_share = intervals(page, lambda: page.evaluate(CIRCLE, [x, y, 1000 * seconds]))
    spent_ms = 1000 * (browser_seconds() - before) / len(found)
    page.mouse.up()
    return found, {"drag_drawn_share": drawn_share, "drag_cpu_ms": spent_ms}


def next_frames(page: Page, count: int) -> list[float]:
    """Submit frames one after the other, each when the next one is decoded."""
    page.evaluate("() => { window.__prelabel.timings.length = 0; }")
    for number in range(count):
        page.wait_for_function("""() => {
          const { queue, pictures } = window.__prelabel.page;
          const next = queue.neighbour(1);
          return next && pictures.peek(next.task.picture);
        }""")
        page.wait_for_timeout(500)
        page.keyboard.press("Shift+Enter")
        page.wait_for_timeout(500)  # nothing is asked of the page meanwhile
        page.wait_for_function(f"() => window.__prelabel.timings.length > {number}")
    found = page.evaluate("() => window.__prelabel.timings.map((one) => one.ms)")
    return [float(one) for one in found]


def browser_seconds() -> float:
    """Processor time that the browser's processes have taken so far."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "chromium" in process.name() or "chrome" in process.name():
                times = process.cpu_times()
                total += times.user + times.system
    return total


def percentile(values: Sequence[float], share: float) -> float:
    return float(np.percentile(np.asarray(values), share))


def measure(url: str, seconds: float, count: int) -> dict[str, float]:
    """All figures, from one browser."""
    with sync_playwright() as playwright:
        program = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        page = browser.new_context(viewport=WINDOW).new_page()
        page.goto(url)
        page.wait_for_function("() => window.__prelabel?.page.editor.scene.picture")
        page.wait_for_timeout(3000)
        idle, _ = intervals(page, lambda: page.wait_for_timeout(1000 * seconds))
        dragged, beside = drag(page, seconds)
        nexts = next_frames(page, count)
        browser.close()
    return figures(idle, dragged, nexts) | beside


def figures(idle: list[float], dragged: list[float], nexts: list[float]) -> dict[str, float]:
    drag_p95, next_p95 = percentile(dragged, 95), percentile(nexts, 95)
    return {
        "idle_ms_p95": percentile(idle, 95),
        "idle_late_share": statistics.mean(one > LATE_MS for one in idle),
        "drag_fps_p50": 1000 / percentile(dragged, 50),
        "drag_ms_p50": percentile(dragged, 50),
        "drag_ms_p95": drag_p95,
        "drag_late_share": statistics.mean(one > LATE_MS for one in dragged),
        "next_ms_p50": percentile(nexts, 50),
        "next_ms_p95": next_p95,
        "ratio_drag": FRAME_MS / drag_p95,
        "ratio_next": NEXT_LIMIT_MS / next_p95,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="a folder of its own, made anew")
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long to drag")
    arguments = parser.parse_args()
    shutil.rmtree(arguments.work, ignore_errors=True)
    make_project(arguments.work / "project", arguments.frames)
    print(describe_machine())
    with serving(arguments.work / "project") as url:
        found = measure(url, arguments.seconds, arguments.frames - 2)
    print("RESULT", json.dumps({name: round(value, 3) for name, value in found.items()}))


if __name__ == "__main__":
    main()
