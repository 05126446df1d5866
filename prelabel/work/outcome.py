"""What a finished draft comes to: labels with their origins, and what became of each box."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from prelabel.datasets.annotations import DRAWN, AnnotationSet, Origin, OriginKind
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.geometry import clip_to_picture
from prelabel.datasets.wording import counted
from prelabel.work.errors import UndecidedError
from prelabel.work.folding import is_unmoved, lies_alike
from prelabel.work.records import Action, BoxState, BoxStatus, Correction, Initial, Proposal

_UNSAID = (math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The labels that a draft gives, and a correction for each box that was decided about."""

    labels: AnnotationSet
    corrections: tuple[Correction, ...]


def check_decided(initial: Initial, boxes: Iterable[BoxState], shown_score: float) -> None:
    """UndecidedError where a proposal of at least `shown_score` was neither kept nor rejected."""
    undecided = tuple(
        box.box_id
        for box in boxes
        if box.status is BoxStatus.PROPOSED and _score(initial, box.box_id) >= shown_score
    )
    if undecided:
        raise UndecidedError(
            f"{counted(len(undecided), 'box')} with a score of {shown_score:.2f} or more "
            "must be accepted or rejected first",
            undecided,
        )


def outcome(initial: Initial, boxes: Sequence[BoxState], width_px: int, height_px: int) -> Outcome:
    """What these boxes come to on a picture of that size; undecided ones are left out.

    A proposal that lies where it lay keeps the detector's geometry to the last bit. What people
    drew or changed is cut off at the picture's border, unless it is turned. Heights are people's.

    Raises InvalidValueError where a box that was drawn or changed lies outside the picture.
    """
    before = {box.box_id: box for box in initial.boxes}
    kept: list[BoxState] = []
    origins: list[Origin] = []
    corrections: list[Correction] = []
    for box in boxes:
        old, proposal = _old(initial, before.get(box.box_id)), initial.proposals.get(box.box_id)
        if box.status is BoxStatus.REJECTED and old is not None:
            corrections.append(Correction(box.box_id, Action.DELETED, proposal, old, None))
        if box.status is not BoxStatus.ACCEPTED:
            continue
        action = _action(old, box)
        lies_there = old is not None and lies_alike(old, box)
        lying = old if old is not None and lies_there else _inside(box, width_px, height_px)
        after = replace(box, xyxy=lying.xyxy, angle=lying.angle)
        kept.append(after)
        origin = _origin(initial.origins.get(box.box_id), proposal, action)
        origins.append(origin)
        if origin.kind is not OriginKind.AUTO:  # nobody has decided about it
            corrections.append(Correction(box.box_id, action, proposal, old, after))
    return Outcome(_labels(kept, origins), tuple(corrections))


def _score(initial: Initial, box_id: str) -> float:
    proposal = initial.proposals.get(box_id)
    return 1.0 if proposal is None else proposal.score


def _old(initial: Initial, state: BoxState | None) -> BoxState | None:
    """A box as it was before people came: as proposed, or as it was labelled otherwise."""
    proposal = None if state is None else initial.proposals.get(state.box_id)
    if state is None or proposal is None:
        return state
    lying = replace(state, xyxy=proposal.xyxy, angle=proposal.angle, class_id=proposal.class_id)
    return replace(lying, height_m=proposal.height_m)


def _action(old: BoxState | None, new: BoxState) -> Action:
    if old is None:
        return Action.DRAWN
    same_class = old.class_id == new.class_id
    if is_unmoved(old, new):
        return Action.ACCEPTED if same_class else Action.RECLASSED
    return Action.MOVED if same_class else Action.MOVED_AND_RECLASSED


def _origin(known: Origin | None, proposal: Proposal | None, action: Action) -> Origin:
    if proposal is None:
        return known or DRAWN
    if action is Action.ACCEPTED:
        if known is not None and known.kind is OriginKind.AUTO:
            return known
        return Origin(OriginKind.PROPOSED, proposal.model_id, proposal.score)
    return Origin(
        OriginKind.CHANGED,
        proposal.model_id,
        proposal.score,
        proposal.xyxy,
        proposal.class_id,
        proposal.angle,
    )


def _inside(box: BoxState, width_px: int, height_px: int) -> BoxState:
    if box.angle:
        return box
    clipped, has_area = clip_to_picture(np.array([box.xyxy], np.float32), width_px, height_px)
    if not has_area[0]:
        raise InvalidValueError(
            f"box {box.box_id} has no area inside the picture of {width_px} x {height_px} px: "
            "move or delete it"
        )
    left, top, right, bottom = clipped[0].tolist()
    return replace(box, xyxy=(left, top, right, bottom))


def _labels(boxes: Sequence[BoxState], origins: Sequence[Origin]) -> AnnotationSet:
    if not boxes:
        return AnnotationSet.empty()
    turned = any(box.angle is not None for box in boxes)
    angle = [box.angle or 0.0 for box in boxes] if turned else None
    return AnnotationSet(
        Boxes([box.xyxy for box in boxes], angle),
        [box.class_id for box in boxes],
        [box.box_id for box in boxes],
        origins,
        [box.height_m or _UNSAID for box in boxes],
    )
