"""modAL's ActiveLearner drives query and teach, over frame ids and a real detector."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blob_detector import CLASSES, BlobDetector, blob_scenes
from modAL.batch import ranked_batch
from modAL.models import ActiveLearner
from modAL.uncertainty import uncertainty_sampling
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from prelabel.active.cost import CostForecast, CostModel
from prelabel.active.estimator import (
    DetectorEstimator,
    FrameIds,
    Training,
    object_array,
)
from prelabel.active.holdout import validation_ids
from prelabel.active.learner import DetectionLearner
from prelabel.active.pool import Need, PoolExhaustedError
from prelabel.active.query import QUERY_STRATEGIES, BatchQuery, query_strategy_by_name
from prelabel.active.scoring import StrategyError
from prelabel.active.strategies import STRATEGIES, Strategy
from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.batches import Batch
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.frames import LabelledFrame
from prelabel.models.detector import Detector, FitOptions, PredictOptions
from prelabel.models.registry import build_detector

Scenes = dict[str, LabelledFrame]

# Further passes over the pool, and a table of scores: a learner makes and reads none.
FROM_ELSEWHERE = {Need.VIEWS, Need.COMMITTEE, Need.GIVEN}
WITH_ONE_PASS = [name for name in STRATEGIES if not STRATEGIES[name].needs & FROM_ELSEWHERE]


@pytest.fixture
def scenes(tmp_path: Path) -> Scenes:
    made = blob_scenes(tmp_path / "scenes", 24, test_share=0)
    return {one.frame.frame_id: one for one in made}


def estimator_of(scenes: Scenes, folder: Path, **training: Any) -> DetectorEstimator:
    plan: dict[str, Any] = {
        "options": FitOptions(steps=300),
        "new_detector": lambda: BlobDetector(CLASSES),
    }
    frames = {frame_id: one.frame for frame_id, one in scenes.items()}
    return DetectorEstimator(
        Training(folder=folder, **(plan | training)),
        frames,
        PredictOptions(),
        CostForecast(CostModel(), 0.3),
    )


def labels_of(scenes: Scenes, frame_ids: FrameIds) -> np.ndarray[Any, np.dtype[np.object_]]:
    return object_array([scenes[frame_id].annotations for frame_id in frame_ids])


def started(scenes: Scenes, folder: Path, name: str = "entropy_sum") -> DetectionLearner:
    first = object_array(list(scenes)[:6])
    return DetectionLearner(
        estimator_of(scenes, folder),
        query_strategy_by_name(name),
        X_training=first,
        y_training=labels_of(scenes, first),
    )


def rest_of(scenes: Scenes, learner: DetectionLearner) -> FrameIds:
    return object_array([one for one in scenes if one not in set(learner.X_training)])


@pytest.mark.parametrize("name", WITH_ONE_PASS)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_query_and_teach(name: str, count: int, scenes: Scenes, tmp_path: Path) -> None:
    learner = started(scenes, tmp_path / "training", name)
    assert isinstance(learner, ActiveLearner)
    for turn in range(2):
        pool = rest_of(scenes, learner)
        indices, frame_ids, values = learner.query(pool, n_instances=count, return_metrics=True)
        assert indices.shape == (count,)
        assert len(set(indices.tolist())) == count
        assert frame_ids.tolist() == pool[indices].tolist()
        assert values.shape == (count,)
        learner.teach(frame_ids, labels_of(scenes, frame_ids), folder=tmp_path / str(turn))
        assert len(learner.X_training) == len(learner.y_training) == 6 + count * (turn + 1)
    assert learner.estimator.checkpoint_.parent == tmp_path / "1"


def test_what_a_learner_does_not_bring_is_asked_for(scenes: Scenes, tmp_path: Path) -> None:
    assert set(QUERY_STRATEGIES) - set(WITH_ONE_PASS) == {"cald", "committee", "given"}
    asked = {"cald": "changed pictures", "committee": "there is only one", "given": "a table"}
    for name, words in asked.items():
        learner = started(scenes, tmp_path / name, name)
        with pytest.raises(StrategyError, match=words):
            learner.query(rest_of(scenes, learner), n_instances=1)


def test_labels_improve_the_detector(scenes: Scenes, tmp_path: Path) -> None:
    learner = started(scenes, tmp_path / "training")
    before = learner.estimator.detector_.model_id
    pool = rest_of(scenes, learner)
    learner.teach(pool, labels_of(scenes, pool))
    assert learner.estimator.detector_.model_id != before
    predictions = learner.predict(object_array(list(scenes)))
    right = [
        one.class_id[one.score >= 0.5].tolist()
        for one in predictions
        if len(labels_of(scenes, object_array([one.frame_id]))[0]) == (one.score >= 0.5).sum()
    ]
    assert len(right) > 15


@pytest.mark.parametrize("name", ["torchvision:micro", "ultralytics:micro"])
def test_a_neural_detector_goes_round(name: str, scenes: Scenes, tmp_path: Path) -> None:
    pytest.importorskip(name.partition(":")[0])

    def new() -> Detector:
        return build_detector(name, CLASSES, tmp_path / "state")

    estimator = estimator_of(
        scenes,
        tmp_path / "training",
        new_detector=new,
        options=FitOptions(steps=2, batch_size=4, input_px=64, validate_every_steps=2),
    )
    estimator.predict_options = PredictOptions(input_px=64, score_min=0.001, max_boxes=5)
    learner = DetectionLearner(estimator, query_strategy_by_name("kcenter"))
    first = object_array(list(scenes)[:6])
    learner.fit(first, labels_of(scenes, first))
    for count in (1, 2, 3):
        _, frame_ids = learner.query(rest_of(scenes, learner), n_instances=count)
        learner.remember(frame_ids, labels_of(scenes, frame_ids))
    assert len(learner.X_training) == 12
    last = rest_of(scenes, learner)[:1]
    learner.teach(last, labels_of(scenes, last), folder=tmp_path / "again")
    assert learner.predict(last)[0].class_probs.shape[1] == len(CLASSES)


def test_modal_takes_two_bare_indices_apart_and_ours_stay_whole(
    scenes: Scenes, tmp_path: Path
) -> None:
    calls: list[int] = []

    def bare(learner: ActiveLearner, X_pool: FrameIds, n_instances: int = 1) -> Any:
        calls.append(n_instances)
        return np.arange(5, 5 + n_instances)

    learner = started(scenes, tmp_path / "training")
    pool = rest_of(scenes, learner)
    learner.query_strategy = bare
    assert learner.query(pool, n_instances=2)[0] == 5  # one index instead of two
    calls.clear()
    learner.query(pool, n_instances=3)
    assert calls == [3, 3]  # called a second time for nothing
    learner.query_strategy = query_strategy_by_name("entropy_sum")
    assert learner.query(pool, n_instances=2)[0].shape == (2,)


class Counted:
    """A strategy that counts how often it is asked."""

    def __init__(self, strategy: Strategy) -> None:
        self._strategy, self.calls, self.name = strategy, 0, strategy.name
        self.needs = strategy.needs

    def choose(self, *arguments: Any) -> Any:
        self.calls += 1
        return self._strategy.choose(*arguments)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_strategy_is_asked_once_a_query(count: int, scenes: Scenes, tmp_path: Path) -> None:
    learner = started(scenes, tmp_path / "training")
    pool = rest_of(scenes, learner)
    counted = Counted(STRATEGIES["margin_max"])
    learner.query_strategy = type(QUERY_STRATEGIES["random"])(counted)
    learner.query(pool, n_instances=count)
    assert counted.calls == 1
    learner.query_strategy = BatchQuery(counted, control_share=0.1)
    learner.query(pool, n_instances=count, seed=0)
    assert counted.calls == 2


def test_a_batch_query_gives_the_batch_as_metrics(scenes: Scenes, tmp_path: Path) -> None:
    learner = started(scenes, tmp_path / "training")
    learner.query_strategy = BatchQuery(STRATEGIES["entropy_sum"], control_share=0.1)
    pool = rest_of(scenes, learner)
    indices, frame_ids, batch = learner.query(pool, n_instances=10, seed=4, return_metrics=True)
    assert isinstance(batch, Batch)
    assert [one.frame_id for one in batch.picks] == frame_ids.tolist() == pool[indices].tolist()
    assert sum(one.is_control for one in batch.picks) == 1


def test_an_exhausted_pool_is_told_through_modal(scenes: Scenes, tmp_path: Path) -> None:
    learner = started(scenes, tmp_path / "training")
    with pytest.raises(PoolExhaustedError):
        learner.query(rest_of(scenes, learner)[:2], n_instances=3)


def test_own_strategies_of_modal_run_too(scenes: Scenes, tmp_path: Path) -> None:
    learner = started(scenes, tmp_path / "training")
    pool = rest_of(scenes, learner)
    learner.query_strategy = uncertainty_sampling
    assert len(learner.query(pool, n_instances=4)[0]) == 4
    learner.query_strategy = ranked_by_modal
    assert len(set(learner.query(pool, n_instances=4)[0].tolist())) == 4


def ranked_by_modal(learner: DetectionLearner, X_pool: FrameIds, n_instances: int) -> Any:
    utility = 1 - learner.predict_proba(X_pool).max(axis=1)
    chosen = ranked_batch(learner, X_pool, utility, n_instances, "euclidean", None)
    return chosen if isinstance(chosen, tuple) else (chosen, utility[chosen])


def test_teaching_a_frame_again_replaces_its_labels(scenes: Scenes, tmp_path: Path) -> None:
    learner = started(scenes, tmp_path / "training")
    again = learner.X_training[2:4]
    learner.teach(again, object_array([AnnotationSet.empty()] * 2), only_new=False)
    assert len(learner.X_training) == 6
    taught: Mapping[str, AnnotationSet] = dict(
        zip(learner.X_training, learner.y_training, strict=True)
    )
    assert [len(taught[frame_id]) for frame_id in again] == [0, 0]


def test_only_new_trains_on_the_new_and_remembers_all(scenes: Scenes, tmp_path: Path) -> None:
    learner = started(scenes, tmp_path / "training")
    fresh = rest_of(scenes, learner)[:5]
    learner.teach(fresh, labels_of(scenes, fresh), only_new=True)
    assert len(learner.X_training) == 11
    alone = estimator_of(scenes, tmp_path / "alone").fit(fresh, labels_of(scenes, fresh))
    assert learner.estimator.detector_.model_id == alone.detector_.model_id


def test_wrong_teaching_is_refused(scenes: Scenes, tmp_path: Path) -> None:
    learner = started(scenes, tmp_path / "training")
    two = rest_of(scenes, learner)[:2]
    labels = labels_of(scenes, two)
    with pytest.raises(InvalidValueError, match="2 frames cannot be taught with 1 sets"):
        learner.teach(two, labels[:1])
    with pytest.raises(InvalidValueError, match=f"frame {two[0]} is taught twice at once"):
        learner.fit(two[[0, 0]], labels)
    with pytest.raises(InvalidValueError, match="must be an AnnotationSet, but are None"):
        learner.teach(two, object_array([None, None]))
    assert len(learner.X_training) == 6


def test_a_learner_can_be_printed_and_cloned(scenes: Scenes, tmp_path: Path) -> None:
    learner = DetectionLearner(
        estimator_of(scenes, tmp_path / "training"), query_strategy_by_name("random")
    )
    assert "DetectionLearner" in repr(learner)
    assert clone(learner).query_strategy == learner.query_strategy
    assert learner.get_params()["bootstrap_init"] is False


def test_an_untrained_detector_does_not_predict(scenes: Scenes, tmp_path: Path) -> None:
    with pytest.raises(NotFittedError, match="is not trained yet"):
        estimator_of(scenes, tmp_path).predict(object_array(list(scenes)))


def test_predictions_are_made_once_and_forgotten_by_training(
    scenes: Scenes, tmp_path: Path
) -> None:
    learner = started(scenes, tmp_path / "training")
    some = object_array(list(scenes)[:3])
    assert learner.predict(some)[0] is learner.predict(some)[0]
    before = learner.predict(some)[0]
    learner.teach(some[:1], labels_of(scenes, some[:1]))
    assert learner.predict(some)[0] is not before


def test_image_level_probabilities_sum_to_one(scenes: Scenes, tmp_path: Path) -> None:
    learner = started(scenes, tmp_path / "training")
    rows = learner.predict_proba(object_array(list(scenes)))
    assert rows.shape == (24, len(CLASSES) + 1)
    np.testing.assert_allclose(rows.sum(axis=1), 1)


def test_validation_frames_keep_their_side_and_train_nothing(
    scenes: Scenes, tmp_path: Path
) -> None:
    ids = list(scenes)
    assert validation_ids(ids, 0) == validation_ids(ids[:1], 0.5) == set()
    assert len(validation_ids(ids[:2], 0.01)) == 1
    assert len(validation_ids(ids[:2], 0.99)) == 1
    assert len(validation_ids(ids, 0.25)) == 6
    assert validation_ids(ids, 0.25) == validation_ids(ids[::-1], 0.25)
    assert validation_ids(ids, 0.1) < validation_ids(ids, 0.25)

    kept_out = validation_ids(ids, 0.25)
    rest = object_array([one for one in ids if one not in kept_out])
    share = estimator_of(scenes, tmp_path / "a", validation_share=0.25)
    share.fit(object_array(ids), labels_of(scenes, object_array(ids)))
    plain = estimator_of(scenes, tmp_path / "b").fit(rest, labels_of(scenes, rest))
    assert share.detector_.model_id == plain.detector_.model_id


def test_warm_training_starts_from_the_last_weights(scenes: Scenes, tmp_path: Path) -> None:
    starters: list[Path | None] = []

    class Watching(BlobDetector):
        def fit(self, train: Any, validation: Any, options: FitOptions, *rest: Any) -> Any:
            starters.append(options.starter)
            return super().fit(train, validation, options, *rest)

    ids = object_array(list(scenes))
    estimator = estimator_of(
        scenes, tmp_path / "a", new_detector=lambda: Watching(CLASSES), warm=True
    )
    estimator.fit(ids, labels_of(scenes, ids))
    estimator.fit(ids, labels_of(scenes, ids), folder=tmp_path / "b")
    assert starters == [None, tmp_path / "a" / "blobs.json"]
