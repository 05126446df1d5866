"""Boxes of one frame beside each other."""

import numpy as np
import pytest
from builders import frame_id_of

from prelabel.active import pairing
from prelabel.active.box_table import BoxTable
from prelabel.active.pairing import NO_PARTNER, agreement, partners
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.geometry import pairwise_iou
from prelabel.datasets.predictions import ClassScores, Prediction


def some_boxes(name: str, count: int, rng: np.random.Generator) -> Prediction:
    corners = np.sort(rng.integers(0, 12, (count, 2, 2)), axis=1)
    corners[:, 1] += 1
    score = np.sort(rng.random(count).astype(np.float32))[::-1]
    xyxy = corners.reshape(count, 4)
    classes = np.zeros(count, np.int64)
    return Prediction(frame_id_of(name), "m", Boxes(xyxy), score, classes, ClassScores.INDEPENDENT)


@pytest.mark.parametrize("most_pairs", [1, 7, 1 << 21])
def test_partners_and_agreement_are_those_of_each_frame_alone(
    most_pairs: int, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairing, "_MOST_PAIRS", most_pairs)
    left = [some_boxes(f"{n}", int(rng.integers(0, 5)), rng) for n in range(30)]
    right = [some_boxes(f"{n}", int(rng.integers(0, 5)), rng) for n in range(30)]
    one, other = BoxTable.of(left), BoxTable.of(right)
    found, agreed = partners(one, other), agreement(one)
    for frame, (mine, theirs) in enumerate(zip(left, right, strict=True)):
        own = slice(one.start[frame], one.start[frame + 1])
        iou = pairwise_iou(mine.boxes.xyxy, theirs.boxes.xyxy)
        np.testing.assert_allclose(found.iou[own], iou.max(axis=1, initial=0))
        for row, best in zip(found.row[own], iou, strict=True):
            at = int(best.argmax()) if best.max(initial=0) > 0 else None
            assert row == (NO_PARTNER if at is None else other.start[frame] + at)
        close = pairwise_iou(mine.boxes.xyxy, mine.boxes.xyxy) >= 0.5
        np.fill_diagonal(close, False)
        np.testing.assert_allclose(agreed[own], close @ mine.score, rtol=1e-6)


def test_without_boxes_there_is_no_partner() -> None:
    empty = BoxTable.of([some_boxes("a", 0, np.random.default_rng(0))])
    full = BoxTable.of([some_boxes("a", 2, np.random.default_rng(0))])
    assert partners(full, empty).row.tolist() == [NO_PARTNER] * 2
    assert partners(empty, full).row.tolist() == []
    assert agreement(empty).tolist() == []
