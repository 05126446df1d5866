"""Labelling the whole pool: whose turn it is, and all that needs no people done at once."""

from dataclasses import dataclass
from enum import StrEnum

from prelabel.accept_plan import plan_accept
from prelabel.accepting import accept
from prelabel.active.acceptance import Promises
from prelabel.active.budgets import Budget
from prelabel.auditing import act_on_audits, standing_told
from prelabel.checking import RANDOM
from prelabel.datasets.frames import Split
from prelabel.datasets.progress import Progress
from prelabel.datasets.wording import counted
from prelabel.models.registry import can_train
from prelabel.proposing import propose
from prelabel.selecting import select
from prelabel.store.acceptances import accepted_by_rule, awaiting_audit
from prelabel.store.store import Store
from prelabel.training import train
from prelabel.work.counting import frames_in_hand
from prelabel.workspace import Workspace

DEFAULT_BUDGET = Budget(100)


class Turn(StrEnum):
    """Who has to do something now."""

    PEOPLE = "people"
    NOBODY = "nobody"  # every frame of the pool has labels


@dataclass(frozen=True, slots=True)
class Step:
    """Where the pool stands: what was `done` just now, sentence by sentence, and whose turn it is.

    `by_people` and `by_rule` count labelled frames, `left` those without labels, `waiting` those
    that people have in hand or are to work on now.
    """

    done: tuple[str, ...]
    turn: Turn
    by_people: int
    by_rule: int
    left: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Finisher:
    """Brings the whole pool of a project to labels, in the name of `author`."""

    workspace: Workspace
    store: Store
    author: str
    progress: Progress

    def finish(self, promises: Promises, budget: Budget | None = None) -> Step:
        """Train, propose, accept what may be, and choose what people do next.

        It stops where people have to work, and is called again when they have; called twice it
        does nothing the second time. Frames drawn at random check the rules, so each batch needs
        its control share.
        """
        done = [
            f"{standing_told(one)}; {counted(len(one.withdrawn), 'frame')} back in line"
            for one in act_on_audits(self.workspace, self.store, self.author)
            if one.withdrawn
        ]
        if not self._people_are_busy():
            done += self._trained_and_proposed()
            if self._left() and not awaiting_audit(self.store):
                done += self._accepted(promises)
            if self._left() and not self._people_are_busy():
                done.append(self._chosen(budget or DEFAULT_BUDGET))
        return self._step(tuple(done))

    def _trained_and_proposed(self) -> list[str]:
        """Train where there are labels that no model has learned from, and propose."""
        done = []
        trains = can_train(self.workspace.settings.detector)
        if trains and not self.store.counts().boxes:
            return []
        if trains and self._has_news():
            trained = train(self.workspace, self.store, self.author, self.progress)
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

    def _accepted(self, promises: Promises) -> list[str]:
        if self.store.latest_model() is None:
            return []
        plan = plan_accept(self.workspace, self.store, promises)
        if plan.refusal is not None:
            return [plan.refusal]
        volume = plan.volume
        if not volume.whole:  # frames half done come to people, who find their boxes there
            return []
        accepted = accept(self.workspace, self.store, plan, self.author)
        return [
            f"acceptance {accepted.number}: {counted(volume.whole, 'frame')} whole, "
            f"{volume.half:,} half done; {volume.audited:,} of them are labelled blind"
        ]

    def _chosen(self, budget: Budget) -> str:
        # A detector that cannot learn gains nothing from chosen frames; random ones check rules.
        strategy = None if can_train(self.workspace.settings.detector) else RANDOM
        chosen = select(self.workspace, self.store, budget, strategy, self.author, self.progress)
        return (
            f"chose {counted(len(chosen.batch), 'frame')} by {chosen.batch.strategy}, foretold to "
            f"take {chosen.cost_s / 60:.0f} min"
        )

    def _people_are_busy(self) -> bool:
        newest = self.store.latest_batch()
        ids = [pick.frame_id for pick in newest[1].picks] if newest else []
        return len(self.store.labelled_among(ids)) < len(ids)

    def _left(self) -> int:
        return sum(1 for _ in self.store.frames(Split.TRAIN, labelled=False))

    def _step(self, done: tuple[str, ...]) -> Step:
        by_rule, left = len(accepted_by_rule(self.store)), self._left()
        people = self.store.counts().by_split[Split.TRAIN].labelled - by_rule
        newest = self.store.latest_batch()
        ids = [pick.frame_id for pick in newest[1].picks] if newest else []
        waiting = (set(ids) - self.store.labelled_among(ids)) | frames_in_hand(self.store)
        turn = Turn.PEOPLE if left else Turn.NOBODY
        return Step(done, turn, people, by_rule, left, len(waiting))
