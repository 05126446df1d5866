"""From what was proposed and each edit to the boxes as they stand; no database."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from prelabel.datasets.annotations import AnnotationSet, Origin, OriginKind
from prelabel.proposals import UNMOVED_PX
from prelabel.store.records import Shown
from prelabel.work.records import BoxState, BoxStatus, Initial, Proposal

UNTURNED_RAD = 0.001
UNRAISED_M = 0.001


def initial_boxes(shown: Shown | None, labels: AnnotationSet | None) -> Initial:
    """What a person starts from: proposals, and the labels that the frame has already.

    A box that is among both stands as its label. With labels, somebody has judged the frame
    before: of what is shown, what is no part of them was rejected.
    """
    proposals = {} if shown is None else _shown_proposals(shown)
    states: dict[str, BoxState] = {}
    origins: dict[str, Origin] = {}
    if labels is not None:
        states = {one.box_id: one for one in box_states(labels, BoxStatus.ACCEPTED)}
        origins = dict(zip(labels.box_id, labels.origin, strict=True))
        proposals = _labelled_proposals(states, origins) | proposals
    if shown is not None:
        proposed = box_states(shown.proposals, BoxStatus.PROPOSED)
        states = {one.box_id: one for one in proposed} | states
    initial = Initial(
        tuple(states.values()),
        proposals,
        origins,
        None if shown is None else shown.shown_score,
        None if shown is None else shown.model_id,
    )
    if labels is None or shown is None:
        return initial
    return replace(initial, boxes=submitted_boxes(initial, labels, shown.shown_score))


def with_sure_boxes(initial: Initial, sure: AnnotationSet) -> Initial:
    """The same with the proposals that a rule has accepted as accepted: people see to the others.

    Only proposals that are shown count; those of an earlier model are not among them.
    """
    origins = {
        box_id: origin
        for box_id, origin in zip(sure.box_id, sure.origin, strict=True)
        if box_id in initial.proposals
    }
    boxes = tuple(
        replace(one, status=BoxStatus.ACCEPTED) if one.box_id in origins else one
        for one in initial.boxes
    )
    return replace(initial, boxes=boxes, origins={**initial.origins, **origins})


def as_seen_by_people(initial: Initial) -> Initial:
    """The same for labels that come to people again: what a rule had accepted, or what had been
    carried from other frames, they now confirm."""
    by_people = {
        box_id: origin
        for box_id, origin in initial.origins.items()
        if origin.kind not in (OriginKind.AUTO, OriginKind.CARRIED)
    }
    return replace(initial, origins=by_people)


def box_states(boxes: AnnotationSet, status: BoxStatus) -> list[BoxState]:
    """Boxes of a label set, all of one status."""
    angle = boxes.boxes.angle
    angles: Sequence[float | None] = [None] * len(boxes) if angle is None else angle.tolist()
    places, classes = boxes.boxes.xyxy.tolist(), boxes.class_id.tolist()
    rows = zip(boxes.box_id, places, angles, classes, _heights(boxes), strict=True)
    return [
        BoxState(box_id, (left, top, right, bottom), turned, class_id, status, height_m)
        for box_id, (left, top, right, bottom), turned, class_id, height_m in rows
    ]


def _heights(boxes: AnnotationSet) -> Sequence[tuple[float, float] | None]:
    if boxes.height_m is None:
        return [None] * len(boxes)
    rows = boxes.height_m.tolist()
    return [None if math.isnan(bottom) else (bottom, top) for bottom, top in rows]


def submitted_boxes(
    initial: Initial, labels: AnnotationSet, shown_score: float
) -> tuple[BoxState, ...]:
    """A submission as a reviewer sees it: its boxes are accepted, what it left out is rejected.

    Proposals below `shown_score` nobody has looked at: they are as they were.
    """
    accepted = {one.box_id: one for one in box_states(labels, BoxStatus.ACCEPTED)}
    left_out = [
        replace(one, status=BoxStatus.REJECTED)
        for one in initial.boxes
        if one.box_id not in accepted and not _is_unseen(initial, one, shown_score)
    ]
    return fold(initial.boxes, [left_out, list(accepted.values())])


def _is_unseen(initial: Initial, box: BoxState, shown_score: float) -> bool:
    proposal = initial.proposals.get(box.box_id)
    hidden = proposal is not None and proposal.score < shown_score
    return hidden and box.status is BoxStatus.PROPOSED


def fold(initial: Iterable[BoxState], edits: Iterable[Sequence[BoxState]]) -> tuple[BoxState, ...]:
    """The boxes after all edits; of each box the last state counts, new ones come last."""
    states = {one.box_id: one for one in initial}
    for edit in edits:
        states |= {one.box_id: one for one in edit}
    return tuple(states.values())


def kept_boxes(states: Iterable[BoxState]) -> list[list[Any]]:
    """The boxes of an edit as JSON values; heights stand last, where there are any."""
    return [
        [one.box_id, *one.xyxy, one.angle, one.class_id, one.status.value, *(one.height_m or ())]
        for one in states
    ]


def boxes_of(kept: Iterable[Sequence[Any]]) -> list[BoxState]:
    """The boxes that `kept_boxes` made these values of."""
    return [
        BoxState(
            box_id,
            (left, top, right, bottom),
            angle,
            class_id,
            BoxStatus(status),
            (height_m[0], height_m[1]) if height_m else None,
        )
        for box_id, left, top, right, bottom, angle, class_id, status, *height_m in kept
    ]


def is_unmoved(one: BoxState, other: BoxState) -> bool:
    """Whether two boxes lie and stand alike, but for what rounding does."""
    if one.height_m is None or other.height_m is None:
        return lies_alike(one, other) and one.height_m is other.height_m
    raised = max(abs(a - b) for a, b in zip(one.height_m, other.height_m, strict=True))
    return lies_alike(one, other) and raised <= UNRAISED_M


def lies_alike(one: BoxState, other: BoxState) -> bool:
    """Whether two boxes cover the same of the picture, but for what rounding does."""
    turn = (one.angle or 0.0) - (other.angle or 0.0)
    return (
        max(abs(a - b) for a, b in zip(one.xyxy, other.xyxy, strict=True)) <= UNMOVED_PX
        and abs(math.remainder(turn, 2 * math.pi)) <= UNTURNED_RAD
    )


def _shown_proposals(shown: Shown) -> dict[str, Proposal]:
    states = box_states(shown.proposals, BoxStatus.PROPOSED)
    scores = [origin.score or 0.0 for origin in shown.proposals.origin]
    return {
        state.box_id: Proposal(
            shown.model_id,
            score,
            unsure,
            state.xyxy,
            state.angle,
            state.class_id,
            state.height_m,
        )
        for state, score, unsure in zip(states, scores, shown.uncertainty.tolist(), strict=True)
    }


def _labelled_proposals(
    states: dict[str, BoxState], origins: dict[str, Origin]
) -> dict[str, Proposal]:
    """The proposals behind labels, of whatever model and round, as their origins tell them."""
    proposals = {}
    for box_id, origin in origins.items():
        if origin.model_id is None or origin.score is None:
            continue
        state = states[box_id]
        xyxy, angle, class_id, height_m = state.xyxy, state.angle, state.class_id, state.height_m
        if origin.kind is OriginKind.CHANGED:
            angle, height_m = origin.original_angle, None  # what it was nobody has kept
            before, class_before = origin.original_xyxy, origin.original_class_id
            xyxy = xyxy if before is None else before
            class_id = class_id if class_before is None else class_before
        proposals[box_id] = Proposal(
            origin.model_id, origin.score, 0.0, xyxy, angle, class_id, height_m
        )
    return proposals
