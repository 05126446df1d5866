"""PAL's uncertainty: whether a box is a true one, learned from labelled frames."""

from collections.abc import Sequence

import numpy as np
import pytest
from builders import annotations
from pools import pool_of, prediction_of
from sklearn.linear_model import LogisticRegression

from prelabel.active.box_table import BoxTable
from prelabel.active.evidence import Evidence
from prelabel.active.lius import Lius, TrueBoxModel
from prelabel.active.presence import FaintBoxes
from prelabel.active.regression import binary_entropy
from prelabel.active.scores import Aggregation
from prelabel.datasets.predictions import Prediction


def evidence_of(boxes: Sequence[tuple[int, float, int, bool]]) -> Evidence:
    """One frame a box: its class, score and support, and whether it is true."""
    predictions, labels = [], []
    for number, (class_id, score, support, is_true) in enumerate(boxes):
        probs = [0.0, 0.0]
        probs[class_id] = score
        one = prediction_of(f"known {number}", [probs], support=[support])
        predictions.append(one)
        labels.append(annotations(one.boxes.xyxy if is_true else [], [class_id] * is_true))
    return Evidence.of(predictions, labels)


SUPPORTED = [(0, 0.5, 1, False)] * 5 + [(0, 0.5, 1, True)] + [(0, 0.5, 9, True)] * 5
BALANCED = [*SUPPORTED, (0, 0.5, 9, False)]


def values_of(
    frames: dict[str, Prediction], evidence: Evidence, way: Aggregation = Aggregation.MAX
) -> list[float]:
    values: list[float] = Lius(way).of(pool_of(frames, evidence=evidence)).values.tolist()
    return values


def test_by_hand() -> None:
    # Support 1 and 9 stand at -1 and 1, and five of six are false or true: where the penalised
    # likelihood is highest, 12 (5/6 - sigmoid(b)) = b, by symmetry without an intercept.
    model = TrueBoxModel.fit(evidence_of(BALANCED), uses_support=True)
    b = model.by_class[0][1]
    assert 12 * (5 / 6 - 1 / (1 + np.exp(-b))) == pytest.approx(b, abs=1e-6)
    frames = {
        "halfway": prediction_of("halfway", [[0.5, 0]], support=[5]),
        "backed": prediction_of("backed", [[0.5, 0]], support=[9]),
        "both": prediction_of("both", [[0.5, 0], [0.5, 0]], support=[9, 5]),
    }
    sure = binary_entropy(1 / (1 + np.exp(-np.array([b]))))[0]
    half = np.log(2)
    evidence = evidence_of(BALANCED)
    assert values_of(frames, evidence) == pytest.approx([half, sure, half])
    assert values_of(frames, evidence, Aggregation.SUM) == pytest.approx([half, sure, half + sure])


def test_the_fit_is_a_standardised_logistic_regression(rng: np.random.Generator) -> None:
    score, support = rng.uniform(0.1, 0.9, 80).round(3), rng.integers(1, 9, 80)
    is_true = rng.random(80) < score
    boxes = zip([0] * 80, score.tolist(), support.tolist(), is_true.tolist(), strict=True)
    model = TrueBoxModel.fit(evidence_of(list(boxes)), uses_support=True)
    features = np.stack([support, score], axis=1)
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    peer = LogisticRegression(C=1.0, tol=1e-9).fit(scaled, is_true)
    np.testing.assert_allclose(model.by_class[0], np.append(peer.intercept_, peer.coef_), atol=1e-3)


def test_a_rare_class_goes_by_all_boxes_and_nothing_known_by_the_score() -> None:
    frames = {"rare": prediction_of("rare", [[0, 0.5]], support=[9])}
    table = BoxTable.of(list(frames.values()))
    few = [(1, 0.5, 1, False), (1, 0.5, 9, True)]
    model = TrueBoxModel.fit(evidence_of([*BALANCED, *few]), uses_support=True)
    assert list(model.by_class) == [0]
    assert model.of_boxes(table)[0] > 0.7
    too_few = TrueBoxModel.fit(evidence_of(few), uses_support=True)
    assert too_few.of_boxes(table) == pytest.approx([0.5])
    assert values_of(frames, Evidence.none()) == pytest.approx([np.log(2)])


def test_without_support_other_boxes_at_the_place_back_a_box() -> None:
    def head_without_nms(name: str, twins: int) -> Prediction:
        one = prediction_of(name, [[0.5, 0]] * (1 + twins))
        return Prediction(
            one.frame_id,
            "model",
            one.boxes.take([0] * (1 + twins)),
            one.score,
            one.class_id,
            one.class_scores,
            class_probs=one.class_probs,
        )

    known = [head_without_nms(f"known {n}", n % 2) for n in range(24)]
    labels = [annotations(one.boxes.xyxy[: len(one) - 1], [0] * (len(one) - 1)) for one in known]
    evidence = Evidence.of(known, labels)  # alone: false; of two, one is true
    frames = {name: head_without_nms(name, twins) for name, twins in (("alone", 0), ("twins", 1))}
    table = BoxTable.of(list(frames.values()))
    likely = TrueBoxModel.fit(evidence, uses_support=False).of_boxes(table)
    assert likely[0] < 0.25
    assert likely[1] == likely[2] > 0.4
    assert np.isfinite(values_of(frames, evidence)).all()


def test_frames_without_boxes_stand_for_a_faint_box() -> None:
    frames = {
        "hint": prediction_of("hint", [], class_peak=[0.01, 0.04]),
        "nothing": prediction_of("nothing", []),
        "doubt": prediction_of("doubt", [[0.5, 0.4]], support=[2], class_peak=[0.5, 0.4]),
    }
    hint = binary_entropy(np.array([0.04]))[0]
    assert values_of(frames, Evidence.none()) == pytest.approx([hint, 0, np.log(2)], rel=1e-5)
    faint = FaintBoxes.of(BoxTable.of(list(frames.values())))
    assert (faint.frame.tolist(), faint.class_id.tolist()) == ([0], [1])


def test_a_reason_names_the_box_and_its_probability() -> None:
    frames = {"a": prediction_of("a", [[0.9, 0], [0.45, 0]], support=[5, 1])}
    (reason,) = Lius().of(pool_of(frames)).reasons(np.array([0]))
    assert reason == (
        "2 boxes; least sure to be real: van of score 0.45, right with probability 0.45"
    )
