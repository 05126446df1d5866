"""The tour of a curator through the real App, in a real browser, on a real project.

A test takes it on a small project; `make pictures-curate` takes it for the pictures in docs/.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mongo import mongod_program
from playwright.sync_api import Page, TimeoutError

from prelabel.curating.mongod import PROGRAM_VARIABLE

PATIENCE_S = 120
PATIENCE_MS = PATIENCE_S * 1000
_PAUSE_S = 0.2
_CLICKS = 4

Look = Callable[[str], None]  # called at each stop, with its name


def wait_until(happened: Callable[[], bool], what: str) -> None:
    """Wait until something is so; AssertionError where it is not for long."""
    give_up_at = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < give_up_at, f"waited in vain: {what}"
        time.sleep(_PAUSE_S)


@contextmanager
def curating(project: Path, author: str) -> Iterator[tuple[str, Callable[[], str]]]:
    """`prelabel curate` running on a project: the App's address, and a way to end it.

    Ending it gives back all that it has printed.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = project.parent / "curate.log"
    options = ["-p", str(project), "--author", author, "curate", "--no-browser"]
    program = Path(sys.executable).with_name("prelabel")
    command = [str(program), *options, "--port", str(port)]
    environment = {**os.environ, PROGRAM_VARIABLE: str(mongod_program())}
    for name in [one for one in environment if one.startswith("FIFTYONE_")]:
        del environment[name]  # those of a server that other tests use
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )

    def end() -> str:
        server.send_signal(signal.SIGINT)
        server.wait(PATIENCE_S)
        return log.read_text(encoding="utf-8")

    try:
        wait_until(
            lambda: server.poll() is not None or "FiftyOne is at" in log.read_text("utf-8"),
            "the App to start",
        )
        assert server.poll() is None, log.read_text(encoding="utf-8")
        yield f"http://127.0.0.1:{port}", end
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()


def open_app(page: Page, address: str) -> None:
    """Open the App and wait until it shows frames and the project's panel."""
    page.set_default_timeout(PATIENCE_MS)
    page.goto(address)
    # What the makers of FiftyOne sell covers a corner on each new profile.
    page.get_by_text("Dismiss").click()
    page.locator("[data-cy=fo-grid] [data-cy=looker]").first.wait_for()
    page.get_by_text("frames labelled,").first.wait_for()


def choose_batch(page: Page, budget: str, look: Look) -> None:
    """Choose the next batch by the form, after a look at what it would be."""
    page.get_by_role("button", name="Select next batch").first.click()
    field = page.locator("input[value='20']")
    field.fill(budget)
    page.get_by_text(f"{budget} frames", exact=False).first.wait_for()
    page.get_by_text("foretold to take").wait_for()
    look("batch")
    execute(page)
    page.locator("[data-cy=entry-counts]").get_by_text(f"{budget} samples").wait_for()


def open_error_patches(page: Page, count: str) -> None:
    """Show the boxes that no proposal agrees with, so many of them."""
    page.get_by_role("button", name="Error patches").click()
    execute(page)
    page.locator("[data-cy=entry-counts]").get_by_text(count).wait_for()
    page.locator("[class*=fallingPixels]").wait_for(state="hidden")  # what is shown meanwhile


def execute(page: Page) -> None:
    """Send the form that is open, and wait until it is gone.

    FiftyOne draws the button anew once it knows in which ways a form may be sent; a click just
    then is lost on a slow machine.
    """
    button = page.get_by_role("button", name="Execute")
    for _ in range(_CLICKS - 1):
        button.click()
        with suppress(TimeoutError):
            button.wait_for(state="detached", timeout=PATIENCE_MS / _CLICKS)
            return
    button.click()
    button.wait_for(state="detached")


def open_first(page: Page) -> None:
    """Open the first sample of the grid."""
    tile = page.locator("[data-cy=fo-grid] [data-cy=looker]").first
    size = tile.bounding_box()
    assert size is not None
    # The upper part of a tile is where it is selected.
    tile.click(position={"x": size["width"] / 2, "y": size["height"] * 0.85})


def annotate_in_space(page: Page, label_id: str) -> None:
    """Of the sample that is open, annotate the sweep in space, this cuboid in hand."""
    page.locator("[data-cy=annotate]").click()
    page.locator("[data-cy=selector-annotation-slice]").click()
    page.get_by_text("3D", exact=True).last.click()
    page.locator("[data-cy=looker3d]").wait_for()
    page.locator(f"[data-cy=annotate-label-{label_id}]").click()
    page.locator("[data-cy=position3d-rz]").wait_for()


def fix_first_patch(page: Page, left: str, look: Look) -> None:
    """Open the first patch, edit its box so that it begins at `left`, a share of the width."""
    open_first(page)
    page.locator("[data-cy=annotate]").click()
    field = page.locator("[data-cy=root_position_x_container] input")
    field.wait_for()
    look("patch")
    with page.expect_response(
        lambda one: one.request.method == "PATCH" and one.ok, timeout=PATIENCE_MS
    ):
        field.fill(left)
        field.press("Enter")
