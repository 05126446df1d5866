"""Predictions come back from their files as they went in, whatever happened to the writers."""

import multiprocessing
import os
import signal
import tempfile
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from builders import a_prediction, frame_id_of
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from prediction_work import stop_while_writing

from prelabel.datasets.boxes import Boxes
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.models.prediction_files import PredictionFiles, PredictionFilesError

_OPTIONAL = (
    "class_probs",
    "spread_px",
    "support",
    "class_peak",
    "box_embedding",
    "frame_embedding",
)
_HALVES = ("box_embedding", "frame_embedding")


@st.composite
def predictions(draw: st.DrawFn) -> Prediction:
    """Any prediction: with and without boxes, optional fields and turned boxes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count, classes = draw(st.integers(0, 4)), draw(st.integers(1, 3))
    corner = rng.uniform(0, 500, (count, 2)).astype(np.float32)
    xyxy = np.concatenate([corner, corner + rng.uniform(1, 99, (count, 2))], 1)
    probs = rng.random((count, classes)).astype(np.float32)
    probs = probs[np.argsort(-probs.max(1, initial=0))]
    fields: dict[str, ArrayLike] = {
        "class_probs": probs,
        "spread_px": rng.uniform(0, 9, (count, 4)),
        "support": rng.integers(1, 9, count),
        "class_peak": rng.random(classes),
        "box_embedding": rng.normal(0, 5, (count, draw(st.integers(0, 3)))),
        "frame_embedding": rng.normal(0, 5, draw(st.integers(0, 5))),
    }
    given = draw(st.sets(st.sampled_from(_OPTIONAL)))
    return Prediction(
        rng.bytes(16).hex(),
        "m",
        Boxes(xyxy, rng.uniform(-3, 3, count) if draw(st.booleans()) else None),
        probs.max(1, initial=0),
        probs.argmax(1) if count else np.zeros(0, np.int64),
        draw(st.sampled_from(ClassScores)),
        **{name: fields[name] for name in sorted(given)},
    )


def same(left: Prediction, right: Prediction, without: Collection[str] = ()) -> bool:
    """Whether two predictions agree, embeddings to half precision; the right one lacks fields."""
    for name in ("score", "class_id", *_OPTIONAL):
        one = None if name in without else getattr(left, name)
        other = getattr(right, name)
        if (one is None) != (other is None):
            return False
        if one is None:
            continue
        close = np.allclose(one, other, rtol=1e-3, atol=1e-6) if one.shape == other.shape else False
        if not (close if name in _HALVES else np.array_equal(one, other)):
            return False
    names = ("frame_id", "model_id", "class_scores", "boxes")
    return all(getattr(left, name) == getattr(right, name) for name in names)


@settings(max_examples=25, deadline=None)
@given(predictions(), st.sets(st.sampled_from(_OPTIONAL)))
def test_fields_that_nobody_needs_stay_unread(made: Prediction, without: set[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = PredictionFiles(Path(folder))
        files.write([made])
        (back,) = files.read([made.frame_id], without)
        assert same(made, back, without)


@settings(max_examples=25, deadline=None)
@given(st.lists(predictions(), max_size=6, unique_by=lambda one: one.frame_id))
def test_written_predictions_come_back(made: list[Prediction]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = PredictionFiles(Path(folder) / "run")
        files.write(made[:2])
        files.write(made[2:])
        ids = [one.frame_id for one in reversed(made)]
        back = list(PredictionFiles(files.folder).read(ids))
        assert [one.frame_id for one in back] == ids
        assert all(same(one, other) for one, other in zip(reversed(made), back, strict=True))
        assert files.predicted_ids() == set(ids)
        assert {one.frame_id for one in files.read()} == set(ids)


def test_embeddings_are_kept_to_half_precision(tmp_path: Path) -> None:
    one = embedded("a", [1.0, 1 / 3, 1e9])
    files = PredictionFiles(tmp_path)
    files.write([one])
    (back,) = files.read()
    assert back.frame_embedding is not None
    assert back.frame_embedding == pytest.approx([1.0, 1 / 3, 65504], rel=5e-4)


def test_a_frame_predicted_twice_is_read_once(tmp_path: Path) -> None:
    files = PredictionFiles(tmp_path)
    files.write([embedded("a", [1.0]), embedded("b", [2.0])])
    files.write([embedded("b", [2.0]), embedded("c", [3.0])])
    ids = [frame_id_of(name) for name in "cab"]
    assert [one.frame_id for one in files.read(ids)] == ids
    assert len(list(files.read())) == 3
    assert files.frame_embeddings(ids).tolist() == [[3.0], [1.0], [2.0]]


def test_frames_without_prediction_are_left_out(tmp_path: Path) -> None:
    files = PredictionFiles(tmp_path)
    files.write([embedded("a", [1.0])])
    assert [one.frame_id for one in files.read([frame_id_of("z"), frame_id_of("a")])] == [
        frame_id_of("a")
    ]
    assert list(PredictionFiles(tmp_path / "none").read([frame_id_of("a")])) == []


def test_frame_embeddings_come_in_the_order_asked_for_with_repeats(tmp_path: Path) -> None:
    files = PredictionFiles(tmp_path)
    files.write([embedded(name, [row, row + 0.5]) for row, name in enumerate("abc")])
    ids = [frame_id_of(name) for name in "caac"]
    vectors = files.frame_embeddings(ids)
    assert vectors.dtype == np.float32
    assert vectors.tolist() == [[2, 2.5], [0, 0.5], [0, 0.5], [2, 2.5]]
    assert files.frame_embeddings([]).shape == (0, 0)


def test_frame_embeddings_of_unpredicted_frames_are_refused(tmp_path: Path) -> None:
    files = PredictionFiles(tmp_path)
    files.write([embedded("a", [1.0])])
    with pytest.raises(PredictionFilesError, match="1 of 2 frames have no prediction"):
        files.frame_embeddings([frame_id_of("a"), frame_id_of("b")])


def test_missing_and_unequal_frame_embeddings_are_refused(tmp_path: Path) -> None:
    bare = a_prediction(frame_id_of("b"), [[0, 0, 1, 1]], [[0.5]])
    for name, other in (("bare", bare), ("wide", embedded("b", [1.0, 2.0]))):
        files = PredictionFiles(tmp_path / name)
        files.write([embedded("a", [1.0]), other])
        with pytest.raises(PredictionFilesError, match="missing or differ in width"):
            files.frame_embeddings([frame_id_of("a"), frame_id_of("b")])


def test_one_column_is_read_without_the_others(tmp_path: Path) -> None:
    files = PredictionFiles(tmp_path)
    files.write([a_prediction(frame_id_of("a"), [[0, 0, 1, 1], [0, 0, 2, 2]], [[0.5], [0.25]])])
    (batch,) = files.batches(["score"])
    assert batch.schema.names == ["frame_id", "score"]
    assert batch.column("score").to_pylist() == [[0.5, 0.25]]


def test_writing_nothing_makes_no_file(tmp_path: Path) -> None:
    PredictionFiles(tmp_path / "run").write([])
    assert not (tmp_path / "run").exists()


def test_a_corrupt_file_is_named(tmp_path: Path) -> None:
    files = PredictionFiles(tmp_path)
    files.write([embedded("a", np.arange(500.0).tolist())])
    (part,) = tmp_path.glob("*.parquet")
    whole = part.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF  # among the embeddings, which have no structure of their own
    for broken in (whole[:-20], b"", bytes(flipped)):
        part.write_bytes(broken)
        with pytest.raises(PredictionFilesError, match=part.name):
            list(files.read())


def test_another_format_is_refused(tmp_path: Path) -> None:
    files = PredictionFiles(tmp_path)
    files.write([embedded("a", [1.0])])
    (part,) = tmp_path.glob("*.parquet")
    table = pq.read_table(part)
    for number, told in (({b"prelabel.predictions": b"9"}, "format 9"), ({}, "format None")):
        pq.write_table(table.replace_schema_metadata(number), part)
        with pytest.raises(PredictionFilesError, match=told):
            files.predicted_ids()


def test_predictions_of_other_settings_are_not_mixed(tmp_path: Path) -> None:
    files = PredictionFiles(tmp_path / "run")
    files.check_settings({"input_px": 640, "score_min": 0.05})
    PredictionFiles(tmp_path / "run").check_settings({"input_px": 640, "score_min": 0.05})
    with pytest.raises(PredictionFilesError, match=r"made with score_min 0\.05, not 0\.1"):
        files.check_settings({"input_px": 640, "score_min": 0.1})


def test_what_a_killed_writer_left_is_removed_and_what_a_living_one_writes_is_not(
    tmp_path: Path,
) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    folder = tmp_path / "run"
    writer = context.Process(target=stop_while_writing, args=(folder, ready), daemon=True)
    writer.start()
    assert ready.wait(60)
    PredictionFiles(folder)
    assert len(list(folder.glob("*.unfinished"))) == 1
    os.kill(writer.pid or 0, signal.SIGKILL)
    writer.join()
    files = PredictionFiles(folder)
    assert list(folder.iterdir()) == []
    assert files.predicted_ids() == set()


def embedded(name: str, vector: list[float]) -> Prediction:
    """A prediction without boxes whose frame has this embedding."""
    none = np.zeros(0)
    return Prediction(
        frame_id_of(name),
        "m",
        Boxes.none(),
        none,
        none.astype(int),
        ClassScores.INDEPENDENT,
        frame_embedding=vector,
    )


def test_many_frames_and_few_are_looked_for_in_different_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = PredictionFiles(tmp_path)
    made = [a_prediction(frame_id_of(f"{number}"), [[0, 0, 4, 4]], [[0.5]]) for number in range(9)]
    for part in (made[:4], made[4:8], made[6:]):
        files.write(part)
    asked = [made[row].frame_id for row in (7, 2, 2, 8)]
    few = [one.frame_id for one in files.read(asked)]
    monkeypatch.setattr("prelabel.models.prediction_files._FEW", 0)
    assert few == [one.frame_id for one in files.read(asked)] == [asked[0], asked[1], asked[3]]
    assert list(files.read([])) == []
    absent = frame_id_of("absent")
    assert set(files.find([*asked, absent])) == set(asked)
    assert files.find([]) == {}
