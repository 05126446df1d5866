"""A store moves from one database to another with all it knows."""

from pathlib import Path

import pytest
from builders import a_frame
from postgres import PostgresServer
from store_content import a_labelled_frame, labelled_frames, labels_of

from prelabel.datasets.annotations import Origin, OriginKind
from prelabel.datasets.batches import Batch, Pick
from prelabel.datasets.frames import LabelledFrame
from prelabel.store.errors import ConflictError
from prelabel.store.records import ModelRecord, Shown
from prelabel.store.store import Store, open_store


def test_to_postgresql_and_back(tmp_path: Path, postgres_server: PostgresServer) -> None:
    with (
        postgres_server.database("moving") as url,
        open_store("sqlite:///first.sqlite", tmp_path) as first,
        open_store(url, tmp_path) as middle,
        open_store("sqlite:///last.sqlite", tmp_path) as last,
    ):
        _fill(first)
        rows = first.copy_to(middle)
        assert middle.copy_to(last) == rows
        for copy in (middle, last):
            _assert_same(copy, first)
        frame_id = a_labelled_frame(0).frame.frame_id
        assert middle.write_labels(frame_id, labels_of(5), "cat").number == 3
        with pytest.raises(ConflictError, match=r"holds .* already: name an empty database"):
            first.copy_to(middle)


def _fill(store: Store) -> None:
    store.add_classes(["van", "car", "bus"], "ann")
    store.import_frames(labelled_frames(7), "ann")
    store.import_frames([LabelledFrame(a_frame("bare"), None)], "ann")
    store.start_round("loop", {"share": 0.1})
    first = a_labelled_frame(0).frame.frame_id
    proposals = labels_of(4, 1, Origin(OriginKind.PROPOSED, "m", 0.75))
    shown = {first: Shown("m", 0.5, proposals, [0.25])}
    batch = Batch("random", 3, (Pick(first, None, "chance", 1.5, True),))
    store.record_batch(1, batch, "loop", shown)
    store.write_labels(first, labels_of(3, 4), "ben", 1.25, 1)
    store.add_model(ModelRecord("m", "onnx:x", "/models/m.onnx", 1, 1, 1.0, None, 1), "loop")
    store.add_model(ModelRecord("n", "onnx:x", "/models/n.onnx", 1, 1, 1.0, None, 1), "loop")
    store.add_model(ModelRecord("m", "onnx:x", "/models/m.onnx", 1, 1, 1.0, None, 1), "loop")
    store.finish_round(1, "loop", {"map50": 0.5})


def _assert_same(copy: Store, original: Store) -> None:
    assert list(copy.events()) == list(original.events())
    assert list(copy.frames()) == list(original.frames())
    for frame in original.frames():
        assert copy.label_history(frame.frame_id) == original.label_history(frame.frame_id)
        assert copy.replay(frame.frame_id) == original.replay(frame.frame_id)
    assert copy.rounds() == original.rounds()
    assert copy.models() == original.models()
    assert copy.latest_model() == original.latest_model()
    first = a_labelled_frame(0).frame.frame_id
    shown, expected = copy.shown(1, first), original.shown(1, first)
    assert shown is not None
    assert expected is not None
    assert shown.proposals == expected.proposals
    assert (shown.shown_score, shown.uncertainty.tolist()) == (0.5, [0.25])
    assert copy.latest_batch() == original.latest_batch()
    assert copy.counts() == original.counts()
