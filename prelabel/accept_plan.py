"""What may be accepted without a person, looked at before anything is done."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from prelabel.accept_volume import Measure, Volume, pool_ids
from prelabel.active.acceptance import Judge, Promises, Rule
from prelabel.active.acceptance_plan import FIT_FRAMES, LEAST_FIT_BOXES, Plan, plan_acceptance
from prelabel.active.exact_bounds import checks_needed
from prelabel.active.presence import classes_of
from prelabel.active.promise_tests import Tested
from prelabel.checking import ProjectChecks, project_checks
from prelabel.datasets.errors import PrelabelError
from prelabel.datasets.wording import counted
from prelabel.proposing import NoProposalsError
from prelabel.store.acceptances import Acceptance, EndKind, all_acceptances
from prelabel.store.records import ModelRecord
from prelabel.store.store import Store
from prelabel.strata import By, Stratum, strata_of
from prelabel.training import RANDOM
from prelabel.workspace import Workspace

SCOPE = "scope"  # of an acceptance: the part of the pool that it is for, None: all of it


class TooFewChecksError(PrelabelError):
    """The checks do not show that the promises hold."""


@dataclass(frozen=True, slots=True, eq=False)
class AcceptancePlan:
    """What would be accepted; `refusal` says why nothing is, and how many checks it takes.

    `advice` are sentences on what more checks would buy. `stratum` is the part of the pool that it
    is about, None: all of it; `classes` are the names of all classes. `after` is the number of the
    newest acceptance when the plan was made, 0 where there was none.
    """

    model: ModelRecord
    promises: Promises
    checks: ProjectChecks
    found: Plan | None
    volume: Volume
    refusal: str | None
    advice: tuple[str, ...]
    after: int
    classes: tuple[str, ...]
    stratum: Stratum | None = None

    @property
    def scope(self) -> str | None:
        """The part of the pool that it is about, in words; None: all of it."""
        return None if self.stratum is None else self.stratum.name

    def covers(self, frame_id: str) -> bool:
        """Whether a frame belongs to that part."""
        return self.stratum is None or frame_id in self.stratum.frame_ids

    def judge_and_rule(self) -> tuple[Judge, Rule]:
        """What accepts; TooFewChecksError where the plan refuses."""
        if self.refusal is not None or self.found is None or self.found.rule is None:
            raise TooFewChecksError(self.refusal or "the checks do not show that any rule holds")
        return self.found.judge, self.found.rule

    def rule_told(self) -> str:
        """The rule and its promises in one line, as every label carries them."""
        (_, rule), told = self.judge_and_rule(), self.promises
        whole = (
            "none" if rule.missed_limit is None else f"expected missed <= {rule.missed_limit:.3f}"
        )
        return (
            f"{self.scope + ': ' if self.scope else ''}{self._limits_told(rule)}, at most "
            f"{counted(rule.most_boxes, 'box')} a frame; whole frames: {whole}; "
            f"model {self.model.model_id}; precision >= {told.precision:g} at IoU {told.iou:g}, "
            f"missed <= {told.missed:g}, confidence {told.confidence:g}, "
            f"{counted(len(self.checks.test), 'check')}"
        )

    def _limits_told(self, rule: Rule) -> str:
        if None in rule.limits:
            return f"probability >= {rule.limits[None].probability:.3f}"
        named = [
            f"{self.classes[group]} >= {one.probability:.3f} ({one.most})"
            for group, one in rule.limits.items()
            if group is not None
        ]
        return f"limits by class: {', '.join(named)}"


def plan_accept(
    workspace: Workspace, store: Store, promises: Promises, by_class: bool = False
) -> AcceptancePlan:
    """Look at what may be accepted under these promises; nothing is changed.

    With `by_class` the first promise is made for each class that is proposed on the checks.

    Raises NoProposalsError where the model in use has proposed on no frame of the pool.
    """
    return _Planner.of(workspace, store, promises, by_class).plan()


def plan_by_stratum(
    workspace: Workspace, store: Store, promises: Promises, by: By, by_class: bool = False
) -> list[AcceptancePlan]:
    """The same for each part of the pool on its own, by name; parts without a frame left have none.

    All parts share the confidence: with n of them each promise is made with 1 - (1 - c) / n, so
    that all hold together with the confidence c. All checks teach the probabilities; those of a
    part test its rule.

    Raises NoProposalsError where the model in use has proposed on no frame of the pool.
    """
    strata = strata_of(store, by)
    each = 1 - (1 - promises.confidence) / max(len(strata), 1)
    shared = replace(promises, confidence=each)
    planner = _Planner.of(workspace, store, shared, by_class)
    return [planner.plan(one) for one in strata if not one.frame_ids.isdisjoint(planner.pool)]


@dataclass(frozen=True, slots=True, eq=False)
class _Planner:
    """What all plans made at one time rest on."""

    store: Store
    model: ModelRecord
    promises: Promises
    by_class: bool
    checks: ProjectChecks
    measure: Measure
    pool: tuple[str, ...]
    after: int

    @classmethod
    def of(
        cls, workspace: Workspace, store: Store, promises: Promises, by_class: bool
    ) -> "_Planner":
        model = store.latest_model()
        if model is None:
            raise NoProposalsError(
                "nothing can be accepted without proposals: run `prelabel propose` first"
            )
        after = max((one.number for one in all_acceptances(store)), default=0)
        pool = tuple(pool_ids(workspace, store, model))
        if not pool:
            raise NoProposalsError(
                "no frame is left that could be accepted: none without labels has proposals of the "
                "model in use; run `prelabel propose`, or bring in more pictures"
            )
        checks = project_checks(workspace, store, model, promises.iou)
        measure = Measure.of(workspace, store, model)
        return cls(store, model, promises, by_class, checks, measure, pool, after)

    def plan(self, stratum: Stratum | None = None) -> AcceptancePlan:
        """The plan for all of the pool, or a part of it."""
        checks, pool = self.checks, self.pool
        if stratum is not None:
            checks = checks.tested_on(stratum.frame_ids)
            pool = tuple(one for one in pool if one in stratum.frame_ids)
        stopped = _stopped(self.store, self.model, stratum)
        found = None
        if len(checks.fit.right) >= LEAST_FIT_BOXES and len(checks.test) and not stopped:
            seen = np.unique(classes_of(checks.fit.boxes)).tolist() if self.by_class else None
            found = plan_acceptance(checks.fit, checks.test, self.promises, None, seen)
        classes, volume = self.store.classes(), self.measure.volume(pool, found)
        refusal = _refusal(checks, self.promises, found, classes, len(pool) / len(self.pool))
        return AcceptancePlan(
            self.model,
            self.promises,
            checks,
            found,
            volume,
            stopped or refusal or _nothing_sure(volume),
            _advice(found),
            self.after,
            classes,
            stratum,
        )


def promises_of(workspace: Workspace) -> Promises:
    """The promises that the project's settings name."""
    wanted = workspace.settings.acceptance
    return Promises(wanted.precision, wanted.missed, wanted.confidence)


def _stopped(store: Store, model: ModelRecord, stratum: Stratum | None) -> str | None:
    """Why nothing of this model is accepted any more: the audit has shown that it may not be.

    What broke in one part of a pool stops that part, and all that is not made by the same parts.
    """
    for one in all_acceptances(store):
        broken = one.model_id == model.model_id and one.end_kind is EndKind.BROKEN
        if broken and _speaks_for(one, stratum):
            return (
                f"nothing of model {model.model_id} is accepted any more: acceptance {one.number} "
                f"was withdrawn ({one.end_reason}); correct frames of the kind that failed, then "
                "`prelabel train` and `prelabel propose`"
            )
    return None


def _speaks_for(acceptance: Acceptance, stratum: Stratum | None) -> bool:
    scope: str | None = acceptance.settings.get(SCOPE)
    if scope is None or stratum is None:
        return True
    return scope == stratum.name or not scope.startswith(f"{stratum.by} ")


def _refusal(
    checks: ProjectChecks,
    promises: Promises,
    found: Plan | None,
    classes: tuple[str, ...],
    share: float,
) -> str | None:
    """Why nothing is accepted, None where something is; the plan is for a `share` of the pool."""
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
    missing = max(FIT_FRAMES - len(checks.fit), 0) + max(needed - len(checks.test), 0) / share
    more = max(math.ceil(missing), 1)
    return (
        f"nothing is accepted: {reason}; draw more with "
        f"`prelabel select --strategy {RANDOM} --budget {more}`"
    )


def _nothing_sure(volume: Volume) -> str | None:
    if volume.whole or volume.half:
        return None
    return (
        "nothing is accepted: the checks allow a rule, but no box is as sure as it asks for on "
        f"{counted(volume.frames, 'frame')} left"
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
