"""Reading the outputs of exported nets, against plain loops and hand-worked values."""

import numpy as np
import pytest

from prelabel.models.detector import DetectorError
from prelabel.models.onnx import end_to_end, fastestdet, yolo


def test_yolo_columns_become_corners_and_class_vectors() -> None:
    output = np.zeros((2, 4 + 3, 5), np.float32)
    output[1, :, 4] = [50, 40, 20, 10, 0.1, 0.7, 0.2]
    first, second = yolo.decode(output, 3)
    assert first.score.max() == 0
    assert second.xyxy[4].tolist() == [40, 35, 60, 45]
    assert (second.class_id[4], second.score[4]) == (1, np.float32(0.7))
    assert second.class_scores is not None
    np.testing.assert_allclose(second.class_scores[4], [0.1, 0.7, 0.2])
    assert not second.is_final


def test_end_to_end_rows_come_best_first_without_the_unused() -> None:
    rows = [[1, 2, 3, 4, 0.2, 1], [0, 0, 0, 0, 0, 0], [5, 6, 7, 8, 0.9, 0]]
    (found,) = end_to_end.decode(np.array([rows], np.float32), 2)
    assert found.xyxy.tolist() == [[5, 6, 7, 8], [1, 2, 3, 4]]
    assert found.class_id.tolist() == [0, 1]
    assert found.class_scores is None
    assert found.is_final


def test_fastestdet_agrees_with_a_plain_loop(rng: np.random.Generator) -> None:
    output = rng.uniform(0, 1, (1, 5 + 4, 3, 6)).astype(np.float32)
    output[:, 1:5] = rng.normal(0, 2, (1, 4, 3, 6))
    (found,) = fastestdet.decode(output, 4, width_px=192, height_px=96)
    assert found.class_scores is not None
    for row in range(3):
        for column in range(6):
            cell = output[0, :, row, column].astype(np.float64)
            x = (np.tanh(cell[1]) + column) / 6 * 192
            y = (np.tanh(cell[2]) + row) / 3 * 96
            width, height = 192 / (1 + np.exp(-cell[3])), 96 / (1 + np.exp(-cell[4]))
            place = row * 6 + column
            box = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
            np.testing.assert_allclose(found.xyxy[place], box, atol=1e-3)
            scores = cell[0] ** 0.6 * cell[5:] ** 0.4
            np.testing.assert_allclose(found.class_scores[place], scores, atol=1e-5)
            assert found.class_id[place] == scores.argmax()


def test_outputs_of_other_shapes_are_named() -> None:
    output = np.zeros((1, 9, 20), np.float32)
    with pytest.raises(
        DetectorError, match=r"shape \(1, 9, 20\), but this decoding reads .* 4 \+ 3"
    ):
        yolo.decode(output, 3)
    with pytest.raises(DetectorError, match=r"\(pictures, boxes, 6\)"):
        end_to_end.decode(output, 3)
    with pytest.raises(DetectorError, match=r"5 \+ 3 classes, rows, columns"):
        fastestdet.decode(output, 3, 64, 64)


def test_a_class_beyond_the_names_is_refused() -> None:
    row = np.array([[[1, 2, 3, 4, 0.5, 7]]], np.float32)
    with pytest.raises(DetectorError, match="classes 0 to 2"):
        end_to_end.decode(row, 3)
