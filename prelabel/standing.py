"""How far a pool is: labelled by people, by rule, what is left, and the human time of all that."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np

from prelabel.accept_plan import SCOPE
from prelabel.accept_volume import boxes_a_frame
from prelabel.active.box_source import BoxesInFiles
from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.frames import Split
from prelabel.datasets.predictions import Prediction
from prelabel.datasets.wording import counted, time_told
from prelabel.proposing import cost_forecast, prediction_files, validation_pairs
from prelabel.store.acceptances import (
    accepted_by_rule,
    all_acceptances,
    awaiting_audit,
    boxes_by_rule,
    sure_counts,
)
from prelabel.store.standings import all_standings
from prelabel.store.store import Store
from prelabel.work.effort import people_effort
from prelabel.workspace import Workspace

_NAMED = 4  # of a list in a sentence
_LEAST_OBJECTS = 10  # fewer say too little about what scores stand for


@dataclass(frozen=True, slots=True)
class Amount:
    """Frames, and boxes on them; of frames without labels the boxes are foretold."""

    frames: int
    boxes: int

    def __str__(self) -> str:
        return f"{counted(self.frames, 'frame')} with {counted(self.boxes, 'box')}"


@dataclass(frozen=True, slots=True)
class Standing:
    """What is labelled by whom and what is left, of the frames to train on.

    Frames taken out of the work count nowhere. Of `left`, `waiting` frames are with people now and
    `set_aside` ones were skipped by too many. `spent_s` are human seconds so far, of which nobody
    recorded `untimed_s` (as foretold, for `untimed_frames`); `left_s` is foretold for what is left.
    `promises` tell what the labels made by rule keep to, one sentence each.
    """

    by_people: Amount
    by_rule: Amount
    left: Amount
    waiting: int
    set_aside: int
    spent_s: float
    untimed_frames: int
    untimed_s: float
    left_s: float
    promises: tuple[str, ...]

    def sentences(self) -> list[str]:
        """The same in plain words."""
        untimed = ""
        if self.untimed_frames:
            untimed = (
                f" ({time_told(self.untimed_s)} of it foretold, as nobody took the time of "
                f"{counted(self.untimed_frames, 'frame')})"
            )
        aside = f", {self.set_aside:,} set aside" if self.set_aside else ""
        return [
            f"By people: {self.by_people}. By rule: {self.by_rule}",
            f"Left: {counted(self.left.frames, 'frame')} with about "
            f"{counted(self.left.boxes, 'box')}; {self.waiting:,} with people now{aside}",
            f"People's time: {time_told(self.spent_s)} so far{untimed}; about "
            f"{time_told(self.left_s)} for what is left",
            *self.promises,
        ]

    def told(self) -> dict[str, Any]:
        """The standing in plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class FinishedRound:
    """What one call of `prelabel finish` did, sentence by sentence, and how far the pool was then.

    `round_number` is that of the newest batch, None before there is one; `turn` says whose turn
    it was.
    """

    at: datetime
    round_number: int | None
    turn: str
    done: tuple[str, ...]
    standing: Standing


def look_at_pool(workspace: Workspace, store: Store, waiting: int, set_aside: int) -> Standing:
    """How far the pool is; `waiting` and `set_aside` are passed on."""
    counts = store.counts().by_split[Split.TRAIN]
    rule = Amount(len(accepted_by_rule(store)), boxes_by_rule(store))
    left, left_s = _left(workspace, store)
    settings = workspace.settings
    effort = people_effort(store, settings.review.idle_s, settings.cost.model())
    return Standing(
        by_people=Amount(counts.labelled - rule.frames, counts.boxes - rule.boxes),
        by_rule=rule,
        left=left,
        waiting=waiting,
        set_aside=set_aside,
        spent_s=effort.seconds,
        untimed_frames=effort.untimed_frames,
        untimed_s=effort.untimed_s,
        left_s=left_s,
        promises=tuple(promises_in_force(store)),
    )


def unlabelled_ids(store: Store) -> list[str]:
    """The frames of the pool that still need labels, in the order they came in."""
    excluded = store.excluded()
    free = (one.frame_id for one in store.frames(Split.TRAIN, labelled=False))
    return [one for one in free if one not in excluded]


def promises_in_force(store: Store) -> list[str]:
    """What the labels made by rule keep to, one sentence for each set of promises."""
    numbers: dict[tuple[float, float, float], list[int]] = {}
    scopes: dict[tuple[float, float, float], list[str]] = {}
    for one in all_acceptances(store):
        if one.ended_at is None:
            kept = one.settings
            key = (kept["precision"], kept["missed"], kept["confidence"])
            numbers.setdefault(key, []).append(one.number)
            scopes.setdefault(key, []).append(kept.get(SCOPE) or "all frames")
    if not numbers:
        return ["No promise is in force: nothing is accepted by rule"]
    return [
        f"Promise in force for {_listed(scopes[key])}: of accepted boxes at least {key[0]:.1%} "
        f"right, of objects on frames accepted whole at most {key[1]:.1%} missed, each with "
        f"confidence {key[2]:.4g} ({_listed([f'acceptance {one}' for one in those])})"
        for key, those in numbers.items()
    ]


def _listed(names: list[str]) -> str:
    """The first few different ones, and how many more."""
    different = list(dict.fromkeys(names))
    more = len(different) - _NAMED
    return ", ".join(different[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def finished_rounds(store: Store) -> list[FinishedRound]:
    """All that `prelabel finish` did, oldest first."""
    return [
        FinishedRound(
            one.at,
            one.figures["round"],
            one.figures["turn"],
            tuple(one.figures["done"]),
            _standing(one.figures["standing"]),
        )
        for one in all_standings(store)
    ]


def _left(workspace: Workspace, store: Store) -> tuple[Amount, float]:
    """What has no labels yet, and the human seconds that it is foretold to take."""
    ids = unlabelled_ids(store)
    usual = boxes_a_frame(store)
    model = store.latest_model()
    blind = set(awaiting_audit(store))
    known: Collection[str] = ()
    boxes, seconds = 0.0, 0.0
    if model is not None:
        files = prediction_files(workspace, model.model_id)
        predicted = files.predicted_ids() - blind
        known = [one for one in ids if one in predicted]
        forecast = cost_forecast(workspace, store, model)
        sure = sure_counts(store)
        verify_s = forecast.cost.resolved().verify_s * forecast.factor
        for rows, table in BoxesInFiles.of(files, known).chunks(()):
            spared = np.array([sure.get(known[row], 0) for row in rows.tolist()], np.float64)
            each_s = forecast.seconds_of(table) - verify_s * spared
            seconds += float(np.maximum(each_s, 0).sum())
            boxes += float(table.score.sum())
        boxes *= _boxes_a_score(*validation_pairs(workspace, store, model))
    unknown = len(ids) - len(known)
    scratch_s = workspace.settings.cost.model().scratch_seconds(round(usual))
    boxes += usual * unknown
    return Amount(len(ids), round(boxes)), seconds + scratch_s * unknown


def _boxes_a_score(predictions: Sequence[Prediction], truths: Sequence[AnnotationSet]) -> float:
    """How many objects there are for each unit of summed scores, on labelled frames."""
    objects = sum(len(one) for one in truths)
    scores = sum(float(one.score.sum()) for one in predictions)
    return objects / scores if objects >= _LEAST_OBJECTS and scores > 0 else 1.0


def _standing(told: Mapping[str, Any]) -> Standing:
    amounts = {name: Amount(**told[name]) for name in ("by_people", "by_rule", "left")}
    rest = {name: value for name, value in told.items() if name not in amounts}
    return Standing(**{**rest, **amounts, "promises": tuple(told["promises"])})
