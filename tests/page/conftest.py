"""Real browsers before real servers, on projects with real pictures."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)
from review_app import Served
from review_browser import chromium_program, launched, skip_without_chromium
from review_people import served_project
from review_projects import ReviewProject, review_project

from prelabel.datasets.frames import Split
from prelabel.project import open_project

BATCH = 4
WINDOW = ViewportSize(width=1280, height=800)

# Long enough for a machine that is busy with other tests; nothing waits for it to run out.
_PATIENCE_MS = 30_000
expect.set_options(timeout=_PATIENCE_MS)

NewContext = Callable[..., BrowserContext]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if chromium_program() is None:
        skip_without_chromium()
    with sync_playwright() as playwright, launched(playwright) as opened:
        yield opened


@pytest.fixture
def new_context(browser: Browser) -> Iterator[NewContext]:
    """Makes browsers of different people: profiles that know nothing of each other.

    Whatever a page throws, or what its security policy stops, fails the test.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_one(**options: Any) -> BrowserContext:
        context = browser.new_context(viewport=WINDOW, locale="en-GB", timezone_id="UTC", **options)
        context.set_default_timeout(_PATIENCE_MS)
        context.on("console", lambda message: complaints.extend(_complaint(message)))
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        contexts.append(context)
        return context

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []


def _complaint(message: ConsoleMessage) -> list[str]:
    """What a page says on its console, unless it is that the network failed it."""
    expected = "Failed to load resource" in message.text
    return [] if message.type != "error" or expected else [f"{message.page}: {message.text}"]


@pytest.fixture
def page(new_context: NewContext) -> Page:
    """A tab of a new profile."""
    return new_context().new_page()


@pytest.fixture(scope="session")
def cards_made(tmp_path_factory: pytest.TempPathFactory, test_data: Path) -> ReviewProject:
    folder = tmp_path_factory.mktemp("made") / "cards"
    return _with_batch(
        review_project(folder, test_data / "playing_cards", Split.TEST, (2, 4), BATCH)
    )


@pytest.fixture(scope="session")
def aquarium_made(tmp_path_factory: pytest.TempPathFactory, test_data: Path) -> ReviewProject:
    folder = tmp_path_factory.mktemp("made") / "aquarium"
    return _with_batch(review_project(folder, test_data / "aquarium", Split.VAL, (3, 7), BATCH))


@pytest.fixture
def cards(cards_made: ReviewProject, tmp_path: Path) -> ReviewProject:
    """Photographs of playing cards, 2 to 4 boxes each, with a batch that waits."""
    return _copied(cards_made, tmp_path)


@pytest.fixture
def aquarium(aquarium_made: ReviewProject, tmp_path: Path) -> ReviewProject:
    """Photographs of an aquarium, 3 to 7 boxes each, with a batch that waits."""
    return _copied(aquarium_made, tmp_path)


@pytest.fixture
def cards_server(cards: ReviewProject) -> Iterator[Served]:
    with served_project(cards) as server:
        yield server


@pytest.fixture
def aquarium_server(aquarium: ReviewProject) -> Iterator[Served]:
    with served_project(aquarium) as server:
        yield server


@pytest.fixture(scope="session")
def standing_server(
    cards_made: ReviewProject, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """A server for all tests that leave the batch and the people as they are."""
    project = _copied(cards_made, tmp_path_factory.mktemp("standing"))
    with served_project(project) as server:
        yield server


def _with_batch(made: ReviewProject) -> ReviewProject:
    with open_project(made.folder, author="machine") as project:
        project.select(BATCH, "entropy_sum")
    return made


def _copied(made: ReviewProject, to: Path) -> ReviewProject:
    """The same project elsewhere, so that every test begins with the same one."""
    folder = to / made.folder.name
    shutil.copytree(made.folder, folder)
    return ReviewProject(folder, made.classes, made.truth)
