"""Several people at once, each in a browser of their own."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import APIResponse, BrowserContext, Page, Route, expect
from review_labels import is_true, labels_of
from review_people import enter, needs_reviewer, served_project, with_people
from review_policy import missing_of
from review_projects import ReviewProject
from scripted_annotator import ScriptedAnnotator

from prelabel.work.people import Role

NewContext = Callable[..., BrowserContext]


@pytest.mark.slow
def test_two_annotators_never_get_the_same_frame(
    cards: ReviewProject, new_context: NewContext
) -> None:
    links = with_people(cards, {"olga": Role.OWNER, "ann": Role.ANNOTATOR, "ben": Role.ANNOTATOR})
    with served_project(cards) as server:
        people = {
            name: ScriptedAnnotator(enter(new_context(), server.url, links[name]), cards.truth)
            for name in ("ann", "ben")
        }
        seen: dict[str, list[str]] = {name: [] for name in people}
        while any(person.has_frame() for person in people.values()):
            for name, person in people.items():
                if person.has_frame():
                    seen[name].append(person.label_frame()[0].frame_id)
        for person in people.values():
            person.settle()
    everything = seen["ann"] + seen["ben"]
    assert sorted(everything) == sorted(cards.truth)
    assert seen["ann"]
    assert seen["ben"]
    labels = labels_of(cards)
    for name, frames in seen.items():
        assert {labels[frame_id].author for frame_id in frames} == {name}
    assert all(is_true(labels[one].annotations, truth) for one, truth in cards.truth.items())


@pytest.mark.slow
def test_a_frame_is_sent_back_with_a_reason_fixed_and_accepted(
    cards: ReviewProject, new_context: NewContext
) -> None:
    needs_reviewer(cards)
    links = with_people(cards, {"olga": Role.OWNER, "rita": Role.REVIEWER, "ann": Role.ANNOTATOR})
    hasty = {
        frame_id: truth.take(np.arange(1, len(truth))) for frame_id, truth in cards.truth.items()
    }
    with served_project(cards) as server:
        page = enter(new_context(), server.url, links["ann"])
        ann = ScriptedAnnotator(page, hasty)  # overlooks one card on each picture
        frame_id = ann.label_frame()[0].frame_id
        ann.settle()
        assert labels_of(cards) == {}

        review = enter(new_context(), server.url, links["rita"])
        review.get_by_label("Menu").click()
        review.get_by_role("link", name="Review").click()
        expect(review.get_by_text("Waiting: 1")).to_be_visible()
        review.keyboard.press("s")
        review.keyboard.type("One card has no box")
        review.keyboard.press("Control+Enter")
        expect(review.get_by_text("Nothing waits to be reviewed")).to_be_visible()

        page.reload()
        assert ann.look().frame_id == frame_id
        expect(page.get_by_text("One card has no box").first).to_be_visible()
        ann.draw([missing_of(cards.truth[frame_id], 0)])
        ann.submit()
        ann.settle()

        review.clock.install()
        review.reload()
        expect(review.get_by_text("Waiting: 1")).to_be_visible()
        expect(review.get_by_text("Drawn", exact=True)).to_be_visible()
        bring_what_waited = held_answer(review)
        review.keyboard.press("Enter")
        expect(review.get_by_text("Nothing waits to be reviewed")).to_be_visible()
        bring_what_waited()
        expect(review.locator("#judged")).to_be_hidden()

        page.goto(f"{server.url}/record")
        expect(page.get_by_text("One card has no box")).to_be_visible()
        expect(page.get_by_role("cell", name="rita")).to_be_visible()
    version = labels_of(cards)[frame_id]
    assert version.author == "ann"
    assert is_true(version.annotations, cards.truth[frame_id])


def held_answer(review: Page) -> Callable[[], None]:
    """Has a reviewer's page ask what waits; the answer of now comes when the result is called."""
    address = re.compile(r"/api/reviewing$")
    held: list[tuple[Route, APIResponse]] = []
    review.route(address, lambda one: held.append((one, one.fetch())), times=1)
    review.clock.fast_forward(21_000)  # it asks every 20 seconds
    while not held:
        review.wait_for_timeout(20)

    def bring() -> None:
        route, answer = held[0]
        with review.expect_response(address) as arrived:
            route.fulfill(response=answer)
        arrived.value.finished()
        review.evaluate("() => fetch('/api/project')")  # by then the page has handled it

    return bring


@pytest.mark.slow
def test_what_two_people_made_of_a_frame_stands_side_by_side(
    cards: ReviewProject, new_context: NewContext
) -> None:
    needs_reviewer(cards, copies=2)
    roles = {
        "olga": Role.OWNER,
        "rita": Role.REVIEWER,
        "ann": Role.ANNOTATOR,
        "ben": Role.ANNOTATOR,
    }
    links = with_people(cards, roles)
    hasty = {
        frame_id: truth.take(np.arange(1, len(truth))) for frame_id, truth in cards.truth.items()
    }
    with served_project(cards) as server:
        frames = []
        for name, truth in (("ann", hasty), ("ben", cards.truth)):
            person = ScriptedAnnotator(enter(new_context(), server.url, links[name]), truth)
            frames.append(person.label_frame()[0].frame_id)
            person.settle()
        assert frames[0] == frames[1]
        count = len(cards.truth[frames[0]])

        review = enter(new_context(), server.url, links["rita"])
        review.goto(f"{server.url}/reviewing")
        share = round(100 * 2 * (count - 1) / (2 * count - 1))
        expect(review.get_by_text("ben's, beside ann's")).to_be_visible()
        review.get_by_role("button", name=f"ben: {share} % alike").click()
        expect(review.get_by_text("ann's, beside ben's")).to_be_visible()
        review.keyboard.press("p")  # the last change: a box that was kept as proposed
        box = review.locator(".box-list [aria-selected=true] .row-name")
        wanted = next(name for name in cards.classes if name != box.inner_text())
        review.keyboard.press(str(cards.classes.index(wanted) + 1))  # the reviewer's own correction
        expect(box).to_have_text(wanted)
        review.keyboard.press("Enter")
        expect(review.get_by_text("Nothing waits to be reviewed")).to_be_visible()
    version = labels_of(cards)[frames[0]]
    assert version.author == "rita"
    truth = cards.truth[frames[0]].class_id.tolist()
    changed = sorted(version.annotations.class_id.tolist())
    assert len(changed) == len(truth)
    assert changed != sorted(truth)
    assert cards.classes.index(wanted) in changed
