"""A round of a project, with predictions that lie in files as a detector leaves them."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from builders import a_picture, a_prediction

from prelabel.datasets.annotations import OriginKind
from prelabel.datasets.errors import BadInputError
from prelabel.datasets.frames import Frame, Split
from prelabel.datasets.progress import Silent
from prelabel.exporting import Content
from prelabel.importing import ImportSource
from prelabel.project import Project, init_project
from prelabel.proposing import NoProposalsError, prediction_files
from prelabel.store.records import ModelRecord

MODEL = "0123456789abcdef"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "photos").mkdir()
    for number in range(12):
        a_picture(tmp_path / "photos" / f"{number:02d}.jpg", seed=number)
    made, _ = init_project(
        tmp_path / "birds", source=tmp_path / "photos", classes=["heron", "egret"], author="ann"
    )
    with made:
        yield made


def with_model(project: Project, predicted: list[Frame]) -> None:
    """A model that saw one doubtful and one sure heron on each of these frames."""
    checkpoint = str(project.workspace.training_folder("run") / "best.pt")
    record = ModelRecord(MODEL, "torchvision:micro", checkpoint, 3, 10, 1.0)
    project.store.add_model(record, "ann")
    boxes = [[2, 2, 20, 20], [30, 10, 50, 40]]
    prediction_files(project.workspace, MODEL).write(
        [
            a_prediction(frame.frame_id, boxes, [[0.9, 0.05], [0.5, 0.4]], model_id=MODEL)
            for frame in predicted
        ]
    )


def test_frames_without_proposals_are_counted_and_not_chosen(project: Project) -> None:
    frames = list(project.store.frames())
    with_model(project, frames[:8])
    chosen = project.select(budget=20, strategy="margin_max")
    assert {frame.frame_id for frame in chosen.frames} == {one.frame_id for one in frames[:8]}
    assert chosen.without_proposals == 4


def test_without_any_proposals_it_says_which_command_makes_them(project: Project) -> None:
    with_model(project, [])
    with pytest.raises(NoProposalsError, match="prelabel propose"):
        project.select(budget=2)


def test_frames_of_test_and_validation_are_never_chosen(project: Project) -> None:
    frames = list(project.store.frames())
    project.store.set_split([frames[0].frame_id], Split.TEST, "ann")
    project.store.set_split([frames[1].frame_id], Split.VAL, "ann")
    with_model(project, frames)
    chosen = {frame.frame_id for frame in project.select(budget=12).frames}
    assert chosen == {frame.frame_id for frame in frames[2:]}


def test_a_corrected_batch_comes_back_with_origins_and_its_round(
    project: Project, tmp_path: Path
) -> None:
    with_model(project, list(project.store.frames()))
    chosen = project.select(budget=4)
    project.export("coco", tmp_path / "batch", Content.BATCH)
    path = tmp_path / "batch" / "annotations.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    first = chosen.frames[0]
    image = next(
        one["id"] for one in document["images"] if Path(one["file_name"]).name in first.uri
    )
    mine = [one for one in document["annotations"] if one["image_id"] == image]
    assert len(mine) == 2
    mine[0]["category_id"] = 2  # another class
    document["annotations"].append(
        {"id": 99, "image_id": image, "category_id": 1, "bbox": [5, 30, 10, 10]}
    )
    path.write_text(json.dumps(document), encoding="utf-8")

    imported = project.import_dataset(ImportSource(path))
    assert imported.counts.versions_added == 4
    version = project.store.labels(first.frame_id)
    assert version is not None
    assert version.round_number == chosen.round.number
    kinds = [origin.kind for origin in version.annotations.origin]
    assert sorted(kinds) == [OriginKind.CHANGED, OriginKind.DRAWN, OriginKind.PROPOSED]
    changed = version.annotations.origin[kinds.index(OriginKind.CHANGED)]
    assert changed.model_id == MODEL
    assert changed.original_class_id == 0

    again = project.import_dataset(ImportSource(path))
    assert again.counts.versions_added == 0


def test_a_batch_stays_until_it_is_begun_and_the_next_one_closes_its_round(
    project: Project, tmp_path: Path
) -> None:
    with_model(project, list(project.store.frames()))
    first = project.select(budget=4)
    assert project.select(budget=4).round == first.round
    project.export("coco", tmp_path / "batch", Content.BATCH)
    project.import_dataset(ImportSource(tmp_path / "batch" / "annotations.json"))
    second = project.select(budget=4)
    assert second.round.number == first.round.number + 1
    assert not set(first.frames) & set(second.frames)
    closed = project.store.rounds()[0]
    assert closed.figures == {"frames": 4, "labelled": 4}


def test_the_report_shows_rounds_and_models(project: Project) -> None:
    with_model(project, list(project.store.frames()))
    project.select(budget=4)
    text = project.report().read_text(encoding="utf-8")
    assert MODEL in text
    assert "drawn at random" in text or "unsure" in text


def test_late_corrections_of_an_older_batch_are_recognised(
    project: Project, tmp_path: Path
) -> None:
    """Chosen twice and corrected after the second time, from the file of the first."""
    frames = list(project.store.frames())
    with_model(project, frames)
    first = project.select(budget=12)
    project.export("coco", tmp_path / "first", Content.BATCH)
    late = first.frames[3].frame_id
    newer = "fedcba9876543210"
    record = ModelRecord(newer, "torchvision:micro", "elsewhere.pt", 3, 10, 1.0)
    project.store.add_model(record, "ann")
    prediction_files(project.workspace, newer).write(
        [
            a_prediction(one.frame_id, [[4, 4, 22, 22]], [[0.8, 0.1]], model_id=newer)
            for one in frames
        ]
    )
    project.select(budget=6, strategy="margin_max")
    project.import_dataset(ImportSource(tmp_path / "first" / "annotations.json"))
    version = project.store.labels(late)
    assert version is not None
    assert {origin.model_id for origin in version.annotations.origin} == {MODEL}


def with_proposal_settings(project: Project, **changes: float) -> Project:
    """The same project, after its prelabel.yaml was edited."""
    settings = project.workspace.settings
    proposals = settings.proposals.model_copy(update=changes)
    edited = settings.model_copy(update={"proposals": proposals})
    workspace = replace(project.workspace, settings=edited)
    return Project(workspace, project.store, "ann", Silent())


def test_what_people_saw_outlives_the_prediction_files(project: Project, tmp_path: Path) -> None:
    with_model(project, list(project.store.frames()))
    chosen = project.select(budget=4)
    first = chosen.frames[0].frame_id
    shown = project.store.shown(chosen.round.number, first)
    assert shown is not None
    assert shown.scores.tolist() == pytest.approx([0.9, 0.5])
    assert shown.uncertainty[0] < shown.uncertainty[1] <= 1
    shutil.rmtree(project.workspace.folder / "predictions")

    project.export("coco", tmp_path / "batch", Content.BATCH)
    project.import_dataset(ImportSource(tmp_path / "batch" / "annotations.json"))
    version = project.store.labels(first)
    assert version is not None
    assert version.annotations.origin == shown.visible.origin
    assert len(version.annotations) == 2
    assert project.report().is_file()


def test_with_other_options_the_model_predicts_anew_beside_the_old_files(project: Project) -> None:
    with_model(project, list(project.store.frames()))
    before = prediction_files(project.workspace, MODEL)
    edited = with_proposal_settings(project, score_min=0.4)
    assert (project.status().predicted_frames, edited.status().predicted_frames) == (12, 0)
    with pytest.raises(NoProposalsError, match="prelabel propose"):
        edited.select(budget=2)
    prediction_files(edited.workspace, MODEL).check_settings({"score_min": 0.4})
    assert len(before.predicted_ids()) == 12
    same = with_proposal_settings(project, shown_score=0.4)
    assert prediction_files(same.workspace, MODEL).folder == before.folder


def test_an_untouched_batch_is_chosen_anew_from_boxes_of_other_options(project: Project) -> None:
    with_model(project, list(project.store.frames()))
    first = project.select(budget=4)
    edited = with_proposal_settings(project, max_boxes=1)
    with_model(edited, list(project.store.frames()))
    assert edited.select(budget=4).round.number == first.round.number + 1


def test_corrections_of_equal_file_names_find_their_frames(tmp_path: Path) -> None:
    """Two cameras that number alike; the corrected file comes from another machine."""
    for folder in ("left", "right"):
        (tmp_path / "photos" / folder).mkdir(parents=True)
        for number in range(2):
            path = tmp_path / "photos" / folder / f"{number}.jpg"
            a_picture(path, seed=10 * len(folder) + number)
    made, _ = init_project(tmp_path / "birds", source=tmp_path / "photos", classes=["heron"])
    with made as project:
        project.select(budget=4)
        project.export("coco", tmp_path / "batch", Content.BATCH)
        document = json.loads((tmp_path / "batch" / "annotations.json").read_bytes())
        for number, image in enumerate(document["images"], 1):
            side = 10.0 if image["file_name"].startswith("left") else 30.0
            box = {"id": number, "image_id": image["id"], "category_id": 1}
            document["annotations"].append(box | {"bbox": [1, 1, side, side]})
            image["file_name"] = f"/home/ada/task 7/{image['file_name']}"
        (tmp_path / "elsewhere").mkdir()
        corrected = tmp_path / "elsewhere" / "corrected.json"
        corrected.write_text(json.dumps(document), encoding="utf-8")
        imported = project.import_dataset(ImportSource(corrected))
        assert (imported.counts.versions_added, imported.report.problems) == (4, [])
        for one in project.store.labelled_frames():
            assert one.annotations is not None
            width = 10.0 if "left" in one.frame.uri else 30.0
            assert one.annotations.boxes.xyxy.tolist() == [[1, 1, 1 + width, 1 + width]]

        for image in document["images"]:
            image["file_name"] = Path(image["file_name"]).name
        corrected.write_text(json.dumps(document), encoding="utf-8")
        with pytest.raises(BadInputError, match=r"may be .* or .*--images"):
            project.import_dataset(ImportSource(corrected))
