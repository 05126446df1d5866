"""Simulations of strategies that look further than the newest proposals, and of seconds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from blob_detector import CLASSES, BlobDetectors, blob_scenes
from blob_simulation import SCENES, config_of, run

from prelabel.active.loop import Setting, Step, replay_batch
from prelabel.active.past_rounds import COMMITTEE_MEMBERS, PastRounds, checkpoint_of
from prelabel.active.roles import Roles
from prelabel.active.rounds import RoundRecord
from prelabel.active.simulation import TEST_SEED
from prelabel.datasets.frames import LabelledFrame
from prelabel.models.detector import Detector, PredictOptions

ROUNDS = 3
LEARNED = ("lius_max", "error_doubt", "difficulty_sum", "cald", "committee")


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> list[LabelledFrame]:
    return blob_scenes(tmp_path_factory.mktemp("scenes"), SCENES)


@pytest.fixture(scope="module")
def folder(scenes: list[LabelledFrame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulation")
    run(config_of(strategies=LEARNED, seeds=(0,), rounds=ROUNDS, batch_frames=6), scenes, folder)
    return folder


@pytest.fixture(scope="module")
def setting(scenes: list[LabelledFrame], folder: Path) -> Setting:
    config = config_of(strategies=LEARNED, seeds=(0,), rounds=ROUNDS, batch_frames=6)
    roles = Roles.of(CLASSES, scenes, config.test_share, TEST_SEED)
    return Setting(config, roles, folder, BlobDetectors())


def past(setting: Setting, strategy: str, tmp_path: Path) -> PastRounds:
    steps = Step(strategy, 0, ROUNDS).lineage()
    records = [found for found in map(setting.finished, steps) if found is not None]
    assert len(records) == ROUNDS + 1

    def opened(record: RoundRecord) -> Detector:
        return BlobDetectors().open(checkpoint_of(setting.folder, record), tmp_path)

    return PastRounds(records, setting.roles.frames(), PredictOptions(score_min=0.05), opened)


def test_evidence_is_what_was_proposed_before_a_frame_was_labelled(
    setting: Setting, tmp_path: Path
) -> None:
    rounds = past(setting, "lius_max", tmp_path)
    evidence = rounds.evidence([])
    batches = [list(one.labelled.labels) for one in rounds.records[1:]]
    assert len(evidence) == sum(map(len, batches))
    shown = [
        prediction
        for model, batch in zip(rounds.records[-2::-1], reversed(batches), strict=False)
        for prediction in rounds.open_round(model).predict(
            [rounds.frames[one] for one in batch], rounds.options
        )
    ]
    expected = np.concatenate([one.score for one in shown])
    assert evidence.boxes.score.tolist() == expected.tolist()
    assert 0 < evidence.is_right.sum() < len(evidence.is_right)


def test_what_the_newest_model_says_of_a_frame_stands_for_the_older(
    setting: Setting, tmp_path: Path
) -> None:
    rounds = past(setting, "lius_max", tmp_path)
    last = rounds.records[-1]
    (frame_id, *_) = rounds.records[1].labelled.labels
    (newest,) = rounds.open_round(last).predict([rounds.frames[frame_id]], rounds.options)
    labels = rounds.records[1].labelled.labels[frame_id]
    with_it, without = rounds.evidence([(newest, labels)]), rounds.evidence([])
    assert len(with_it) == len(without)
    assert with_it.boxes.score[: len(newest)].tolist() == newest.score.tolist()


def test_a_committee_is_of_earlier_models_and_never_empty(setting: Setting, tmp_path: Path) -> None:
    rounds = past(setting, "committee", tmp_path)
    ids = [one.measured.model_id for one in rounds.records]
    assert [one.model_id for one in rounds.committee()] == ids[-2::-1][:COMMITTEE_MEMBERS]
    first = replace(rounds, records=rounds.records[:1])
    assert [one.model_id for one in first.committee()] == ids[:1]


@pytest.mark.parametrize("strategy", LEARNED)
def test_a_batch_follows_from_the_rounds_before(strategy: str, setting: Setting) -> None:
    step = Step(strategy, 0, ROUNDS)
    record = setting.finished(step)
    assert record is not None
    assert replay_batch(setting, step) == record.labelled.batch
    assert sum(one.score is not None for one in record.labelled.batch.picks) == 5


def test_rounds_of_seconds_spend_alike(scenes: list[LabelledFrame], tmp_path: Path) -> None:
    names = ("random", "entropy_sum", "entropy_sum_per_second")
    config = config_of(strategies=names, seeds=(0,), rounds=3, batch_seconds=60.0)
    summary = run(config, scenes, tmp_path)
    for arm in summary.arms:
        spent = [one.seconds - arm.rounds[0].seconds for one in arm.rounds]
        assert spent == pytest.approx([0, 60, 120, 180], abs=25)
    assert len({arm.rounds[-1].frames for arm in summary.arms}) > 1
