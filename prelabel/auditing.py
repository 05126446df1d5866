"""Whether accepted labels keep their promises, from the frames that people labelled blind."""

from dataclasses import dataclass

import numpy as np

from prelabel.accepting import queue_audit, withdraw
from prelabel.active.acceptance import Promises
from prelabel.active.audit import Audited, audit
from prelabel.active.checks import Checks
from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.datasets.wording import counted
from prelabel.store.acceptances import (
    Acceptance,
    AcceptedFrame,
    EndKind,
    Part,
    accepted_by_rule,
    all_acceptances,
    frames_of,
)
from prelabel.store.store import Store
from prelabel.workspace import Workspace

_AUDITS = (Part.AUDIT_WHOLE, Part.AUDIT_HALF)


@dataclass(frozen=True, slots=True)
class AuditStatus:
    """An acceptance and what its audit says so far.

    `checked` of `drawn` audited frames have been labelled. `withdrawn` are the ids of the frames
    whose labels were taken back because a promise was broken, now.
    """

    acceptance: Acceptance
    drawn: int
    checked: int
    precision: Audited
    missed: Audited
    withdrawn: tuple[str, ...] = ()

    @property
    def broken(self) -> tuple[str, ...]:
        """What is wrong, a sentence a broken promise; empty as long as all is well."""
        settings = self.acceptance.settings
        shares = {"precision": 1 - settings["precision"], "missed": settings["missed"]}
        return tuple(
            f"{one.promise} broken: {one.failed} of {one.checked:,} "
            f"{'boxes are wrong' if one is self.precision else 'objects were missed'}, and at most "
            f"{shares[one.promise]:.1%} were promised"
            for one in (self.precision, self.missed)
            if one.broken
        )


def look_at_audits(store: Store) -> list[AuditStatus]:
    """Every acceptance with its audit, oldest first; nothing is changed."""
    return [_status(store, one) for one in all_acceptances(store)]


def act_on_audits(workspace: Workspace, store: Store, author: str) -> list[AuditStatus]:
    """The same; where a promise is broken all labels of the acceptance are withdrawn.

    Their frames are unlabelled again, and so come back to people by the next `prelabel select`.
    Frames that wait to be audited become the newest batch.
    """
    statuses = []
    for one in look_at_audits(store):
        taken: tuple[str, ...] = ()
        if one.broken and one.acceptance.ended_at is None:
            reason = "; ".join(one.broken)
            taken = tuple(withdraw(store, one.acceptance.number, reason, author, EndKind.BROKEN))
        statuses.append(
            AuditStatus(one.acceptance, one.drawn, one.checked, one.precision, one.missed, taken)
        )
    queue_audit(workspace, store, author)
    return statuses


def standing_told(status: AuditStatus) -> str:
    """One line on an acceptance and its audit."""
    one = status.acceptance
    if one.ended_at is not None or status.withdrawn:
        reason = one.end_reason or "; ".join(status.broken)
        return f"acceptance {one.number}: withdrawn ({reason})"
    return (
        f"acceptance {one.number}: {status.checked} of {counted(status.drawn, 'audited frame')} "
        f"checked, {status.precision.failed} of {status.precision.checked:,} boxes wrong, "
        f"{status.missed.failed} of {status.missed.checked:,} objects missed"
    )


def _status(store: Store, acceptance: Acceptance) -> AuditStatus:
    drawn = list(frames_of(store, acceptance.number, _AUDITS))
    by_rule = accepted_by_rule(store)
    checked, truths = [], []
    for one in drawn:
        version = store.labels(one.frame_id)
        if version is not None and one.frame_id not in by_rule:
            checked.append((version.at, one))
            truths.append(version.annotations)
    order = sorted(range(len(checked)), key=lambda row: (checked[row][0], row))
    frames = [checked[row][1] for row in order]
    settings = acceptance.settings
    promises = Promises(
        settings["precision"], settings["missed"], settings["confidence"], settings["iou"]
    )
    checks = Checks.of(
        [_as_prediction(one) for one in frames], [truths[row] for row in order], promises.iou
    )
    whole = np.array([one.part is Part.AUDIT_WHOLE for one in frames], np.bool_)
    found = audit(checks, whole, promises, settings["limits"]["most_boxes"])
    return AuditStatus(acceptance, len(drawn), len(frames), *found)


def _as_prediction(frame: AcceptedFrame) -> Prediction:
    labels: AnnotationSet = frame.labels
    scores = [origin.score or 0.0 for origin in labels.origin]
    return Prediction(
        frame.frame_id,
        labels.origin[0].model_id or "" if len(labels) else "",
        labels.boxes,
        scores,
        labels.class_id,
        ClassScores.INDEPENDENT,
    )
