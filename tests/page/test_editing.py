"""What hands do to boxes: by mouse, by touch and by keys, in a real browser."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, CDPSession, Page, expect
from review_app import Served
from scripted_annotator import STILL, wait_until_enter_counts

STATE = """() => {
  const { editor } = window.__prelabel.page;
  const { left, top } = editor.stage.getBoundingClientRect();
  const { scale, x, y } = editor.scene.view;
  return {
    boxes: [...editor.draft.boxes()].map(({ id, xyxy, class_id, status }) =>
      ({ id, xyxy, class_id, status })),
    selected: editor.selectedId, undecided: editor.draft.undecided, task: editor.draft.task.task,
    view: { scale, x: x + left, y: y + top },
  };
}"""
WEAK_AND_SEEN = """() => {
  const { editor } = window.__prelabel.page;
  const { shownScore } = editor.draft;
  const weak = [...editor.draft.boxes()].filter((box) => box.proposal?.score < shownScore);
  return [weak.length, [...editor.visible()].length];
}"""


@pytest.fixture
def opened(page: Page, cards_server: Served) -> Page:
    """The annotator's page with its first frame on the stage."""
    page.goto(cards_server.url)
    page.wait_for_function(STILL)
    return page


def state(page: Page) -> dict[str, Any]:
    page.wait_for_function(STILL)
    found: dict[str, Any] = page.evaluate(STATE)
    return found


def selected(page: Page) -> dict[str, Any]:
    now = state(page)
    found: dict[str, Any] = next(box for box in now["boxes"] if box["id"] == now["selected"])
    return found


def window_place(page: Page, x: float, y: float) -> tuple[float, float]:
    view = state(page)["view"]
    return x * view["scale"] + view["x"], y * view["scale"] + view["y"]


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """From one place of the picture to another."""
    start, end = window_place(page, *start), window_place(page, *end)
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    page.mouse.move(*end)
    page.mouse.up()


def draw(page: Page, start: tuple[float, float], end: tuple[float, float]) -> dict[str, Any]:
    """Draw a box and leave it selected; it comes back as the page has it."""
    page.keyboard.press("F")
    page.keyboard.press("B")
    drag(page, start, end)
    drawn = selected(page)
    page.keyboard.press("B")
    return drawn


def is_near(found: list[float], wanted: list[float], by: float = 1.0) -> bool:
    return all(abs(one - other) <= by for one, other in zip(found, wanted, strict=True))


def box_of(page: Page, box_id: str) -> dict[str, Any]:
    found: dict[str, Any] = next(box for box in state(page)["boxes"] if box["id"] == box_id)
    return found


def test_boxes_are_drawn_anywhere_and_the_smallest_is_grabbed(opened: Page) -> None:
    large = draw(opened, (60, 60), (320, 440))
    tiny = draw(opened, (150, 200), (154, 203))
    assert is_near(tiny["xyxy"], [150, 200, 154, 203])
    beyond = draw(opened, (350, 470), (420, 520))
    assert is_near(beyond["xyxy"], [350, 470, 378, 504])

    opened.keyboard.press("Escape")
    place = window_place(opened, 152, 202)
    opened.mouse.click(*place)
    assert state(opened)["selected"] == tiny["id"]
    reached = set()
    for _ in state(opened)["boxes"]:
        opened.mouse.click(*place)
        reached.add(state(opened)["selected"])
    assert {tiny["id"], large["id"]} <= reached

    opened.keyboard.press("Escape")
    drag(opened, (152, 202), (182, 222))
    assert is_near(box_of(opened, tiny["id"])["xyxy"], [180, 220, 184, 223])
    assert box_of(opened, large["id"]) == large


def test_boxes_are_moved_and_pulled_by_mouse_and_by_arrows(opened: Page) -> None:
    drawn = draw(opened, (100, 100), (200, 180))
    drag(opened, (150, 140), (170, 120))
    assert is_near(selected(opened)["xyxy"], [120, 80, 220, 160])
    drag(opened, (220, 160), (240, 200))
    pulled = selected(opened)["xyxy"]
    assert is_near(pulled, [120, 80, 240, 200])

    x, y = window_place(opened, 180, 140)
    opened.mouse.click(x, y)
    opened.mouse.move(x, y)
    opened.mouse.down()
    opened.mouse.move(x + 60, y + 60)
    opened.keyboard.press("Escape")
    opened.mouse.up()
    assert box_of(opened, drawn["id"])["xyxy"] == pulled

    opened.evaluate(f"() => __prelabel.page.editor.select('{drawn['id']}')")
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowDown"):
        opened.keyboard.press(key)
    left, top, right, bottom = pulled
    assert is_near(selected(opened)["xyxy"], [left + 2, top + 10, right + 2, bottom + 10], 1e-9)
    opened.keyboard.press("Control+ArrowRight")
    assert selected(opened)["xyxy"][2] == right + 3
    opened.keyboard.press("Control+Z")
    opened.keyboard.press("Control+Z")
    assert selected(opened)["xyxy"] == pulled  # presses of one key in a row are one step


def test_everything_is_undone_even_a_submission(opened: Page) -> None:
    begun = state(opened)["boxes"]
    keys = ("Space", "X", "2", "D", "ArrowLeft", "A")
    for key in keys:
        opened.keyboard.press(key)
    worked = state(opened)["boxes"]
    for _ in keys:
        opened.keyboard.press("Control+Z")
    assert state(opened)["boxes"] == begun
    for _ in keys:
        opened.keyboard.press("Control+Shift+Z")
    assert state(opened)["boxes"] == worked

    opened.keyboard.press("Control+Z")
    task = state(opened)["task"]
    wait_until_enter_counts(opened)
    opened.keyboard.press("Enter")
    expect(opened.get_by_role("dialog")).to_contain_text("not decided on")
    opened.keyboard.press("Enter")
    opened.wait_for_function(f"() => __prelabel.page.queue.current.task.task !== {task}")
    opened.keyboard.press("Control+Z")
    opened.wait_for_function(f"() => __prelabel.page.queue.current.task.task === {task}")
    assert state(opened)["undecided"] == 0


def test_a_frame_that_is_gone_when_its_question_is_answered_is_not_handed_in(opened: Page) -> None:
    lost = state(opened)["task"]
    wait_until_enter_counts(opened)
    opened.keyboard.press("Enter")
    question = opened.get_by_role("dialog")
    expect(question).to_contain_text("not decided on")
    taken = f"new CustomEvent('taken', {{ detail: {{ task: {lost} }} }})"
    opened.evaluate(f"() => void __prelabel.page.outbox.dispatchEvent({taken})")
    opened.wait_for_function(
        f"() => (__prelabel.page.queue.current?.task.task ?? {lost}) !== {lost}"
    )
    before = state(opened)
    opened.keyboard.press("Enter")
    expect(question).to_be_hidden()
    after = state(opened)
    assert (after["task"], after["undecided"]) == (before["task"], before["undecided"])


def test_classes_filter_and_buttons(opened: Page) -> None:
    box = selected(opened)
    opened.keyboard.press("2")
    assert selected(opened)["class_id"] == 1
    opened.keyboard.press("C")
    expect(opened.get_by_role("combobox")).to_be_focused()
    opened.keyboard.type("quen")
    expect(opened.get_by_role("option", selected=True).first).to_have_text("queen")
    opened.keyboard.press("Enter")
    now = selected(opened)
    assert (now["id"], now["class_id"], now["status"]) == (box["id"], 4, "accepted")

    opened.keyboard.press("Tab")
    before = state(opened)["undecided"]
    opened.get_by_role("button", name="Accept Space").click()
    expect(opened.locator(".said")).to_contain_text(f"{before - 1} left")
    opened.get_by_role("button", name="Undo").click()
    assert state(opened)["undecided"] == before
    expect(opened.locator(".stage")).to_be_focused()

    weak, seen = opened.evaluate(WEAK_AND_SEEN)
    for _ in range(6):
        opened.keyboard.press(",")
    assert opened.evaluate(WEAK_AND_SEEN) == [weak, seen + weak]
    assert state(opened)["undecided"] == before


def test_looking_around_and_walking_the_page_by_keys(opened: Page) -> None:
    place = window_place(opened, 300, 50)
    before = state(opened)["view"]["scale"]
    opened.mouse.move(*place)
    opened.mouse.wheel(0, -600)
    opened.wait_for_function(f"() => __prelabel.page.editor.scene.view.scale > {before}")
    assert is_near(list(window_place(opened, 300, 50)), list(place))
    opened.mouse.down(button="middle")
    opened.mouse.move(place[0] + 30, place[1] + 40)
    opened.mouse.up(button="middle")
    assert is_near(list(window_place(opened, 300, 50)), [place[0] + 30, place[1] + 40])

    tools = opened.get_by_role("toolbar").get_by_role("button")
    opened.locator(".stage").focus()
    opened.keyboard.press("F6")
    expect(tools.first).to_be_focused()
    opened.keyboard.press("Tab")
    expect(tools.nth(1)).to_be_focused()
    opened.keyboard.press("F6")
    opened.keyboard.press("F6")
    expect(opened.locator(".stage")).to_be_focused()


def test_two_fingers_zoom_and_one_selects(
    new_context: Callable[..., BrowserContext], cards_server: Served
) -> None:
    page = new_context().new_page()
    page.goto(cards_server.url)
    before = state(page)["view"]["scale"]
    fingers = page.context.new_cdp_session(page)
    x, y = window_place(page, 200, 250)
    touch(fingers, "touchStart", [(x - 30, y), (x + 30, y)])
    touch(fingers, "touchMove", [(x - 60, y), (x + 60, y)])
    touch(fingers, "touchMove", [(x - 90, y), (x + 90, y)])
    touch(fingers, "touchEnd", [])
    page.wait_for_function(f"() => __prelabel.page.editor.scene.view.scale > {2 * before}")
    page.keyboard.press("F")
    page.keyboard.press("Escape")
    box = state(page)["boxes"][0]
    left, top, right, bottom = box["xyxy"]
    touch(fingers, "touchStart", [window_place(page, (left + right) / 2, (top + bottom) / 2)])
    touch(fingers, "touchEnd", [])
    page.wait_for_function("() => __prelabel.page.editor.selectedId !== null")


def touch(session: CDPSession, kind: str, places: list[tuple[float, float]]) -> None:
    points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
