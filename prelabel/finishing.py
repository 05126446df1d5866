"""Labelling the whole pool: whose turn it is, and all that needs no people done at once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from prelabel.accept_plan import SCOPE, AcceptancePlan, plan_accept, plan_by_stratum
from prelabel.accept_volume import boxes_a_frame
from prelabel.accepting import accept_each
from prelabel.active.acceptance import Promises
from prelabel.active.budgets import Budget, Unit
from prelabel.auditing import act_on_audits, standing_told
from prelabel.datasets.progress import Progress
from prelabel.datasets.wording import counted, time_told
from prelabel.models.registry import can_train
from prelabel.proposing import NoProposalsError, propose
from prelabel.selecting import EmptyBatchError, EmptyPoolError, preview, select
from prelabel.standing import Standing, finished_rounds, look_at_pool, unlabelled_ids
from prelabel.store.acceptances import all_acceptances, awaiting_audit
from prelabel.store.standings import record_standing
from prelabel.store.store import Store, utc_now
from prelabel.strata import By
from prelabel.training import RANDOM, NothingToTrainOnError, train
from prelabel.work.counting import frames_in_hand, frames_set_aside
from prelabel.work.effort import people_effort
from prelabel.workspace import Workspace

DEFAULT_BATCH = Budget(100)
POLL_S = 5.0  # between two looks at whether people are through


class Turn(StrEnum):
    """Who has to do something now."""

    PEOPLE = "people"
    NOBODY = "nobody"  # every frame of the pool has labels
    OVER = "over"  # frames are left, but the budget is spent
    STUCK = "stuck"  # frames are left that can neither be chosen nor accepted


@dataclass(frozen=True, slots=True)
class Aim:
    """What finishing is to come to, and for how much.

    Labels made by rule keep the `promises`. People do no more than `budget` in all, counted over
    all batches that the project ever had; None: as much as it takes. Each batch is of the size
    `batch`. The promises are made for each class where `by_class` asks for it, and for each part of
    the pool by what its frames have in common.
    """

    promises: Promises
    budget: Budget | None = None
    batch: Budget = DEFAULT_BATCH
    by_class: bool = False
    by: By | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What was `done` just now, sentence by sentence, whose turn it is, and how far the pool is."""

    done: tuple[str, ...]
    turn: Turn
    standing: Standing


@dataclass(frozen=True, slots=True)
class Finisher:
    """Brings the whole pool of a project to labels, in the name of `author`.

    It works in a workspace that keeps frames drawn at random out of training: a model that learned
    from its checks could have nothing accepted.
    """

    workspace: Workspace
    store: Store
    author: str
    progress: Progress

    @classmethod
    def of(cls, workspace: Workspace, store: Store, author: str, progress: Progress) -> "Finisher":
        """The one of a project, whatever its settings say about checks."""
        acceptance = workspace.settings.acceptance.model_copy(update={"keep_checks_out": True})
        settings = workspace.settings.model_copy(update={"acceptance": acceptance})
        return cls(replace(workspace, settings=settings), store, author, progress)

    def finish(self, aim: Aim) -> Step:
        """Train, propose, accept what may be, and choose what people do next.

        It stops where people have to work, and is called again when they have; called twice it
        does nothing the second time, and killed it goes on where it was. Frames drawn at random
        check the rules, so each batch needs its control share. What was done and how far the pool
        is stays on record.
        """
        done = [
            f"{standing_told(one)}; {counted(len(one.withdrawn), 'frame')} back in line"
            for one in act_on_audits(self.workspace, self.store, self.author)
            if one.withdrawn is not None
        ]
        is_over = False
        if not self.people_are_busy():
            done += self._trained_and_proposed()
            if self._left() and not self._to_audit():
                done += self._accepted(aim)
            if self._choosable() and not self.people_are_busy():
                chosen = self._chosen(aim)
                is_over = chosen is None
                done += [] if chosen is None else [chosen]
        return self._recorded(tuple(done), is_over)

    def until_done(self, aim: Aim, pause: Callable[[float], None]) -> Iterator[Step]:
        """Call `finish` whenever people are through, until it is nobody's turn any more.

        `pause` waits for so many seconds.
        """
        while True:
            step = self.finish(aim)
            yield step
            if step.turn is not Turn.PEOPLE:
                return
            while self.people_are_busy():
                pause(POLL_S)

    def people_are_busy(self) -> bool:
        """Whether people have frames in hand that the next step waits for.

        Those are the frames of the newest batch; where no others are left to choose from, all that
        people have begun. Frames that were set aside or taken out of the work wait for nobody.
        """
        if self._of_newest_batch():
            return True
        return not self._choosable() and bool(self._in_hand())

    def _trained_and_proposed(self) -> list[str]:
        """Train where there are labels that no model has learned from, and propose."""
        done = []
        trains = can_train(self.workspace.settings.detector)
        if trains and not self.store.counts().boxes:
            return []
        if trains and self._has_news():
            try:
                trained = train(self.workspace, self.store, self.author, self.progress)
            except NothingToTrainOnError:  # all labels so far are checks
                return []
            done.append(f"trained on {counted(trained.model.train_frames, 'frame')}")
            if (told := trained.left_out_told()) is not None:
                done.append(told)
        report = propose(self.workspace, self.store, self.author, self.progress).report
        if report.predicted:
            done.append(f"proposed boxes on {counted(report.predicted, 'frame')}")
        return done

    def _has_news(self) -> bool:
        """Whether a round has begun since the model in use came into use."""
        model, newest = self.store.latest_model(), self.store.latest_batch()
        return model is None or (newest is not None and model.round_number != newest[0])

    def _accepted(self, aim: Aim) -> list[str]:
        if self.store.latest_model() is None:
            return []
        try:
            plans = self._plans(aim)
        except NoProposalsError:  # nothing that is left could be accepted
            return []
        wanted = self._within_budget([one for one in plans if self._is_worth_it(one)], aim)
        if not wanted:
            refused = [one.refusal for one in plans if one.refusal is not None]
            more = f" (so for {len(refused)} parts of the pool)" if len(refused) > 1 else ""
            return [f"{refused[0]}{more}"] if refused else []
        accepted = accept_each(self.workspace, self.store, wanted, self.author)
        return [
            f"acceptance {one.number}{f' ({plan.scope})' if plan.scope else ''}: "
            f"{counted(plan.volume.whole, 'frame')} whole, {plan.volume.half:,} half done; "
            f"{plan.volume.audited:,} of them are labelled blind"
            for one, plan in zip(accepted, wanted, strict=True)
        ]

    def _plans(self, aim: Aim) -> list[AcceptancePlan]:
        where = self.workspace, self.store
        if aim.by is None:
            return [plan_accept(*where, aim.promises, aim.by_class)]
        return plan_by_stratum(*where, aim.promises, aim.by, aim.by_class)

    def _is_worth_it(self, plan: AcceptancePlan) -> bool:
        """Whether it spares people more than the audit takes.

        Boxes of frames half done are accepted once for each model: what they spare comes once.
        """
        volume = plan.volume
        if plan.refusal is not None or volume.left_s + volume.audit_s >= volume.corrected_s:
            return False
        return volume.whole > 0 or not any(
            one.model_id == plan.model.model_id
            and one.ended_at is None
            and one.settings.get(SCOPE) == plan.scope
            for one in all_acceptances(self.store)
        )

    def _within_budget(self, plans: list[AcceptancePlan], aim: Aim) -> list[AcceptancePlan]:
        """The plans whose audits the budget has room for: nothing goes unchecked."""
        left = self._budget_left(aim)
        if left is None:
            return plans
        kept, used, usual = [], 0.0, boxes_a_frame(self.store)
        for one in plans:
            price = _price(left.unit, one.volume.audited, one.volume.audit_s, usual)
            if used + price <= left.amount:
                kept.append(one)
                used += price
        return kept

    def _chosen(self, aim: Aim) -> str | None:
        """Choose the next batch; None where the budget buys none."""
        # A detector that cannot learn gains nothing from chosen frames; random ones check rules.
        strategy = None if can_train(self.workspace.settings.detector) else RANDOM
        batch = self._next_batch(aim, strategy)
        if batch is None:
            return None
        try:
            chosen = select(self.workspace, self.store, batch, strategy, self.author, self.progress)
        except EmptyBatchError:
            if batch == aim.batch:
                raise
            return None  # what is left of the budget is less than any frame takes
        except (NoProposalsError, EmptyPoolError) as error:
            return str(error)
        return (
            f"chose {counted(len(chosen.batch), 'frame')} by {chosen.batch.strategy}, foretold to "
            f"take {time_told(chosen.cost_s)}"
        )

    def _next_batch(self, aim: Aim, strategy: str | None) -> Budget | None:
        """What the next batch may cost; None where nothing is left of the budget."""
        left = self._budget_left(aim)
        if left is None or not left.amount:
            return aim.batch if left is None else None
        if left.unit is aim.batch.unit:
            return Budget(min(left.amount, aim.batch.amount), left.unit)
        drafted = preview(self.workspace, self.store, aim.batch, strategy, self.progress)
        seconds = sum(pick.cost_s for pick in drafted.picks)
        price = _price(left.unit, len(drafted), seconds, boxes_a_frame(self.store))
        return aim.batch if price <= left.amount else left

    def _budget_left(self, aim: Aim) -> Budget | None:
        if aim.budget is None:
            return None
        settings = self.workspace.settings
        effort = people_effort(self.store, settings.review.idle_s, settings.cost.model())
        used = {
            Unit.FRAMES: effort.frames,
            Unit.BOXES: effort.boxes,
            Unit.SECONDS: effort.seconds,
        }[aim.budget.unit]
        return Budget(max(aim.budget.amount - used, 0), aim.budget.unit)

    def _of_newest_batch(self) -> set[str]:
        """The frames of the newest batch that people still have to label."""
        newest = self.store.latest_batch()
        ids = [pick.frame_id for pick in newest[1].picks] if newest else []
        return set(ids) - self.store.labelled_among(ids) - self._put_by()

    def _in_hand(self) -> set[str]:
        return frames_in_hand(self.store) - self._put_by()

    def _to_audit(self) -> set[str]:
        return set(awaiting_audit(self.store)) - self._put_by()

    def _put_by(self) -> set[str]:
        """Frames that nobody is going to label as things stand."""
        return frames_set_aside(self.store) | self.store.excluded()

    def _left(self) -> list[str]:
        return unlabelled_ids(self.store)

    def _choosable(self) -> set[str]:
        taken = frames_in_hand(self.store) | set(awaiting_audit(self.store))
        return set(self._left()) - taken

    def _recorded(self, done: tuple[str, ...], is_over: bool) -> Step:
        """The step, kept in the store where it is news."""
        waiting = self._of_newest_batch() | self._in_hand()
        aside = frames_set_aside(self.store) - self.store.excluded()
        standing = look_at_pool(self.workspace, self.store, len(waiting), len(aside))
        turn = self._turn(standing, is_over)
        newest = self.store.latest_batch()
        number = None if newest is None else newest[0]
        before = finished_rounds(self.store)
        last = before[-1] if before else None
        same_place = last is not None and (last.round_number, last.turn) == (number, turn)
        if last is None or not same_place or (done and last.standing != standing):
            told = {"round": number, "turn": turn, "done": done, "standing": standing.told()}
            record_standing(self.store, told, self.author, utc_now)
        return Step(done, turn, standing)

    def _turn(self, standing: Standing, is_over: bool) -> Turn:
        if not standing.left.frames:
            return Turn.NOBODY
        if self.people_are_busy():
            return Turn.PEOPLE
        return Turn.OVER if is_over else Turn.STUCK


def _price(unit: Unit, frames: int, seconds: float, boxes_a_frame: float) -> float:
    """What so many frames that take so many seconds cost in a unit."""
    return {Unit.FRAMES: frames, Unit.BOXES: frames * boxes_a_frame, Unit.SECONDS: seconds}[unit]
