"""Accepting proposals without a person, under promises that checks have shown to hold."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from prelabel.accept_plan import SCOPE, AcceptancePlan
from prelabel.accept_volume import audit_size, boxes_a_frame, pool_ids
from prelabel.active.box_table import BoxTable
from prelabel.checking import CHECKS_TAKEN
from prelabel.datasets.annotations import AnnotationSet, Origin, OriginKind
from prelabel.datasets.batches import Batch, Pick
from prelabel.datasets.predictions import Prediction
from prelabel.models.prediction_table import EMBEDDINGS
from prelabel.proposals import shown_proposals
from prelabel.proposing import prediction_files
from prelabel.store.acceptances import (
    Acceptance,
    AcceptedFrame,
    EndKind,
    NewAcceptance,
    Part,
    awaiting_audit,
    end_acceptance,
    record_acceptance,
)
from prelabel.store.store import Store, utc_now
from prelabel.work.counting import frames_in_hand
from prelabel.workspace import Workspace

AUDIT = "audit"  # the strategy of batches that check what was accepted
AUDIT_REASON = "drawn at random from what a rule accepts, to check the rule: label what you see"

_AUDITED = {Part.WHOLE: Part.AUDIT_WHOLE, Part.HALF: Part.AUDIT_HALF}
_AT_ONCE = 256


def accept(workspace: Workspace, store: Store, plan: AcceptancePlan, author: str) -> Acceptance:
    """Accept what the plan says, and draw the audit from it.

    Whole frames get labels of origin `auto`; boxes of frames half done are kept for the people who
    do the rest. The audited slice gets no labels: it becomes a batch that people label blind.

    Raises TooFewChecksError where the plan refuses, and ConflictError where somebody accepted
    something since the plan was made, or labelled all of it.
    """
    done = _record(workspace, store, plan, author)
    queue_audit(workspace, store, author)
    return done


def accept_each(
    workspace: Workspace, store: Store, plans: Sequence[AcceptancePlan], author: str
) -> list[Acceptance]:
    """Accept what plans made together say, each for its part of the pool and on its own.

    Plans that refuse are left out. Killed in between, the parts that are done stay, and planned
    anew it goes on with the others. Raises as `accept` does, TooFewChecksError where all refuse.
    """
    done: list[Acceptance] = []
    for plan in plans:
        if plan.refusal is None:
            after = done[-1].number if done else plan.after
            done.append(_record(workspace, store, replace(plan, after=after), author))
    if plans and not done:
        plans[0].judge_and_rule()
    queue_audit(workspace, store, author)
    return done


def _record(workspace: Workspace, store: Store, plan: AcceptancePlan, author: str) -> Acceptance:
    number = plan.after + 1
    seed = int(np.random.SeedSequence((workspace.settings.seed, number)).generate_state(1)[0])
    frames = list(_accepted_frames(workspace, store, plan))
    count = audit_size(len(frames), workspace.settings.acceptance.audit_share)
    audited = set(np.random.default_rng(seed).permutation(len(frames))[:count].tolist())
    parts = [
        AcceptedFrame(one.frame_id, _AUDITED[one.part] if row in audited else one.part, one.labels)
        for row, one in enumerate(frames)
    ]
    promises, rule = plan.promises, plan.judge_and_rule()[1]
    settings = {
        "rule": plan.rule_told(),
        SCOPE: plan.scope,
        "limits": rule.told(),
        "precision": promises.precision,
        "missed": promises.missed,
        "confidence": promises.confidence,
        "iou": promises.iou,
        "checks": len(plan.checks.test),
        CHECKS_TAKEN: _checks_taken(plan),
        "seed": seed,
    }
    new = NewAcceptance(plan.model.model_id, settings, parts, plan.after)
    return record_acceptance(store, new, author, utc_now)


def withdraw(
    store: Store, number: int, reason: str, author: str, kind: EndKind = EndKind.WITHDRAWN
) -> list[str]:
    """Take back all labels of an acceptance that people have not changed since.

    Gives the ids of the frames, which are unlabelled again; nothing of their history is lost.
    """
    return end_acceptance(store, number, kind, reason, author, utc_now)


def queue_audit(workspace: Workspace, store: Store, author: str) -> int:
    """Make a batch, without proposals, of all frames that wait to be audited; how many they are.

    Where the newest batch holds them already there is nothing to do. Frames that people have begun,
    set aside or taken out of the work are not put in line again.
    """
    kept = frames_in_hand(store) | store.excluded()
    waiting = [one for one in awaiting_audit(store) if one not in kept]
    newest = store.latest_batch()
    held = {pick.frame_id for pick in newest[1].picks} if newest else set()
    if set(waiting) <= held:
        return len(waiting)
    seed = workspace.settings.seed
    order = np.random.default_rng((seed, len(waiting))).permutation(len(waiting))
    seconds = workspace.settings.cost.model().scratch_seconds(round(boxes_a_frame(store)))
    picks = [Pick(waiting[row], None, AUDIT_REASON, seconds) for row in order]
    record = store.start_round(author, {"strategy": AUDIT, "model_id": None, "shown_score": None})
    store.record_batch(record.number, Batch(AUDIT, seed, tuple(picks)), author)
    return len(waiting)


def _accepted_frames(
    workspace: Workspace, store: Store, plan: AcceptancePlan
) -> Iterator[AcceptedFrame]:
    judge, rule = plan.judge_and_rule()
    told = plan.rule_told()
    files = prediction_files(workspace, plan.model.model_id)
    ids = [one for one in pool_ids(workspace, store, plan.model) if plan.covers(one)]
    for start in range(0, len(ids), _AT_ONCE):
        some = list(files.read(ids[start : start + _AT_ONCE], EMBEDDINGS))
        table = BoxTable.of(some)
        accepted = judge.accept(table, rule)
        for row, prediction in enumerate(some):
            sure = accepted.sure[table.start[row] : table.start[row + 1]]
            labels = _labels(prediction, np.flatnonzero(sure), told)
            if accepted.whole[row]:
                yield AcceptedFrame(prediction.frame_id, Part.WHOLE, labels)
            elif len(labels):
                yield AcceptedFrame(prediction.frame_id, Part.HALF, labels)


def _checks_taken(plan: AcceptancePlan) -> list[str]:
    judge, rule = plan.judge_and_rule()
    fit, test = (judge.accept(one.boxes, rule).whole for one in (plan.checks.fit, plan.checks.test))
    whole = np.concatenate([fit, test])
    checked = zip(plan.checks.frame_ids, whole, strict=True)
    return [one for one, is_whole in checked if is_whole and plan.covers(one)]


def _labels(prediction: Prediction, rows: NDArray[np.intp], rule: str) -> AnnotationSet:
    proposals = shown_proposals(prediction, 0.0).proposals.take(rows)
    origins = [
        Origin(OriginKind.AUTO, one.model_id, one.score, rule=rule) for one in proposals.origin
    ]
    return AnnotationSet(proposals.boxes, proposals.class_id, proposals.box_id, origins)
