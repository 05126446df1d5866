"""The plugin in FiftyOne: found without copying, and its buttons run without a browser."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from curated import accept_proposals
from review_app import FRAMES, opened_copy

from prelabel.curating.background import Step, in_background
from prelabel.curating.curate import synchronise
from prelabel.curating.fields import proposals_field
from prelabel.curating.notes import open_dataset
from prelabel.curating.opening import opened_curation, plugins_folder
from prelabel.curating.worker import work_once
from prelabel.datasets.annotations import DRAWN, AnnotationSet, new_box_ids
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import PrelabelError
from prelabel.datasets.progress import Progress, Silent
from prelabel.project import Project
from prelabel.suspicions import read_suspects

RNG = np.random.default_rng(0)
OURS = "@prelabel/curation"

# What FiftyOne's driver says about its own defaults.
pytestmark = pytest.mark.filterwarnings("ignore:No uuidRepresentation:DeprecationWarning")


class NoPlanError(PrelabelError):
    """What a piece of work raises here."""


@pytest.fixture
def project(birds: Path, tmp_path: Path) -> Iterator[Project]:
    with opened_copy(birds, tmp_path / "birds", chosen=0) as opened:
        yield opened


@pytest.fixture
def dataset(mongo_database: str, project: Project) -> Iterator[Any]:
    with opened_curation(project.workspace, os.environ) as curation:
        synchronise(curation, project, Silent())
        yield open_dataset(curation)


def run(dataset: Any, operator: str, **params: Any) -> Any:
    import fiftyone.operators as foo

    given = {"dataset": dataset, "view": dataset.view(), "params": params}
    return foo.execute_operator(f"{OURS}/{operator}", given)


def asked(dataset: Any, operator: str, **params: Any) -> dict[str, Any]:
    """The form that an operator shows."""
    import fiftyone.operators as foo

    given = {"dataset_name": dataset.name, "params": params}
    context = foo.ExecutionContext(given)
    form: dict[str, Any] = foo.get_operator(f"{OURS}/{operator}").resolve_input(context).to_json()
    return form


def test_the_plugin_is_found_where_it_is_installed(dataset: Any) -> None:
    import fiftyone.operators as foo
    import fiftyone.plugins as fop

    assert OURS in [one.name for one in fop.list_plugins()]
    names = {one.name for one in foo.list_operators() if one.uri.startswith(OURS)}
    assert {"select_next_batch", "send_to_review", "mark_frames", "synchronise"} <= names


def test_a_users_own_plugins_stay_beside_ours(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    folder = plugins_folder(tmp_path / "curation", {"FIFTYONE_PLUGINS_DIR": str(own)})
    assert sorted(path.name for path in folder.iterdir()) == ["own", "prelabel"]
    assert (folder / "prelabel" / "curation" / "fiftyone.yml").is_file()


def test_the_next_batch_is_previewed_with_reasons_and_then_chosen(
    dataset: Any, project: Project
) -> None:
    form = str(asked(dataset, "select_next_batch", budget="3", strategy="margin_max"))
    assert "3 frames" in form
    assert "unsure" in form
    assert project.store.latest_batch() is None
    done = run(dataset, "select_next_batch", budget="3", strategy="margin_max")
    assert done.result == {"frames": 3}
    newest = project.store.latest_batch()
    assert newest is not None
    assert len(newest[1]) == 3
    assert dataset.match({"work.round": 1}).count() == 3


def test_parameters_are_checked_like_the_configuration(dataset: Any) -> None:
    from fiftyone.operators.executor import ExecutionError

    with pytest.raises(ExecutionError, match="the form: 1 mistake: budget"):
        run(dataset, "select_next_batch", budget="much").raise_exceptions()


def test_patches_of_missed_boxes_are_opened(dataset: Any, project: Project) -> None:
    frame = next(project.store.frames())
    nowhere = AnnotationSet(Boxes([[40, 40, 60, 47]]), [0], new_box_ids(1, RNG), [DRAWN])
    project.store.write_labels(frame.frame_id, nowhere, "ann")
    run(dataset, "synchronise")
    assert run(dataset, "open_error_patches").result == {"patches": 1}
    assert run(dataset, "open_error_patches", which="any").result == {"patches": 3}


def test_long_work_is_scheduled_and_done_by_the_worker(dataset: Any, project: Project) -> None:
    import fiftyone.operators as foo
    from fiftyone.operators.delegated import DelegatedOperationService

    given = {"dataset": dataset, "params": {"folds": 2}, "request_delegation": True}
    foo.execute_operator(f"{OURS}/find_label_errors", given)
    assert work_once(dataset.name) == 1
    (done,) = DelegatedOperationService().list_operations(dataset_name=dataset.name)
    # Nothing is labelled yet: what is wrong is told where the curator looks for what is scheduled.
    assert (done.run_state, "labelled" in str(done.result.error)) == ("failed", True)
    assert work_once(dataset.name) == 0


def test_the_worker_trains_proposes_and_shows_it(dataset: Any, project: Project) -> None:
    import fiftyone.operators as foo
    from fiftyone.operators.delegated import DelegatedOperationService

    for frame in list(project.store.frames())[:2]:
        accept_proposals(project, frame.frame_id)
    shorten_training(project)
    given = {"dataset": dataset, "params": {}, "request_delegation": True}
    foo.execute_operator(f"{OURS}/train_and_propose", given)
    assert work_once(dataset.name) == 1
    (done,) = DelegatedOperationService().list_operations(dataset_name=dataset.name)
    assert done.run_state == "completed", done.result.error
    model = project.store.latest_model()
    assert model is not None
    assert model.train_frames == 2
    assert done.status.label == (
        f"{model.model_id[:8]} learned from 2 frames and proposes on {FRAMES} frames"
    )
    dataset.reload()
    assert len(dataset.exists(proposals_field(model.model_id))) == FRAMES
    assert sorted(dataset.list_brain_runs()) == ["map", "similarity"]


def test_the_worker_finds_label_errors_and_shows_them(dataset: Any, project: Project) -> None:
    import fiftyone.operators as foo
    from fiftyone.operators.delegated import DelegatedOperationService

    for frame in project.store.frames():
        corners = [[at, at, at + 12, at + 10] for at in (2, 14, 26, 34)]
        drawn = AnnotationSet(Boxes(corners), [0, 1, 0, 1], new_box_ids(4, RNG), [DRAWN] * 4)
        project.store.write_labels(frame.frame_id, drawn, "ann")
    shorten_training(project)
    given = {"dataset": dataset, "params": {"folds": 2}, "request_delegation": True}
    foo.execute_operator(f"{OURS}/find_label_errors", given)
    assert work_once(dataset.name) == 1
    (done,) = DelegatedOperationService().list_operations(dataset_name=dataset.name)
    assert done.run_state == "completed", done.result.error
    kept = read_suspects(project.workspace).by_frame
    suspects = sum(len(one) for one in kept.values())
    assert suspects >= 4 * FRAMES
    assert done.status.label == f"{suspects} suspects on {FRAMES} frames"
    dataset.reload()
    assert dataset.count("suspects.detections") == suspects
    assert len(dataset.exists("labels")) == FRAMES


def shorten_training(project: Project) -> None:
    """Make it a matter of a second."""
    settings = project.workspace.folder / "prelabel.yaml"
    text = settings.read_text(encoding="utf-8")
    for old, new in (
        ("steps: 1000", "steps: 1"),
        ("batch_size: 16", "batch_size: 1"),
        ("input_px: 320", "input_px: 64"),
        ("validation_share: 0.2", "validation_share: 0.0"),
    ):
        assert old in text
        text = text.replace(old, new)
    settings.write_text(text, encoding="utf-8")


def test_steps_of_work_in_a_thread_come_one_by_one_and_then_its_result() -> None:
    def work(progress: Progress) -> str:
        with progress.task("Counting", 4) as advance:
            advance(4, "done")
        return "four"

    results = []

    def steps() -> Iterator[Step]:
        results.append((yield from in_background(work)))

    told = list(steps())
    assert (results, told[-1]) == (["four"], Step("Counting: done", 1.0))


def test_what_fails_in_a_thread_fails_for_whoever_asked() -> None:
    def work(progress: Progress) -> str:
        raise NoPlanError("no plan")

    with pytest.raises(NoPlanError):
        list(in_background(work))


def test_a_budget_that_is_none_is_told_in_the_form(dataset: Any) -> None:
    assert "is no budget" in str(asked(dataset, "select_next_batch", budget="much"))


def test_frames_in_view_are_sent_to_the_review_page(dataset: Any, project: Project) -> None:
    done = run(dataset, "send_to_review", reason="look at the beaks")
    assert done.result == {"queued": len(dataset)}
    newest = project.store.latest_batch()
    assert newest is not None
    assert {pick.reason for pick in newest[1].picks} == {"look at the beaks"}


def test_frames_are_excluded(dataset: Any, project: Project) -> None:
    run(dataset, "mark_frames", what="exclude")
    assert len(project.store.excluded()) == len(dataset)


def test_the_panel_tells_where_the_project_stands(dataset: Any) -> None:
    import fiftyone.operators as foo

    params = {"panel_id": "p", "__method__": "on_load"}
    given = {"dataset": dataset, "panel_id": "p", "params": params}
    done = foo.execute_operator(f"{OURS}/project_panel", given)
    assert "0 of 6 frames labelled" in str(done.executor.to_json())
