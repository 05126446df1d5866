"""Whether accepted labels keep their promises, from the frames that people labelled blind."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from prelabel.accept_plan import SCOPE
from prelabel.accepting import queue_audit, withdraw
from prelabel.active.acceptance import Promises
from prelabel.active.audit import Audited, Kept, audit, audit_classes
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

    `checked` of `drawn` audited frames have been labelled. `by_class` has the precision of each
    class, by name, where it was promised for each on its own. `withdrawn` are the ids of the frames
    whose labels were taken back because a promise was broken, now; None: nothing was taken back.
    """

    acceptance: Acceptance
    drawn: int
    checked: int
    precision: Audited
    missed: Audited
    by_class: Mapping[str, Audited]
    withdrawn: tuple[str, ...] | None = None

    @property
    def broken(self) -> tuple[str, ...]:
        """What is wrong, a sentence a broken promise; empty as long as all is well."""
        settings = self.acceptance.settings
        shares = {"precision": 1 - settings["precision"], "missed": settings["missed"]}
        tested = [("", self.precision), ("", self.missed)]
        tested += [(f" of {name}", one) for name, one in self.by_class.items()]
        return tuple(
            f"{one.promise}{of_class} broken: {one.failed} of {one.checked:,} "
            f"{'objects were missed' if one.promise is Kept.MISSED else 'boxes are wrong'}, and at "
            f"most {shares[one.promise]:.1%} were promised"
            for of_class, one in tested
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
        taken: tuple[str, ...] | None = None
        if one.broken and one.acceptance.ended_at is None:
            reason = "; ".join(one.broken)
            taken = tuple(withdraw(store, one.acceptance.number, reason, author, EndKind.BROKEN))
        statuses.append(replace(one, withdrawn=taken))
    queue_audit(workspace, store, author)
    return statuses


def standing_told(status: AuditStatus) -> str:
    """One line on an acceptance and its audit."""
    one = status.acceptance
    scope = one.settings.get(SCOPE)
    named = f"acceptance {one.number}{f' ({scope})' if scope else ''}"
    if one.ended_at is not None or status.withdrawn is not None:
        reason = one.end_reason or "; ".join(status.broken)
        return f"{named}: withdrawn ({reason})"
    return (
        f"{named}: {status.checked} of {counted(status.drawn, 'audited frame')} "
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
    names = store.classes()
    by_class = {
        names[one]: tested
        for one, tested in audit_classes(checks, promises, _most_of_classes(settings)).items()
    }
    return AuditStatus(acceptance, len(drawn), len(frames), *found, by_class)


def _most_of_classes(settings: Mapping[str, Any]) -> dict[int, int]:
    """The most boxes of one frame by class; nothing where the promise is for all together."""
    limits = settings["limits"].get("limits", {})
    return {int(group): one["most"] for group, one in limits.items() if group != "all"}


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
