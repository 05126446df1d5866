"""Advice on another round from what rounds left behind, and whether it was right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from prelabel.active.control_points import Shown, control_points
from prelabel.active.learning_curve import VALIDATION, CurvePoint
from prelabel.active.rounds import LabelledBatch, RoundRecord
from prelabel.active.stopping import HOUR_S, Advice, Verdict, Worth, advise
from prelabel.active.summary import BoxMark
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.frames import Frame, LabelledFrame
from prelabel.datasets.predictions import ClassScores, Prediction


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredModel:
    """What is known of one model of a project or an arm.

    `seconds` are people's, spent until it was trained. `validation_map50` was reached on
    `validation_frames` frames that it did not learn from; None where there were none. `control` is
    what it proposed on the control frames of the batch chosen by it, None as long as nobody has
    labelled any.
    """

    seconds: float
    validation_map50: float | None
    validation_frames: int
    control: Shown | None = None


@dataclass(frozen=True, slots=True)
class RoundAdvice:
    """What was advised after a round of an arm, and what the next one gave.

    `map50` (0 to 1) is that of the round's model on the test frames, `gained` what the model after
    it had more, `seconds` what people spent in between.
    """

    strategy: str
    seed: int
    round: int
    advice: Advice
    map50: float
    gained: float
    seconds: float

    def was_worth(self, worth: Worth) -> bool:
        """Whether the next round was worth it: no aim was met, and it gave what it should."""
        hourly = 100 * self.gained * HOUR_S / self.seconds
        below = worth.target_map50 is None or self.map50 < worth.target_map50
        return below and (worth.points_an_hour is None or hourly >= worth.points_an_hour)


@dataclass(frozen=True, slots=True)
class AdviceRecord:
    """How often advice was given, and right: counts of rounds."""

    go_on: int
    go_on_right: int
    stop: int
    stop_right: int
    unsure: int

    @classmethod
    def of(cls, given: Sequence[RoundAdvice], worth: Worth) -> "AdviceRecord":
        """Count advice that was given for this worth."""

        def right(verdict: Verdict) -> list[bool]:
            is_go_on = verdict is Verdict.GO_ON
            return [
                one.was_worth(worth) == is_go_on for one in given if one.advice.verdict is verdict
            ]

        go_on, stop = right(Verdict.GO_ON), right(Verdict.STOP)
        unsure = len(given) - len(go_on) - len(stop)
        return cls(len(go_on), sum(go_on), len(stop), sum(stop), unsure)

    @property
    def precision(self) -> float | None:
        """The share of advice that was right, None where none was given."""
        told = self.go_on + self.stop
        return (self.go_on_right + self.stop_right) / told if told else None


def curve_points(models: Sequence[MeasuredModel], classes: Sequence[str]) -> list[CurvePoint]:
    """Points of the learning curve, control and validation, of models from the oldest on.

    The error of a validation figure p over n frames is taken to be sqrt(p (1 - p) / n), and at
    least 1 / (2 + n), as if each frame were found or not.
    """
    shown = [one.control for one in models if one.control is not None and one.seconds > 0]
    points = control_points(shown, classes)
    for one in models:
        figure, count = one.validation_map50, one.validation_frames
        if figure is not None and count and one.seconds > 0:
            error = max(float(np.sqrt(figure * (1 - figure) / count)), 1 / (2 + count))
            points.append(CurvePoint(one.seconds, figure, error, VALIDATION))
    return points


def advice_in_arm(
    rounds: Sequence[RoundRecord],
    frames: Mapping[str, Frame],
    classes: Sequence[str],
    worth: Worth,
    seed: int = 0,
) -> list[RoundAdvice]:
    """What would have been advised after each round of an arm but the last.

    `rounds` begin with the start set; `frames` are the frames of the pool by id. Advice after a
    round knows the validation figures of the models up to there, and the earlier ones on the
    control frames of the batches after them; test frames are for the comparison alone. Another
    round is taken to cost what the last one did. `seed` is that of the belief's draws.
    """
    models = measured_models(rounds, frames)
    told = []
    for number, (this, after) in enumerate(pairwise(rounds)):
        known = [*models[:number], replace(models[number], control=None)]
        advice = advise(
            curve_points(known, classes),
            worth,
            sum(this.labelled.seconds.values()),
            np.random.default_rng([seed, number]),
        )
        told.append(
            RoundAdvice(
                after.strategy,
                after.seed,
                this.number,
                advice,
                this.measured.map50,
                after.measured.map50 - this.measured.map50,
                sum(after.labelled.seconds.values()),
            )
        )
    return told


def mean_gains(given: Sequence[RoundAdvice]) -> list[RoundAdvice]:
    """The same with the mean over seeds as what the next round of a strategy gave.

    A single training is off by a point or two, which may be all that a round gains.
    """
    groups: dict[tuple[str, int], list[RoundAdvice]] = {}
    for one in given:
        groups.setdefault((one.strategy, one.round), []).append(one)

    def averaged(one: RoundAdvice) -> RoundAdvice:
        alike = groups[one.strategy, one.round]
        return replace(
            one,
            map50=float(np.mean([other.map50 for other in alike])),
            gained=float(np.mean([other.gained for other in alike])),
            seconds=float(np.mean([other.seconds for other in alike])),
        )

    return [averaged(one) for one in given]


def measured_models(
    rounds: Sequence[RoundRecord], frames: Mapping[str, Frame]
) -> list[MeasuredModel]:
    """The model of each round, with the control frames of the batch after it."""
    models, seconds, labelled = [], 0.0, 0
    for number, one in enumerate(rounds):
        seconds += sum(one.labelled.seconds.values())
        labelled += len(one.labelled.labels)
        after = rounds[number + 1].labelled if number + 1 < len(rounds) else None
        models.append(
            MeasuredModel(
                seconds,
                one.measured.validation_map50,
                labelled - one.measured.train_frames,
                None if after is None else _control(after, frames, seconds),
            )
        )
    return models


def _control(batch: LabelledBatch, frames: Mapping[str, Frame], seconds: float) -> Shown | None:
    """The control frames of a batch; faint boxes that nobody was shown are not among them."""
    ids = [pick.frame_id for pick in batch.batch.picks if pick.is_control]
    if not ids:
        return None
    return Shown(
        seconds,
        [_prediction(frame_id, batch.proposals.get(frame_id, ())) for frame_id in ids],
        [LabelledFrame(frames[frame_id], batch.labels[frame_id]) for frame_id in ids],
    )


def _prediction(frame_id: str, marks: Sequence[BoxMark]) -> Prediction:
    return Prediction(
        frame_id,
        "shown",
        Boxes(
            np.array([one.xyxy for one in marks]).reshape(-1, 4),
            np.array([one.angle for one in marks]) if any(one.angle for one in marks) else None,
        ),
        [one.score or 0.0 for one in marks],
        [one.class_id for one in marks],
        ClassScores.INDEPENDENT,
    )
