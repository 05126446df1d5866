"""The guidelines beside the work: open at the class in hand, and told about when they change."""

import re

from playwright.sync_api import APIResponse, Page, Route, expect
from review_app import Served
from review_projects import ReviewProject
from scripted_annotator import ScriptedAnnotator

from prelabel.project import open_project

FIRST = """# Cards

Box the whole card.

## nine

Nine pips.

## king

One crown.
"""


def write(project: ReviewProject, text: str) -> None:
    with open_project(project.folder) as opened:
        opened.guidelines.write(text, "olga")


def test_the_panel_follows_the_class_in_hand(
    cards: ReviewProject, cards_server: Served, page: Page
) -> None:
    write(cards, FIRST)
    page.goto(cards_server.url)
    person = ScriptedAnnotator(page, cards.truth)
    person.look()
    person.press(str(cards.classes.index("king") + 1))
    person.press("g")
    panel = page.get_by_role("complementary", name="Guidelines")
    expect(panel).to_be_visible()
    expect(panel.locator(".in-hand")).to_have_text("king")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    person.press("g")
    person.press(str(cards.classes.index("nine") + 1))
    expect(panel.locator(".in-hand")).to_have_text("nine")


def test_a_text_that_comes_late_is_turned_to_the_class_in_hand(
    cards: ReviewProject, cards_server: Served, page: Page
) -> None:
    write(cards, FIRST)
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route(re.compile(r"/api/guidelines$"), hold)
    page.goto(cards_server.url)
    person = ScriptedAnnotator(page, cards.truth)
    person.look()
    person.press(str(cards.classes.index("king") + 1))
    person.press("g")
    while len(waiting) < 2:
        page.wait_for_timeout(20)
    at_start, at_opening = waiting
    in_hand = page.get_by_role("complementary", name="Guidelines").locator(".in-hand")
    at_opening.continue_()
    expect(in_hand).to_have_text("king")
    with page.expect_response(re.compile(r"/api/guidelines$")) as late:
        at_start.continue_()
    late.value.finished()
    page.evaluate("() => fetch('/api/project')")  # by then the page has handled what came late
    expect(in_hand).to_have_text("king")


def test_a_panel_can_be_closed_before_its_text_is_there(
    cards: ReviewProject, cards_server: Served, page: Page
) -> None:
    write(cards, FIRST)
    held: list[Route] = []
    page.route(re.compile(r"/api/guidelines$"), lambda one: held.append(one))
    page.goto(cards_server.url)
    person = ScriptedAnnotator(page, cards.truth)
    person.look()
    panel = page.get_by_role("complementary", name="Guidelines")
    person.press("g")
    expect(panel).to_be_visible()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    person.press("g")
    person.press(str(cards.classes.index("king") + 1))
    while len(held) < 3:
        page.wait_for_timeout(20)
    for one in held:
        one.continue_()
    expect(panel.locator(".in-hand")).to_have_text("king")


def test_a_version_that_comes_late_takes_no_newer_ones_place(
    cards: ReviewProject, cards_server: Served, page: Page
) -> None:
    write(cards, FIRST)
    held: list[tuple[Route, APIResponse]] = []
    page.route(re.compile(r"/api/guidelines$"), lambda one: held.append((one, one.fetch())))
    page.goto(cards_server.url)
    person = ScriptedAnnotator(page, cards.truth)
    person.look()
    while not held:
        page.wait_for_timeout(20)
    write(cards, FIRST.replace("One crown", "One crown and a beard"))
    person.press("g")
    while len(held) < 2:
        page.wait_for_timeout(20)
    panel = page.get_by_role("complementary", name="Guidelines")
    for route, answer in reversed(held):
        with page.expect_response(re.compile(r"/api/guidelines$")) as late:
            route.fulfill(response=answer)
        late.value.finished()
        expect(panel).to_contain_text("Version 2")
    page.evaluate("() => fetch('/api/project')")  # by then the page has handled what came late
    expect(panel).to_contain_text("Version 2")


def test_whoever_works_is_told_what_changed(
    cards: ReviewProject, cards_server: Served, page: Page
) -> None:
    write(cards, FIRST)
    page.clock.install()
    page.goto(cards_server.url)
    person = ScriptedAnnotator(page, cards.truth)
    person.look()
    page.wait_for_function("() => window.__prelabel.page.guidelines.text")
    news = page.locator("#guideline-news")
    expect(news).to_be_hidden()
    write(cards, FIRST.replace("One crown", "One crown and a beard"))
    page.clock.fast_forward(61_000)
    expect(news).to_contain_text("The guidelines have changed")
    expect(news.locator("ins")).to_contain_text("beard")
    expect(news).not_to_contain_text("pips")
    page.get_by_role("button", name="Got it").click()
    expect(news).to_be_hidden()

    write(cards, FIRST)
    page.reload()  # whoever comes back later is told, too
    expect(news.locator("del")).to_contain_text("beard")
    page.get_by_role("button", name="Read them").click()
    expect(page.get_by_role("complementary", name="Guidelines")).to_contain_text("One crown.")
    expect(news).to_be_hidden()
