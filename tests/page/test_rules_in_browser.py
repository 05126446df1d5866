"""Boxes that a rule has accepted, on the page: said to be so, and by which rule."""

import numpy as np
from playwright.sync_api import Page, expect
from review_app import Served
from review_projects import MODEL, ReviewProject
from scripted_annotator import ScriptedAnnotator

from prelabel.datasets.annotations import AnnotationSet, Origin, OriginKind
from prelabel.project import open_project
from prelabel.store.acceptances import AcceptedFrame, Part, record_acceptance
from prelabel.store.store import utc_now

RULE = "probability >= 0.950, at most 3 boxes a frame"


def accept_best_of_each(project: ReviewProject) -> None:
    """A rule accepts the best proposal of every frame of the batch."""
    with open_project(project.folder) as opened:
        newest = opened.store.latest_batch()
        assert newest is not None
        number, batch = newest
        halves = []
        for pick in batch.picks:
            shown = opened.store.shown(number, pick.frame_id)
            assert shown is not None
            best = shown.proposals.take(np.arange(1))
            origins = [Origin(OriginKind.AUTO, MODEL, one.score, rule=RULE) for one in best.origin]
            sure = AnnotationSet(best.boxes, best.class_id, best.box_id, origins)
            halves.append(AcceptedFrame(pick.frame_id, Part.HALF, sure))
        record_acceptance(opened.store, MODEL, {"rule": RULE}, halves, "ann", utc_now)


def test_a_box_says_which_rule_accepted_it(
    cards: ReviewProject, cards_server: Served, page: Page
) -> None:
    accept_best_of_each(cards)
    page.goto(cards_server.url)
    ScriptedAnnotator(page, cards.truth).look()
    row = page.get_by_role("listbox", name="Boxes").get_by_role("option", name="rule 0.")
    expect(row).to_have_count(1)
    assert RULE in (row.get_attribute("title") or "")
    row.click()
    status = page.get_by_role("region", name="Box in hand").locator(".hand-status")
    expect(status).to_have_text("accepted by rule")
    expect(status).to_have_attribute("title", RULE)
