"""Boxes of one frame beside each other."""

import numpy as np
import pytest
from builders import frame_id_of

from prelabel.active import pairing
from prelabel.active.box_table import BoxTable
from prelabel.active.pairing import NO_PARTNER, agreement, partners
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.geometry import boxes_iou
from prelabel.datasets.predictions import ClassScores, Prediction


def some_boxes(
    name: str, count: int, rng: np.random.Generator, *, turned: bool = False
) -> Prediction:
    corners = np.sort(rng.integers(0, 12, (count, 2, 2)), axis=1)
    corners[:, 1] += 1
    score = np.sort(rng.random(count).astype(np.float32))[::-1]
    xyxy = corners.reshape(count, 4)
    classes = np.zeros(count, np.int64)
    boxes = Boxes(xyxy, rng.uniform(-3, 3, count) if turned else None)
    return Prediction(frame_id_of(name), "m", boxes, score, classes, ClassScores.INDEPENDENT)


@pytest.mark.parametrize("turned", [(False, False), (True, True), (True, False)])
@pytest.mark.parametrize("most_pairs", [1, 7, 1 << 21])
def test_partners_and_agreement_are_those_of_each_frame_alone(
    most_pairs: int,
    turned: tuple[bool, bool],
    rng: np.random.Generator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pairing, "_MOST_PAIRS", most_pairs)
    left, right = (
        [some_boxes(f"{n}", int(rng.integers(0, 5)), rng, turned=are) for n in range(30)]
        for are in turned
    )
    one, other = BoxTable.of(left), BoxTable.of(right)
    found, agreed = partners(one, other), agreement(one)
    for frame, (mine, theirs) in enumerate(zip(left, right, strict=True)):
        own = slice(one.start[frame], one.start[frame + 1])
        iou = boxes_iou(mine.boxes, theirs.boxes)
        np.testing.assert_allclose(found.iou[own], iou.max(axis=1, initial=0), atol=1e-12)
        for row, best in zip(found.row[own], iou, strict=True):
            at = int(best.argmax()) if best.max(initial=0) > 0 else None
            assert row == (NO_PARTNER if at is None else other.start[frame] + at)
        close = boxes_iou(mine.boxes, mine.boxes) >= 0.5
        np.fill_diagonal(close, False)
        np.testing.assert_allclose(agreed[own], close @ mine.score, rtol=1e-6)


def test_without_boxes_there_is_no_partner() -> None:
    empty = BoxTable.of([some_boxes("a", 0, np.random.default_rng(0))])
    full = BoxTable.of([some_boxes("a", 2, np.random.default_rng(0))])
    assert partners(full, empty).row.tolist() == [NO_PARTNER] * 2
    assert partners(empty, full).row.tolist() == []
    assert agreement(empty).tolist() == []


def test_a_turned_box_across_another_is_no_partner_of_it() -> None:
    long = np.array([(60, 70, 140, 90)])
    scores = [0.9], [0]
    name, kind = frame_id_of("a"), ClassScores.INDEPENDENT
    along = BoxTable.of([Prediction(name, "m", Boxes(long, [0.5]), *scores, kind)])
    across = BoxTable.of([Prediction(name, "m", Boxes(long, [0.5 + np.pi / 2]), *scores, kind)])
    assert partners(along, along).iou == pytest.approx([1])
    assert partners(along, across).iou == pytest.approx([1 / 7], abs=1e-6)
