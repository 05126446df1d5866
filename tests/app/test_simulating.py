"""A simulation from its file: report, stores of the arms, and the same again when repeated."""

import json
from pathlib import Path

import pytest

from prelabel.datasets.configuration import ConfigurationError
from prelabel.simulating import Simulated, simulate_from_file
from prelabel.store.records import EventKind
from prelabel.store.store import open_store

SCENES = "scenes: {train: 24, val: 0, test: 6, width_px: 96, height_px: 96}\n"
SIMULATION = """\
name: tiny
source: scenes.yaml
format: scenes
detector: torchvision:micro
training: {steps: 2, batch_size: 2, input_px: 96, validate_every_steps: 2}
strategies: [random, entropy_sum]
seeds: [3]
start_frames: 6
batch_frames: 4
rounds: 1
"""


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("configuration")
    (folder / "scenes.yaml").write_text(SCENES, encoding="utf-8")
    (folder / "tiny.yaml").write_text(SIMULATION, encoding="utf-8")
    return folder / "tiny.yaml"


@pytest.fixture(scope="module")
def done(configuration: Path, tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    return simulate_from_file(configuration, tmp_path_factory.mktemp("simulated") / "out")


@pytest.mark.slow
def test_it_leaves_summary_report_tables_and_a_verdict(done: Simulated) -> None:
    folder = done.report.parent
    names = {path.name for path in folder.iterdir()}
    assert {"summary.json", "report.html", "rounds.csv", "selections.csv"} <= names
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert [arm["seed"] for arm in summary["arms"]] == [3, 3]
    for arm in summary["arms"]:
        assert [one["frames"] for one in arm["rounds"]] == [6, 10]
        assert {"map50", "boxes", "seconds"} <= set(arm["rounds"][1])
    assert summary["command"].startswith("prelabel simulate")
    assert len(done.verdicts) == 1


@pytest.mark.slow
def test_each_arm_has_a_store_that_tells_its_history(done: Simulated) -> None:
    folder = done.report.parent
    for arm in done.summary.arms:
        path = folder / "stores" / f"{arm.strategy}-{arm.seed}.db"
        with open_store(f"sqlite:///{path}", folder) as store:
            assert len(store.rounds()) == 2
            assert all(one.finished_at is not None for one in store.rounds())
            for record, told in zip(store.rounds(), arm.rounds, strict=True):
                batch = store.batch(record.number)
                assert batch is not None
                assert [one.frame_id for one in batch.picks] == [one.frame_id for one in told.picks]
            picked = arm.rounds[1].picks[0]
            version = store.labels(picked.frame_id)
            assert version is not None
            assert version.round_number == 2
            assert version.seconds == pytest.approx(picked.spent_s)
            assert store.replay(picked.frame_id) == store.label_history(picked.frame_id)
            assert store.counts().labelled == 10
            trained = [(one.train_frames, one.steps) for one in store.models()]
            assert trained == [(5, 2), (8, 2)]  # one and two frames chose the checkpoints


@pytest.mark.slow
def test_again_it_adds_nothing(done: Simulated, configuration: Path) -> None:
    folder = done.report.parent
    path = folder / "stores" / "random-3.db"
    with open_store(f"sqlite:///{path}", folder) as store:
        before = sum(1 for _ in store.events())
    again = simulate_from_file(configuration, folder)
    assert again.summary == done.summary
    with open_store(f"sqlite:///{path}", folder) as store:
        events = list(store.events())
    assert len(events) == before
    assert sum(event.kind is EventKind.LABELS_WRITTEN for event in events) == 10


def test_mistakes_in_the_file_are_told_together(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("name: bad\nrounds: 0\nstrategies: [magic]\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        simulate_from_file(path, tmp_path / "out")
    for place in ("source: is missing", "detector: is missing", "rounds", "strategies"):
        assert place in str(caught.value)
