"""Training in a project: which model is in use, and what a new class changes."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from builders import a_picture, annotations

from prelabel.datasets.progress import Silent
from prelabel.models.checkpoints import read_card
from prelabel.project import Project, init_project
from prelabel.store.records import ModelRecord

TRAINING = {"steps": 1, "batch_size": 1, "input_px": 64, "validation_share": 0.0}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Six pictures, of which two show a heron."""
    (tmp_path / "photos").mkdir()
    for number in range(6):
        a_picture(tmp_path / "photos" / f"{number}.jpg", seed=number)
    made, _ = init_project(tmp_path / "birds", source=tmp_path / "photos", classes=["heron"])
    with made:
        for frame in list(made.store.frames())[:2]:
            made.store.write_labels(frame.frame_id, annotations([[8, 8, 40, 40]], [0]), "ann", 9.0)
        yield made


def with_training(project: Project, **changes: float) -> Project:
    """The same project, after its prelabel.yaml was edited."""
    settings = project.workspace.settings
    training = settings.training.model_copy(update=TRAINING | changes)
    edited = settings.model_copy(update={"training": training})
    return Project(replace(project.workspace, settings=edited), project.store, "ann", Silent())


def in_use(project: Project) -> ModelRecord:
    model = project.store.latest_model()
    assert model is not None
    return model


def test_with_settings_of_before_the_model_of_before_is_in_use_again(project: Project) -> None:
    first = with_training(project).train().model
    second = with_training(project, steps=2).train().model
    assert first.model_id != second.model_id
    assert in_use(project) == second
    again = with_training(project).propose()
    assert again.model.model_id == second.model_id  # as long as nobody trains

    batch = project.select(budget=2)
    project.store.write_labels(
        batch.frames[0].frame_id, annotations([[8, 8, 40, 40]], [0]), "ann", 9.0, 1
    )
    third = with_training(project, steps=2).train().model
    assert third.round_number == 1
    assert project.status().next_command != "prelabel train"

    project.store.start_round("ann")  # a later round in which nothing was labelled anew
    assert with_training(project, steps=2).train().model == replace(third, round_number=2)
    assert in_use(project).round_number == 2
    assert len(project.store.models()) == 3


def test_an_earlier_model_proposes_again(project: Project) -> None:
    first = with_training(project).train().model
    with_training(project, steps=2).train()
    assert with_training(project).train().model.model_id == first.model_id
    assert with_training(project).propose().model.model_id == first.model_id


def test_a_class_that_is_added_waits_for_the_next_training(project: Project) -> None:
    old = with_training(project).train().model
    assert project.add_classes(["egret"]) == ("heron", "egret")
    proposed = with_training(project).propose()
    assert proposed.model.model_id == old.model_id
    assert proposed.unknown_classes == ("egret",)
    batch = project.select(budget=2)
    frame_id = batch.frames[0].frame_id
    shown = project.store.shown(batch.round.number, frame_id)
    assert shown is not None
    assert set(shown.proposals.class_id.tolist()) <= {0}
    project.store.write_labels(frame_id, annotations([[8, 8, 40, 40]], [1]), "ann", 9.0, 1)
    new = with_training(project).train().model
    assert read_card(Path(new.checkpoint)).classes == ("heron", "egret")
    assert with_training(project).propose().unknown_classes == ()
    assert project.report().is_file()
