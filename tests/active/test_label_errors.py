"""Suspected label errors: found where they were planted, ranked, counted, corrected by answers."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
import pytest
from builders import a_frame, annotations
from sklearn.metrics import average_precision_score

from prelabel.active.label_errors import model
from prelabel.active.label_errors.answers import Answered, corrected, was_confirmed
from prelabel.active.label_errors.auditing import audit_sample, estimate_errors
from prelabel.active.label_errors.copies import near_copies
from prelabel.active.label_errors.disagreement import (
    DisagreementKind,
    disagreements,
    frames_by_disagreement,
)
from prelabel.active.label_errors.kinds import ErrorKind
from prelabel.active.label_errors.planting import (
    PLANTED_KINDS,
    SHIFT_IOU,
    Planted,
    plant_errors,
)
from prelabel.active.label_errors.ranking import rank_suspects, strongest
from prelabel.active.label_errors.softmax import fit_softmax, largest_share
from prelabel.active.label_errors.suspects import Suspect
from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.frames import LabelledFrame
from prelabel.datasets.geometry import boxes_iou
from prelabel.datasets.predictions import ClassScores, Prediction

CLASSES = 3
WIDTH = 320


def scenes(count: int, seed: int = 0) -> list[LabelledFrame]:
    """Frames with four boxes each, in cells of their own."""
    rng = np.random.default_rng(seed)
    frames = []
    for number in range(count):
        corners = np.array([[20, 20], [180, 20], [20, 180], [180, 180]]) + rng.uniform(
            0, 30, (4, 2)
        )
        boxes = np.hstack([corners, corners + rng.uniform(40, 90, (4, 2))])
        classes = rng.integers(0, CLASSES, 4).tolist()
        labels = annotations(boxes, classes, seed=1000 * seed + number)
        frames.append(LabelledFrame(a_frame(f"{seed}-{number}", WIDTH, WIDTH), labels))
    return frames


def seen(
    one: LabelledFrame, rng: np.random.Generator, sure: tuple[float, float] = (0.25, 0.8)
) -> Prediction:
    """What a fair detector says of a frame: rarely sure, sometimes wrong, with weak clutter."""
    assert one.annotations is not None
    truth = one.annotations
    boxes = truth.boxes.xyxy + rng.normal(0, 3, (len(truth), 4))
    clutter = np.hstack([at := rng.uniform(0, 250, (3, 2)), at + rng.uniform(30, 70, (3, 2))])
    probs = rng.uniform(0.01, 0.1, (len(truth) + 3, CLASSES))
    probs[np.arange(len(truth)), truth.class_id] = rng.uniform(*sure, len(truth))
    order = np.argsort(-probs.max(axis=1))
    places = np.vstack([boxes, clutter]).clip(0, WIDTH)[order]
    return Prediction(
        one.frame.frame_id,
        "m",
        Boxes(places),
        probs[order].max(axis=1),
        probs[order].argmax(axis=1),
        ClassScores.INDEPENDENT,
        class_probs=probs[order],
    )


def planted_scenes(rate: float = 0.1) -> tuple[Planted, dict[str, Prediction]]:
    clean = scenes(150)
    rng = np.random.default_rng(1)
    predictions = {one.frame.frame_id: seen(one, rng) for one in clean}
    return plant_errors(clean, rate, CLASSES, np.random.default_rng(2)), predictions


def suspect(number: int, probability: float, kind: ErrorKind = ErrorKind.SPURIOUS) -> Suspect:
    suspect_id = f"00000000-0000-4000-8000-{number:012d}"
    return Suspect(suspect_id, f"{number:032x}", kind, probability, 0, (0, 0, 9, 9), suspect_id)


def test_planted_errors_are_as_many_as_asked_and_no_box_has_two() -> None:
    clean = scenes(50)
    planted = plant_errors(clean, 0.2, CLASSES, np.random.default_rng(0))
    assert Counter(error.kind for error in planted.errors) == dict.fromkeys(PLANTED_KINDS, 10)
    before = {box for one in clean if one.annotations for box in one.annotations.box_id}
    after = {box for one in planted.frames if one.annotations for box in one.annotations.box_id}
    assert (len(before - after), len(after - before)) == (10, 10)
    again = plant_errors(clean, 0.2, CLASSES, np.random.default_rng(0))
    assert again.errors == planted.errors


def test_shifted_boxes_keep_the_overlap_that_was_drawn() -> None:
    clean = scenes(60)
    kinds = [ErrorKind.BADLY_LOCATED]
    planted = plant_errors(clean, 0.5, CLASSES, np.random.default_rng(0), kinds)
    labels = {one.frame.frame_id: one.annotations for one in planted.frames}
    for error in planted.errors:
        its = labels[error.frame_id]
        assert its is not None
        assert error.box_id is not None
        moved = its.boxes.take([its.box_id.index(error.box_id)])
        iou = boxes_iou(moved, Boxes(np.array([error.xyxy], np.float32)))[0, 0]
        assert SHIFT_IOU[0] - 0.01 <= iou <= SHIFT_IOU[1] + 0.01


def test_a_rate_beyond_one_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="rate must lie between 0 and 1"):
        plant_errors(scenes(2), 1.5, CLASSES, np.random.default_rng(0))


@pytest.mark.parametrize(
    "kind",
    [
        ErrorKind.MISSING,
        ErrorKind.SPURIOUS,
        ErrorKind.WRONG_CLASS,
        ErrorKind.BADLY_LOCATED,
    ],
)
def test_errors_of_each_kind_stand_on_top_of_the_ranking(kind: ErrorKind) -> None:
    planted, predictions = planted_scenes()
    suspects = rank_suspects(planted.frames, predictions, CLASSES, np.random.default_rng(3))
    errors = [error for error in planted.errors if error.kind is kind]
    top = [one for one in suspects if one.kind is kind][: len(errors)]
    if kind is ErrorKind.MISSING:
        found = sum(
            any(
                boxes_iou(
                    Boxes(np.array([one.xyxy], np.float32)),
                    Boxes(np.array([error.xyxy], np.float32)),
                )[0, 0]
                >= 0.5
                for one in top
                if one.frame_id == error.frame_id
            )
            for error in errors
        )
    else:
        wrong = {error.box_id for error in errors}
        found = sum(one.box_id in wrong for one in top)
    assert found / len(errors) >= 0.75


def test_probabilities_add_up_to_the_number_of_errors_within_a_factor_of_two() -> None:
    planted, predictions = planted_scenes()
    suspects = strongest(
        rank_suspects(planted.frames, predictions, CLASSES, np.random.default_rng(3))
    )
    expected = sum(one.probability for one in suspects)
    assert 0.5 * len(planted.errors) <= expected <= 2 * len(planted.errors)


def test_the_ranking_does_not_depend_on_the_order_of_frames() -> None:
    planted, predictions = planted_scenes()
    one = rank_suspects(planted.frames, predictions, CLASSES, np.random.default_rng(3))
    ids = {suspect.suspect_id for suspect in one}
    assert len(ids) == len(one)
    turned = rank_suspects(planted.frames[::-1], predictions, CLASSES, np.random.default_rng(3))
    assert {suspect.suspect_id for suspect in turned} == ids


def test_of_large_sets_the_likeliest_suspects_are_ranked(monkeypatch: pytest.MonkeyPatch) -> None:
    planted, predictions = planted_scenes()
    whole = rank_suspects(planted.frames, predictions, CLASSES, np.random.default_rng(3))
    some = rank_suspects(planted.frames, predictions, CLASSES, np.random.default_rng(3), most=50)
    assert some == whole[:50]

    boxes = sum(len(one.annotations) for one in planted.frames if one.annotations is not None)
    monkeypatch.setattr(model, "ENOUGH_LABELS", boxes // 2)
    learned_from_half = rank_suspects(
        planted.frames, predictions, CLASSES, np.random.default_rng(3)
    )
    assert {one.suspect_id for one in learned_from_half} == {one.suspect_id for one in whole}
    count = len(planted.errors)
    likeliest = {one.suspect_id for one in whole[:count]}
    assert sum(one.suspect_id in likeliest for one in learned_from_half[:count]) > count / 2


def test_a_handful_of_labels_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="too few to tell errors from"):
        rank_suspects(scenes(2), {}, CLASSES, np.random.default_rng(0))


def test_the_share_of_an_outcome_is_found_from_a_mixture() -> None:
    rng = np.random.default_rng(0)
    pure = rng.normal(2.5, 1, 2000)
    for share in (0.02, 0.1):
        is_it = rng.random(6000) < share
        mixed = np.where(is_it, rng.normal(2.5, 1, 6000), rng.normal(-1, 1, 6000))
        assert largest_share(mixed, pure) == pytest.approx(share, rel=0.35)


def test_the_regression_tells_outcomes_apart() -> None:
    rng = np.random.default_rng(0)
    outcome = rng.integers(0, 3, 3000)
    middles = np.array([[0, 0], [4, 0], [0, 4]])
    features = middles[outcome] + rng.normal(0, 1, (3000, 2))
    model = fit_softmax(features, outcome, 3, np.ones(3000))
    probabilities = model.probabilities(features)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (probabilities.argmax(axis=1) == outcome).mean() > 0.95


@pytest.mark.parametrize("seed", range(3))
def test_the_number_of_errors_lies_in_the_interval(seed: int) -> None:
    rng = np.random.default_rng(seed)
    inside = 0
    for _ in range(40):
        chance = rng.beta(0.3, 6, 3000)
        believed = np.clip(chance * rng.uniform(0.3, 2), 0, 1)  # badly calibrated
        truth = rng.random(3000) < chance
        suspects = [suspect(row, float(value)) for row, value in enumerate(believed)]
        sample = audit_sample(suspects, 120, rng)
        assert len({one.suspect_id for one in sample}) == 120
        answers = {one.suspect_id: bool(truth[int(one.suspect_id[-12:])]) for one in sample}
        count = estimate_errors(suspects, answers, rng)
        inside += count.low <= truth.sum() <= count.high
    assert inside >= 35


def test_answers_move_what_nobody_has_looked_at() -> None:
    suspects = [suspect(row, 0.8) for row in range(4)]
    others = [Answered(suspect(100 + row, 0.8), False) for row in range(30)]
    told = [Answered(suspects[0], True), Answered(suspects[1], False), *others]
    after = {one.suspect_id: one.probability for one in corrected(suspects, told)}
    assert after[suspects[0].suspect_id] == 1
    assert after[suspects[1].suspect_id] == 0
    assert after[suspects[2].suspect_id] < 0.5
    assert corrected(suspects, []) == suspects


def test_a_label_that_was_left_as_it_is_has_no_error_of_another_kind() -> None:
    spurious = suspect(1, 0.6)
    flipped = replace(
        suspect(2, 0.5, ErrorKind.WRONG_CLASS), frame_id=spurious.frame_id, box_id=spurious.box_id
    )
    reclassed = replace(flipped, class_id=1, suspect_id=suspect(3, 0.5).suspect_id)
    after = {
        one.suspect_id: one.probability
        for one in corrected([spurious, flipped, reclassed], [Answered(spurious, False)])
    }
    assert after[spurious.suspect_id] == after[flipped.suspect_id] == 0
    assert after[reclassed.suspect_id] == 0.5


def average_precision(suspects: Sequence[Suspect], wrong: Collection[str | None]) -> float:
    hits = [one.box_id in wrong for one in suspects]
    return float(average_precision_score(hits, [one.probability for one in suspects]))


def test_after_answers_the_rest_is_ranked_better() -> None:
    # Errors that have a cause: one class is often taken for another, and hardly ever the others.
    clean = scenes(150)
    rng = np.random.default_rng(1)
    predictions = {one.frame.frame_id: seen(one, rng, sure=(0.03, 0.3)) for one in clean}
    wrong: set[str | None] = set()
    frames = []
    for one in clean:
        assert one.annotations is not None
        labels, classes = one.annotations, one.annotations.class_id.copy()
        for row in np.flatnonzero(classes == 1):
            if rng.random() < 0.3:
                classes[row] = 2
                wrong.add(labels.box_id[row])
        changed = AnnotationSet(labels.boxes, classes, labels.box_id, labels.origin)
        frames.append(LabelledFrame(one.frame, changed))
    ranked = rank_suspects(frames, predictions, CLASSES, np.random.default_rng(3))
    flips = [one for one in ranked if one.kind is ErrorKind.WRONG_CLASS]
    told: list[Answered] = []
    for _ in range(3):
        asked = {one.suspect.suspect_id for one in told}
        free = [one for one in corrected(flips, told) if one.suspect_id not in asked]
        told += [Answered(one, one.box_id in wrong) for one in free[:25]]
    asked = {one.suspect.suspect_id for one in told}
    before = [one for one in flips if one.suspect_id not in asked]
    after = [one for one in corrected(flips, told) if one.suspect_id not in asked]
    assert sum(one.box_id in wrong for one in before) >= 10
    assert average_precision(after, wrong) > average_precision(before, wrong) + 0.05


def test_what_a_person_changed_confirms_a_suspect() -> None:
    before = annotations([[0, 0, 20, 20], [40, 0, 60, 20]], [0, 1])
    ids = before.box_id
    missing = Suspect(ids[0], "f" * 32, ErrorKind.MISSING, 0.5, 0, (80, 0, 100, 20))
    spurious = Suspect(ids[1], "f" * 32, ErrorKind.SPURIOUS, 0.5, 0, (0, 0, 20, 20), ids[0])
    flipped = Suspect(ids[1], "f" * 32, ErrorKind.WRONG_CLASS, 0.5, 1, (40, 0, 60, 20), ids[1])
    drawn = annotations([[81, 1, 99, 21]], [0], seed=9)
    after = AnnotationSet(
        Boxes(np.vstack([before.boxes.xyxy[1:], drawn.boxes.xyxy])),
        [2, 0],
        [ids[1], *drawn.box_id],
        before.origin,
    )
    assert [was_confirmed(one, before, after) for one in (missing, spurious, flipped)] == [True] * 3
    assert not any(was_confirmed(one, before, before) for one in (missing, spurious, flipped))


def test_disagreements_are_named_by_kind() -> None:
    first = annotations([[0, 0, 20, 20], [40, 0, 60, 20], [80, 0, 100, 20]], [0, 1, 2])
    second = annotations([[0, 0, 20, 20], [46, 0, 66, 20], [0, 60, 20, 80]], [1, 1, 2], seed=5)
    found = disagreements({"f": first, "only": first}, {"f": second})
    assert Counter(one.kind for one in found) == dict.fromkeys(DisagreementKind, 1)
    assert [frame for frame, _ in frames_by_disagreement(found)] == ["f"]
    assert disagreements({"f": first}, {"f": first}) == []


def test_in_a_crowd_every_box_keeps_its_own_partner() -> None:
    row = np.array([[10.0 * at, 0, 10 * at + 20, 20] for at in range(6)])
    first, second = (
        annotations(row, [0] * 6),
        annotations(row + np.array([2, 0, 2, 0]), [0] * 6, seed=5),
    )
    assert disagreements({"f": first}, {"f": second}) == []


def test_copies_across_splits_come_first() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(300, 32)).astype(np.float32)
    vectors[7] = vectors[3] + 0.01
    vectors[200] = vectors[100] * 2
    splits = ["train"] * 150 + ["test"] * 150
    found = near_copies(vectors, splits, [None] * 300)
    assert [(one.first, one.second, one.leaks) for one in found] == [
        (100, 200, True),
        (3, 7, False),
    ]
    together = ["a" if row in (3, 7) else None for row in range(300)]
    assert len(near_copies(vectors, splits, together)) == 1
