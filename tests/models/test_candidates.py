"""What remains after NMS, and how many candidates each remaining box stands for."""

import numpy as np
import torch

from prelabel.models.candidates import Candidates, after_nms

XYXY = np.array(
    [[0, 0, 10, 10], [0, 0, 10, 9], [0, 1, 10, 10], [50, 50, 60, 60], [0, 0, 10, 10]], np.float32
)
SCORE = np.array([0.9, 0.8, 0.7, 0.3, 0.6], np.float32)
CLASS_ID = np.array([0, 0, 0, 0, 1])


def test_boxes_of_a_class_are_merged_and_counted() -> None:
    kept, support = after_nms(XYXY, SCORE, CLASS_ID, nms_iou=0.5, count_max=10)
    assert kept.tolist() == [0, 4, 3]
    assert support.tolist() == [3, 1, 1]


def test_no_more_than_wanted_are_kept() -> None:
    kept, support = after_nms(XYXY, SCORE, CLASS_ID, nms_iou=0.5, count_max=1)
    assert (kept.tolist(), support.tolist()) == ([0], [3])


def test_nothing_gives_nothing() -> None:
    kept, support = after_nms(XYXY[:0], SCORE[:0], CLASS_ID[:0], nms_iou=0.5, count_max=9)
    assert (len(kept), len(support)) == (0, 0)


def test_vectors_follow_the_rows() -> None:
    vectors = torch.tensor([[0.1, 0.6], [0.9, 0.2], [0.3, 0.0]])
    found = Candidates(
        torch.tensor([[0.0, 0, 9, 9], [40, 40, 50, 50]]),
        torch.tensor([0.6, 0.9]),
        torch.tensor([1, 0]),
        torch.tensor([0, 1]),
        vectors,
    ).keep_best(0.5, 10)
    assert found["rows"].tolist() == [1, 0]
    assert torch.equal(found["class_scores"], vectors[[1, 0]])
    assert torch.equal(found["class_peak"], torch.tensor([0.9, 0.6]))
