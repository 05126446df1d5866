"""Frames on which a rule has accepted some boxes, as people find them."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from store_content import CLASSES
from work_content import (
    HEIGHT_PX,
    MODEL,
    SHOWN_SCORE,
    WIDTH_PX,
    accepted,
    box_id,
    frame_of,
    record_batch,
    rejected,
    shown_on_frame,
)

from prelabel.datasets.annotations import AnnotationSet, Origin, OriginKind
from prelabel.settings import ReviewSettings
from prelabel.store.acceptances import (
    AcceptedFrame,
    EndKind,
    NewAcceptance,
    Part,
    end_acceptance,
    half_done,
    record_acceptance,
)
from prelabel.store.store import open_store
from prelabel.work.drafts import Drafts
from prelabel.work.filling import fill_round
from prelabel.work.folding import as_seen_by_people, initial_boxes, with_sure_boxes
from prelabel.work.outcome import check_decided, outcome
from prelabel.work.records import BoxStatus

RULE = "accept: precision >= 0.98"


def clock() -> datetime:
    return datetime(2026, 1, 2, tzinfo=UTC)


def sure_boxes(frame: int) -> AnnotationSet:
    """The two best proposals of a frame."""
    best = shown_on_frame(frame).proposals.take(np.arange(2))
    origins = [Origin(OriginKind.AUTO, MODEL, one.score, rule=RULE) for one in best.origin]
    return AnnotationSet(best.boxes, best.class_id, best.box_id, origins)


def test_sure_boxes_need_no_decision_and_keep_their_rule() -> None:
    initial = with_sure_boxes(initial_boxes(shown_on_frame(1), None), sure_boxes(1))
    statuses = [box.status for box in initial.boxes]
    assert statuses == [BoxStatus.ACCEPTED] * 2 + [BoxStatus.PROPOSED] * 2
    sure, moved, doubtful, weak = initial.boxes
    boxes = [sure, replace(moved, xyxy=(90.0, 20.0, 180.0, 90.0)), rejected(doubtful), weak]
    check_decided(initial, boxes, SHOWN_SCORE)
    made = outcome(initial, boxes, WIDTH_PX, HEIGHT_PX)
    assert [one.kind for one in made.labels.origin] == [OriginKind.AUTO, OriginKind.CHANGED]
    assert made.labels.origin[0].rule == RULE
    decided = {one.box_id for one in made.corrections}
    assert decided == {moved.box_id, doubtful.box_id}  # nobody has decided about the sure one


def test_boxes_of_another_model_are_not_among_the_proposals() -> None:
    initial = initial_boxes(shown_on_frame(1), None)
    assert with_sure_boxes(initial, sure_boxes(2)) == initial


def test_labels_that_come_to_people_again_are_confirmed_by_them() -> None:
    initial = as_seen_by_people(initial_boxes(shown_on_frame(1), sure_boxes(1)))
    made = outcome(initial, [accepted(initial.boxes[0])], WIDTH_PX, HEIGHT_PX)
    assert [one.kind for one in made.labels.origin] == [OriginKind.PROPOSED]


def test_a_task_begins_with_them_unless_the_frame_checks_rules(tmp_path: Path) -> None:
    with open_store("sqlite:///store.db", tmp_path, clock) as store:
        store.add_classes(CLASSES, "setup")
        number = record_batch(store, [1, 2, 3])  # frame 3 was drawn at random
        halves = [
            AcceptedFrame(frame_of(one).frame_id, Part.HALF, sure_boxes(one)) for one in (1, 3)
        ]
        record_acceptance(store, NewAcceptance(MODEL, {"rule": RULE}, halves, 0), "ann", clock)
        fill_round(store.database, number, 1, "ann", clock)
        drafts = Drafts(store, ReviewSettings(), clock)

        def accepted_ids(task: int) -> list[str]:
            boxes = drafts.initial(task).boxes
            return [one.box_id for one in boxes if one.status is BoxStatus.ACCEPTED]

        assert accepted_ids(1) == [box_id(1, 0), box_id(1, 1)]
        assert accepted_ids(2) == []
        assert accepted_ids(3) == []
        assert half_done(store, [frame_of(1).frame_id]) == {frame_of(1).frame_id: sure_boxes(1)}
        end_acceptance(store, 1, EndKind.WITHDRAWN, "a test", "ann", clock)
        assert accepted_ids(1) == []
