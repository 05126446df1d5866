"""Turned boxes in matching, in the simulated annotator, and in what a simulation keeps."""

import math
from pathlib import Path

import numpy as np
import pytest
from builders import a_prediction, annotations

from prelabel.active.annotator import ActionKind, ErrorRates, SimulatedAnnotator
from prelabel.active.cost import CostModel
from prelabel.active.matching import UNMATCHED, match
from prelabel.active.rounds import LabelledBatch, read_batch, write_batch
from prelabel.active.summary import BoxMark, label_marks, proposal_marks
from prelabel.datasets.batches import Batch
from prelabel.datasets.frames import Frame
from prelabel.datasets.geometry import boxes_iou, rotated_corners

FRAME = Frame("0" * 32, "/pictures/a.jpg", 200, 160)
LONG = (60, 70, 140, 90)
TRUTH = annotations([LONG], [0], angle=[0.5])


@pytest.mark.parametrize(
    ("angle", "iou"), [(0.5, 1), (0.5 + math.pi, 1), (0.5 + math.pi / 2, 1 / 7)]
)
def test_what_overlaps_is_the_turned_box(angle: float, iou: float) -> None:
    matching = match(a_prediction("0" * 32, [LONG], [[0.9]], angle=[angle]), TRUTH)
    assert matching.truth_of.tolist() == [0 if iou == 1 else UNMATCHED]
    assert matching.iou.tolist() == pytest.approx([iou if iou == 1 else 0], abs=1e-5)


def test_an_upright_proposal_on_a_turned_object_costs_its_adjustment() -> None:
    cost = CostModel()
    straight = a_prediction("0" * 32, [LONG], [[0.9]])
    assert boxes_iou(straight.boxes, TRUTH.boxes)[0, 0] < 0.5
    rejected_and_drawn = cost.open_s + cost.verify_s + cost.missed_s()
    assert cost.charged_seconds(straight, TRUTH) == pytest.approx(rejected_and_drawn)
    loose = a_prediction("0" * 32, [LONG], [[0.9]], angle=[0.3])
    assert cost.charged_seconds(loose, TRUTH) == pytest.approx(cost.open_s + cost.adjust_s)


def test_a_perfect_annotator_leaves_the_true_boxes(rng: np.random.Generator) -> None:
    truth = annotations([LONG, (10, 10, 40, 20)], [0, 1], angle=[0.5, 0.0])
    loose = a_prediction("0" * 32, [LONG], [[0.9, 0.1]], angle=[0.3])
    done = SimulatedAnnotator().correct(FRAME, loose, truth, rng)
    assert [action.kind for action in done.actions] == [ActionKind.ADJUSTED, ActionKind.DRAWN]
    assert done.annotations.boxes == truth.boxes
    origin = done.annotations.origin[0]
    assert origin.original_angle == pytest.approx(0.3)
    tight = a_prediction("0" * 32, [LONG], [[0.9, 0.1]], angle=[0.48])
    kept = SimulatedAnnotator().correct(FRAME, tight, TRUTH, rng).annotations
    assert kept.boxes == tight.boxes


def test_an_unsteady_hand_moves_edges_along_the_turned_sides() -> None:
    unsteady = SimulatedAnnotator(errors=ErrorRates(jitter=0.1))
    shifts = []
    for seed in range(200):
        labels = unsteady.label(FRAME, TRUTH, np.random.default_rng(seed)).annotations
        assert labels.boxes.angle is not None
        assert labels.boxes.angle.tolist() == [0.5]
        was = rotated_corners(TRUTH.boxes.xyxy, labels.boxes.angle).mean(axis=1)
        now = rotated_corners(labels.boxes.xyxy, labels.boxes.angle).mean(axis=1)
        shifts.append(((now - was) @ [[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])[0])
    along, across = np.std(shifts, axis=0)
    assert along == pytest.approx(80 * 0.1 / math.sqrt(2), rel=0.2)
    assert across == pytest.approx(20 * 0.1 / math.sqrt(2), rel=0.2)


def test_a_turned_box_is_not_moved_out_of_the_picture() -> None:
    at_the_edge = annotations([(160, 70, 238, 90)], [0], angle=[0.5])
    unsteady = SimulatedAnnotator(errors=ErrorRates(jitter=0.2))
    for seed in range(50):
        boxes = unsteady.label(FRAME, at_the_edge, np.random.default_rng(seed)).annotations.boxes
        middle = (boxes.xyxy[0, :2] + boxes.xyxy[0, 2:]) / 2
        assert (middle >= 0).all()
        assert (middle <= (FRAME.width_px, FRAME.height_px)).all()


def test_labels_of_a_round_come_back_with_their_angles(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    loose = a_prediction(FRAME.frame_id, [LONG], [[0.9]], angle=[0.3])
    done = SimulatedAnnotator().correct(FRAME, loose, TRUTH, rng)
    labelled = LabelledBatch.of(Batch("s", 0, ()), 0.5, [loose], {FRAME.frame_id: done})
    write_batch(tmp_path / "round", labelled)
    again = read_batch(tmp_path / "round")
    assert again is not None
    assert again.labels == {FRAME.frame_id: done.annotations}
    assert again.proposals == labelled.proposals


def test_marks_on_pictures_are_turned() -> None:
    (mark,) = label_marks(TRUTH)
    assert mark == BoxMark((60.0, 70.0, 140.0, 90.0), 0, None, 0.5)
    (upright,) = proposal_marks(a_prediction("0" * 32, [LONG], [[0.9]]))
    assert (upright.angle, upright.score) == (0.0, 0.9)
    assert BoxMark.of({"xyxy": [60, 70, 140, 90], "class_id": 0, "score": 0.9}) == upright
