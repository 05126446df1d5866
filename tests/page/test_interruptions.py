"""Crashes, closed tabs and lost connections: what a person has done is never lost."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from review_labels import is_true, labels_of
from review_projects import ReviewProject
from review_server import ReviewServer
from scripted_annotator import ScriptedAnnotator

TEN_MINUTES_MS = 600_000


def finish(person: ScriptedAnnotator, page: Page) -> None:
    """Label whatever is left of the batch, and see everything handed in."""
    nothing = page.get_by_role("heading", name="Nothing left for you")
    while True:
        page.wait_for_function("() => !window.__prelabel.page.queue.asking")
        if nothing.is_visible():
            break
        person.label_frame()
    person.settle()


def assert_all_true(project: ReviewProject) -> None:
    labels = labels_of(project)
    assert labels.keys() == project.truth.keys()
    for frame_id, truth in project.truth.items():
        assert is_true(labels[frame_id].annotations, truth)


@pytest.mark.slow
def test_a_killed_server_loses_nothing_and_work_goes_on_meanwhile(
    aquarium: ReviewProject, aquarium_server: ReviewServer, page: Page
) -> None:
    page.goto(aquarium_server.url)
    person = ScriptedAnnotator(page, aquarium.truth)
    person.label_frame()
    person.press("Space")  # the next frame is begun when it happens
    aquarium_server.kill()
    person.press("Control+z")
    person.label_frame()
    expect(page.get_by_text("kept here")).to_be_visible()
    person.label_frame()
    aquarium_server.start()
    finish(person, page)
    assert_all_true(aquarium)


def test_ten_minutes_without_a_network_lose_nothing(
    cards: ReviewProject, cards_server: ReviewServer, page: Page
) -> None:
    page.clock.install(time=time.time() - TEN_MINUTES_MS / 1000)
    page.goto(cards_server.url)
    person = ScriptedAnnotator(page, cards.truth)
    person.look()
    page.wait_for_function("() => window.__prelabel.page.queue.frames.length === 3")
    page.context.set_offline(True)
    person.label_frame()
    page.clock.fast_forward(TEN_MINUTES_MS)
    person.label_frame()
    expect(page.get_by_text("kept here")).to_be_visible()
    assert labels_of(cards) == {}
    page.context.set_offline(False)
    finish(person, page)
    assert_all_true(cards)


def test_a_closed_tab_is_where_it_was_when_it_is_opened_again(
    cards: ReviewProject,
    cards_server: ReviewServer,
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
    page.close()
    context.set_offline(False)

    page = context.new_page()
    page.goto(cards_server.url)
    person = ScriptedAnnotator(page, cards.truth)
    assert person.look().boxes == left.boxes
    assert left.boxes != first.boxes
    person.press("Control+z")  # a new page has nothing to undo
    assert person.look().boxes == left.boxes
