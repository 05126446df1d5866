"""Whether another round is worth it, told of a project with measured models."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import a_picture, a_prediction, annotations
from click.testing import CliRunner

from prelabel.active.stopping import Verdict
from prelabel.cli.main import cli
from prelabel.datasets.batches import Batch, Pick
from prelabel.project import Project, init_project, open_project
from prelabel.proposals import shown_proposals
from prelabel.store.records import ModelRecord

BOX, ELSEWHERE = [[4.0, 4.0, 20.0, 20.0]], [[40.0, 20.0, 60.0, 40.0]]
A_ROUND = 12


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "photos").mkdir()
    for number in range(6 * A_ROUND):
        a_picture(tmp_path / "photos" / f"{number:02d}.jpg", seed=number)
    made, _ = init_project(
        tmp_path / "birds", source=tmp_path / "photos", classes=["heron"], author="ann"
    )
    with made:
        yield made


def with_rounds(project: Project, found: list[int], seconds: float | None = 60.0) -> None:
    """A round of control frames and a model after it, again and again.

    The model of a round finds the bird on so many frames of the next one.
    """
    store = project.store
    frames = iter(store.frames())
    model_id: str | None = None
    for number, right in enumerate([0, *found], start=1):
        ids = [next(frames).frame_id for _ in range(A_ROUND)]
        store.start_round("ann", {"model_id": model_id, "strategy": "random"})
        shown = {}
        if model_id is not None:
            places = [BOX if place < right else ELSEWHERE for place in range(A_ROUND)]
            shown = {
                one: shown_proposals(a_prediction(one, at, [[0.9]], model_id=model_id), 0.3)
                for one, at in zip(ids, places, strict=True)
            }
        picks = tuple(Pick(one, None, "drawn at random", 50.0, is_control=True) for one in ids)
        store.record_batch(number, Batch("random", number, picks), "ann", shown)
        for one in ids:
            store.write_labels(one, annotations(BOX, [0]), "ann", seconds, number)
        model_id = f"{number:016x}"
        learned = number * (A_ROUND - 2)
        store.add_model(
            ModelRecord(
                model_id, "torchvision:micro", f"{number}.pt", learned, 1, 1.0, None, number
            ),
            "ann",
        )


def advised(project: Project, stopping: str) -> Project:
    path = project.workspace.folder / "prelabel.yaml"
    text = path.read_text(encoding="utf-8")
    head, _, _ = text.partition("stopping:")
    path.write_text(f"{head}stopping:\n  {stopping}\n", encoding="utf-8")
    return open_project(project.workspace.folder)


def test_nothing_is_advised_before_there_is_a_model(project: Project) -> None:
    assert project.advice() is None


def test_few_models_are_no_curve(project: Project) -> None:
    with_rounds(project, [3, 6])
    advice = project.advice()
    assert advice is not None
    assert advice.advice.verdict is Verdict.NOT_ENOUGH_EVIDENCE
    assert (advice.models, advice.control_frames, advice.untimed_frames) == (2, 24, 0)
    assert advice.sentences() == [
        "Advice on another round: not enough evidence; 2 models are measured, and a curve takes "
        "3: go on.",
        "This rests on 2 measured models and 24 labelled control frames.",
    ]


def test_a_target_that_is_met_says_stop(project: Project) -> None:
    with_rounds(project, [3, 11, 12, 12, 12], seconds=None)
    with advised(project, "target_map50: 0.4") as again:
        advice = again.advice()
        assert advice is not None
        assert advice.advice.verdict is Verdict.STOP
        assert advice.untimed_frames == 6 * A_ROUND
        assert "the target 0.400" in advice.sentences()[0]
        assert "counts as long as drawing all its boxes" in advice.sentences()[2]


def test_without_an_aim_the_gain_is_foretold_and_the_setting_named(project: Project) -> None:
    with_rounds(project, [2, 4, 6, 8, 10])
    advice = project.advice()
    assert advice is not None
    assert advice.advice.verdict is Verdict.NO_AIM
    assert advice.advice.points_an_hour is not None
    assert advice.advice.points_an_hour.middle > 10  # about 17 points in 12 minutes
    first = advice.sentences()[0]
    assert first.startswith("Another round is foretold to give")
    assert "points of mAP50 an hour; for advice, say in prelabel.yaml" in first


def test_the_same_project_gets_the_same_advice(project: Project) -> None:
    with_rounds(project, [3, 6, 8])
    with advised(project, "points_an_hour: 2") as one:
        advice = one.advice()
        assert advice is not None
        assert "2 are worth it" in advice.sentences()[0]
        with open_project(project.workspace.folder) as other:
            assert other.advice() == advice


def test_status_and_report_say_it(project: Project) -> None:
    with_rounds(project, [3, 6])
    done = CliRunner().invoke(cli, ["-p", str(project.workspace.folder), "status"])
    assert done.exit_code == 0
    report = project.report().read_text(encoding="utf-8")
    for told in (done.output, report):
        assert "a curve takes 3: go on" in " ".join(told.split())
