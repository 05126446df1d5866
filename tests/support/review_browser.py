"""Debian's chromium as tests and measurements start it."""

import shutil

from playwright.sync_api import Browser, Playwright

_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium_program() -> str | None:
    """Where the installed chromium is; None where there is none."""
    return shutil.which("chromium")


def launched(playwright: Playwright) -> Browser:
    """A browser without a window; every context of it is a new profile."""
    program = chromium_program()
    assert program is not None, "no chromium is installed"
    return playwright.chromium.launch(executable_path=program, args=list(_FLAGS))
