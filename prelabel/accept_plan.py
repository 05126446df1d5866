"""What may be accepted without a person, looked at before anything is done."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from prelabel.active.acceptance import ACCEPTANCE_COLUMNS, Judge, Promises, Rule
from prelabel.active.acceptance_plan import FIT_FRAMES, LEAST_FIT_BOXES, Plan, plan_acceptance
from prelabel.active.box_source import BoxesInFiles
from prelabel.active.exact_bounds import checks_needed
from prelabel.active.promise_tests import Tested
from prelabel.checking import RANDOM, ProjectChecks, project_checks
from prelabel.datasets.errors import PrelabelError
from prelabel.datasets.frames import Split
from prelabel.datasets.wording import counted
from prelabel.proposing import NoProposalsError, cost_forecast, prediction_files
from prelabel.store.acceptances import EndKind, all_acceptances, awaiting_audit
from prelabel.store.records import ModelRecord
from prelabel.store.store import Store
from prelabel.training import learned_frames
from prelabel.work.counting import frames_in_hand
from prelabel.workspace import Workspace

LEAST_AUDIT = 20  # frames; fewer say too little, whatever the share


class TooFewChecksError(PrelabelError):
    """The checks do not show that the promises hold."""


@dataclass(frozen=True, slots=True)
class Volume:
    """How much of the pool a rule accepts, and the human seconds that are foretold.

    `corrected_s` is the cost of correcting the proposals of the whole pool, `left_s` of what the
    rule leaves to people, `audit_s` of labelling the audited frames from nothing.
    """

    frames: int
    boxes: int
    sure_boxes: int
    whole: int
    half: int
    audited: int
    corrected_s: float
    left_s: float
    audit_s: float


@dataclass(frozen=True, slots=True, eq=False)
class AcceptancePlan:
    """What would be accepted; `refusal` says why nothing is, and how many checks it takes.

    `advice` are sentences on what more checks would buy. `after` is the number of the newest
    acceptance when the plan was made, 0 where there was none.
    """

    model: ModelRecord
    promises: Promises
    checks: ProjectChecks
    found: Plan | None
    volume: Volume
    refusal: str | None
    advice: tuple[str, ...]
    after: int

    def judge_and_rule(self) -> tuple[Judge, Rule]:
        """What accepts; TooFewChecksError where the plan refuses."""
        if self.found is None or self.found.rule is None:
            raise TooFewChecksError(self.refusal or "the checks do not show that any rule holds")
        return self.found.judge, self.found.rule

    def rule_told(self) -> str:
        """The rule and its promises in one line, as every label carries them."""
        (_, rule), told = self.judge_and_rule(), self.promises
        limit = f"probability >= {rule.limits[None].probability:.3f}" if None in rule.limits else ""
        whole = (
            "none" if rule.missed_limit is None else f"expected missed <= {rule.missed_limit:.3f}"
        )
        return (
            f"{limit or 'limits by class'}, at most {counted(rule.most_boxes, 'box')} a frame; "
            f"whole frames: {whole}; "
            f"model {self.model.model_id}; precision >= {told.precision:g} at IoU {told.iou:g}, "
            f"missed <= {told.missed:g}, confidence {told.confidence:g}, "
            f"{counted(len(self.checks.test), 'check')}"
        )


def plan_accept(
    workspace: Workspace, store: Store, promises: Promises, by_class: bool = False
) -> AcceptancePlan:
    """Look at what may be accepted under these promises; nothing is changed.

    Raises NoProposalsError where the model in use has proposed on no frame of the pool.
    """
    model = store.latest_model()
    if model is None:
        raise NoProposalsError(
            "nothing can be accepted without proposals: run `prelabel propose` first"
        )
    after = max((one.number for one in all_acceptances(store)), default=0)
    checks = project_checks(workspace, store, model, promises.iou)
    found, stopped = None, _stopped(store, model)
    if len(checks.fit.right) >= LEAST_FIT_BOXES and len(checks.test) and not stopped:
        classes = range(len(store.classes())) if by_class else None
        found = plan_acceptance(checks.fit, checks.test, promises, None, classes)
    volume = _volume(workspace, store, model, found)
    return AcceptancePlan(
        model,
        promises,
        checks,
        found,
        volume,
        stopped or _refusal(checks, promises, found, store.classes()),
        _advice(found),
        after,
    )


def promises_of(workspace: Workspace) -> Promises:
    """The promises that the project's settings name."""
    wanted = workspace.settings.acceptance
    return Promises(wanted.precision, wanted.missed, wanted.confidence)


def pool_ids(workspace: Workspace, store: Store, model: ModelRecord) -> list[str]:
    """Frames that a rule may accept: without labels, with proposals, and in nobody's hands.

    Those that trained the model are left out: no check speaks for them.
    """
    predicted = prediction_files(workspace, model.model_id).predicted_ids()
    learned = learned_frames(model) or set()
    kept = frames_in_hand(store) | set(awaiting_audit(store)) | learned
    free = (one.frame_id for one in store.frames(Split.TRAIN, labelled=False))
    return [one for one in free if one in predicted and one not in kept]


def audit_size(frames: int, share: float) -> int:
    """How many of the frames that a rule accepts are labelled blind."""
    return min(max(math.ceil(share * frames), LEAST_AUDIT), frames)


def boxes_a_frame(store: Store) -> float:
    """How many boxes labelled frames have on average; 1 where there are none."""
    counts = store.counts()
    return counts.boxes / counts.labelled if counts.labelled else 1.0


def _volume(workspace: Workspace, store: Store, model: ModelRecord, found: Plan | None) -> Volume:
    ids = pool_ids(workspace, store, model)
    if not ids:
        raise NoProposalsError(
            "no frame is left that could be accepted: none without labels has proposals of the "
            "model in use; run `prelabel propose`, or bring in more pictures"
        )
    forecast = cost_forecast(workspace, store, model)
    spared_s = forecast.cost.resolved().verify_s * forecast.factor
    counts, seconds = np.zeros(4, np.int64), np.zeros(2)
    boxes = BoxesInFiles.of(prediction_files(workspace, model.model_id), ids)
    for _, table in boxes.chunks(ACCEPTANCE_COLUMNS):
        each_s = forecast.seconds_of(table)
        sure, whole = np.zeros(len(table.score), np.bool_), np.zeros(table.frame_count, np.bool_)
        if found is not None and found.rule is not None:
            accepted = found.judge.accept(table, found.rule)
            sure, whole = accepted.sure, accepted.whole
        held = np.bincount(table.owner, sure, table.frame_count)
        left_s = np.where(whole, 0, np.maximum(each_s - spared_s * held, 0))
        counts += [len(sure), sure.sum(), whole.sum(), ((held > 0) & ~whole).sum()]
        seconds += [each_s.sum(), left_s.sum()]
    total, sure_boxes, whole_frames, half = counts.tolist()
    corrected_s, left = seconds.tolist()
    audited = audit_size(whole_frames + half, workspace.settings.acceptance.audit_share)
    audit_s = audited * forecast.cost.scratch_seconds(round(boxes_a_frame(store)))
    return Volume(
        len(ids), total, sure_boxes, whole_frames, half, audited, corrected_s, left, audit_s
    )


def _stopped(store: Store, model: ModelRecord) -> str | None:
    """Why nothing of this model is accepted any more: the audit has shown that it may not be."""
    for one in all_acceptances(store):
        if one.model_id == model.model_id and one.end_kind is EndKind.BROKEN:
            return (
                f"nothing of model {model.model_id} is accepted any more: acceptance {one.number} "
                f"was withdrawn ({one.end_reason}); correct frames of the kind that failed, then "
                "`prelabel train` and `prelabel propose`"
            )
    return None


def _refusal(
    checks: ProjectChecks, promises: Promises, found: Plan | None, classes: tuple[str, ...]
) -> str | None:
    if found is not None and found.rule is not None:
        return None
    least = checks_needed(promises.wrong, promises.confidence)
    have = len(checks.test)
    reason = (
        f"{counted(len(checks), 'frame')} drawn at random and labelled, of which the first "
        f"{FIT_FRAMES} teach the probabilities, leave {have} to test with; at least {least} are "
        f"needed for a precision of {promises.precision:.1%}, even if no box is wrong"
    )
    if found is not None:
        reason += _shown(found.precision, classes)
    if checks.learned:
        reason += (
            f"; {checks.learned} more trained this model and say nothing about it "
            "(`keep_checks_out: true` in prelabel.yaml keeps such frames from training)"
        )
    wanted = [one.needed for one in found.precision.values()] if found is not None else []
    needed = max([least, *(one for one in wanted if one is not None)])
    more = max(FIT_FRAMES + needed - len(checks), 1)
    return (
        f"nothing is accepted: {reason}; draw more with "
        f"`prelabel select --strategy {RANDOM} --budget {more}`"
    )


def _shown(tested: Mapping[int | None, Tested], classes: tuple[str, ...]) -> str:
    told = []
    for group, one in tested.items():
        of = "" if group is None else f" of {classes[group]}"
        if one.steps:
            first = one.steps[0]
            told.append(
                f"of {first.accepted:,} boxes{of} that were sure {first.failed} were wrong, which "
                f"shows no more than {1 - one.shown:.1%} precision"
            )
    return "".join(f"; {one}" for one in told)


def _advice(found: Plan | None) -> tuple[str, ...]:
    """What more checks would buy, as far as those that there are foretell it."""
    if found is None:
        return ()
    told = []
    for what, tested in (
        *(("boxes", one) for one in found.precision.values()),
        ("whole frames", found.missed),
    ):
        if tested.last_kept is None:
            told.append(_missing(what, tested))
        elif not tested.steps[-1].kept:
            last = tested.steps[-1]
            told.append(
                f"{what}: a looser rule was not shown to hold ({last.failed} of "
                f"{last.accepted:,} failed); more checks may allow it"
            )
    return tuple(told)


def _missing(what: str, tested: Tested) -> str:
    if tested.needed is None:
        return (
            f"{what}: too much fails on the checks for any number of them to do; a better detector "
            "or a weaker promise would"
        )
    more = max(tested.needed - tested.units, 1)
    return f"{what}: about {counted(more, 'more check')} would do, as the checks so far foretell"
