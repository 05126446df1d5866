"""Boxes of a pool: the same from memory and from files, whatever order files are in."""

from pathlib import Path

import numpy as np
import pytest
from builders import frame_id_of
from pools import prediction_of, random_predictions

from prelabel.active import box_source as module
from prelabel.active.box_source import BoxesInFiles, BoxesInMemory, MissingPredictionError
from prelabel.active.box_table import BoxTable, Column
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.models.prediction_files import PredictionFiles


def rich_prediction(name: str, boxes: int, rng: np.random.Generator) -> Prediction:
    probs = np.sort(rng.random((boxes, 3), np.float32), axis=0)[::-1]
    corners = np.sort(rng.uniform(0, 90, (boxes, 2, 2)), axis=1).reshape(boxes, 4)
    return Prediction(
        frame_id_of(name),
        "model",
        Boxes(corners, rng.uniform(-3, 3, boxes) if rng.random() < 0.7 else None),
        probs.max(axis=1),
        probs.argmax(axis=1),
        ClassScores.INDEPENDENT,
        class_probs=probs,
        spread_px=rng.random((boxes, 4)),
        support=rng.integers(1, 9, boxes),
        box_embedding=rng.integers(-4, 5, (boxes, 5)),  # whole: float16 keeps them
        class_peak=rng.random(3),
    )


def rich_predictions(rng: np.random.Generator) -> list[Prediction]:
    return [rich_prediction(f"frame {n}", int(rng.integers(0, 5)), rng) for n in range(40)]


def table_in_order(source: BoxesInFiles | BoxesInMemory) -> BoxTable:
    """All chunks of a source, put back into the order of the pool."""
    chunks = list(source.chunks(tuple(Column)))
    rows = np.concatenate([rows for rows, _ in chunks])
    predictions_like = [table.take(np.array([at])) for _, table in chunks for at in range(len(_))]
    return joined([predictions_like[at] for at in np.argsort(rows)])


def joined(tables: list[BoxTable]) -> BoxTable:
    counts = np.array([len(one.score) for one in tables])
    columns = {
        str(column): np.concatenate([getattr(one, column) for one in tables]) for column in Column
    }
    columns["angle"] = np.concatenate(
        [np.zeros(len(one.score), np.float32) if one.angle is None else one.angle for one in tables]
    )
    start = np.concatenate([[0], np.cumsum(counts)])
    score = np.concatenate([one.score for one in tables])
    return BoxTable(start, score, tables[0].class_scores, **columns)


def assert_same(one: BoxTable, other: BoxTable) -> None:
    assert one.class_scores is other.class_scores
    for name in ("start", "score", "angle", *Column):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_files_give_what_memory_gives(tmp_path: Path, rng: np.random.Generator) -> None:
    predictions = rich_predictions(rng)
    files = PredictionFiles(tmp_path / "run")
    for part in np.array_split(rng.permutation(40), 4):
        files.write([predictions[at] for at in part])
    files.write(predictions[:7])  # a worker that died between writing and saying so
    files.write([rich_prediction("not in the pool", 2, rng)])
    ids = [one.frame_id for one in predictions]
    in_files, in_memory = BoxesInFiles.of(files, ids), BoxesInMemory(tuple(predictions))
    assert_same(table_in_order(in_files), BoxTable.of(predictions))
    some = np.array([30, 2, 17])
    assert_same(table_in_order(in_files.take(some)), table_in_order(in_memory.take(some)))
    found = in_files.predictions(some)
    assert [one.frame_id for one in found] == [ids[row] for row in some]


def test_only_the_columns_asked_for_are_there(tmp_path: Path, rng: np.random.Generator) -> None:
    predictions = rich_predictions(rng)
    files = PredictionFiles(tmp_path / "run")
    files.write(predictions)
    source = BoxesInFiles.of(files, [one.frame_id for one in predictions])
    ((_, table),) = source.chunks((Column.SUPPORT,))
    assert table.support is not None
    assert table.class_probs is None
    assert table.box_embedding is None


def test_a_frame_without_prediction_is_named(tmp_path: Path) -> None:
    files = PredictionFiles(tmp_path / "run")
    files.write([prediction_of("a", [[0.5, 0.1]])])
    source = BoxesInFiles.of(files, [frame_id_of("a"), frame_id_of("b")])
    with pytest.raises(MissingPredictionError, match=f"frame {frame_id_of('b')} and 0 more"):
        list(source.chunks(()))


def test_a_detector_that_gives_scores_only(tmp_path: Path) -> None:
    plain = Prediction(
        frame_id_of("a"), "m", Boxes([(0, 0, 4, 4)]), [0.5], [1], ClassScores.INDEPENDENT
    )
    files = PredictionFiles(tmp_path / "run")
    files.write([plain])
    ((_, table),) = BoxesInFiles.of(files, [plain.frame_id]).chunks(tuple(Column))
    for column in (Column.CLASS_PROBS, Column.SUPPORT, Column.BOX_EMBEDDING, Column.CLASS_PEAK):
        assert getattr(table, column) is None
    assert table.xyxy is not None
    assert table.xyxy.tolist() == [[0, 0, 4, 4]]


def test_class_vectors_of_some_frames_only_are_refused() -> None:
    plain = Prediction(
        frame_id_of("a"), "m", Boxes([(0, 0, 4, 4)]), [0.5], [1], ClassScores.INDEPENDENT
    )
    with pytest.raises(InvalidValueError, match="class_probs of a pool must be of one detector"):
        BoxTable.of([plain, prediction_of("b", [[0.5, 0.2]])])


def test_no_frames_at_all(tmp_path: Path) -> None:
    files = PredictionFiles(tmp_path / "run")
    files.write(random_predictions(3, seed=0))
    assert list(BoxesInFiles.of(files, []).chunks((Column.CLASS_ID,))) == []
    assert list(BoxesInMemory(()).chunks((Column.CLASS_ID,))) == []
    assert BoxTable.of([]).frame_count == 0


@pytest.mark.parametrize("multiplier", [0, 1])
def test_frames_are_told_apart_though_the_numbers_of_their_ids_are_equal(
    multiplier: int, tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MULTIPLIERS", np.full(4, multiplier, np.uint64))
    held = rich_predictions(rng)
    files = PredictionFiles(tmp_path)
    files.write(held)
    chosen = rng.permutation(len(held))[:25]
    source = BoxesInFiles.of(files, [held[row].frame_id for row in chosen])
    for rows, table in source.chunks(()):
        assert sorted(rows.tolist()) == list(range(25))
        for row, count in zip(rows, table.counts, strict=True):
            assert count == len(held[chosen[row]])


def test_ids_that_are_no_digests_are_found_too(tmp_path: Path) -> None:
    names = ["a", "bb", "a" * 32]
    files = PredictionFiles(tmp_path)
    for count, name in enumerate(names):
        boxes = Boxes([(0, 0, 4, 4)] * count)
        made = [0.5] * count, [1] * count
        files.write([Prediction(name, "m", boxes, *made, ClassScores.INDEPENDENT)])
    counts = np.full(3, -1)
    for rows, table in BoxesInFiles.of(files, names).chunks(()):
        counts[rows] = table.counts
    assert counts.tolist() == [0, 1, 2]
