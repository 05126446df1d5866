"""The pages beside the work: the owner's, the record, and the HTTP API."""

import json
from collections.abc import Callable

from playwright.sync_api import APIResponse, BrowserContext, Locator, Page, Route, expect
from review_app import Served
from review_projects import ReviewProject
from scripted_annotator import ScriptedAnnotator

NewContext = Callable[..., BrowserContext]

# Controls that a screen reader would have no words for.
_NAMELESS = """() => [...document.querySelectorAll("button, a[href], input, select, textarea")]
  .filter((one) => one.checkVisibility())
  .filter((one) => {
    const labels = [...(one.labels ?? [])].map((label) => label.textContent).join("");
    const name = (one.ariaLabel ?? "") + labels + one.textContent + (one.title ?? "");
    return !name.trim();
  })
  .map((one) => one.outerHTML)"""


def row_of(page: Page, name: str) -> Locator:
    """The row of a person in the table of people."""
    cell = page.get_by_role("cell", name=name, exact=True)
    return page.get_by_role("region", name="People").locator("tr", has=cell)


def test_an_owner_lets_somebody_in_and_sees_what_they_did(
    cards: ReviewProject, cards_server: Served, new_context: NewContext
) -> None:
    owner = new_context().new_page()
    owner.goto(f"{cards_server.url}/owner")
    add = owner.get_by_role("button", name="Add and make a link")
    owner.get_by_label("Name").fill("ben")
    add.click()
    expect(owner.locator("#people-failure")).to_contain_text("make a link for an owner first")

    row_of(owner, "ann").get_by_role("button", name="New link").click()
    owner.goto(owner.get_by_label("Link for ann").input_value())
    owner.get_by_role("button", name="Go on without a password").click()
    owner.wait_for_url(f"{cards_server.url}/")
    owner.goto(f"{cards_server.url}/owner")
    row_of(owner, "ben").get_by_role("button", name="New link").click()

    page = new_context().new_page()
    page.goto(owner.get_by_label("Link for ben").input_value())
    page.get_by_role("button", name="Go on without a password").click()
    ben = ScriptedAnnotator(page, cards.truth)
    ben.label_frame()
    page.keyboard.press("s")
    page.get_by_label("Or in your words").fill("Is this a nine?")
    page.keyboard.press("Enter")
    ben.settle()
    page.goto(f"{cards_server.url}/owner")
    expect(page.get_by_text("This page is for owners")).to_be_visible()

    owner.reload()
    work = owner.get_by_role("region", name="Work by person")
    expect(work.get_by_role("row", name="ben").get_by_role("cell").nth(1)).to_have_text("1")
    expect(owner.get_by_role("region", name="Proposals by class and model")).to_be_visible()


def test_an_owner_writes_guidelines_and_sees_them_beside(
    standing_server: Served, page: Page
) -> None:
    page.goto(f"{standing_server.url}/owner")
    preview = page.get_by_role("region", name="Preview")
    expect(preview.get_by_role("heading", name="What to label")).to_be_visible()
    page.get_by_label("Text of the guidelines").fill("# Cards\n\n<b onclick=x()>bold</b> *kings*")
    expect(preview.locator("em")).to_have_text("kings")
    expect(preview).to_contain_text("<b onclick=x()>bold</b>")
    page.get_by_role("button", name="Save a new version").click()
    expect(page.locator("#guideline-state")).to_contain_text("Version 1, by ann")
    page.reload()
    expect(page.get_by_label("Text of the guidelines")).to_have_value(
        "# Cards\n\n<b onclick=x()>bold</b> *kings*"
    )


def test_the_preview_is_that_of_the_newest_text(standing_server: Served, page: Page) -> None:
    held: list[tuple[Route, APIResponse]] = []
    page.route("**/api/guidelines/preview", lambda one: held.append((one, one.fetch())))
    page.goto(f"{standing_server.url}/owner")
    while not held:
        page.wait_for_timeout(20)
    page.get_by_label("Text of the guidelines").fill("Box *kings*")
    while len(held) < 2:
        page.wait_for_timeout(20)
    for route, answer in reversed(held):
        with page.expect_response("**/api/guidelines/preview") as late:
            route.fulfill(response=answer)
        late.value.finished()
        expect(page.get_by_role("region", name="Preview").locator("em")).to_have_text("kings")
    page.evaluate("() => fetch('/api/project')")  # by then the page has handled what came late
    expect(page.get_by_role("region", name="Preview").locator("em")).to_have_text("kings")


def test_webhooks_are_added_and_removed(standing_server: Served, page: Page) -> None:
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{standing_server.url}/owner")
    page.get_by_label("Address").fill("https://example.org/hook")
    page.get_by_label("batch done").uncheck()
    page.get_by_role("button", name="Add", exact=True).click()
    assert len(page.get_by_label("Secret of the webhook").input_value()) >= 32
    row = page.get_by_role("row", name="https://example.org/hook")
    expect(row).to_contain_text("submitted")
    expect(row).not_to_contain_text("batch done")
    row.get_by_role("button", name="Deliveries").click()
    expect(page.get_by_text("Nothing was sent yet.")).to_be_visible()
    row.get_by_role("button", name="Remove").click()
    expect(row).to_be_hidden()


def test_the_api_page_tells_of_every_address(standing_server: Served, page: Page) -> None:
    page.goto(f"{standing_server.url}/docs")
    expect(page.locator(".operation").first).to_be_visible()
    document = json.loads(page.request.get(f"{standing_server.url}/openapi.json").text())
    operations = sum(len(item) for item in document["paths"].values())
    assert page.locator(".operation").count() == operations
    submit = page.locator("#post--api-tasks-task-submit")
    submit.locator("summary").click()
    expect(submit.get_by_text("request_id")).to_be_visible()
    expect(submit.get_by_text("edit_id")).to_be_visible()


def test_every_control_has_a_name(standing_server: Served, page: Page) -> None:
    for path in ("/", "/login", "/record", "/owner", "/reviewing", "/docs"):
        page.goto(standing_server.url + path)
        page.wait_for_load_state("networkidle")
        assert page.title()
        assert page.evaluate(_NAMELESS) == [], path
