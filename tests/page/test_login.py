"""Getting in: by a link that works once, and by the password chosen with it."""

import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect
from review_server import ReviewServer

PASSWORD = "heron on the roof"


def link_for(server: ReviewServer, name: str) -> str:
    """A one-time link as the owner gets it on the command line, at this server's address."""
    said = server.run(["people", "link", name])
    token = re.search(r"/link/([\w-]+)", said)
    assert token, said
    return f"{server.url}/link/{token[1]}"


def choose_password(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Save and begin").click()
    page.wait_for_url("**/")


def test_a_link_lets_a_person_choose_a_password_and_works_once(
    cards_server: ReviewServer, new_context: Callable[[], BrowserContext]
) -> None:
    cards_server.run(["people", "add", "olga", "--role", "owner"])
    page = new_context().new_page()
    page.goto(f"{cards_server.url}/record")
    link = link_for(cards_server, "olga")

    page.goto(link)
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD + "?")
    page.get_by_role("button", name="Save and begin").click()
    expect(page.get_by_role("alert")).to_have_text("The two are not the same.")
    choose_password(page, link)
    expect(page.get_by_text("olga")).to_be_visible()

    other = new_context().new_page()
    other.goto(link)
    other.get_by_role("button", name="Go on without a password").click()
    expect(other.get_by_role("alert")).to_contain_text("link")
    assert other.url == link


def test_a_password_leads_back_to_the_page_that_was_wanted(
    cards_server: ReviewServer, new_context: Callable[[], BrowserContext]
) -> None:
    cards_server.run(["people", "add", "olga", "--role", "owner"])
    choose_password(new_context().new_page(), link_for(cards_server, "olga"))

    page = new_context().new_page()
    page.goto(f"{cards_server.url}/record")
    page.wait_for_url("**/login?then=*")
    page.get_by_label("Name").fill("olga")
    page.get_by_label("Password").fill("something else")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/record")
    expect(page.get_by_role("heading", name="Your record")).to_be_visible()

    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")
    page.goto(f"{cards_server.url}/record")
    page.wait_for_url("**/login?then=*")


def test_a_login_leads_to_no_other_site(
    cards_server: ReviewServer, new_context: Callable[[], BrowserContext]
) -> None:
    cards_server.run(["people", "add", "olga", "--role", "owner"])
    choose_password(new_context().new_page(), link_for(cards_server, "olga"))
    page = new_context().new_page()
    page.goto(f"{cards_server.url}/login?then=//elsewhere.example/record")
    page.get_by_label("Name").fill("olga")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{cards_server.url}/")
