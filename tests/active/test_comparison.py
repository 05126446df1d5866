"""Paired differences, areas and the file of a summary."""

from math import sqrt
from pathlib import Path

import pytest
from builders import frame_id_of

from prelabel.active.comparison import (
    Axis,
    Difference,
    area_gain,
    by_round,
    normalised_area,
    over_rounds,
    reached_at,
)
from prelabel.active.summary import ArmResult, BoxMark, PickResult, RoundResult, Summary
from prelabel.datasets.errors import BadInputError, InvalidValueError


def round_of(number: int, map50: float, seconds: float) -> RoundResult:
    pick = PickResult(
        frame_id_of(str(number)),
        "/pictures/ä.jpg",
        1.5,
        "3 boxes",
        9.0,
        False,
        spent_s=8.5,
        proposals=(BoxMark((0, 0, 4, 4), 0, 0.5),),
        labels=(BoxMark((0, 0, 4, 5), 0),),
    )
    by_class = {"van": map50, "truck": None}
    frames, boxes = 20 * (number + 1), 40 * (number + 1)
    return RoundResult(
        number, frames, boxes, seconds, map50, map50 / 2, by_class, 1.25 + number, (pick,)
    )


def arm(strategy: str, seed: int, *rounds: tuple[float, float]) -> ArmResult:
    made = [round_of(number, map50, seconds) for number, (map50, seconds) in enumerate(rounds)]
    return ArmResult(strategy, seed, tuple(made))


SUMMARY = Summary(
    name="two seeds",
    dataset="cards",
    classes=("van", "truck"),
    detector="torchvision:micro",
    full_data_map50=0.9,
    cost_model={"open_s": 3.0},
    arms=(
        arm("active", 0, (0.2, 100), (0.5, 200), (0.7, 300)),
        arm("active", 1, (0.3, 100), (0.5, 250), (0.6, 400)),
        arm("random", 0, (0.2, 100), (0.4, 150), (0.5, 200)),
        arm("random", 1, (0.3, 100), (0.5, 150), (0.5, 200)),
    ),
    settings={"rounds": 2},
    command="prelabel simulate cards.yaml",
)


def test_a_difference_by_hand() -> None:
    one = Difference.of([0.1, 0.3])
    # standard error sqrt(0.02) / sqrt(2) = 0.1; t(0.975, 1) = 12.706
    assert one.mean == pytest.approx(0.2)
    assert one.low == pytest.approx(0.2 - 12.706 * 0.1, abs=1e-3)
    assert one.high == pytest.approx(0.2 + 12.706 * 0.1, abs=1e-3)
    assert (one.seeds, one.wins) == (2, 2)
    three = Difference.of([0.1, 0.2, 0.3])
    assert three.low == pytest.approx(0.2 - 4.3027 * 0.1 / sqrt(3), abs=1e-4)


def test_a_single_seed_has_no_interval() -> None:
    assert Difference.of([-0.1]) == Difference(-0.1, None, None, 1, 0)
    with pytest.raises(InvalidValueError, match="at least one seed"):
        Difference.of([])


def test_differences_by_round_and_over_all_rounds() -> None:
    found = by_round(SUMMARY, "active", "random")
    assert {number: round(one.mean, 6) for number, one in found.items()} == {0: 0, 1: 0.05, 2: 0.15}
    pooled = over_rounds(SUMMARY, "active", "random")
    assert pooled.mean == pytest.approx(((0.1 + 0.2) / 2 + (0.0 + 0.1) / 2) / 2)
    assert pooled.wins == 2


def test_normalised_area_by_hand() -> None:
    one = SUMMARY.arms[0]
    assert normalised_area(one, Axis.FRAMES) == pytest.approx((0.35 + 0.6) / 2)
    assert normalised_area(one, Axis.SECONDS, end=250) == pytest.approx(
        (0.35 * 100 + 0.55 * 50) / 150
    )
    assert normalised_area(one, Axis.BOXES, end=40) == 0.2


def test_area_gain_ends_where_the_cheaper_arm_ended() -> None:
    seconds = area_gain(SUMMARY, "active", "random", Axis.SECONDS)
    # seed 0, 100 to 200 s: 0.35 against 0.375; seed 1: 0.3 to 0.4333 against 0.45
    expected = [0.35 - 0.375, (0.3 + 0.3 + 0.2 * 100 / 150) / 2 - 0.45]
    assert seconds.mean == pytest.approx(sum(expected) / 2)
    frames = area_gain(SUMMARY, "active", "random", Axis.FRAMES)
    assert frames.mean == pytest.approx(((0.475 - 0.375) + (0.475 - 0.45)) / 2)


def test_where_a_level_is_reached() -> None:
    one = SUMMARY.arms[0]
    assert reached_at(one, 0.1, Axis.SECONDS) == 100
    assert reached_at(one, 0.35, Axis.SECONDS) == pytest.approx(150)
    assert reached_at(one, 0.6, Axis.FRAMES) == pytest.approx(50)
    assert reached_at(one, 0.8, Axis.SECONDS) is None


def test_strategies_that_share_no_seed_are_not_compared() -> None:
    with pytest.raises(InvalidValueError, match="active and kcenter share no seed in two seeds"):
        by_round(SUMMARY, "active", "kcenter")


def test_a_summary_comes_back_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    SUMMARY.write(path)
    assert Summary.read(path) == SUMMARY
    assert "ä" in path.read_text(encoding="utf-8")
    assert not list(tmp_path.glob("*.unfinished"))
    assert SUMMARY.arm("active", 1) is SUMMARY.arms[1]
    assert SUMMARY.arm("active", 7) is None
    assert SUMMARY.strategies == ("active", "random")
    assert SUMMARY.seeds == (0, 1)
    assert SUMMARY.without_times().arms[0].rounds[1].train_seconds == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not the summary of a simulation"),
        ("[]", "is not the summary of a simulation"),
        ('{"format": 1}', "is not the summary of a simulation"),
        ('{"format": 9, "arms": []}', "is of a format that this version does not read"),
    ],
)
def test_another_file_is_refused(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(BadInputError, match=f"{path}: {words}"):
        Summary.read(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot be read: No such file"):
        Summary.read(tmp_path / "none.json")
