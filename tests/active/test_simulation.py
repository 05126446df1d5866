"""Simulations: paired, recorded, replayable, resumable, in one process or several."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import blob_simulation
import numpy as np
import pytest
from blob_detector import CLASSES, BlobDetectors, blob_scenes
from blob_simulation import (
    SCENES,
    STRATEGIES,
    Recorded,
    config_of,
    run,
    without_places_and_times,
)

from prelabel.active.loop import Setting, SimulationError, Step, derived_seed, replay_batch
from prelabel.active.roles import Roles
from prelabel.active.rounds import START, read_measured
from prelabel.active.simulation import TEST_SEED, steps_of
from prelabel.active.simulation_config import PredictionConfig, TrainingConfig
from prelabel.active.summary import Summary
from prelabel.active.workers import FolderLock
from prelabel.datasets.annotations import OriginKind
from prelabel.datasets.errors import BadInputError
from prelabel.datasets.frames import LabelledFrame, Split


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> list[LabelledFrame]:
    return blob_scenes(tmp_path_factory.mktemp("scenes"), SCENES)


@pytest.fixture(scope="module")
def finished(
    scenes: list[LabelledFrame], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Summary, Path, Recorded]:
    folder, recorded = tmp_path_factory.mktemp("simulation"), Recorded()
    return run(config_of(), scenes, folder, recorded), folder, recorded


def test_the_arms_of_a_seed_share_start_set_and_first_model(
    finished: tuple[Summary, Path, Recorded],
) -> None:
    summary, _, _ = finished
    assert summary.strategies == STRATEGIES
    assert summary.seeds == (0, 1)
    for seed in summary.seeds:
        firsts = [arm.rounds[0] for arm in summary.arms if arm.seed == seed]
        assert len(firsts) == 3
        assert firsts[0] == firsts[1] == firsts[2]
    starts = [{one.frame_id for one in arm.rounds[0].picks} for arm in summary.arms[:2]]
    assert starts[0] != starts[1]


def test_totals_only_grow_and_no_frame_is_labelled_twice(
    finished: tuple[Summary, Path, Recorded],
) -> None:
    for arm in finished[0].arms:
        assert [one.round for one in arm.rounds] == [0, 1, 2]
        assert [one.frames for one in arm.rounds] == [6, 16, 26]
        assert sorted({one.boxes for one in arm.rounds}) == [one.boxes for one in arm.rounds]
        picks = [pick for one in arm.rounds for pick in one.picks]
        assert len({pick.frame_id for pick in picks}) == len(picks) == 26
        spent = np.cumsum([sum(p.spent_s or 0 for p in one.picks) for one in arm.rounds])
        assert spent == pytest.approx([one.seconds for one in arm.rounds])
        assert arm.rounds[-1].boxes == sum(len(pick.labels) for pick in picks)


def test_no_test_frame_is_ever_labelled(
    finished: tuple[Summary, Path, Recorded], scenes: list[LabelledFrame]
) -> None:
    test = {one.frame.frame_id for one in scenes if one.frame.split is Split.TEST}
    chosen = {pick.frame_id for arm in finished[0].arms for one in arm.rounds for pick in one.picks}
    assert len(test) == 12
    assert not chosen & test


def test_each_batch_holds_its_control_share(finished: tuple[Summary, Path, Recorded]) -> None:
    for arm in finished[0].arms:
        for one in arm.rounds[1:]:
            assert sum(pick.is_control for pick in one.picks) == 1
        assert not any(pick.is_control for pick in arm.rounds[0].picks)


def test_the_summary_file_holds_the_summary(finished: tuple[Summary, Path, Recorded]) -> None:
    summary, folder, _ = finished
    assert Summary.read(folder / "summary.json") == summary
    told = json.loads((folder / "summary.json").read_text())
    assert (told["format"], told["name"], told["dataset"]) == (1, "blobs", "blobs")
    assert told["command"] == "again"
    assert told["settings"]["batch_frames"] == 10


def test_the_tables_hold_every_round_and_every_choice(
    finished: tuple[Summary, Path, Recorded],
) -> None:
    summary, folder, _ = finished
    with (folder / "rounds.csv").open(encoding="utf-8") as file:
        rounds = list(csv.DictReader(file))
    told = [(arm.strategy, str(arm.seed), str(r.round)) for arm in summary.arms for r in arm.rounds]
    assert [(one["strategy"], one["seed"], one["round"]) for one in rounds] == told
    assert float(rounds[-1]["map50"]) == summary.arms[-1].rounds[-1].map50
    assert "map50 ruby" in rounds[0]
    with (folder / "selections.csv").open(encoding="utf-8") as file:
        picks = list(csv.DictReader(file))
    assert len(picks) == 6 * 26
    assert picks[0]["place"] == "1"


def test_rounds_are_recorded_in_the_order_they_build_on(
    finished: tuple[Summary, Path, Recorded],
) -> None:
    _, _, recorded = finished
    assert recorded.steps() == steps_of(config_of())
    kinds = {
        origin.kind
        for one in recorded.rounds
        for labels in one.labelled.labels.values()
        for origin in labels.origin
    }
    assert kinds >= {OriginKind.DRAWN, OriginKind.PROPOSED}
    for one in recorded.rounds:
        assert [p.frame_id for p in one.labelled.batch.picks] == list(one.labelled.labels)
        assert set(one.labelled.proposals) == (
            set() if one.strategy == START else set(one.labelled.labels)
        )


def test_a_recorded_round_can_be_replayed_from_its_seed(
    finished: tuple[Summary, Path, Recorded], scenes: list[LabelledFrame]
) -> None:
    _, folder, recorded = finished
    config = config_of()
    roles = Roles.of(CLASSES, scenes, config.test_share, TEST_SEED)
    setting = Setting(config, roles, folder, BlobDetectors())
    for one in recorded.rounds:
        step = Step(one.strategy, one.seed, one.number)
        assert replay_batch(setting, step) == one.labelled.batch


@pytest.mark.slow
def test_several_processes_find_the_same(
    finished: tuple[Summary, Path, Recorded], scenes: list[LabelledFrame], tmp_path: Path
) -> None:
    recorded = Recorded()
    summary = run(config_of(workers=2), scenes, tmp_path, recorded)
    assert summary.without_times() == finished[0].without_times()
    seen: set[Step | None] = {None}
    for step in recorded.steps():
        assert step.before() in seen
        seen.add(step)


def test_a_finished_simulation_is_not_run_again_and_may_grow(
    finished: tuple[Summary, Path, Recorded], scenes: list[LabelledFrame], tmp_path: Path
) -> None:
    summary, folder, recorded = finished
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    trained = {path: path.stat().st_mtime_ns for path in copy.rglob("blobs.json")}
    again = Recorded()
    assert run(config_of(), scenes, copy, again) == summary
    assert again.steps() == recorded.steps()
    more = run(config_of(rounds=3, strategies=(*STRATEGIES, "margin_max")), scenes, copy)
    assert {len(arm.rounds) for arm in more.arms} == {4}
    assert {path: path.stat().st_mtime_ns for path in trained} == trained
    for arm in summary.arms:
        grown = more.arm(arm.strategy, arm.seed)
        assert grown is not None
        assert grown.rounds[:3] == arm.rounds


def test_another_simulation_is_not_mixed_in(
    finished: tuple[Summary, Path, Recorded], scenes: list[LabelledFrame]
) -> None:
    _, folder, _ = finished
    with pytest.raises(SimulationError, match="holds a simulation with other settings"):
        run(config_of(batch_frames=9), scenes, folder)
    with pytest.raises(SimulationError, match="holds a simulation with other data"):
        run(config_of(), scenes[:-1], folder)
    with FolderLock(folder), pytest.raises(SimulationError, match="is at work here"):
        run(config_of(), scenes, folder)


def test_a_pool_that_runs_dry_ends_in_empty_rounds(
    scenes: list[LabelledFrame], tmp_path: Path
) -> None:
    config = config_of(strategies=("entropy_sum",), seeds=(0,), batch_frames=20, rounds=3)
    (arm,) = run(config, scenes, tmp_path).arms
    assert [one.frames for one in arm.rounds] == [6, 26, 36, 36]
    assert arm.rounds[3].seconds == arm.rounds[2].seconds
    assert arm.rounds[3].picks == ()


def test_a_fixed_display_score_no_validation_and_warm_starts(
    scenes: list[LabelledFrame], tmp_path: Path
) -> None:
    recorded = Recorded()
    training = TrainingConfig(steps=200, start_steps=300, validation_share=0, warm=True)
    config = config_of(
        strategies=("entropy_sum",),
        seeds=(0,),
        training=training,
        prediction=PredictionConfig(display_score=0.6),
        full_data=True,
    )
    summary = run(config, scenes, tmp_path, recorded)
    assert [one.labelled.display_score for one in recorded.rounds] == [None, 0.6, 0.6]
    assert [one.measured.steps for one in recorded.rounds] == [300, 200, 200]
    whole = read_measured(tmp_path / "full-data")
    assert whole is not None
    assert whole.steps == 700  # as many as the last model has behind it
    assert summary.full_data_map50 == whole.map50
    assert 0.5 < summary.full_data_map50 <= 1


def test_training_seeds_are_those_of_the_round_whatever_the_strategy() -> None:
    assert derived_seed(3, 1, 2) == derived_seed(3, 1, 2)
    seeds = {
        derived_seed(seed, purpose, n) for seed in range(4) for purpose in (0, 1) for n in (1, 2)
    }
    assert len(seeds) == 16


def test_a_dataset_without_labels_cannot_be_simulated(
    scenes: list[LabelledFrame], tmp_path: Path
) -> None:
    bare = [LabelledFrame(one.frame, None) for one in scenes]
    with pytest.raises(BadInputError, match="of 0 labelled frames 0 are for choosing"):
        run(config_of(), bare, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "kills"), [(1, 12), (2, 1)])
def test_killed_at_any_point_it_goes_on_and_ends_the_same(
    workers: int, kills: int, finished: tuple[Summary, Path, Recorded], tmp_path: Path
) -> None:
    folder = tmp_path / "simulation"
    script = Path(blob_simulation.__file__)
    places = os.pathsep.join([str(script.parent), os.environ.get("PYTHONPATH", "")])
    process = subprocess.run(
        [
            sys.executable,
            str(script),
            str(tmp_path / "scenes"),
            str(folder),
            str(workers),
            str(kills),
        ],
        env={**os.environ, "PYTHONPATH": places},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert int(process.stdout) >= min(kills, 4)
    ours = Summary.read(folder / "summary.json")
    assert without_places_and_times(ours) == without_places_and_times(finished[0])
