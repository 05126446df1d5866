"""Corrections that come back: each box is told apart as accepted, changed, or drawn."""

import math
import uuid

import numpy as np
from builders import a_prediction, annotations, frame_id_of

from prelabel.datasets.annotations import AnnotationSet, OriginKind
from prelabel.datasets.boxes import Boxes
from prelabel.proposals import shown_proposals, with_recognised_proposals

FRAME = frame_id_of("corrected")
CAR, VAN = 0, 1


def proposed() -> AnnotationSet:
    """Two cars and a doubtful van that is not shown."""
    prediction = a_prediction(
        FRAME,
        [[0, 0, 10, 10], [20, 20, 40, 40], [50, 50, 60, 60]],
        [[0.9, 0.05], [0.7, 0.2], [0.1, 0.2]],
        model_id="m7",
    )
    return shown_proposals(prediction, shown_score=0.3).visible


def with_ids(
    xyxy: list[list[float]], class_id: list[int], box_id: tuple[str, ...]
) -> AnnotationSet:
    """Labels as a file holds them: imported, with the ids that it carried."""
    plain = annotations(xyxy, class_id, seed=5)
    ids = [*box_id, *plain.box_id[len(box_id) :]]
    return AnnotationSet(Boxes(xyxy), class_id, ids, plain.origin)


def test_only_proposals_from_the_score_on_are_shown_with_model_and_score() -> None:
    shown = proposed()
    assert len(shown) == 2
    assert [origin.kind for origin in shown.origin] == [OriginKind.PROPOSED] * 2
    assert [origin.model_id for origin in shown.origin] == ["m7"] * 2
    np.testing.assert_allclose([origin.score or 0 for origin in shown.origin], [0.9, 0.7])


def test_the_same_proposal_has_the_same_id_each_time() -> None:
    assert proposed().box_id == proposed().box_id
    names = uuid.UUID("0d0c6f8a-57c5-5b0e-8f0b-3c7a5f4c9a11")
    first = uuid.uuid5(names, f"m7/{FRAME}/{CAR}/[0.0, 0.0, 10.0, 10.0]")
    assert proposed().box_id[0] == str(first)


def test_a_box_left_alone_counts_as_accepted() -> None:
    shown = proposed()
    back = with_ids(shown.boxes.xyxy.tolist(), [CAR, CAR], shown.box_id)
    recognised = with_recognised_proposals(back, shown)
    assert recognised.origin == shown.origin
    assert recognised.box_id == shown.box_id


def test_a_moved_and_a_reclassed_box_keep_what_was_proposed() -> None:
    shown = proposed()
    back = with_ids([[2, 0, 12, 10], [20, 20, 40, 40]], [CAR, VAN], shown.box_id)
    moved, reclassed = with_recognised_proposals(back, shown).origin
    assert moved.kind is reclassed.kind is OriginKind.CHANGED
    assert moved.original_xyxy == (0, 0, 10, 10)
    assert reclassed.original_class_id == CAR
    assert moved.model_id == "m7"


def test_a_new_box_was_drawn() -> None:
    shown = proposed()
    back = with_ids([[0, 0, 10, 10], [70, 70, 90, 90]], [CAR, VAN], shown.box_id[:1])
    accepted, drawn = with_recognised_proposals(back, shown).origin
    assert accepted.kind is OriginKind.PROPOSED
    assert drawn.kind is OriginKind.DRAWN


def test_a_tool_that_drops_ids_and_rounds_is_seen_through() -> None:
    shown = proposed()
    back = with_ids([[20.01, 20, 40, 39.99], [0, 0, 10, 10.04]], [CAR, CAR], ())
    recognised = with_recognised_proposals(back, shown)
    assert recognised.box_id == (shown.box_id[1], shown.box_id[0])
    assert [origin.kind for origin in recognised.origin] == [OriginKind.PROPOSED] * 2


def test_no_proposal_is_taken_for_two_boxes() -> None:
    shown = proposed()
    back = with_ids([[0, 0, 10, 10], [0, 0, 10, 10.02]], [CAR, CAR], ())
    kinds = [origin.kind for origin in with_recognised_proposals(back, shown).origin]
    assert sorted(kinds) == [OriginKind.DRAWN, OriginKind.PROPOSED]


def test_without_proposals_everything_was_drawn() -> None:
    back = with_ids([[0, 0, 10, 10]], [CAR], ())
    (origin,) = with_recognised_proposals(back, AnnotationSet.empty()).origin
    assert origin.kind is OriginKind.DRAWN


def turned_proposals(angle: list[float]) -> AnnotationSet:
    corners = [[10, 20, 50, 40], [60, 20, 90, 30]]
    prediction = a_prediction(FRAME, corners, [[0.9, 0.05], [0.7, 0.2]], angle=angle)
    return shown_proposals(prediction, shown_score=0.3).visible


def test_a_turned_box_that_comes_back_told_another_way_was_accepted() -> None:
    """Sides exchanged and a quarter turn more: the same rectangle."""
    shown = turned_proposals([0.5, -0.25])
    exchanged = [[20, 10, 40, 50], [70, 10, 80, 40]]
    quarter = [0.5 + math.pi / 2, -0.25 - math.pi / 2]
    for seed in (1, 2):  # without the ids of the proposals
        back = annotations(exchanged, [CAR, CAR], seed, angle=quarter)
        recognised = with_recognised_proposals(back, shown)
        assert recognised.origin == shown.origin
        assert recognised.box_id == shown.box_id


def test_a_box_that_was_turned_keeps_the_angle_it_had() -> None:
    shown = turned_proposals([0.5, -0.25])
    further = annotations(shown.boxes.xyxy, [CAR, CAR], angle=[0.7, -0.25])
    back = AnnotationSet(further.boxes, further.class_id, shown.box_id, further.origin)
    turned, left_alone = with_recognised_proposals(back, shown).origin
    assert (turned.kind, turned.original_angle) == (OriginKind.CHANGED, 0.5)
    assert left_alone.kind is OriginKind.PROPOSED


def test_boxes_that_differ_by_their_angle_alone_have_other_ids() -> None:
    first, second = turned_proposals([0.5, 0.25]), turned_proposals([0.5, 0.3])
    assert first.box_id[0] == second.box_id[0]
    assert first.box_id[1] != second.box_id[1]
