"""One round of a simulation: propose, select, correct, train, measure.

modAL's ActiveLearner is the shell: its `query` chooses the batch, its `teach` trains on the labels.
A round needs nothing but the files of the rounds before it, so it runs in any process, and an
interrupted one is begun again where it stood.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from prelabel.active.annotator import Correction, SimulatedAnnotator
from prelabel.active.budgets import Budget, Unit
from prelabel.active.cost import CostForecast, best_display_score, displayed
from prelabel.active.estimator import Background, DetectorEstimator, Training, object_array
from prelabel.active.evidence import Evidence
from prelabel.active.holdout import validation_ids
from prelabel.active.learner import DetectionLearner
from prelabel.active.past_rounds import Judged, PastRounds, checkpoint_of
from prelabel.active.pool import Need
from prelabel.active.query import BatchQuery
from prelabel.active.roles import Roles
from prelabel.active.rounds import (
    START,
    LabelledBatch,
    Measured,
    RoundRecord,
    read_batch,
    read_measured,
    write_batch,
    write_measured,
)
from prelabel.active.simulation_config import SimulationConfig
from prelabel.active.strategies import RANDOM, Strategy, strategy_by_name
from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.arrays import Int64s
from prelabel.datasets.batches import Batch, Pick
from prelabel.datasets.errors import PrelabelError
from prelabel.datasets.predictions import Prediction
from prelabel.models.detector import Detector
from prelabel.models.evaluation import evaluate
from prelabel.models.registry import build_detector, open_detector

USUAL_DISPLAY_SCORE = 0.3  # where there are no validation frames to choose it on
MEASURE_SCORE_MIN = 0.001  # average precision looks at the whole curve, down to faint boxes

_BATCH_SEED, _TRAINING_SEED, _START_SEED, _ANNOTATOR_SEED = range(4)


class SimulationError(PrelabelError):
    """A simulation cannot go on as asked."""


class DetectorSource(Protocol):
    """Where detectors come from; can be pickled, since rounds run in several processes."""

    def build(self, name: str, classes: Sequence[str], state_folder: Path) -> Detector:
        """An untrained detector."""
        ...

    def open(self, checkpoint: Path, state_folder: Path) -> Detector:
        """The trained detector in a checkpoint."""
        ...


class KnownDetectors:
    """The detectors of `prelabel.models`, by their usual names."""

    def build(self, name: str, classes: Sequence[str], state_folder: Path) -> Detector:
        return build_detector(name, classes, state_folder)

    def open(self, checkpoint: Path, state_folder: Path) -> Detector:
        return open_detector(checkpoint, state_folder)


@dataclass(frozen=True, slots=True)
class Step:
    """A round of one arm; `strategy` is START and `number` 0 for what all arms of a seed share."""

    strategy: str
    seed: int
    number: int

    def before(self) -> "Step | None":
        """The round that this one builds on."""
        if self.strategy == START:
            return None
        if self.number == 1:
            return Step(START, self.seed, 0)
        return replace(self, number=self.number - 1)

    def lineage(self) -> list["Step"]:
        """All rounds that lead to this one, the start first, this one last."""
        before = self.before()
        return [self] if before is None else [*before.lineage(), self]


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """All that a round needs to know of its simulation; everything it writes is below `folder`."""

    config: SimulationConfig
    roles: Roles
    folder: Path
    detectors: DetectorSource

    def step_folder(self, step: Step) -> Path:
        """Where a round keeps its files."""
        return self.folder / "rounds" / step.strategy / f"seed-{step.seed}" / f"{step.number}"

    def finished(self, step: Step) -> RoundRecord | None:
        """The record of a round, None where it is not finished."""
        folder = self.step_folder(step)
        labelled, measured = read_batch(folder), read_measured(folder)
        if labelled is None or measured is None:
            return None
        return RoundRecord(step.strategy, step.seed, step.number, labelled, measured)

    def build(self, state_folder: Path) -> Detector:
        """The detector before any training."""
        return self.detectors.build(self.config.detector, self.roles.classes, state_folder)


def run_step(setting: Setting, step: Step) -> RoundRecord:
    """Finish a round; nothing is done again that its files hold already."""
    done = setting.finished(step)
    if done is not None:
        return done
    folder = setting.step_folder(step)
    round_ = _Round(setting, step)
    labelled = read_batch(folder)
    if labelled is None:
        labelled = round_.label_start() if step.strategy == START else round_.label_batch()
        write_batch(folder, labelled)
    measured = round_.train_and_measure(labelled)
    write_measured(folder, measured)
    return RoundRecord(step.strategy, step.seed, step.number, labelled, measured)


def replay_batch(setting: Setting, step: Step) -> Batch:
    """Choose the batch of a finished round once more, from its seed and the rounds before it."""
    round_ = _Round(setting, step)
    return round_.start_batch() if step.strategy == START else round_.choose()


def measure_full_data(setting: Setting) -> float:
    """mAP50 on the test frames of a detector trained on the true labels of the whole pool, for as
    many steps as the model of the last round has behind it."""
    folder = setting.folder / "full-data"
    done = read_measured(folder)
    if done is None:
        config = setting.config
        step = Step(START, config.seeds[0], 0)
        round_ = _Round(setting, step, folder, config.training.steps_in_all(config.rounds))
        done = round_.measure_whole_pool()
        write_measured(folder, done)
    return done.map50


class _Round:
    """One round while it runs."""

    def __init__(
        self, setting: Setting, step: Step, folder: Path | None = None, steps: int | None = None
    ) -> None:
        self._setting, self._step = setting, step
        self._config, self._roles = setting.config, setting.roles
        self._folder = folder or setting.step_folder(step)
        self._truth = setting.roles.truth()
        self._annotator = SimulatedAnnotator(self._config.cost, self._config.errors)
        self._frames = setting.roles.frames()
        self._history = [_required(setting, one) for one in step.lineage()[:-1]]
        training = setting.config.training
        self._steps = steps or training.steps_of_round(step.number)
        self._learner = self._make_learner()

    def start_batch(self) -> Batch:
        """The start set: drawn at random from the whole pool by the seed alone."""
        seed = derived_seed(self._step.seed, _START_SEED)
        count = min(self._config.start_frames, len(self._truth))
        pool_ids = [one.frame.frame_id for one in self._roles.pool]
        drawn = np.random.default_rng(seed).choice(len(pool_ids), count, replace=False)
        picks = []
        for frame_id in (pool_ids[row] for row in drawn):
            cost_s = self._config.cost.scratch_seconds(len(self._truth[frame_id]))
            picks.append(Pick(frame_id, None, "part of the random start set", cost_s))
        return Batch(RANDOM.name, seed, tuple(picks))

    def label_start(self) -> LabelledBatch:
        """The start set, labelled with nothing proposed."""
        batch = self.start_batch()
        corrections = {
            one.frame_id: self._annotator.label(
                self._frames[one.frame_id], self._truth[one.frame_id], self._rng(one.frame_id)
            )
            for one in batch.picks
        }
        return LabelledBatch.of(batch, None, (), corrections)

    def choose(self) -> Batch:
        """The batch of this round, by modAL's `query`."""
        self._adopt_last_model()
        known = set(self._learner.X_training)
        rest = [one.frame.frame_id for one in self._roles.pool if one.frame.frame_id not in known]
        seed = derived_seed(self._step.seed, _BATCH_SEED, self._step.number)
        _, _, batch = self._learner.query(
            object_array(rest), budget=self._budget(len(rest)), seed=seed, return_metrics=True
        )
        chosen: Batch = batch
        return chosen

    def label_batch(self) -> LabelledBatch:
        """The batch of this round, proposals corrected by the annotator."""
        batch = self.choose()
        display_score = self._learner.estimator.forecast.display_score
        frame_ids = object_array([one.frame_id for one in batch.picks])
        predictions: list[Prediction] = self._learner.estimator.predict(frame_ids).tolist()
        shown = [displayed(one, display_score) for one in predictions]
        corrections = {one.frame_id: self._correct(one) for one in shown}
        return LabelledBatch.of(batch, display_score, shown, corrections)

    def train_and_measure(self, labelled: LabelledBatch) -> Measured:
        """Train on all labels up to this round, by modAL's `teach`, and look at the test frames."""
        if self._config.training.warm and self._history:
            self._adopt_last_model()
        return self._teach_and_measure(labelled.labels)

    def measure_whole_pool(self) -> Measured:
        """Train on every true label of the pool."""
        return self._teach_and_measure(self._truth)

    def _budget(self, left: int) -> Budget:
        """What this round may buy of the `left` frames.

        Seconds are those that bring the arm to where it should stand by now, so that what one round
        was foretold wrong the next one makes good; never less than a quarter of a round.
        """
        each = self._config.batch_seconds
        if each is None:
            return Budget(min(self._config.batch_frames, left))
        rounds = [sum(one.labelled.seconds.values()) for one in self._history]
        should_stand = rounds[0] + each * self._step.number
        return Budget(max(should_stand - sum(rounds), each / 4), Unit.SECONDS)

    def _make_learner(self) -> DetectionLearner:
        config, state = self._config, self._folder / "state"
        training = Training(
            new_detector=lambda: self._setting.build(state),
            folder=self._folder / "training",
            options=config.training.options(
                derived_seed(self._step.seed, _TRAINING_SEED, self._step.number), self._steps
            ),
            validation_share=config.training.validation_share,
            warm=config.training.warm,
        )
        forecast = CostForecast(config.cost, USUAL_DISPLAY_SCORE)
        estimator = DetectorEstimator(training, self._frames, config.predict_options(), forecast)
        learner = DetectionLearner(estimator, BatchQuery(self._strategy, config.control_share))
        for record in self._history:
            learner.remember(list(record.labelled.labels), list(record.labelled.labels.values()))
        return learner

    def _adopt_last_model(self) -> None:
        """Take the model of the round before, and what its proposals cost on validation frames."""
        estimator = self._learner.estimator
        last = self._history[-1]
        estimator.adopt(self._open(last), checkpoint_of(self._setting.folder, last))
        labels: dict[str, AnnotationSet] = dict(
            zip(self._learner.X_training, self._learner.y_training, strict=True)
        )
        unseen = sorted(validation_ids(list(labels), self._config.training.validation_share))
        predictions: list[Prediction] = estimator.predict(object_array(unseen)).tolist()
        truths = [labels[frame_id] for frame_id in unseen]
        estimator.forecast = self._forecast(predictions, truths)
        estimator.background = self._background(list(zip(predictions, truths, strict=True)))

    def _background(self, newest: Sequence[Judged]) -> Background:
        """What this round's strategy needs of the rounds before."""
        needs, options = self._strategy.needs, self._config.predict_options()
        past = PastRounds(self._history, self._frames, options, self._open)
        return Background(
            needs,
            past.evidence(newest) if Need.EVIDENCE in needs else Evidence.none(),
            tuple(past.committee()) if Need.COMMITTEE in needs else (),
            self._labelled_boxes(),
        )

    def _labelled_boxes(self) -> Int64s:
        labelled = [one.class_id for one in self._learner.y_training]
        return np.bincount(np.concatenate(labelled), minlength=len(self._roles.classes))

    @property
    def _strategy(self) -> Strategy:
        return RANDOM if not self._history else strategy_by_name(self._step.strategy)

    def _open(self, record: RoundRecord) -> Detector:
        checkpoint = checkpoint_of(self._setting.folder, record)
        return self._setting.detectors.open(checkpoint, self._folder / "state")

    def _forecast(
        self, predictions: Sequence[Prediction], truths: Sequence[AnnotationSet]
    ) -> CostForecast:
        display_score = self._config.prediction.display_score
        if display_score is None and predictions:
            display_score = best_display_score(self._config.cost, predictions, truths)
        if display_score is None:
            display_score = USUAL_DISPLAY_SCORE
        return CostForecast(self._config.cost, display_score).fitted(predictions, truths)

    def _correct(self, proposals: Prediction) -> Correction:
        frame_id = proposals.frame_id
        return self._annotator.correct(
            self._frames[frame_id], proposals, self._truth[frame_id], self._rng(frame_id)
        )

    def _rng(self, frame_id: str) -> np.random.Generator:
        """Chance of the annotator: the same for a frame of a seed whatever arm it comes up in."""
        return np.random.default_rng([self._step.seed, _ANNOTATOR_SEED, int(frame_id[:16], 16)])

    def _teach_and_measure(self, labels: Mapping[str, AnnotationSet]) -> Measured:
        self._learner.teach(object_array(list(labels)), object_array(list(labels.values())))
        result = self._learner.estimator.fit_result_
        options = replace(
            self._config.predict_options(), score_min=MEASURE_SCORE_MIN, with_embeddings=False
        )
        test = self._roles.test
        found = self._learner.estimator.detector_.predict([one.frame for one in test], options)
        figures = evaluate(found, test, self._roles.classes)
        taught = self._learner.X_training.tolist()
        kept_out = validation_ids(taught, self._config.training.validation_share)
        return Measured(
            result.checkpoint.relative_to(self._setting.folder).as_posix(),
            result.model_id,
            result.seconds,
            figures.map50,
            figures.map,
            dict(figures.map50_by_class),
            train_frames=len(taught) - len(kept_out),
            steps=result.steps,
            validation_map50=result.validation_map50,
        )


def derived_seed(seed: int, *path: int) -> int:
    """A seed of its own for each purpose and round, below 2**32, the same for all strategies."""
    return int(np.random.SeedSequence([seed, *path]).generate_state(1)[0])


def _required(setting: Setting, step: Step) -> RoundRecord:
    record = setting.finished(step)
    if record is None:
        raise SimulationError(
            f"{setting.step_folder(step)}: the round before is not finished; run the simulation "
            "again"
        )
    return record
