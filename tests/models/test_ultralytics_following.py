"""Following boxes with ByteTrack and BoT-SORT."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.frames import Frame
from prelabel.datasets.pictures import frame_id_of

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


def jolted(folder: Path, shifts: list[int], rng: np.random.Generator) -> list[Frame]:
    """What a camera sees of a wall when it is pushed aside by so many pixels."""
    wall = cv2.GaussianBlur(rng.integers(0, 256, (200, 400), np.uint8), (0, 0), 3)
    wall = cv2.equalizeHist(wall)
    frames = []
    for at, shift in enumerate(shifts):
        path = folder / f"{at}.png"
        path.write_bytes(cv2.imencode(".png", wall[:, 60 + shift : 300 + shift])[1].tobytes())
        frames.append(Frame(frame_id_of(path.read_bytes()), str(path), 240, 200))
    return frames


def test_botsort_keeps_what_a_jolt_of_the_camera_moves(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    from prelabel.models.ultralytics.following import Tracker, follow_boxes

    shifts = [0, 0, 0, 30, 30, 0, 30]
    pictures = jolted(tmp_path, shifts, rng)
    boxes = [Boxes([[120 - shift, 80, 140 - shift, 110]]) for shift in shifts]
    frames = [(one, np.array([0.9], np.float32)) for one in boxes]

    by_overlap = follow_boxes(frames, tmp_path)
    by_pictures = follow_boxes(frames, tmp_path, tracker=Tracker.BOTSORT, pictures=pictures)

    assert len(set(np.concatenate(by_overlap).tolist())) > 1
    assert np.concatenate(by_pictures).tolist() == [1] * len(shifts)


def test_botsort_asks_for_pictures(tmp_path: Path) -> None:
    from prelabel.models.ultralytics.following import Tracker, follow_boxes

    frames = [(Boxes.none(), np.zeros(0, np.float32))] * 2
    with pytest.raises(InvalidValueError, match="2 frames need as many, but there are 0"):
        follow_boxes(frames, tmp_path, tracker=Tracker.BOTSORT)
