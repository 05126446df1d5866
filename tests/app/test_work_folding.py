"""From edits to boxes and from boxes to labels: pure rules, on many drawn cases."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from work_content import (
    HEIGHT_PX,
    MODEL,
    SHOWN_SCORE,
    WIDTH_PX,
    accepted,
    box_id,
    drawn,
    rejected,
    shown_on_frame,
)

from prelabel.datasets.annotations import DRAWN, IMPORTED, AnnotationSet, Origin, OriginKind
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.geometry import boxes_iou
from prelabel.work.agreement import agreement
from prelabel.work.errors import UndecidedError
from prelabel.work.folding import boxes_of, fold, initial_boxes, kept_boxes, submitted_boxes
from prelabel.work.outcome import check_decided, outcome
from prelabel.work.records import Action, BoxState, BoxStatus, Edit

coordinates = st.floats(0, 500, allow_subnormal=False)


@st.composite
def box_states(draw: st.DrawFn, names: Sequence[str] = ("a", "b", "c")) -> BoxState:
    left, top = draw(coordinates), draw(coordinates)
    width, height = draw(st.floats(1, 99)), draw(st.floats(1, 99))
    name = str(uuid.uuid5(uuid.NAMESPACE_OID, draw(st.sampled_from(names))))
    angle = draw(st.none() | st.floats(-3, 3))
    status = draw(st.sampled_from(BoxStatus))
    bottom = draw(st.none() | st.floats(-9, 9))
    height_m = None if bottom is None else (bottom, bottom + 1)
    return BoxState(name, (left, top, left + width, top + height), angle, 1, status, height_m)


@given(st.lists(st.lists(box_states(), max_size=3), max_size=8))
def test_the_last_state_of_each_box_counts(edits: list[list[BoxState]]) -> None:
    expected: dict[str, BoxState] = {}
    for edit in edits:
        for box in edit:
            expected[box.box_id] = box
    assert fold((), edits) == tuple(expected.values())
    for cut in range(len(edits) + 1):  # folding in two steps is folding in one
        assert set(fold(fold((), edits[:cut]), edits[cut:])) == set(expected.values())


@given(st.lists(box_states(), max_size=5))
def test_edits_are_kept_to_the_last_bit(boxes: list[BoxState]) -> None:
    assert boxes_of(kept_boxes(boxes)) == boxes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"box_id": "x"}, "UUID"),
        ({"xyxy": (2.0, 1.0, 2.0, 5.0)}, "left < right"),
        ({"xyxy": (2.0, 1.0, float("nan"), 5.0)}, "finite"),
        ({"angle": float("inf")}, "finite"),
        ({"class_id": -1}, "class_id"),
        ({"height_m": (1.0, 1.0)}, "end above where it begins"),
        ({"height_m": (1.0, float("inf"))}, "end above where it begins"),
    ],
)
def test_impossible_boxes_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        replace(drawn((1, 1, 2, 2)), **change)  # type: ignore[arg-type]  # wrong on purpose


def test_edits_without_a_zone_or_a_word_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="time zone"):
        Edit("a", datetime(2026, 1, 1), (), "move")
    with pytest.raises(InvalidValueError, match="action must have 1 to 200"):
        Edit("a", datetime.now().astimezone(), (), "")


def test_proposals_are_where_everybody_starts() -> None:
    initial = initial_boxes(shown_on_frame(1), None)
    assert [box.status for box in initial.boxes] == [BoxStatus.PROPOSED] * 4
    assert (initial.shown_score, initial.model_id) == (SHOWN_SCORE, MODEL)
    second = initial.proposals[box_id(1, 1)]
    assert (second.model_id, second.score, second.class_id) == (MODEL, 0.6, 1)
    assert second.uncertainty == pytest.approx(0.2)
    assert initial_boxes(None, None).boxes == ()


def test_of_a_frame_with_labels_they_are_where_everybody_starts() -> None:
    was = Origin(OriginKind.CHANGED, "m0", 0.5, (1.0, 1.0, 9.0, 9.0), 2)
    other = str(uuid.UUID(int=77))
    labels = AnnotationSet(
        Boxes([[11, 10, 60, 50], [1, 1, 8, 9]]), [0, 1], [box_id(1, 0), other], [IMPORTED, was]
    )
    initial = initial_boxes(shown_on_frame(1), labels)
    statuses = {box.box_id: box.status for box in initial.boxes}
    assert [key for key, one in statuses.items() if one is BoxStatus.ACCEPTED] == [
        box_id(1, 0),
        other,
    ]
    assert list(statuses.values()).count(BoxStatus.REJECTED) == 2
    assert statuses[box_id(1, 3)] is BoxStatus.PROPOSED  # too faint to have been looked at
    assert initial.proposals[other].xyxy == (1.0, 1.0, 9.0, 9.0)
    assert initial.proposals[other].class_id == 2
    first = next(box for box in initial.boxes if box.box_id == box_id(1, 0))
    assert first.xyxy == (11, 10, 60, 50)  # as labelled, not as proposed


def test_each_box_gets_the_origin_and_the_action_it_deserves() -> None:
    initial = initial_boxes(shown_on_frame(1), None)
    kept, moved, other_class, weak = initial.boxes
    new = drawn((5, 5, 25, 25), 2)
    made = outcome(
        initial,
        [
            replace(accepted(kept), xyxy=(10.02, 10.0, 59.99, 50.0)),  # a mouse trembles
            replace(accepted(moved), xyxy=(90.0, 20.0, 180.0, 90.0)),
            replace(accepted(other_class), class_id=0),
            replace(accepted(weak), xyxy=(1.0, 2.0, 3.0, 4.0), class_id=1),
            new,
        ],
        WIDTH_PX,
        HEIGHT_PX,
    )
    assert [one.action for one in made.corrections] == [
        Action.ACCEPTED,
        Action.MOVED,
        Action.RECLASSED,
        Action.MOVED_AND_RECLASSED,
        Action.DRAWN,
    ]
    assert made.labels.boxes.xyxy[0].tolist() == [10, 10, 60, 50]  # as proposed, to the last bit
    assert made.labels.origin == (
        Origin(OriginKind.PROPOSED, MODEL, 0.9),
        Origin(OriginKind.CHANGED, MODEL, 0.6, (100.0, 20.0, 180.0, 90.0), 1),
        Origin(OriginKind.CHANGED, MODEL, 0.4, (200.0, 200.0, 260.0, 300.0), 2),
        Origin(OriginKind.CHANGED, MODEL, 0.1, (300.0, 300.0, 340.0, 330.0), 0),
        DRAWN,
    )
    assert made.labels.box_id == (*(box_id(1, row) for row in range(4)), new.box_id)


def test_what_is_rejected_or_undecided_is_no_label() -> None:
    initial = initial_boxes(shown_on_frame(1), None)
    first, second, third, weak = initial.boxes
    boxes = [
        rejected(first),
        accepted(second),
        rejected(third),
        weak,
        rejected(drawn((1, 1, 2, 2))),
    ]
    check_decided(initial, boxes, SHOWN_SCORE)
    made = outcome(initial, boxes, WIDTH_PX, HEIGHT_PX)
    assert made.labels.box_id == (box_id(1, 1),)
    actions = {one.box_id: one.action for one in made.corrections}
    assert actions == {
        box_id(1, 0): Action.DELETED,
        box_id(1, 1): Action.ACCEPTED,
        box_id(1, 2): Action.DELETED,
    }
    with pytest.raises(UndecidedError, match=r"1 box with a score of 0\.05") as told:
        check_decided(initial, boxes, 0.05)
    assert told.value.box_ids == (box_id(1, 3),)


def test_labels_that_no_model_proposed_keep_their_origin() -> None:
    ids = [str(uuid.UUID(int=number)) for number in range(3)]
    labels = AnnotationSet(
        Boxes([[1, 1, 9, 9], [11, 1, 19, 9], [21, 1, 29, 9]]),
        [0, 1, 2],
        ids,
        [IMPORTED] * 2 + [DRAWN],
    )
    initial = initial_boxes(None, labels)
    same, moved, gone = initial.boxes
    moved = replace(moved, xyxy=(12, 1, 20, 9))
    made = outcome(initial, [same, moved, rejected(gone)], WIDTH_PX, HEIGHT_PX)
    assert made.labels.origin == (IMPORTED, IMPORTED)
    assert [(one.action, one.proposal) for one in made.corrections] == [
        (Action.ACCEPTED, None),
        (Action.MOVED, None),
        (Action.DELETED, None),
    ]


def test_boxes_end_at_the_border_of_the_picture() -> None:
    initial = initial_boxes(None, None)
    over = drawn((-5, 470, 20, 500))
    made = outcome(initial, [over], WIDTH_PX, HEIGHT_PX)
    assert made.labels.boxes.xyxy.tolist() == [[0, 470, 20, 480]]
    assert made.corrections[0].after is not None
    assert made.corrections[0].after.xyxy == (0, 470, 20, 480)
    with pytest.raises(InvalidValueError, match="no area inside the picture of 640 x 480"):
        outcome(initial, [drawn((700, 10, 720, 20))], WIDTH_PX, HEIGHT_PX)
    turned = outcome(initial, [drawn((-5, 470, 20, 500), angle=0.5)], WIDTH_PX, HEIGHT_PX)
    assert turned.labels.boxes.xyxy.tolist() == [[-5, 470, 20, 500]]


def test_turning_a_box_moves_it() -> None:
    initial = initial_boxes(shown_on_frame(1, angle=0.5), None)
    same, turned, round_about, _ = initial.boxes
    made = outcome(
        initial,
        [
            accepted(same),
            replace(accepted(turned), angle=0.7),
            replace(accepted(round_about), angle=0.5 + 2 * np.pi),
        ],
        WIDTH_PX,
        HEIGHT_PX,
    )
    actions = [one.action for one in made.corrections]
    assert actions == [Action.ACCEPTED, Action.MOVED, Action.ACCEPTED]
    angle = made.labels.boxes.angle
    assert angle is not None
    assert angle == pytest.approx([0.5, 0.7, 0.5])
    before = made.corrections[1].before
    assert before is not None
    assert before.angle == pytest.approx(0.5)


def test_a_reviewer_sees_what_was_kept_and_what_was_rejected() -> None:
    initial = initial_boxes(shown_on_frame(1), None)
    first, second, third, weak = initial.boxes
    new = drawn((5, 5, 25, 25), 2)
    draft = [rejected(first), accepted(second), rejected(third), weak, new]
    handed_in = outcome(initial, draft, WIDTH_PX, HEIGHT_PX).labels
    seen = submitted_boxes(initial, handed_in, SHOWN_SCORE)
    assert [box.status for box in seen] == [
        BoxStatus.REJECTED,
        BoxStatus.ACCEPTED,
        BoxStatus.REJECTED,
        BoxStatus.PROPOSED,
        BoxStatus.ACCEPTED,
    ]
    assert outcome(initial, seen, WIDTH_PX, HEIGHT_PX).labels == handed_in


@given(st.lists(box_states(), max_size=6, unique_by=lambda box: box.box_id), st.booleans())
def test_what_is_handed_in_again_untouched_stays_as_it_was(
    boxes: list[BoxState], with_labels: bool
) -> None:
    initial = initial_boxes(shown_on_frame(1), None)
    draft = fold([rejected(box) for box in initial.boxes], [[accepted(box) for box in boxes]])
    labels = outcome(initial, draft, 2000, 2000).labels
    again = initial_boxes(shown_on_frame(1) if with_labels else None, labels)
    assert outcome(again, again.boxes, 2000, 2000).labels == _in_order(labels, again.boxes)


def _in_order(labels: AnnotationSet, boxes: Sequence[BoxState]) -> AnnotationSet:
    order = [box.box_id for box in boxes if box.status is BoxStatus.ACCEPTED]
    rows = np.array([labels.box_id.index(name) for name in order], np.intp)
    return labels.take(rows)


def _boxes(
    rows: Sequence[Sequence[float]], class_id: Sequence[int], angle: float | None = None
) -> AnnotationSet:
    ids = [str(uuid.UUID(int=row)) for row in range(len(rows))]
    turned = None if angle is None else [angle] * len(rows)
    corners = np.array(rows, np.float32).reshape(-1, 4)
    return AnnotationSet(Boxes(corners, turned), class_id, ids, [DRAWN] * len(rows))


def test_agreement_is_the_f1_of_matched_boxes() -> None:
    one = _boxes([[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10]], [0, 0, 1])
    other = _boxes([[1, 0, 11, 10], [40, 0, 50, 10]], [0, 0])
    assert agreement(one, other) == agreement(other, one) == pytest.approx(2 * 1 / 5)
    assert agreement(one, one) == 1
    assert agreement(_boxes([], []), _boxes([], [])) == 1
    assert agreement(one, _boxes([], [])) == 0


def test_no_box_agrees_with_two() -> None:
    one = _boxes([[0, 0, 10, 10]], [0])
    twice = _boxes([[0, 0, 10, 10], [0, 0, 10, 10]], [0, 0])
    assert agreement(one, twice) == pytest.approx(2 / 3)
    # Whoever chooses greedily pairs the two middle ones and leaves the outer ones alone.
    left = _boxes([[0, 0, 10, 10], [3, 0, 13, 10]], [0, 0])
    right = _boxes([[3, 0, 13, 10], [6, 0, 16, 10]], [0, 0])
    assert agreement(left, right) == 1


def test_turned_boxes_overlap_as_they_lie() -> None:
    square, diamond = _boxes([[0, 0, 10, 10]], [0], 0.0), _boxes([[0, 0, 10, 10]], [0], np.pi / 4)
    octagon = 2 * 100 * (np.sqrt(2) - 1)
    expected = octagon / (200 - octagon)
    assert boxes_iou(square.boxes, diamond.boxes)[0, 0] == pytest.approx(expected, abs=1e-4)
    quarter = _boxes([[0, 0, 10, 10]], [0], np.pi / 2)
    assert boxes_iou(square.boxes, quarter.boxes)[0, 0] == pytest.approx(1, abs=1e-4)
    lying, standing = _boxes([[0, 5, 20, 15]], [0]), _boxes([[0, 5, 20, 15]], [0], np.pi / 2)
    assert boxes_iou(lying.boxes, standing.boxes)[0, 0] == pytest.approx(1 / 3, abs=1e-4)
    far = _boxes([[500, 500, 510, 510]], [0], 0.3)
    assert boxes_iou(square.boxes, far.boxes)[0, 0] == 0


def test_a_height_that_somebody_gave_is_a_change_and_stays_when_asked_for_again() -> None:
    initial = initial_boxes(shown_on_frame(1, 0.25), None)
    first, second, *rest = initial.boxes
    raised = replace(accepted(first), height_m=(-1.75, 0.5))
    boxes = [raised, accepted(second), *map(rejected, rest)]

    made = outcome(initial, boxes, WIDTH_PX, HEIGHT_PX)

    assert made.labels.height_m is not None
    assert made.labels.height_m[0].tolist() == [-1.75, 0.5]
    assert np.isnan(made.labels.height_m[1]).all()
    kinds = [origin.kind for origin in made.labels.origin]
    assert kinds == [OriginKind.CHANGED, OriginKind.PROPOSED]
    assert made.labels.origin[0].original_xyxy == first.xyxy
    assert made.corrections[0].action is Action.MOVED

    again = initial_boxes(shown_on_frame(1, 0.25), made.labels)
    assert again.boxes[0].height_m == (-1.75, 0.5)
    assert again.boxes[1].height_m is None
    assert outcome(again, again.boxes, WIDTH_PX, HEIGHT_PX).labels == made.labels


def test_a_height_that_was_proposed_is_no_change_until_somebody_gives_another() -> None:
    shown = shown_on_frame(1, 0.25)
    old, heights = shown.proposals, np.tile([-1.75, 0.5], (4, 1))
    tall = AnnotationSet(old.boxes, old.class_id, old.box_id, old.origin, heights)
    initial = initial_boxes(replace(shown, proposals=tall), None)
    assert initial.proposals[box_id(1, 0)].height_m == (-1.75, 0.5)
    first, second, *rest = map(accepted, initial.boxes)
    boxes = [replace(first, height_m=(-1.75, 0.25)), second, *map(rejected, rest)]

    made = outcome(initial, boxes, WIDTH_PX, HEIGHT_PX)

    assert [origin.kind for origin in made.labels.origin] == [
        OriginKind.CHANGED,
        OriginKind.PROPOSED,
    ]
    assert made.labels.height_m is not None
    assert made.labels.height_m.tolist() == [[-1.75, 0.25], [-1.75, 0.5]]
    again = initial_boxes(None, made.labels)
    assert outcome(again, again.boxes, WIDTH_PX, HEIGHT_PX).labels == made.labels
