"""The simulated annotator: labels, origins, seconds and mistakes."""

import numpy as np
import pytest
from builders import annotations
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from prelabel.active.annotator import ActionKind, ErrorRates, SimulatedAnnotator
from prelabel.active.cost import CostModel
from prelabel.datasets.annotations import DRAWN, AnnotationSet, OriginKind
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.frames import Frame
from prelabel.datasets.geometry import pairwise_iou
from prelabel.datasets.predictions import ClassScores, Prediction

FRAME = Frame("0" * 32, "/pictures/a.jpg", 200, 100)
TRUTH = annotations(
    [(0, 0, 20, 20), (40, 0, 60, 20), (80, 0, 100, 20), (120, 0, 140, 20)], [0, 1, 0, 1]
)
PROPOSALS = Prediction(
    FRAME.frame_id,
    "model 1",
    Boxes(
        [
            (0, 0, 20, 19),  # tight and right: accepted
            (40, 0, 60, 12),  # loose: adjusted
            (80, 0, 100, 20),  # of the wrong class
            (160, 0, 180, 20),  # nothing there
        ]
    ),
    [0.9, 0.8, 0.7, 0.6],
    [0, 1, 1, 0],
    ClassScores.INDEPENDENT,
)


def random_work(seed: int) -> tuple[Prediction, AnnotationSet]:
    """Objects, and proposals near some of them, some of a wrong class."""
    rng = np.random.default_rng(seed)

    def boxes(count: int) -> NDArray[np.float64]:
        corner = rng.integers(0, 60, (count, 2))
        return np.concatenate([corner, corner + rng.integers(8, 30, (count, 2))], axis=1) * 1.0

    objects = boxes(int(rng.integers(0, 6)))
    near = objects[rng.random(len(objects)) < 0.7] + rng.integers(-3, 4)
    proposed = np.concatenate([near, boxes(int(rng.integers(0, 3)))]).clip(0)
    score = np.sort(rng.random(len(proposed)))[::-1]
    classes = rng.integers(0, 2, len(proposed))
    made = Prediction("0" * 32, "m", Boxes(proposed), score, classes, ClassScores.INDEPENDENT)
    return made, annotations(objects, rng.integers(0, 2, len(objects)).tolist(), seed)


def test_a_perfect_annotator(rng: np.random.Generator) -> None:
    done = SimulatedAnnotator().correct(FRAME, PROPOSALS, TRUTH, rng)
    labels = done.annotations
    assert [action.kind for action in done.actions] == [
        ActionKind.ACCEPTED,
        ActionKind.ADJUSTED,
        ActionKind.RECLASSED,
        ActionKind.REJECTED,
        ActionKind.DRAWN,
    ]
    assert labels.class_id.tolist() == [0, 1, 0, 1]
    assert labels.boxes.xyxy.tolist() == [
        [0, 0, 20, 19],  # as proposed
        [40, 0, 60, 20],
        [80, 0, 100, 20],
        [120, 0, 140, 20],
    ]
    accepted, adjusted, reclassed, drawn = labels.origin
    assert (accepted.kind, accepted.model_id) == (OriginKind.PROPOSED, "model 1")
    assert accepted.score == pytest.approx(0.9)
    assert (adjusted.kind, adjusted.original_xyxy) == (OriginKind.CHANGED, (40, 0, 60, 12))
    assert adjusted.original_class_id == 1
    assert (reclassed.kind, reclassed.original_class_id) == (OriginKind.CHANGED, 1)
    assert drawn == DRAWN
    assert done.seconds == pytest.approx(3 + 1.6 + 7 + (1.6 + 2) + 1.6 + 9)
    assert [action.box_id for action in done.actions if action.box_id] == list(labels.box_id)


@given(seed=st.integers(0, 2000))
def test_without_mistakes_the_seconds_are_those_of_the_cost_model(seed: int) -> None:
    proposals, truth = random_work(seed)
    annotator = SimulatedAnnotator(CostModel(assumption_factor=0.5))
    done = annotator.correct(FRAME, proposals, truth, np.random.default_rng(seed))
    assert done.seconds == pytest.approx(annotator.cost.charged_seconds(proposals, truth))
    assert len(done.annotations) == len(truth)
    assert sorted(done.annotations.class_id) == sorted(truth.class_id)
    if len(truth):
        overlap = pairwise_iou(done.annotations.boxes.xyxy, truth.boxes.xyxy)
        assert overlap.max(axis=0).min() >= 0.75


@given(seed=st.integers(0, 2000))
def test_with_mistakes_labels_stay_valid_and_a_seed_gives_them_again(seed: int) -> None:
    proposals, truth = random_work(seed)
    annotator = SimulatedAnnotator(errors=ErrorRates(0.3, 0.3, 0.1))
    first, again = (
        annotator.correct(FRAME, proposals, truth, np.random.default_rng(seed)) for _ in range(2)
    )
    assert first.annotations == again.annotations
    assert first.actions == again.actions
    kept = first.annotations.boxes.xyxy
    drawn = [row for row, origin in enumerate(first.annotations.origin) if origin == DRAWN]
    assert (kept[drawn] >= 0).all()
    assert (kept[drawn] <= [200, 100, 200, 100]).all()


def test_labelling_from_scratch(rng: np.random.Generator) -> None:
    annotator = SimulatedAnnotator()
    done = annotator.label(FRAME, TRUTH, rng)
    assert done.annotations.boxes == TRUTH.boxes
    assert set(done.annotations.origin) == {DRAWN}
    assert done.seconds == annotator.cost.scratch_seconds(4)
    assert len(set(done.annotations.box_id) | set(TRUTH.box_id)) == 8  # ids of its own
    empty = annotator.label(FRAME, AnnotationSet.empty(), rng)
    assert (len(empty.annotations), empty.seconds, empty.actions) == (0, 3.0, ())


def test_one_who_accepts_everything_and_overlooks_the_rest(rng: np.random.Generator) -> None:
    annotator = SimulatedAnnotator(errors=ErrorRates(accept_wrong=1, overlook=1))
    done = annotator.correct(FRAME, PROPOSALS, TRUTH, rng)
    assert [action.kind for action in done.actions] == [
        ActionKind.ACCEPTED,
        ActionKind.ADJUSTED,
        ActionKind.WRONGLY_ACCEPTED,
        ActionKind.WRONGLY_ACCEPTED,
        ActionKind.OVERLOOKED,
    ]
    assert done.annotations.class_id.tolist() == [0, 1, 1, 0]
    assert done.seconds == pytest.approx(3 + 1.6 + 7 + 1.6 + 1.6)


def test_mistakes_come_at_their_rates() -> None:
    annotator = SimulatedAnnotator(errors=ErrorRates(accept_wrong=0.2, overlook=0.1))
    kinds = [
        action.kind
        for seed in range(1000)
        for action in annotator.correct(
            FRAME, PROPOSALS, TRUTH, np.random.default_rng(seed)
        ).actions
    ]
    assert kinds.count(ActionKind.WRONGLY_ACCEPTED) == pytest.approx(400, abs=70)  # of 2000
    assert kinds.count(ActionKind.OVERLOOKED) == pytest.approx(100, abs=40)  # of 1000


def test_jitter_moves_what_is_drawn_by_its_share_of_the_side() -> None:
    annotator = SimulatedAnnotator(errors=ErrorRates(jitter=0.05))
    middle = annotations([(50, 40, 90, 60)], [0])  # 40 wide, 20 high
    drawn = np.array(
        [
            annotator.label(FRAME, middle, np.random.default_rng(seed)).annotations.boxes.xyxy[0]
            for seed in range(500)
        ]
    )
    np.testing.assert_allclose(drawn.mean(axis=0), [50, 40, 90, 60], atol=0.4)
    np.testing.assert_allclose(drawn.std(axis=0), [2, 1, 2, 1], rtol=0.15)


def test_a_rate_above_one_is_refused() -> None:
    with pytest.raises(InvalidValueError, match=r"overlook must lie between 0 and 1, but is 1\.5"):
        ErrorRates(overlook=1.5)
