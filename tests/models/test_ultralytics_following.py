"""Following boxes with ByteTrack."""

from pathlib import Path

import numpy as np
import pytest

from prelabel.datasets.boxes import Boxes

pytest.importorskip("lap", reason="the trackers of ultralytics need lap")


def test_boxes_keep_their_number_and_new_ones_get_one_at_first_sight(tmp_path: Path) -> None:
    from prelabel.models.ultralytics.following import follow_boxes

    frames = []
    for at in range(8):
        boxes = [[10 + 5 * at, 10, 50 + 5 * at, 40], [200 - 4 * at, 100, 240 - 4 * at, 160]]
        scores = [0.9, 0.9 if at == 0 else 0.2]
        if at >= 3:
            boxes.append([300, 300, 320, 340])
            scores.append(0.6)
        if at == 5:
            boxes, scores = boxes[1:], scores[1:]
        frames.append((Boxes(boxes), np.array(scores, np.float32)))

    numbers = follow_boxes(frames, tmp_path)

    assert [one.tolist() for one in numbers] == [
        *[[1, 2]] * 3,
        *[[1, 2, 3]] * 2,
        [2, 3],
        *[[1, 2, 3]] * 2,
    ]
    assert [
        len(one) for one in follow_boxes([(Boxes.none(), np.zeros(0, np.float32))], tmp_path)
    ] == [0]
