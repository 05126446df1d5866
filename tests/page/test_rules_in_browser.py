"""Boxes that a rule has accepted, on the page: said to be so, and by which rule."""

import uuid

import numpy as np
from playwright.sync_api import Page, expect
from review_app import Served
from review_people import served_project
from review_projects import MODEL, SHOWN_SCORE, ReviewProject
from scripted_annotator import ScriptedAnnotator

from prelabel.datasets.annotations import AnnotationSet, Origin, OriginKind
from prelabel.datasets.batches import Batch, Pick
from prelabel.datasets.boxes import Boxes
from prelabel.project import open_project
from prelabel.store.acceptances import AcceptedFrame, NewAcceptance, Part, record_acceptance
from prelabel.store.records import Shown
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
        record_acceptance(
            opened.store, NewAcceptance(MODEL, {"rule": RULE}, halves, 0), "ann", utc_now
        )


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


FAINT = {"on the sure one": 0.28, "likelier": 0.25, "likely": 0.2}


def leave_places(project: ReviewProject) -> dict[str, str]:
    """A new batch of one frame with a sure box and faint proposals; their ids by what they are."""
    with open_project(project.folder) as opened:
        frame = next(iter(opened.store.frames()))
        unit = np.array([frame.width_px, frame.height_px] * 2, np.float32) / 100
        places = np.array([[10, 10, 30, 40], [11, 11, 31, 41], [60, 60, 80, 90], [40, 10, 55, 40]])
        scores = [0.95, *FAINT.values()]
        ids = [str(uuid.UUID(int=row)) for row in range(len(scores))]
        proposed = AnnotationSet(
            Boxes(places * unit),
            [0] * len(scores),
            ids,
            [Origin(OriginKind.PROPOSED, MODEL, score) for score in scores],
        )
        shown = Shown(MODEL, SHOWN_SCORE, proposed, np.zeros(len(scores), np.float32))
        number = opened.store.start_round("machine").number
        batch = Batch("entropy_sum", 0, (Pick(frame.frame_id, 0.5, "a test", 1.0),))
        opened.store.record_batch(number, batch, "machine", {frame.frame_id: shown})
    accept_best_of_each(project)
    return dict(zip(("sure", *FAINT), ids, strict=True))


def test_places_to_look_at_become_boxes_only_by_hand(cards: ReviewProject, page: Page) -> None:
    ids = leave_places(cards)
    with served_project(cards) as server:
        page.goto(server.url)
        ann = ScriptedAnnotator(page, cards.truth)
        frame_id = ann.look().frame_id
        marked = page.get_by_role("listbox", name="Boxes").locator(
            '.row[data-look="place"]:visible'
        )
        expect(marked).to_have_count(2)
        ann.press("Q")
        assert ann.in_hand() == ids["likelier"]
        ann.press("Q")
        assert ann.in_hand() == ids["likely"]
        ann.press("Q")
        ann.press("Shift+Q")
        expect(marked).to_have_count(1)
        ann.press("Shift+Q")  # the box in hand is no mark any more
        expect(page.get_by_text("No marked place is in hand")).to_be_visible()
        ann.press("?")
        expect(page.get_by_text("Next place where something may be missing")).to_be_visible()
        ann.press("Escape")
        ann.submit()
        ann.settle()
    with open_project(cards.folder) as opened:
        version = opened.store.labels(frame_id)
    assert version is not None
    kinds = dict(zip(version.annotations.box_id, version.annotations.origin, strict=True))
    assert {one: origin.kind for one, origin in kinds.items()} == {
        ids["sure"]: OriginKind.AUTO,
        ids["likelier"]: OriginKind.PROPOSED,
    }
