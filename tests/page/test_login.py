"""Getting in: by a link that works once, and by the password chosen with it."""

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, Route, expect
from review_app import Served
from review_projects import ReviewProject
from scripted_annotator import ScriptedAnnotator

from prelabel.project import open_project
from prelabel.work.people import Role

PASSWORD = "heron on the roof"


def owner_link(project: ReviewProject, server: Served) -> str:
    """A one-time link for a new owner, olga."""
    with open_project(project.folder) as opened:
        opened.people.add("olga", Role.OWNER, "ann")
        return f"{server.url}/link/{opened.people.one_time_link('olga', 'ann')}"


def choose_password(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Save and begin").click()
    page.wait_for_url("**/")


def test_a_link_lets_a_person_choose_a_password_and_works_once(
    cards: ReviewProject, cards_server: Served, new_context: Callable[..., BrowserContext]
) -> None:
    link = owner_link(cards, cards_server)
    page = new_context().new_page()

    page.goto(link)
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD + "?")
    page.get_by_role("button", name="Save and begin").click()
    expect(page.get_by_role("alert")).to_have_text("The two are not the same.")
    choose_password(page, link)
    page.get_by_label("Menu").click()
    expect(page.get_by_text("olga")).to_be_visible()

    other = new_context().new_page()
    other.goto(link)
    other.get_by_role("button", name="Go on without a password").click()
    expect(other.get_by_role("alert")).to_contain_text("link")
    assert other.url == link


def test_whoever_is_logged_out_at_work_logs_in_again_in_place(
    cards: ReviewProject, cards_server: Served, new_context: Callable[..., BrowserContext]
) -> None:
    page = new_context().new_page()
    choose_password(page, owner_link(cards, cards_server))
    person = ScriptedAnnotator(page, cards.truth)
    begun = person.look()
    page.context.clear_cookies()
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        held.append(route)
        if len(held) > 1:
            route.continue_()

    page.route("**/api/me", hold_the_first)
    person.press("x")
    while not held:
        page.wait_for_timeout(20)
    page.evaluate("() => void window.__prelabel.page.session.ask()")  # as another request would
    held[0].continue_()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("Please log in again")
    question.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(question).to_be_hidden()  # it was asked once
    person.settle()
    now = person.look()
    assert now.frame_id == begun.frame_id
    assert now.boxes != begun.boxes


def test_a_password_leads_back_to_the_page_that_was_wanted(
    cards: ReviewProject, cards_server: Served, new_context: Callable[..., BrowserContext]
) -> None:
    choose_password(new_context().new_page(), owner_link(cards, cards_server))

    page = new_context().new_page()
    page.goto(f"{cards_server.url}/record")
    page.wait_for_url("**/login?then=*")
    page.get_by_label("Name", exact=True).fill("olga")
    page.get_by_label("Password", exact=True).fill("something else")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/record")
    expect(page.get_by_role("heading", name="Your record")).to_be_visible()

    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")
    page.goto(f"{cards_server.url}/record")
    page.wait_for_url("**/login?then=*")

    page.goto(f"{cards_server.url}/login?then=//elsewhere.example/record")
    page.get_by_label("Name", exact=True).fill("olga")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{cards_server.url}/")  # to no other site
