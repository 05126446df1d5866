"""The folder of a project: made, found, and kept apart from others."""

from pathlib import Path

import pytest

from prelabel.workspace import (
    WorkspaceError,
    create_workspace,
    find_workspace,
    finish_creation,
    open_workspace,
)


def made(folder: Path) -> Path:
    finish_creation(create_workspace(folder, "torchvision:micro", None))
    return folder


def test_a_project_is_found_from_inside_and_from_the_folder_above(tmp_path: Path) -> None:
    birds = made(tmp_path / "birds")
    inside = birds / "reports" / "old"
    inside.mkdir(parents=True)
    assert find_workspace(inside).folder == birds.resolve()
    assert find_workspace(tmp_path).folder == birds.resolve()


def test_several_projects_below_are_named_instead_of_guessed(tmp_path: Path) -> None:
    made(tmp_path / "birds")
    made(tmp_path / "street")
    with pytest.raises(WorkspaceError, match=r"several projects \(birds, street\)"):
        find_workspace(tmp_path)


def test_a_folder_without_project_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="prelabel init"):
        find_workspace(tmp_path)
    with pytest.raises(WorkspaceError, match="holds no project"):
        open_workspace(tmp_path / "nowhere")


def test_a_finished_project_is_never_made_again(tmp_path: Path) -> None:
    made(tmp_path / "birds")
    with pytest.raises(WorkspaceError, match="holds a project already"):
        create_workspace(tmp_path / "birds", "torchvision:micro", None)


def test_an_unfinished_project_is_gone_on_with(tmp_path: Path) -> None:
    first = create_workspace(tmp_path / "birds", "torchvision:fcos", None)
    again = create_workspace(tmp_path / "birds", "torchvision:fcos", None)
    assert again == first


def test_everything_lies_inside_the_project(tmp_path: Path) -> None:
    workspace = open_workspace(made(tmp_path / "birds"))
    for path in (
        workspace.state_folder,
        workspace.reports_folder,
        workspace.exports_folder,
        workspace.training_folder("run"),
        workspace.predictions_folder("model"),
    ):
        assert path.is_relative_to(workspace.folder)
    assert workspace.store_url.startswith("sqlite:///")
