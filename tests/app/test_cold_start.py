"""The first batch, before there is any model or label: pictures are compared with each other."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from builders import annotations

from prelabel.active.strategies import WITHOUT_MODEL
from prelabel.datasets.frames import Frame
from prelabel.models import describing
from prelabel.models.descriptors import DESCRIPTOR, describe_frame
from prelabel.models.prediction_files import PredictionFiles
from prelabel.project import Project, init_project
from prelabel.proposing import NoProposalsError
from prelabel.selecting import EmptyPoolError

KINDS, OF_A_KIND = 4, 8


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Pictures of four plain colours, eight that look much alike of each."""
    (tmp_path / "photos").mkdir()
    rng = np.random.default_rng(0)
    for kind, colour in enumerate([(20, 20, 200), (20, 200, 20), (200, 20, 20), (210, 210, 210)]):
        for number in range(OF_A_KIND):
            noise = rng.integers(-12, 13, (48, 64, 3))
            picture = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
            cv2.imwrite(str(tmp_path / "photos" / f"{kind}-{number}.png"), picture)
    made, _ = init_project(
        tmp_path / "birds", source=tmp_path / "photos", classes=["heron"], author="ann"
    )
    with made:
        yield made


def described(project: Project) -> PredictionFiles:
    return PredictionFiles(project.workspace.predictions_folder(DESCRIPTOR))


def kinds_of(uris: list[str]) -> list[str]:
    return [Path(uri).name[0] for uri in uris]


@pytest.mark.parametrize("strategy", WITHOUT_MODEL)
def test_every_strategy_for_a_start_chooses_and_says_why(project: Project, strategy: str) -> None:
    chosen = project.select(6, strategy)
    assert len(set(chosen.frames)) == 6
    assert all(pick.reason for pick in chosen.batch.picks)
    assert chosen.unreadable == 0


def test_the_usual_first_batch_holds_every_kind_of_picture(project: Project) -> None:
    chosen = project.select(KINDS)
    assert chosen.batch.strategy == "typical"
    assert sorted(kinds_of([one.uri for one in chosen.frames])) == ["0", "1", "2", "3"]
    assert any(f"typical of {OF_A_KIND}" in pick.reason for pick in chosen.batch.picks)


def test_pictures_are_looked_at_once_and_a_stopped_look_goes_on(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[str] = []

    def stopping(frame: Frame) -> object:
        looked_at.append(frame.frame_id)
        if len(looked_at) == 11:
            raise KeyboardInterrupt
        return describe_frame(frame)

    monkeypatch.setattr(describing, "_FRAMES_A_FILE", 4)
    monkeypatch.setattr(describing, "describe_frame", stopping)
    with pytest.raises(KeyboardInterrupt):
        project.select(KINDS)
    kept = described(project).predicted_ids()
    assert len(kept) == 8
    assert project.store.latest_batch() is None
    looked_at.clear()
    looked_at.extend(["before"] * 20)
    project.select(KINDS)
    assert kept.isdisjoint(looked_at[20:])
    assert len(looked_at[20:]) == KINDS * OF_A_KIND - 8


def test_labelled_kinds_are_not_chosen_again_before_others(project: Project) -> None:
    for frame in project.store.frames():
        if kinds_of([frame.uri]) == ["2"]:
            project.store.write_labels(frame.frame_id, annotations(np.zeros((0, 4)), []), "ann")
    chosen = project.select(3, "kcenter")
    assert sorted(kinds_of([one.uri for one in chosen.frames])) == ["0", "1", "3"]


def test_pictures_that_cannot_be_read_are_counted_and_not_chosen(project: Project) -> None:
    frames = list(project.store.frames())
    for frame in frames[:3]:
        Path(frame.uri).write_bytes(b"no picture any more")
    chosen = project.select(len(frames))
    assert chosen.unreadable == 3
    assert chosen.without_proposals == 0
    assert set(chosen.frames) == set(frames[3:])


def test_without_any_readable_picture_the_way_out_is_told(project: Project) -> None:
    for frame in project.store.frames():
        Path(frame.uri).unlink()
    with pytest.raises(EmptyPoolError, match="none of 32 unlabelled pictures can be read"):
        project.select(3)
    assert len(project.select(3, "random").frames) == 3


def test_a_strategy_that_needs_a_model_names_those_that_do_not(project: Project) -> None:
    with pytest.raises(NoProposalsError, match="--strategy typical"):
        project.select(3, "ppal")
