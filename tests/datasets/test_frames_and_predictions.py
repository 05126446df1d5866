"""Frames, predictions and batches: what they refuse."""

from typing import Any

import numpy as np
import pytest
from builders import a_frame, a_prediction
from hypothesis import given
from hypothesis import strategies as st

from prelabel.datasets.batches import Batch, Pick
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import InvalidValueError, MissingExtraError, PrelabelError
from prelabel.datasets.frames import Frame, FrameKind, LabelledFrame, Split
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.datasets.progress import Silent

FRAME_ID = "0123456789abcdef" * 2


def frame(**changes: Any) -> Frame:
    parts: dict[str, Any] = {
        "frame_id": FRAME_ID,
        "uri": "/a.jpg",
        "width_px": 4,
        "height_px": 3,
    }
    return Frame(**{**parts, **changes})


def prediction(**changes: Any) -> Prediction:
    parts: dict[str, Any] = {
        "frame_id": FRAME_ID,
        "model_id": "m",
        "boxes": Boxes([[0, 0, 1, 1], [1, 1, 3, 3]]),
        "score": [0.9, 0.2],
        "class_id": [1, 0],
        "class_scores": ClassScores.INDEPENDENT,
    }
    return Prediction(**{**parts, **changes})


def pick(**changes: Any) -> Pick:
    parts: dict[str, Any] = {"frame_id": "a", "score": 1.0, "reason": "why", "cost_s": 3.0}
    return Pick(**{**parts, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frame_id": "abc"}, "frame_id must be 32 hexadecimal digits, but is 'abc'"),
        ({"frame_id": FRAME_ID.upper()}, "frame_id must be 32 hexadecimal digits"),
        ({"uri": ""}, "uri must name a file, but is empty"),
        ({"width_px": 0}, "width_px and height_px must be at least 1, but are 0 and 3"),
        ({"height_px": -1}, "must be at least 1, but are 4 and -1"),
        ({"sequence": "s"}, "sequence and index come together, but are 's' and None"),
        ({"index": 0}, "sequence and index come together, but are None and 0"),
    ],
)
def test_every_rule_of_a_frame_is_told(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        frame(**changes)


def test_a_frame_is_a_picture_of_the_pool_unless_said_otherwise() -> None:
    assert frame().kind is FrameKind.IMAGE
    assert frame().split is Split.TRAIN
    assert frame(sequence="s", index=0).index == 0
    assert LabelledFrame(frame(), None).annotations is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"score": [0.9]}, r"score must have shape \(2\), but has \(1,\)"),
        ({"score": [1.1, 0.2]}, "score must lie between 0 and 1, but holds 1.1"),
        ({"score": [0.2, 0.9]}, r"score must fall, but row 1 is 0\.9 after 0\.2"),
        ({"score": [float("nan"), 0.2]}, "score must be finite"),
        ({"class_id": [1]}, r"class_id must have shape \(2\)"),
        ({"class_probs": [[0.1, 0.9]]}, r"class_probs must have shape \(2, n\)"),
        ({"class_probs": [[0.1, 0.9], [0.2, 1.2]]}, "class_probs must lie between 0 and 1"),
        ({"class_probs": [[0.9], [0.2]]}, "class_id must lie between 0 and 0, but holds 1"),
        ({"spread_px": [[1, 1, 1, 1], [1, 1, 1, -1]]}, "spread_px must lie between 0 and inf"),
        ({"spread_px": [[1, 1, 1], [1, 1, 1]]}, r"spread_px must have shape \(2, 4\)"),
        ({"support": [1, -2]}, "support must be at least 0"),
        ({"support": [1.5, 2.5]}, "support must be whole numbers"),
        ({"box_embedding": [[1.0]]}, r"box_embedding must have shape \(2, n\)"),
        ({"frame_embedding": [[1.0]]}, r"frame_embedding must have shape \(n\)"),
        ({"frame_embedding": [float("inf")]}, "frame_embedding must be finite"),
        ({"class_peak": [0.5, -0.5]}, "class_peak must lie between 0 and 1"),
    ],
)
def test_every_rule_of_a_prediction_is_told(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        prediction(**changes)


def test_a_prediction_holds_all_its_parts_read_only() -> None:
    whole = prediction(
        class_probs=[[0.1, 0.9], [0.2, 0.1]],
        spread_px=np.ones((2, 4)),
        support=[3, 1],
        box_embedding=np.ones((2, 7)),
        frame_embedding=np.ones(5),
        class_peak=[0.5, 0.9],
    )
    assert len(whole) == 2
    for name in ("score", "class_id", "class_probs", "spread_px", "support", "box_embedding"):
        assert len(getattr(whole, name)) == 2
        assert not getattr(whole, name).flags.writeable
    assert prediction().class_probs is None


def test_a_prediction_of_nothing() -> None:
    none = prediction(
        boxes=Boxes.none(), score=[], class_id=[], class_probs=np.zeros((0, 3)), spread_px=[]
    )
    assert len(none) == 0
    assert none.class_probs is not None
    assert none.class_probs.shape == (0, 3)


@given(
    probs=st.lists(
        st.tuples(st.floats(0, 1, width=32), st.floats(0, 1, width=32)), min_size=1, max_size=6
    )
)
def test_built_predictions_are_sorted(probs: list[tuple[float, float]]) -> None:
    corners = [[row, 0, row + 1, 1] for row in range(len(probs))]
    built = a_prediction(a_frame().frame_id, corners, np.array(probs).reshape(-1, 2))
    assert built.score.tolist() == sorted((max(pair) for pair in probs), reverse=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reason": ""}, "pick of frame a has no reason"),
        ({"cost_s": -1.0}, r"cost_s must be finite and at least 0, but is -1\.0"),
        ({"cost_s": float("inf")}, "cost_s must be finite and at least 0, but is inf"),
        ({"score": float("nan")}, "score must be finite, but is nan"),
    ],
)
def test_every_rule_of_a_pick_is_told(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        pick(**changes)


def test_a_batch_holds_no_frame_twice() -> None:
    assert len(Batch("random", 0, (pick(), pick(frame_id="b", score=None, is_control=True)))) == 2
    with pytest.raises(InvalidValueError, match="a batch must not hold a frame twice"):
        Batch("random", 0, (pick(), pick()))


def test_errors_can_be_caught_as_one_and_as_what_python_calls_them() -> None:
    assert issubclass(InvalidValueError, PrelabelError)
    assert issubclass(InvalidValueError, ValueError)
    error = MissingExtraError("onnx", "an ONNX file")
    assert isinstance(error, ImportError)
    assert str(error) == (
        "an ONNX file needs the extra 'onnx', which is not installed: pip install 'prelabel[onnx]'"
    )


def test_progress_that_nobody_watches() -> None:
    with Silent().task("work", 3) as advance:
        advance()
        advance(2, "done")
