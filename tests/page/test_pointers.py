"""Drawing and moving with the mouse and with a finger."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, CDPSession, Page, expect
from review_app import Served
from review_projects import ReviewProject
from scripted_annotator import ScriptedAnnotator, Sight, wait_until_enter_counts

Place = tuple[float, float]

DRAWN = (40.0, 60.0, 140.0, 130.0)


def swipe(page: Page, device: CDPSession, start: Place, end: Place) -> None:
    """One finger from one place to another, held still before it is lifted.

    A finger lifted in full motion makes a fling, and the browser takes the next tap to stop it.
    """

    def touch(kind: str, *places: Place) -> None:
        points = [{"x": x, "y": y} for x, y in places]
        device.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", start)
    touch("touchMove", ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
    touch("touchMove", end)
    page.wait_for_timeout(100)
    touch("touchEnd")


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def tap(page: Page, tool: str) -> None:
    """Touch a tool and wait until it is in use."""
    button = page.get_by_role("button", name=tool, exact=True)
    button.tap()
    expect(button).to_have_attribute("aria-pressed", "true")


def new_box(before: Sight, after: Sight) -> dict[str, object]:
    known = {box["id"] for box in before.boxes}
    (found,) = [box for box in after.boxes if box["id"] not in known]
    return found


def test_a_finger_draws_and_moves_boxes(
    cards: ReviewProject,
    cards_server: Served,
    new_context: Callable[..., BrowserContext],
) -> None:
    context = new_context(has_touch=True)
    page = context.new_page()
    page.goto(cards_server.url)
    person = ScriptedAnnotator(page, cards.truth)
    before = person.look()
    device = context.new_cdp_session(page)
    tap(page, "Draw")
    swipe(page, device, before.place(*DRAWN[:2]), before.place(*DRAWN[2:]))
    drawn = new_box(before, person.look())
    assert drawn["xyxy"] == pytest.approx(DRAWN, abs=1.5)
    assert drawn["status"] == "accepted"

    tap(page, "Select")
    middle = before.place(90, 95)
    swipe(page, device, middle, (middle[0] + 30 * before.view["scale"], middle[1]))
    moved = person.look().box(str(drawn["id"]))
    assert moved["xyxy"] == pytest.approx((70, 60, 170, 130), abs=1.5)


def test_the_mouse_does_all_that_keys_do(
    cards: ReviewProject, cards_server: Served, page: Page
) -> None:
    page.goto(cards_server.url)
    person = ScriptedAnnotator(page, cards.truth)
    before = person.look()
    press(page, "Reject X")
    press(page, "Accept Space")
    press(page, "Draw")
    whole = person.look()
    person.drag(whole.place(*DRAWN[:2]), whole.place(*DRAWN[2:]))
    drawn = new_box(before, person.look())
    assert drawn["xyxy"] == pytest.approx(DRAWN, abs=1.5)
    press(page, "Undo")
    assert len(person.look().boxes) == len(before.boxes)
    press(page, "Redo")
    page.get_by_role("region", name="Classes").get_by_role("button", name="queen").click()
    assert person.look().box(str(drawn["id"]))["class_id"] == cards.classes.index("queen")
    press(page, "Accept rest A")
    assert not person.look().proposals
    wait_until_enter_counts(page)
    press(page, "Submit Enter")
    assert person.look().frame_id != before.frame_id


def test_a_loose_proposal_is_drawn_anew_and_stays_what_it_was(
    cards: ReviewProject, cards_server: Served, page: Page
) -> None:
    page.goto(cards_server.url)
    person = ScriptedAnnotator(page, cards.truth)
    before = person.look()
    box_id = person.in_hand()
    person.press("r")
    person.drag(before.place(*DRAWN[:2]), before.place(*DRAWN[2:]))
    after = person.look()
    assert after.selected == box_id
    assert len(after.boxes) == len(before.boxes)
    assert after.box(box_id)["xyxy"] == pytest.approx(DRAWN, abs=1.5)
    assert after.box(box_id)["status"] == "accepted"
    assert after.box(box_id)["score"] == before.box(box_id)["score"]
    person.press("Control+z")
    assert person.look().box(box_id) == before.box(box_id)
