"""Crashes, closed tabs and lost connections: what a person has done is never lost."""

import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect
from review_app import Served
from review_labels import is_true, labels_of
from review_projects import ReviewProject
from review_server import ReviewServer, serving
from scripted_annotator import ScriptedAnnotator, wait_until_all_is_here

TEN_MINUTES_MS = 600_000
_ALL_IS_KEPT = """async () => {
  const { outbox, shelf } = window.__prelabel.page;
  const kept = new Set((await shelf.all()).map(({ id }) => id));
  return outbox.records.every(({ id }) => kept.has(id));
}"""


def finish(person: ScriptedAnnotator) -> None:
    """Label whatever is left of the batch, and see everything handed in."""
    while person.has_frame():
        person.label_frame()
    person.settle()


def assert_all_true(project: ReviewProject) -> None:
    labels = labels_of(project)
    assert labels.keys() == project.truth.keys()
    for frame_id, truth in project.truth.items():
        assert is_true(labels[frame_id].annotations, truth)


@pytest.fixture
def command(aquarium: ReviewProject) -> Iterator[ReviewServer]:
    """`prelabel review` as a process of its own."""
    with serving(aquarium.folder) as server:
        yield server


@pytest.mark.slow
def test_a_killed_server_loses_nothing_and_work_goes_on_meanwhile(
    aquarium: ReviewProject, command: ReviewServer, page: Page
) -> None:
    page.goto(command.url)
    person = ScriptedAnnotator(page, aquarium.truth)
    person.label_frame()
    wait_until_all_is_here(page, 3)
    person.press("Space")  # the next frame is begun when it happens
    command.kill()
    person.press("Control+z")
    person.label_frame()
    expect(page.get_by_text("kept here")).to_be_visible()
    person.label_frame()
    command.start()
    finish(person)
    assert_all_true(aquarium)


def test_ten_minutes_without_a_network_lose_nothing(
    cards: ReviewProject, cards_server: Served, page: Page
) -> None:
    page.clock.install(time=time.time() - TEN_MINUTES_MS / 1000)
    page.goto(cards_server.url)
    person = ScriptedAnnotator(page, cards.truth)
    person.look()
    wait_until_all_is_here(page, 3)
    page.context.set_offline(True)
    person.label_frame()
    page.clock.fast_forward(TEN_MINUTES_MS)
    person.label_frame()
    expect(page.get_by_text("kept here")).to_be_visible()
    assert labels_of(cards) == {}
    page.context.set_offline(False)
    finish(person)
    assert_all_true(cards)


def test_a_closed_tab_is_where_it_was_when_it_is_opened_again(
    cards: ReviewProject,
    cards_server: Served,
    new_context: Callable[..., BrowserContext],
) -> None:
    context = new_context()
    page = context.new_page()
    page.goto(cards_server.url)
    person = ScriptedAnnotator(page, cards.truth)
    first = person.look()
    person.press("x")
    context.set_offline(True)
    person.press("2")
    left = person.look()
    while not page.evaluate(_ALL_IS_KEPT):
        page.wait_for_timeout(20)
    page.close()
    context.set_offline(False)

    page = context.new_page()
    held: list[Route] = []
    page.route("**/api/tasks/*/edits", lambda one: held.append(one), times=1)
    page.goto(cards_server.url)
    page.wait_for_function("() => window.__prelabel?.page.outbox.flying.size")
    # No frame is asked for yet: it would come without the edit that is under way.
    assert page.evaluate("() => window.__prelabel.page.queue.asking === null")
    while not held:
        page.wait_for_timeout(20)
    held[0].continue_()
    person = ScriptedAnnotator(page, cards.truth)
    assert person.look().boxes == left.boxes
    assert left.boxes != first.boxes
    person.press("Control+z")  # a new page has nothing to undo
    assert person.look().boxes == left.boxes
