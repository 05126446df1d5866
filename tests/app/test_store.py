"""What goes into the store comes out again, on SQLite and on PostgreSQL."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from builders import a_frame, annotations
from store_content import CLASSES, ORIGINS, a_labelled_frame, labelled_frames, labels_of

from prelabel.datasets.annotations import DRAWN, AnnotationSet, Origin, OriginKind
from prelabel.datasets.batches import Batch, Pick
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.frames import Frame, FrameKind, LabelledFrame, Split
from prelabel.store.errors import ConflictError, UnknownEntryError
from prelabel.store.records import EventKind, ModelRecord, Shown, SplitCounts
from prelabel.store.store import Store

START = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def test_classes_keep_their_ids(store: Store) -> None:
    assert store.classes() == CLASSES
    assert store.add_classes(["car", "tram", "tram", "naïve 鷺"], "ann") == (
        *CLASSES,
        "tram",
        "naïve 鷺",
    )
    assert store.classes() == (*CLASSES, "tram", "naïve 鷺")
    with pytest.raises(InvalidValueError, match="class names must not be empty"):
        store.add_classes(["ok", " "], "ann")


def test_frames_come_back_with_all_their_fields(store: Store, tmp_path: Path) -> None:
    first = Frame(
        a_frame("first").frame_id,
        str(tmp_path / "pictures" / "é%20 鷺.jpg"),
        20_000,
        1,
        FrameKind.LIDAR_BEV,
        Split.TEST,
        group="instant 5",
        sequence="drive",
        index=7,
        calibration={"K": [[1.5, 0.0], [0.0, 2.0]], "name": "front"},
    )
    second = a_frame("second")
    store.import_frames([LabelledFrame(first, None), LabelledFrame(second, None)], "ann")
    assert list(store.frames()) == [first, second]
    assert store.frame(first.frame_id) == first
    assert store.find_frames([second.frame_id, first.frame_id]) == [second, first]


def test_frames_are_found_by_split_and_by_labels(store: Store) -> None:
    labelled = a_labelled_frame(1)
    empty = LabelledFrame(a_frame("empty"), AnnotationSet.empty())
    held_out = LabelledFrame(replace(a_frame("val"), split=Split.VAL), None)
    store.import_frames([labelled, empty, held_out], "ann")
    assert list(store.frames(labelled=True)) == [labelled.frame, empty.frame]
    assert list(store.frames(labelled=False)) == [held_out.frame]
    assert list(store.frames(Split.VAL)) == [held_out.frame]
    assert list(store.frames(Split.VAL, labelled=True)) == []
    assert list(store.labelled_frames()) == [labelled, empty]
    assert list(store.labelled_frames(Split.VAL)) == []
    assert store.labels(held_out.frame.frame_id) is None
    assert store.label_history(held_out.frame.frame_id) == []


def test_long_streams_are_read_page_by_page_while_the_reader_writes(store: Store) -> None:
    total = 2001  # two full pages and a frame
    store.import_frames(labelled_frames(total, 1), "ann")
    read = 0
    for number, one in enumerate(store.labelled_frames()):
        assert one == a_labelled_frame(number, 1)
        if number % 700 == 0:
            store.write_labels(one.frame.frame_id, AnnotationSet.empty(), "ben")
        read += 1
    assert read == total
    assert sum(1 for _ in store.frames()) == total
    assert [event.number for event in store.events()] == list(range(1, 3 + 2 * total + 3 + 1))
    assert len(list(store.events(after=2 * total))) == 6


def test_every_version_of_labels_is_kept(store: Store) -> None:
    frame_id = a_labelled_frame(1).frame.frame_id
    store.import_frames([LabelledFrame(a_labelled_frame(1).frame, None)], "import")
    store.start_round("loop")
    first = store.write_labels(frame_id, labels_of(1, len(ORIGINS)), "ann", 2.5, 1)
    second = store.write_labels(frame_id, AnnotationSet.empty(), "ben")
    third = store.write_labels(frame_id, labels_of(1, len(ORIGINS)), "ann", 0.0)
    assert (first.number, second.number, third.number) == (1, 2, 3)
    assert (first.seconds, first.round_number, second.seconds) == (2.5, 1, None)
    assert first.at.tzinfo is UTC
    assert START < first.at < second.at < third.at
    assert first.annotations == labels_of(1, len(ORIGINS))
    assert store.labels(frame_id) == third
    assert store.label_history(frame_id) == [first, second, third]
    assert store.replay(frame_id) == [first, second, third]


@pytest.mark.parametrize("seconds", [-1.0, float("inf"), float("nan")])
def test_impossible_seconds_are_refused(store: Store, seconds: float) -> None:
    store.import_frames(labelled_frames(1), "ann")
    frame_id = a_labelled_frame(0).frame.frame_id
    with pytest.raises(InvalidValueError, match="seconds must be finite and at least 0"):
        store.write_labels(frame_id, AnnotationSet.empty(), "ann", seconds)


def test_what_is_not_in_the_store_is_named(store: Store) -> None:
    stranger = a_frame("stranger").frame_id
    store.import_frames(labelled_frames(1), "ann")
    known = a_labelled_frame(0).frame.frame_id
    for ask in (store.frame, store.labels, store.label_history, store.replay):
        with pytest.raises(UnknownEntryError, match=f"{stranger}.*import"):
            ask(stranger)
    with pytest.raises(UnknownEntryError, match="round 4 is not in the store: start it first"):
        store.write_labels(known, AnnotationSet.empty(), "ann", 1.0, 4)
    with pytest.raises(UnknownEntryError, match="a box of class 3, but the store knows 3 classes"):
        store.write_labels(known, annotations([[0, 0, 1, 1]], [3]), "ann")
    with pytest.raises(UnknownEntryError, match="such as " + stranger):
        store.set_split([known, stranger], Split.TEST, "ann")
    with pytest.raises(InvalidValueError, match="author must say who"):
        store.write_labels(known, AnnotationSet.empty(), "")


def test_what_fails_leaves_no_trace(store: Store) -> None:
    store.import_frames(labelled_frames(1), "ann")
    before = list(store.events())
    bad = LabelledFrame(a_frame("bad"), annotations([[0, 0, 1, 1]], [9]))
    with pytest.raises(UnknownEntryError, match=r"box of class 9.*add the classes first"):
        store.import_frames([a_labelled_frame(1), bad], "ann")
    store.start_round("loop")
    batch = Batch("random", 1, (Pick(a_frame("nowhere").frame_id, None, "by chance", 1.0),))
    with pytest.raises(UnknownEntryError, match="1 frames are not in the store"):
        store.record_batch(1, batch, "loop")
    assert store.batch(1) is None
    assert list(store.events())[:-1] == before
    assert store.counts().frames == 1


def test_splits_are_changed_and_the_change_is_logged(store: Store) -> None:
    store.import_frames(labelled_frames(3), "ann")
    ids = [a_labelled_frame(number).frame.frame_id for number in range(3)]
    assert store.set_split(ids[:2], Split.VAL, "ben") == 2
    assert store.set_split(ids, Split.VAL, "ben") == 1
    assert [frame.split for frame in store.frames()] == [Split.VAL] * 3
    changes = [one for one in store.events() if one.kind is EventKind.FRAME_CHANGED]
    assert [(one.frame_id, one.details, one.author) for one in changes] == [
        (frame_id, {"split": ["train", "val"]}, "ben") for frame_id in ids
    ]


def test_counts_name_every_split_and_class(store: Store) -> None:
    assert store.counts().frames == 0
    frames = [a_labelled_frame(number, number) for number in range(6)]
    moved = [frame.frame.frame_id for frame in frames[:2]]
    unlabelled = LabelledFrame(replace(a_frame("new"), split=Split.TEST), None)
    store.import_frames([*frames, unlabelled], "ann")
    store.set_split(moved, Split.VAL, "ann")
    store.write_labels(moved[1], labels_of(9, 4), "ben")  # an old version does not count
    counts = store.counts()
    per_class = Counter(
        CLASSES[class_id]
        for labels in [*(one.annotations for one in frames[2:]), labels_of(9, 4)]
        if labels is not None
        for class_id in labels.class_id
    )
    assert (counts.frames, counts.labelled, counts.boxes) == (7, 6, 2 + 3 + 4 + 5 + 4)
    assert counts.boxes_by_class == dict(per_class)
    assert counts.by_split[Split.VAL].frames == 2
    assert counts.by_split[Split.VAL].boxes == 4
    nothing = dict.fromkeys(CLASSES, 0)
    assert counts.by_split[Split.TEST] == SplitCounts(1, 0, 0, nothing)


def test_rounds_run_from_start_to_figures(store: Store) -> None:
    assert store.rounds() == []
    started = store.start_round("loop", {"budget_s": 600, "strategy": "kcenter"})
    assert (started.number, started.finished_at, started.figures) == (1, None, None)
    assert store.rounds() == [started]
    finished = store.finish_round(1, "loop", {"map50": 0.25})
    assert finished == replace(
        started, finished_at=started.started_at + timedelta(seconds=1), figures={"map50": 0.25}
    )
    assert store.finish_round(1, "loop", {"map50": 0.25}) == finished
    assert store.rounds() == [finished]
    with pytest.raises(ConflictError, match="round 1 is finished already, with other figures"):
        store.finish_round(1, "loop", {"map50": 0.5})
    with pytest.raises(UnknownEntryError, match="round 2 is not in the store"):
        store.finish_round(2, "loop")
    with pytest.raises(InvalidValueError, match="settings must be plain JSON values"):
        store.start_round("loop", {"where": Path("here")})
    assert store.start_round("loop").number == 2


def test_a_batch_belongs_to_one_round_for_good(store: Store) -> None:
    store.import_frames(labelled_frames(3), "ann")
    ids = [a_labelled_frame(number).frame.frame_id for number in (2, 0, 1)]
    batch = Batch(
        "entropy_sum",
        2**40,
        (
            Pick(ids[0], 1 / 3, "three doubtful boxes", 12.5),
            Pick(ids[1], -2.0, "far from all labelled frames", 0.1 + 0.2),
            Pick(ids[2], None, "drawn by chance", 0.0, is_control=True),
        ),
    )
    assert store.latest_batch() is None
    store.start_round("loop")
    store.start_round("loop")
    store.record_batch(1, batch, "loop")
    store.record_batch(1, batch, "loop")
    assert store.batch(1) == batch
    assert store.batch(2) is None
    assert store.latest_batch() == (1, batch)
    with pytest.raises(ConflictError, match="round 1 has another batch already"):
        store.record_batch(1, replace(batch, seed=5), "loop")
    store.record_batch(2, Batch("random", 0, ()), "loop")
    assert store.latest_batch() == (2, Batch("random", 0, ()))
    recorded = [one for one in store.events() if one.kind is EventKind.BATCH_RECORDED]
    assert [one.details["frames"] for one in recorded] == [3, 0]


def test_models_are_kept_once_each(store: Store, tmp_path: Path) -> None:
    assert store.latest_model() is None
    inside = str(tmp_path / "checkpoints" / "a.pt")
    store.start_round("loop")
    one = ModelRecord("aa", "ultralytics:micro", inside, 20, 400, 12.5, 0.5, 1)
    added = store.add_model(one, "loop")
    assert added == replace(one, added_at=added.added_at)
    assert added.added_at is not None
    other = store.add_model(ModelRecord("bb", "onnx:x", "/elsewhere/b.onnx", 0, 0, 0.0), "ann")
    assert store.models() == [added, other]
    assert store.latest_model() == other
    assert store.add_model(replace(one, steps=1), "loop") == added
    assert store.models() == [added, other]
    assert store.latest_model() == added
    with pytest.raises(InvalidValueError, match="must not be empty"):
        ModelRecord("", "onnx:x", "b.onnx", 0, 0, 0.0)
    with pytest.raises(UnknownEntryError, match="round 9"):
        store.add_model(replace(one, model_id="cc", round_number=9), "loop")


def test_an_earlier_model_comes_into_use_again(store: Store) -> None:
    one, other = (ModelRecord(name, "onnx:x", "/a.onnx", 1, 1, 1.0) for name in ("aa", "bb"))
    first = store.add_model(one, "loop")
    store.add_model(other, "loop")
    store.start_round("loop")
    for _ in range(2):  # doing it again changes nothing
        assert store.add_model(replace(one, round_number=1), "ann") == store.latest_model()
        assert store.latest_model() == replace(first, round_number=1)
    assert [one.model_id for one in store.models()] == ["aa", "bb"]
    told = [
        (one.kind, one.details.get("model"), one.details.get("round")) for one in store.events()
    ]
    assert told[-1] == (EventKind.MODEL_ADOPTED, "aa", 1)
    assert [kind for kind, *_ in told].count(EventKind.MODEL_ADOPTED) == 1


def shown_of(number: int, boxes: int) -> Shown:
    """Proposals of falling scores, of which the last is weak."""
    drawn = labels_of(number, boxes)
    origins = [Origin(OriginKind.PROPOSED, "aa", 0.9 - 0.8 * row / boxes) for row in range(boxes)]
    proposals = AnnotationSet(drawn.boxes, drawn.class_id, drawn.box_id, origins)
    return Shown("aa", 0.4, proposals, np.linspace(0, 1, boxes))


def test_what_is_shown_is_kept_with_the_batch(store: Store) -> None:
    store.import_frames(labelled_frames(3), "ann")
    ids = [a_labelled_frame(number).frame.frame_id for number in range(3)]
    picks = tuple(Pick(frame_id, None, "by chance", 1.0) for frame_id in ids[:2])
    batch = Batch("random", 1, picks)
    store.start_round("loop")
    with pytest.raises(UnknownEntryError, match=f"{ids[2]}.* not in the batch of round 1"):
        store.record_batch(1, batch, "loop", {ids[2]: shown_of(1, 4)})
    assert store.batch(1) is None
    store.record_batch(1, batch, "loop", {ids[0]: shown_of(1, 4), ids[1]: shown_of(2, 0)})
    kept = store.shown(1, ids[0])
    assert kept is not None
    assert (kept.model_id, kept.shown_score) == ("aa", 0.4)
    assert kept.proposals == shown_of(1, 4).proposals
    assert kept.uncertainty.tolist() == shown_of(1, 4).uncertainty.tolist()
    assert kept.visible == kept.proposals.take(np.arange(3))
    nothing = store.shown(1, ids[1])
    assert nothing is not None
    assert len(nothing.proposals) == len(nothing.visible) == 0
    assert store.shown(1, ids[2]) is store.shown(2, ids[0]) is None


def test_what_is_shown_must_be_proposals_with_falling_scores() -> None:
    rising = shown_of(1, 3).proposals.take(np.array([2, 0, 1]))
    with pytest.raises(InvalidValueError, match="must fall"):
        Shown("aa", 0.3, rising, [0, 0, 0])
    with pytest.raises(InvalidValueError, match="must be of origin proposed"):
        Shown("aa", 0.3, labels_of(1, 2, DRAWN), [0, 0])
    with pytest.raises(InvalidValueError, match="uncertainty must lie between 0 and 1"):
        Shown("aa", 0.3, shown_of(1, 2).proposals, [0, 1.5])


def test_the_log_tells_what_was_done(store: Store) -> None:
    one = a_labelled_frame(1)
    store.import_frames([one], "import")
    store.write_labels(one.frame.frame_id, labels_of(1, 3, DRAWN), "ann", 4.0)
    told = [(event.kind, event.author, event.frame_id) for event in store.events(after=3)]
    assert told == [
        (EventKind.FRAME_ADDED, "import", one.frame.frame_id),
        (EventKind.LABELS_WRITTEN, "import", one.frame.frame_id),
        (EventKind.LABELS_WRITTEN, "ann", one.frame.frame_id),
    ]
    last = list(store.events())[-1]
    assert last.details == {"version": 2, "boxes": 3, "seconds": 4.0, "round": None}
