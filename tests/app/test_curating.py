"""A project in FiftyOne, on a real MongoDB: filled by changes, and read back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bson import ObjectId
from builders import a_prediction
from curated import accept_proposals, labelled_id, sample_of, synchronised
from mongo import mongod_program, skip_without_mongod
from pymongo.errors import BulkWriteError
from review_app import CLASSES, FRAMES, MODEL

from prelabel.curating.curate import rebuild
from prelabel.curating.documents import labels_document
from prelabel.curating.fields import EVALUATION, MAP, SIMILARITY, proposals_field
from prelabel.curating.inserting import inserting
from prelabel.curating.mongod import MongodOptions, running_mongod
from prelabel.curating.notes import open_dataset
from prelabel.curating.opening import Curation
from prelabel.curating.samples import all_samples, group_id, sample_documents
from prelabel.curating.vectors import flat_map
from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.frames import Frame, FrameKind, LabelledFrame
from prelabel.datasets.progress import Silent
from prelabel.project import Project
from prelabel.proposing import prediction_files
from prelabel.store.records import ModelRecord

PROPOSALS = proposals_field(MODEL)
RNG = np.random.default_rng(0)
BOX, PROBS = [[2, 2, 20, 20]], [[0.9, 0.05]]

# What FiftyOne's driver says about its own defaults.
pytestmark = pytest.mark.filterwarnings("ignore:No uuidRepresentation:DeprecationWarning")


def test_a_project_is_filled_whole_and_then_by_changes(
    curation: Curation, curated_project: Project
) -> None:
    dataset, first = synchronised(curation, curated_project)
    assert (first.filled.added, len(dataset), dataset.persistent) == (FRAMES, FRAMES, True)
    assert dataset.count("labels.detections") == 4
    assert dataset.count(f"{PROPOSALS}.detections") == 2 * FRAMES

    frame_id = list(curated_project.store.frames())[3].frame_id
    accept_proposals(curated_project, frame_id)
    _, second = synchronised(curation, curated_project)
    assert second.filled.added == 0
    sample = sample_of(dataset, frame_id)
    assert (sample.state, sample.record.version, sample.record.by) == ("labelled", 1, "ann")
    assert sample.record.seconds == 12.5
    assert second.collected is not None
    assert second.collected.edits == {}


def test_boxes_carry_what_the_project_knows_of_them(
    curation: Curation, curated_project: Project
) -> None:
    dataset, _ = synchronised(curation, curated_project)
    frame_id = labelled_id(curated_project)
    sample, version = sample_of(dataset, frame_id), curated_project.store.labels(frame_id)
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


def test_documents_are_what_fiftyones_classes_give(
    curation: Curation, curated_project: Project
) -> None:
    fo = curation.fiftyone
    frame = next(curated_project.store.frames(labelled=True))
    version = curated_project.store.labels(frame.frame_id)
    assert version is not None
    ours = labels_document(version, frame, CLASSES, None)["detections"][0]
    theirs = fo.Detection(label=ours["label"], bounding_box=ours["bounding_box"]).to_dict()
    given = {name: value for name, value in theirs.items() if value is not None}
    assert {name: ours[name] for name in given if name != "_id"} == {
        name: value for name, value in given.items() if name != "_id"
    }


def test_samples_are_what_fiftyones_class_gives(
    curation: Curation, curated_project: Project, tmp_path: Path
) -> None:
    fo = curation.fiftyone
    frame = Frame("a" * 32, str(tmp_path / "0007-front.jpg"), 64, 48, group="0007")
    curated_project.store.import_frames([LabelledFrame(frame, None)], "ann")
    dataset, _ = synchronised(curation, curated_project)
    ours = sample_documents(fo, dataset, [frame])[frame.frame_id]
    sample = fo.Sample(
        filepath=frame.uri,
        metadata=fo.ImageMetadata(width=64, height=48),
        frame_id=frame.frame_id,
        split=frame.split.value,
        kind=frame.kind.value,
        instant="0007",
        group=fo.Group(id=group_id("0007")).element("front"),
    )
    dataset.delete_samples(dataset.select_group_slices("front").values("id"))
    (sample_id,) = dataset.add_samples([sample])
    theirs = dataset._sample_collection.find_one({"_id": ObjectId(sample_id)})
    differing = {"_rand", "created_at", "last_modified_at"}
    assert {*ours, "_id"} == {*theirs}
    assert 0.999 <= ours["_rand"] <= 1
    ours["group"]["name"] = theirs["group"]["name"]  # a second picture of one sensor is "front-2"
    assert {name: ours[name] for name in ours if name not in differing} == {
        name: theirs[name] for name in ours if name not in differing
    }


def test_samples_that_cannot_be_added_are_no_silent_loss(
    curation: Curation, curated_project: Project
) -> None:
    dataset, _ = synchronised(curation, curated_project)
    frames = list(curated_project.store.frames())
    documents = sample_documents(curation.fiftyone, dataset, frames[:1])
    with pytest.raises(BulkWriteError), inserting(dataset) as samples:
        samples.add([*documents.values()])  # a frame has one sample
    assert len(dataset) == FRAMES


def test_error_patches_can_be_opened(curation: Curation, curated_project: Project) -> None:
    dataset, _ = synchronised(curation, curated_project)
    patches = dataset.to_evaluation_patches(EVALUATION)
    assert patches.count_values("type")["tp"] == 4


def test_the_method_of_evaluation_finds_what_the_filling_wrote(
    curation: Curation, curated_project: Project
) -> None:
    dataset, _ = synchronised(curation, curated_project)
    kept = dataset.load_evaluation_results(EVALUATION)
    assert kept.metrics()["support"] == 4
    assert kept.metrics()["recall"] == 1
    labelled = dataset.exists("labels.detections.0")
    again = labelled.evaluate_detections(PROPOSALS, gt_field="labels", method="prelabel")
    assert sorted(again.ytrue_ids) == sorted(kept.ytrue_ids)
    assert sorted(again.ious) == pytest.approx(sorted(kept.ious), abs=1e-5)


def test_disagreements_are_named_by_kind(curation: Curation, curated_project: Project) -> None:
    frame_id = labelled_id(curated_project)
    version = curated_project.store.labels(frame_id)
    assert version is not None
    labels = version.annotations
    flipped = AnnotationSet(
        labels.boxes.take([0]), 1 - labels.class_id[:1], labels.box_id[:1], labels.origin[:1]
    )
    curated_project.store.write_labels(frame_id, flipped, "bob")
    dataset, _ = synchronised(curation, curated_project)
    sample = sample_of(dataset, frame_id)
    assert [box.disagreement for box in sample.labels.detections] == ["class flip"]
    kinds = [box.disagreement for box in sample[PROPOSALS].detections]
    assert kinds == ["class flip", "extra"]
    assert sample.doubt.disagreements == 2
    assert (sample.eval_tp, sample.eval_fp, sample.eval_fn) == (0, 2, 1)
    assert len(dataset.load_saved_view("disagreements: class flip")) == 1


def test_pictures_of_one_instant_are_slices_of_a_group(
    curation: Curation, curated_project: Project, tmp_path: Path
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
    curated_project.store.import_frames([LabelledFrame(views[0], None)], "ann")
    dataset, _ = synchronised(curation, curated_project)
    curated_project.store.import_frames([LabelledFrame(views[1], None)], "ann")
    _, done = synchronised(curation, curated_project)
    assert done.filled.added == 1
    assert dataset.media_type == "group"
    view = all_samples(dataset).match({"instant": "0007"})
    names, groups = view.values(["group.name", "group.id"])
    assert (sorted(names), set(groups)) == (["front", "lidar_bev"], {group_id("0007")})
    assert len(dataset.load_saved_view("this batch")) == FRAMES


def test_frames_are_alike_and_lie_where_the_projects_own_vectors_say(
    curation: Curation, curated_project: Project
) -> None:
    ids = [frame.frame_id for frame in curated_project.store.frames()]
    vectors = (RNG.integers(-16, 16, (FRAMES - 1, 4)) / 4).astype(np.float32)
    vectors[3] = vectors[0] * 1.125
    embedder = "fedcba9876543210"
    record = ModelRecord(embedder, "torchvision:micro", "best.pt", 3, 10, 1.0)
    curated_project.store.add_model(record, "ann")
    prediction_files(curated_project.workspace, embedder).write(
        [
            replace(a_prediction(one, BOX, PROBS, embedder), frame_embedding=vector)
            for one, vector in zip(ids[:-1], vectors, strict=True)
        ]
    )
    dataset, _ = synchronised(curation, curated_project)
    assert sorted(dataset.list_brain_runs()) == [MAP, SIMILARITY]
    first = sample_of(dataset, ids[0])
    alike = dataset.sort_by_similarity(first.id, brain_key=SIMILARITY, k=2)
    assert alike.values("frame_id") == [ids[0], ids[3]]
    drawn = dataset.load_brain_results(MAP)
    frame_of = dict(zip(*dataset.values(["id", "frame_id"]), strict=True))
    rows = [ids.index(frame_of[one]) for one in drawn.sample_ids]
    assert sorted(rows) == list(range(FRAMES - 1))
    np.testing.assert_allclose(drawn.points, flat_map(vectors[rows]), atol=1e-6)


def test_views_for_curators_are_saved_and_open(
    curation: Curation, curated_project: Project
) -> None:
    dataset, _ = synchronised(curation, curated_project)
    views = {name: dataset.load_saved_view(name) for name in dataset.list_saved_views()}
    assert len(views["this batch"]) == FRAMES
    assert len(views["human: as proposed"]) == 2
    assert len(views["disagreements: extra"]) == len(views["auto: accepted by a rule"]) == 0
    assert len(views["conflicts"]) == 0
    assert dataset.list_workspaces() == ["curation"]
    assert dataset.active_label_schemas == ["labels"]
    groups = {one.name: one.paths for one in dataset.app_config.sidebar_groups}
    assert groups["boxes"][:2] == ["labels", PROPOSALS]
    listed = [path for paths in groups.values() for path in paths]
    assert len(listed) == len(set(listed))
    # The App adds fields of documents that no group names to a group of the document's own.
    for document in ("work", "record", "doubt"):
        fields = dataset.get_field_schema()[document].get_field_schema()
        assert {f"{document}.{name}" for name in fields} <= set(listed)
    assert "state" in listed
    assert "state" not in dataset.get_field_schema()["work"].get_field_schema()


def test_a_dataset_made_anew_is_the_same(curation: Curation, curated_project: Project) -> None:
    dataset, _ = synchronised(curation, curated_project)
    before = dataset.values(["frame_id", "state", "labels.detections.box_id"])
    rebuild(curation, curated_project, Silent())
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
