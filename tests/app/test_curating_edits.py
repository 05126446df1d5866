"""What curators do in FiftyOne, on a real MongoDB, brought back into the project."""

import numpy as np
import pytest
from curated import labelled_id, sample_of, synchronised
from review_app import CLASSES, MODEL

from prelabel.curating.fields import proposals_field
from prelabel.curating.opening import Curation
from prelabel.datasets.annotations import DRAWN, AnnotationSet, Origin, OriginKind
from prelabel.datasets.boxes import Boxes
from prelabel.project import Project
from prelabel.reviewing import proposals_for
from prelabel.store.acceptances import (
    AcceptedFrame,
    EndKind,
    NewAcceptance,
    Part,
    awaiting_audit,
    end_acceptance,
    record_acceptance,
)
from prelabel.store.store import utc_now
from prelabel.work.records import TaskState

PROPOSALS = proposals_field(MODEL)

# What FiftyOne's driver says about its own defaults.
pytestmark = pytest.mark.filterwarnings("ignore:No uuidRepresentation:DeprecationWarning")


def test_labels_that_a_rule_accepted_are_told_apart_and_confirmed(
    curation: Curation, curated_project: Project
) -> None:
    frame = next(curated_project.store.frames(labelled=False))
    rule = "all boxes right in 95 of 100 frames"
    shown = proposals_for(curated_project, [frame.frame_id])[frame.frame_id].visible
    origins = [Origin(OriginKind.AUTO, one.model_id, one.score, rule=rule) for one in shown.origin]
    labels = AnnotationSet(shown.boxes, shown.class_id, shown.box_id, origins)
    dataset, _ = synchronised(curation, curated_project)
    accepted = AcceptedFrame(frame.frame_id, Part.WHOLE, labels)
    record_acceptance(
        curated_project.store, NewAcceptance(MODEL, {"rule": rule}, [accepted], 0), "ann", utc_now
    )
    synchronised(curation, curated_project)
    sample = sample_of(dataset, frame.frame_id)
    assert (sample.record.rule, sample.labels.detections[0].rule) == (rule, rule)
    assert len(dataset.load_saved_view("auto: accepted by a rule")) == 1

    sample.tags.append("accept")
    sample.save()
    synchronised(curation, curated_project)
    confirmed = curated_project.store.labels(frame.frame_id)
    assert confirmed is not None
    assert {one.kind for one in confirmed.annotations.origin} == {OriginKind.PROPOSED}
    assert confirmed.source == "confirmed in FiftyOne"


def test_frames_half_done_show_which_boxes_nobody_vouched_for(
    curation: Curation, curated_project: Project
) -> None:
    frame = next(curated_project.store.frames(labelled=False))
    shown = proposals_for(curated_project, [frame.frame_id])[frame.frame_id].visible.take(
        np.array([1])
    )
    origins = [Origin(OriginKind.AUTO, one.model_id, one.score, rule="r") for one in shown.origin]
    sure = AnnotationSet(shown.boxes, shown.class_id, shown.box_id, origins)
    dataset, _ = synchronised(curation, curated_project)
    half = AcceptedFrame(frame.frame_id, Part.HALF, sure)
    record_acceptance(curated_project.store, NewAcceptance(MODEL, {}, [half], 0), "ann", utc_now)
    synchronised(curation, curated_project)
    sample = sample_of(dataset, frame.frame_id)
    assert (sample.sure_boxes, sample.labels) == (1, None)
    assert [box.rule for box in sample[PROPOSALS].detections] == [None, "r"]
    (left,) = dataset.load_saved_view("half done: nobody vouched for")
    assert [box.box_id for box in left[PROPOSALS].detections] != list(shown.box_id)
    (by_rule,) = dataset.load_saved_view("half done: accepted by a rule")
    assert [box.box_id for box in by_rule[PROPOSALS].detections] == list(shown.box_id)

    end_acceptance(curated_project.store, 1, EndKind.WITHDRAWN, "a trial", "ann", utc_now)
    synchronised(curation, curated_project)
    sample = sample_of(dataset, frame.frame_id)
    assert sample.sure_boxes is None
    assert all(not box.has_field("rule") for box in sample[PROPOSALS].detections)


def test_boxes_drawn_on_a_frame_of_a_blind_audit_are_kept_and_not_taken_over(
    curation: Curation, curated_project: Project
) -> None:
    frame = next(curated_project.store.frames(labelled=False))
    shown = proposals_for(curated_project, [frame.frame_id])[frame.frame_id].visible
    checked = AcceptedFrame(frame.frame_id, Part.AUDIT_WHOLE, shown)
    record_acceptance(curated_project.store, NewAcceptance(MODEL, {}, [checked], 0), "ann", utc_now)
    dataset, _ = synchronised(curation, curated_project)
    sample = sample_of(dataset, frame.frame_id)
    drawn = curation.fiftyone.Detection(label=CLASSES[0], bounding_box=[0, 0, 0.5, 0.5])
    sample["labels"] = curation.fiftyone.Detections(detections=[drawn])
    sample.save()
    for tags in ([], ["take mine"]):
        sample.tags += tags
        sample.save()
        _, done = synchronised(curation, curated_project)
        assert done.collected is not None
        told = {**done.collected.conflicts, **done.collected.refused}
        assert "waits for a blind audit" in told[frame.frame_id]
        assert done.collected.edits == {}
        assert curated_project.store.labels(frame.frame_id) is None
        assert awaiting_audit(curated_project.store) == [frame.frame_id]
        sample = sample_of(dataset, frame.frame_id)
        assert (sample.labels, len(sample.conflict.detections)) == (None, 1)
    (kept,) = curated_project.store.label_history(frame.frame_id)
    assert (len(kept.annotations), kept.author) == (1, "ann")


def test_an_edit_of_labels_that_were_withdrawn_is_kept_beside(
    curation: Curation, curated_project: Project
) -> None:
    frame = next(curated_project.store.frames(labelled=False))
    shown = proposals_for(curated_project, [frame.frame_id])[frame.frame_id].visible
    origins = [Origin(OriginKind.AUTO, one.model_id, one.score, rule="r") for one in shown.origin]
    labels = AnnotationSet(shown.boxes, shown.class_id, shown.box_id, origins)
    accepted = AcceptedFrame(frame.frame_id, Part.WHOLE, labels)
    record_acceptance(
        curated_project.store, NewAcceptance(MODEL, {}, [accepted], 0), "ann", utc_now
    )
    dataset, _ = synchronised(curation, curated_project)
    sample = sample_of(dataset, frame.frame_id)
    sample.labels.detections.pop()
    sample.save()
    end_acceptance(curated_project.store, 1, EndKind.WITHDRAWN, "a trial", "ann", utc_now)
    _, done = synchronised(curation, curated_project)
    assert done.collected is not None
    assert list(done.collected.conflicts) == [frame.frame_id]
    assert curated_project.store.labels(frame.frame_id) is None
    sample = sample_of(dataset, frame.frame_id)
    assert (sample.labels, len(sample.conflict.detections)) == (None, 1)

    sample.tags.append("take mine")
    sample.save()
    synchronised(curation, curated_project)
    mine = curated_project.store.labels(frame.frame_id)
    assert mine is not None
    assert len(mine.annotations) == 1


def test_edited_boxes_come_back_as_a_version_in_the_editors_name(
    curation: Curation, curated_project: Project
) -> None:
    dataset, _ = synchronised(curation, curated_project)
    frame_id = labelled_id(curated_project)
    before = curated_project.store.labels(frame_id)
    assert before is not None
    sample = sample_of(dataset, frame_id)
    sample.labels.detections[0].bounding_box[0] += 0.1
    sample.labels.detections[1].label = CLASSES[1 - int(before.annotations.class_id[1])]
    drawn = curation.fiftyone.Detection(label=CLASSES[1], bounding_box=[0.5, 0.5, 0.25, 0.25])
    sample.labels.detections.append(drawn)
    sample.save()

    _, done = synchronised(curation, curated_project)
    assert done.collected is not None
    assert done.collected.edits == {frame_id: "1 moved, 1 reclassed, 1 drawn"}
    after = curated_project.store.labels(frame_id)
    assert after is not None
    assert (after.number, after.author, after.source) == (2, "ann", "edited in FiftyOne")
    labels = after.annotations
    assert labels.box_id[:2] == before.annotations.box_id
    kinds = [origin.kind for origin in labels.origin]
    assert kinds == [OriginKind.CHANGED, OriginKind.CHANGED, OriginKind.DRAWN]
    np.testing.assert_array_equal(labels.boxes.xyxy[1], before.annotations.boxes.xyxy[1])
    np.testing.assert_allclose(labels.boxes.xyxy[2], [32, 24, 48, 36], atol=1e-4)
    assert curated_project.store.replay(frame_id)[-1] == after

    _, again = synchronised(curation, curated_project)
    assert again.collected is not None
    assert again.collected.edits == {}
    assert sample_of(dataset, frame_id).record.version == 2


def test_turned_boxes_are_moved_as_a_whole_and_keep_their_heights(
    curation: Curation, curated_project: Project
) -> None:
    frame_id = labelled_id(curated_project)
    ids = curated_project.store.replay(frame_id)[-1].annotations.box_id
    turned = Boxes([[10, 10, 30, 20], [40, 30, 70, 40]], [0.5, 0.0])  # the second reaches outside
    heights = [[-1.5, 0.25], [np.nan, np.nan]]
    before = AnnotationSet(turned, [0, 1], ids, [DRAWN, DRAWN], heights)
    curated_project.store.write_labels(frame_id, before, "ann")
    dataset, _ = synchronised(curation, curated_project)
    sample = sample_of(dataset, frame_id)
    sample.labels.detections[0].bounding_box[0] += 0.125
    sample.save()
    _, done = synchronised(curation, curated_project)
    assert done.collected is not None
    assert done.collected.edits == {frame_id: "1 moved"}
    after = curated_project.store.labels(frame_id)
    assert after is not None
    labels = after.annotations
    np.testing.assert_allclose(labels.boxes.xyxy[0], [18, 10, 38, 20], atol=1e-4)
    np.testing.assert_array_equal(labels.boxes.xyxy[1], turned.xyxy[1])
    np.testing.assert_array_equal(labels.boxes.angle, turned.angle)
    np.testing.assert_array_equal(labels.height_m, before.height_m)

    sample = sample_of(dataset, frame_id)
    sample.labels.detections[0].bounding_box[2] *= 1.5
    sample.save()
    _, done = synchronised(curation, curated_project)
    assert done.collected is not None
    assert list(done.collected.refused) == [frame_id]
    assert curated_project.store.labels(frame_id) == after


def test_a_frame_without_labels_is_labelled_by_drawing(
    curation: Curation, curated_project: Project
) -> None:
    dataset, _ = synchronised(curation, curated_project)
    fo, frame = curation.fiftyone, next(curated_project.store.frames(labelled=False))
    sample = sample_of(dataset, frame.frame_id)
    drawn = fo.Detection(label=CLASSES[0], bounding_box=[0, 0, 0.5, 0.5])
    sample["labels"] = fo.Detections(detections=[drawn])
    sample.save()
    synchronised(curation, curated_project)
    version = curated_project.store.labels(frame.frame_id)
    assert version is not None
    assert (len(version.annotations), version.number) == (1, 1)


def test_a_conflict_keeps_both_versions_and_is_settled_by_a_tag(
    curation: Curation, curated_project: Project
) -> None:
    dataset, _ = synchronised(curation, curated_project)
    frame_id = labelled_id(curated_project)
    before = curated_project.store.labels(frame_id)
    assert before is not None
    sample = sample_of(dataset, frame_id)
    sample.labels.detections.pop()
    sample.save()
    theirs = before.annotations.take(np.array([1]))
    curated_project.store.write_labels(frame_id, theirs, "bob")

    _, done = synchronised(curation, curated_project)
    assert done.collected is not None
    assert list(done.collected.conflicts) == [frame_id]
    history = curated_project.store.label_history(frame_id)
    assert [len(one.annotations) for one in history] == [2, 1, 1, 1]
    assert history[-1].annotations == theirs
    assert history[2].annotations.box_id == before.annotations.box_id[:1]
    sample = sample_of(dataset, frame_id)
    assert [box.box_id for box in sample.labels.detections] == list(theirs.box_id)
    assert [box.box_id for box in sample.conflict.detections] == [before.annotations.box_id[0]]
    assert len(dataset.load_saved_view("conflicts")) == 1

    sample.tags.append("take mine")
    sample.save()
    synchronised(curation, curated_project)
    settled = curated_project.store.labels(frame_id)
    assert settled is not None
    assert settled.annotations.box_id == before.annotations.box_id[:1]
    sample = sample_of(dataset, frame_id)
    assert (sample.tags, sample.conflict) == ([], None)


def test_tags_accept_requeue_exclude_and_include(
    curation: Curation, curated_project: Project
) -> None:
    dataset, _ = synchronised(curation, curated_project)
    done_id = labelled_id(curated_project)
    open_ids = [frame.frame_id for frame in curated_project.store.frames(labelled=False)]
    for frame_id, tag in (
        (done_id, "requeue"),
        (open_ids[0], "accept"),
        (open_ids[1], "exclude"),
    ):
        sample = sample_of(dataset, frame_id)
        sample.tags.append(tag)
        sample.save()
    _, done = synchronised(curation, curated_project)
    assert done.collected is not None
    assert {one.wish: one.told for one in done.collected.wishes} == {
        "requeue": "1 queued, 0 sent back, 0 wait already",
        "accept": "0 accepted, 1 accepted as proposed, 0 had labels already",
        "exclude": "1 excluded",
    }
    assert curated_project.store.labelled_among([open_ids[0]]) == {open_ids[0]}
    assert curated_project.store.excluded() == {open_ids[1]}
    states = {one: sample_of(dataset, one).state for one in (done_id, open_ids[1])}
    assert states == {done_id: TaskState.QUEUED.value, open_ids[1]: "excluded"}
    assert dataset.match_tags(["requeue", "accept", "exclude"]).count() == 0

    sample = sample_of(dataset, open_ids[1])
    sample.tags.append("include")
    sample.save()
    synchronised(curation, curated_project)
    assert curated_project.store.excluded() == set()


def test_frames_that_people_are_to_label_blind_are_not_accepted_as_proposed(
    curation: Curation, curated_project: Project
) -> None:
    frames = curated_project.store.frames(labelled=False)
    blind, other = [frame.frame_id for frame in frames][:2]
    shown = proposals_for(curated_project, [blind])[blind].visible
    checked = AcceptedFrame(blind, Part.AUDIT_WHOLE, shown)
    record_acceptance(curated_project.store, NewAcceptance(MODEL, {}, [checked], 0), "ann", utc_now)
    dataset, _ = synchronised(curation, curated_project)
    dataset.match({"frame_id": {"$in": [blind, other]}}).tag_samples("accept")
    _, done = synchronised(curation, curated_project)
    assert done.collected is not None
    (outcome,) = done.collected.wishes
    assert outcome.told == (
        "0 accepted, 1 accepted as proposed, 0 had labels already, "
        "1 are left to the audit of a rule"
    )
    assert curated_project.store.labels(blind) is None
    assert curated_project.store.labels(other) is not None
