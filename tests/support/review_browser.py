"""Debian's chromium as tests and measurements start it."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import NoReturn

import pytest
from playwright.sync_api import Browser, Playwright

_FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WITHOUT_GPU = ("--disable-gpu",)
DRAWING_IN_SPACE = (  # on the processor
    "--enable-unsafe-swiftshader",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--ignore-gpu-blocklist",
)


def chromium_program() -> str | None:
    """Where the installed chromium is; None where there is none."""
    return shutil.which("chromium")


def skip_without_chromium() -> NoReturn:
    """Leave out a test of a page; on CI, where all tests are to run, fail instead."""
    told = "no chromium is installed (Debian: apt-get install chromium)"
    if os.environ.get("CI"):
        pytest.fail(told)
    pytest.skip(told)


@contextmanager
def launched(playwright: Playwright, drawing: Sequence[str] = WITHOUT_GPU) -> Iterator[Browser]:
    """A browser without a window; every context of it is a new profile.

    It keeps its files in a home of its own, which is removed with it.
    """
    program = chromium_program()
    assert program is not None, "no chromium is installed"
    with TemporaryDirectory(prefix="prelabel-browser-", ignore_cleanup_errors=True) as home:
        own = {"HOME": home, "XDG_CONFIG_HOME": f"{home}/config", "XDG_CACHE_HOME": f"{home}/cache"}
        browser = playwright.chromium.launch(
            executable_path=program, args=[*_FLAGS, *drawing], env={**os.environ, **own}
        )
        try:
            yield browser
        finally:
            browser.close()
