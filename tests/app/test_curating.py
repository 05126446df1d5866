"""A project in FiftyOne, on a real MongoDB: filled by changes, and read back."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mongo import mongod_program, skip_without_mongod
from review_app import CLASSES, FRAMES, MODEL, opened_copy

from prelabel.curating.curate import Synchronised, rebuild, synchronise
from prelabel.curating.documents import labels_document
from prelabel.curating.fields import EVALUATION, proposals_field
from prelabel.curating.mongod import MongodOptions, running_mongod
from prelabel.curating.notes import open_dataset
from prelabel.curating.opening import Curation, opened_curation
from prelabel.datasets.annotations import AnnotationSet, Origin, OriginKind
from prelabel.datasets.frames import Frame, FrameKind, LabelledFrame
from prelabel.datasets.progress import Silent
from prelabel.project import Project
from prelabel.reviewing import proposals_for
from prelabel.store.acceptances import (
    AcceptedFrame,
    EndKind,
    Part,
    end_acceptance,
    record_acceptance,
)
from prelabel.store.store import utc_now
from prelabel.work.records import TaskState

PROPOSALS = proposals_field(MODEL)

# What FiftyOne's driver says about its own defaults.
pytestmark = pytest.mark.filterwarnings("ignore:No uuidRepresentation:DeprecationWarning")


@pytest.fixture
def project(birds: Path, tmp_path: Path) -> Iterator[Project]:
    """Six frames with proposals; the first two have them as accepted labels."""
    with opened_copy(birds, tmp_path / "birds") as opened:
        for frame in list(opened.store.frames())[:2]:
            accept_proposals(opened, frame.frame_id)
        yield opened


@pytest.fixture
def curation(mongo_database: str, project: Project) -> Iterator[Curation]:
    with opened_curation(project.workspace, os.environ) as opened:
        yield opened


def accept_proposals(project: Project, frame_id: str) -> AnnotationSet:
    labels = proposals_for(project, [frame_id])[frame_id].visible
    return project.store.write_labels(frame_id, labels, "ann", 12.5).annotations


def synchronised(curation: Curation, project: Project) -> tuple[Any, Synchronised]:
    done = synchronise(curation, project, Silent())
    dataset = open_dataset(curation)
    assert dataset is not None
    return dataset, done


def labelled_id(project: Project) -> str:
    return next(project.store.frames(labelled=True)).frame_id


def sample_of(dataset: Any, frame_id: str) -> Any:
    return dataset.one({"frame_id": frame_id})


def test_a_project_is_filled_whole_and_then_by_changes(
    curation: Curation, project: Project
) -> None:
    dataset, first = synchronised(curation, project)
    assert (first.filled.added, len(dataset), dataset.persistent) == (FRAMES, FRAMES, True)
    assert dataset.count("labels.detections") == 4
    assert dataset.count(f"{PROPOSALS}.detections") == 2 * FRAMES

    frame_id = list(project.store.frames())[3].frame_id
    accept_proposals(project, frame_id)
    _, second = synchronised(curation, project)
    assert second.filled.added == 0
    sample = sample_of(dataset, frame_id)
    assert (sample.state, sample.record.version, sample.record.by) == ("labelled", 1, "ann")
    assert sample.record.seconds == 12.5
    assert second.collected is not None
    assert second.collected.edits == {}


def test_boxes_carry_what_the_project_knows_of_them(curation: Curation, project: Project) -> None:
    dataset, _ = synchronised(curation, project)
    frame_id = labelled_id(project)
    sample, version = sample_of(dataset, frame_id), project.store.labels(frame_id)
    assert version is not None
    label = sample.labels.detections[0]
    assert label.box_id == version.annotations.box_id[0]
    assert (label.origin, label.model, label.version) == ("proposed", MODEL, 1)
    assert label.eval == "tp"
    assert sample.metadata.width == 64
    assert sample.work.reason
    assert sample.work.round == 1
    assert 0 < sample[PROPOSALS].detections[0].uncertainty <= 1
    assert sample.doubt.model == MODEL


def test_documents_are_what_fiftyones_classes_give(curation: Curation, project: Project) -> None:
    fo = curation.fiftyone
    frame = next(project.store.frames(labelled=True))
    version = project.store.labels(frame.frame_id)
    assert version is not None
    ours = labels_document(version, frame, CLASSES, None)["detections"][0]
    theirs = fo.Detection(label=ours["label"], bounding_box=ours["bounding_box"]).to_dict()
    given = {name: value for name, value in theirs.items() if value is not None}
    assert {name: ours[name] for name in given if name != "_id"} == {
        name: value for name, value in given.items() if name != "_id"
    }


def test_error_patches_can_be_opened(curation: Curation, project: Project) -> None:
    dataset, _ = synchronised(curation, project)
    patches = dataset.to_evaluation_patches(EVALUATION)
    assert patches.count_values("type")["tp"] == 4


def test_the_method_of_evaluation_finds_what_the_filling_wrote(
    curation: Curation, project: Project
) -> None:
    dataset, _ = synchronised(curation, project)
    kept = dataset.load_evaluation_results(EVALUATION)
    assert kept.metrics()["support"] == 4
    assert kept.metrics()["recall"] == 1
    labelled = dataset.exists("labels.detections.0")
    again = labelled.evaluate_detections(PROPOSALS, gt_field="labels", method="prelabel")
    assert sorted(again.ytrue_ids) == sorted(kept.ytrue_ids)
    assert sorted(again.ious) == pytest.approx(sorted(kept.ious), abs=1e-5)


def test_disagreements_are_named_by_kind(curation: Curation, project: Project) -> None:
    frame_id = labelled_id(project)
    version = project.store.labels(frame_id)
    assert version is not None
    labels = version.annotations
    flipped = AnnotationSet(
        labels.boxes.take([0]), 1 - labels.class_id[:1], labels.box_id[:1], labels.origin[:1]
    )
    project.store.write_labels(frame_id, flipped, "bob")
    dataset, _ = synchronised(curation, project)
    sample = sample_of(dataset, frame_id)
    assert [box.disagreement for box in sample.labels.detections] == ["class flip"]
    kinds = [box.disagreement for box in sample[PROPOSALS].detections]
    assert kinds == ["class flip", "extra"]
    assert sample.doubt.disagreements == 2
    assert (sample.eval_tp, sample.eval_fp, sample.eval_fn) == (0, 2, 1)
    assert len(dataset.load_saved_view("disagreements: class flip")) == 1


def test_labels_that_a_rule_accepted_are_told_apart_and_confirmed(
    curation: Curation, project: Project
) -> None:
    frame = next(project.store.frames(labelled=False))
    rule = "all boxes right in 95 of 100 frames"
    shown = proposals_for(project, [frame.frame_id])[frame.frame_id].visible
    origins = [Origin(OriginKind.AUTO, one.model_id, one.score, rule=rule) for one in shown.origin]
    labels = AnnotationSet(shown.boxes, shown.class_id, shown.box_id, origins)
    dataset, _ = synchronised(curation, project)
    accepted = AcceptedFrame(frame.frame_id, Part.WHOLE, labels)
    record_acceptance(project.store, MODEL, {"rule": rule}, [accepted], "ann", utc_now)
    synchronised(curation, project)
    sample = sample_of(dataset, frame.frame_id)
    assert (sample.record.rule, sample.labels.detections[0].rule) == (rule, rule)
    assert len(dataset.load_saved_view("auto: accepted by a rule")) == 1

    sample.tags.append("accept")
    sample.save()
    synchronised(curation, project)
    confirmed = project.store.labels(frame.frame_id)
    assert confirmed is not None
    assert {one.kind for one in confirmed.annotations.origin} == {OriginKind.PROPOSED}
    assert confirmed.source == "confirmed in FiftyOne"


def test_an_edit_of_labels_that_were_withdrawn_is_kept_beside(
    curation: Curation, project: Project
) -> None:
    frame = next(project.store.frames(labelled=False))
    shown = proposals_for(project, [frame.frame_id])[frame.frame_id].visible
    origins = [Origin(OriginKind.AUTO, one.model_id, one.score, rule="r") for one in shown.origin]
    labels = AnnotationSet(shown.boxes, shown.class_id, shown.box_id, origins)
    accepted = AcceptedFrame(frame.frame_id, Part.WHOLE, labels)
    record_acceptance(project.store, MODEL, {}, [accepted], "ann", utc_now)
    dataset, _ = synchronised(curation, project)
    sample = sample_of(dataset, frame.frame_id)
    sample.labels.detections.pop()
    sample.save()
    end_acceptance(project.store, 1, EndKind.WITHDRAWN, "a trial", "ann", utc_now)
    _, done = synchronised(curation, project)
    assert done.collected is not None
    assert list(done.collected.conflicts) == [frame.frame_id]
    assert project.store.labels(frame.frame_id) is None
    sample = sample_of(dataset, frame.frame_id)
    assert (sample.labels, len(sample.conflict.detections)) == (None, 1)

    sample.tags.append("take mine")
    sample.save()
    synchronised(curation, project)
    mine = project.store.labels(frame.frame_id)
    assert mine is not None
    assert len(mine.annotations) == 1


def test_pictures_of_one_instant_are_slices_of_a_group(
    curation: Curation, project: Project, tmp_path: Path
) -> None:
    views = [
        Frame("a" * 32, str(tmp_path / "0007-front.jpg"), 64, 48, group="0007"),
        Frame(
            "b" * 32,
            str(tmp_path / "0007-lidar_bev.png"),
            64,
            48,
            FrameKind.LIDAR_BEV,
            group="0007",
        ),
    ]
    project.store.import_frames([LabelledFrame(views[0], None)], "ann")
    dataset, _ = synchronised(curation, project)
    project.store.import_frames([LabelledFrame(views[1], None)], "ann")
    _, done = synchronised(curation, project)
    assert done.filled.added == 1
    assert dataset.media_type == "group"
    slices = dataset.match({"instant": "0007"}).first()
    group = dataset.get_group(slices.group.id)
    assert {name: one.frame_id for name, one in group.items()} == {
        "front": "a" * 32,
        "lidar_bev": "b" * 32,
    }
    assert len(dataset.load_saved_view("this batch")) == FRAMES


def test_views_for_curators_are_saved_and_open(curation: Curation, project: Project) -> None:
    dataset, _ = synchronised(curation, project)
    views = {name: dataset.load_saved_view(name) for name in dataset.list_saved_views()}
    assert len(views["this batch"]) == FRAMES
    assert len(views["human: as proposed"]) == 2
    assert len(views["disagreements: extra"]) == len(views["auto: accepted by a rule"]) == 0
    assert len(views["conflicts"]) == 0
    assert dataset.list_workspaces() == ["curation"]
    assert dataset.active_label_schemas == ["labels"]
    assert dataset.app_config.sidebar_groups[1].paths[0] == "labels"


def test_edited_boxes_come_back_as_a_version_in_the_editors_name(
    curation: Curation, project: Project
) -> None:
    dataset, _ = synchronised(curation, project)
    frame_id = labelled_id(project)
    before = project.store.labels(frame_id)
    assert before is not None
    sample = sample_of(dataset, frame_id)
    sample.labels.detections[0].bounding_box[0] += 0.1
    sample.labels.detections[1].label = CLASSES[1 - int(before.annotations.class_id[1])]
    drawn = curation.fiftyone.Detection(label=CLASSES[1], bounding_box=[0.5, 0.5, 0.25, 0.25])
    sample.labels.detections.append(drawn)
    sample.save()

    _, done = synchronised(curation, project)
    assert done.collected is not None
    assert done.collected.edits == {frame_id: "1 moved, 1 reclassed, 1 drawn"}
    after = project.store.labels(frame_id)
    assert after is not None
    assert (after.number, after.author, after.source) == (2, "ann", "edited in FiftyOne")
    labels = after.annotations
    assert labels.box_id[:2] == before.annotations.box_id
    kinds = [origin.kind for origin in labels.origin]
    assert kinds == [OriginKind.CHANGED, OriginKind.CHANGED, OriginKind.DRAWN]
    np.testing.assert_array_equal(labels.boxes.xyxy[1], before.annotations.boxes.xyxy[1])
    np.testing.assert_allclose(labels.boxes.xyxy[2], [32, 24, 48, 36], atol=1e-4)
    assert project.store.replay(frame_id)[-1] == after

    _, again = synchronised(curation, project)
    assert again.collected is not None
    assert again.collected.edits == {}
    assert sample_of(dataset, frame_id).record.version == 2


def test_a_frame_without_labels_is_labelled_by_drawing(
    curation: Curation, project: Project
) -> None:
    dataset, _ = synchronised(curation, project)
    fo, frame = curation.fiftyone, next(project.store.frames(labelled=False))
    sample = sample_of(dataset, frame.frame_id)
    drawn = fo.Detection(label=CLASSES[0], bounding_box=[0, 0, 0.5, 0.5])
    sample["labels"] = fo.Detections(detections=[drawn])
    sample.save()
    synchronised(curation, project)
    version = project.store.labels(frame.frame_id)
    assert version is not None
    assert (len(version.annotations), version.number) == (1, 1)


def test_a_conflict_keeps_both_versions_and_is_settled_by_a_tag(
    curation: Curation, project: Project
) -> None:
    dataset, _ = synchronised(curation, project)
    frame_id = labelled_id(project)
    before = project.store.labels(frame_id)
    assert before is not None
    sample = sample_of(dataset, frame_id)
    sample.labels.detections.pop()
    sample.save()
    theirs = before.annotations.take(np.array([1]))
    project.store.write_labels(frame_id, theirs, "bob")

    _, done = synchronised(curation, project)
    assert done.collected is not None
    assert list(done.collected.conflicts) == [frame_id]
    history = project.store.label_history(frame_id)
    assert [len(one.annotations) for one in history] == [2, 1, 1, 1]
    assert history[-1].annotations == theirs
    assert history[2].annotations.box_id == before.annotations.box_id[:1]
    sample = sample_of(dataset, frame_id)
    assert [box.box_id for box in sample.labels.detections] == list(theirs.box_id)
    assert [box.box_id for box in sample.conflict.detections] == [before.annotations.box_id[0]]
    assert len(dataset.load_saved_view("conflicts")) == 1

    sample.tags.append("take mine")
    sample.save()
    synchronised(curation, project)
    settled = project.store.labels(frame_id)
    assert settled is not None
    assert settled.annotations.box_id == before.annotations.box_id[:1]
    sample = sample_of(dataset, frame_id)
    assert (sample.tags, sample.conflict) == ([], None)


def test_tags_accept_requeue_exclude_and_include(curation: Curation, project: Project) -> None:
    dataset, _ = synchronised(curation, project)
    done_id = labelled_id(project)
    open_ids = [frame.frame_id for frame in project.store.frames(labelled=False)]
    for frame_id, tag in (
        (done_id, "requeue"),
        (open_ids[0], "accept"),
        (open_ids[1], "exclude"),
    ):
        sample = sample_of(dataset, frame_id)
        sample.tags.append(tag)
        sample.save()
    _, done = synchronised(curation, project)
    assert done.collected is not None
    assert {one.wish: one.told for one in done.collected.wishes} == {
        "requeue": "1 queued, 0 sent back, 0 wait already",
        "accept": "0 accepted, 1 accepted as proposed, 0 had labels already",
        "exclude": "1 excluded",
    }
    assert project.store.labelled_among([open_ids[0]]) == {open_ids[0]}
    assert project.store.excluded() == {open_ids[1]}
    states = {one: sample_of(dataset, one).state for one in (done_id, open_ids[1])}
    assert states == {done_id: TaskState.QUEUED.value, open_ids[1]: "excluded"}
    assert dataset.match_tags(["requeue", "accept", "exclude"]).count() == 0

    sample = sample_of(dataset, open_ids[1])
    sample.tags.append("include")
    sample.save()
    synchronised(curation, project)
    assert project.store.excluded() == set()


def test_a_dataset_made_anew_is_the_same(curation: Curation, project: Project) -> None:
    dataset, _ = synchronised(curation, project)
    before = dataset.values(["frame_id", "state", "labels.detections.box_id"])
    rebuild(curation, project, Silent())
    dataset = open_dataset(curation)
    assert dataset is not None
    assert dataset.values(["frame_id", "state", "labels.detections.box_id"]) == before


def test_the_server_runs_as_long_as_it_is_used_and_survives_a_kill(tmp_path: Path) -> None:
    program = mongod_program()
    if program is None:
        skip_without_mongod()
    options = MongodOptions(program, 0.25)
    with running_mongod(tmp_path / "db", options) as first:
        with running_mongod(tmp_path / "db", options) as second:
            assert second == first
        address = tmp_path / "db" / "address"
        assert address.read_text().split()[1] == first
    assert not address.exists()
