"""What a report says about strategies: sentences that are true, and curves that show it."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from report_pages import Page, a_summary, an_arm, faster

from prelabel.active.comparison import Axis
from prelabel.report import wording
from prelabel.report.charts import chart_of
from prelabel.report.curves import curves_of
from prelabel.report.simulation import write_report
from prelabel.report.verdict import Outcome, verdicts_of


def test_a_clear_gain_is_called_better_with_the_time_it_saved() -> None:
    (verdict,) = verdicts_of(faster(0.1))
    assert verdict.outcome is Outcome.BETTER
    # the mean of random comes to 0.51 after 300 s, that of entropy_sum crosses it on the way
    assert "reached mAP50 0.51 with 20" in verdict.headline
    assert "random needed 300 s" in verdict.headline
    assert "Over 3 seeds, its mAP50 along the way is higher at equal time" in verdict.headline
    assert "above 0 in 3 of 3 seeds" in verdict.details[0]
    assert "with 60 frames each, it is +0.10" in verdict.details[1]


def test_a_loss_is_called_a_loss() -> None:
    (verdict,) = verdicts_of(faster(-0.1))
    assert verdict.outcome is Outcome.WORSE
    assert "Over 3 seeds, its mAP50 along the way is lower at equal time" in verdict.headline
    assert wording.MINUS + "0.10" in verdict.details[1]


def test_seeds_that_disagree_are_not_distinguishable() -> None:
    arms = []
    for seed, gain in enumerate((0.1, -0.08, 0.02)):
        arms.append(an_arm("random", seed, [0.3, 0.4, 0.5]))
        arms.append(an_arm("entropy_sum", seed, [0.3, 0.4 + gain, 0.5 + gain]))
    (verdict,) = verdicts_of(a_summary(*arms))
    assert verdict.outcome is Outcome.UNCLEAR
    assert "Over 3 seeds this cannot be told from chance." in verdict.headline


def test_one_seed_never_wins(tmp_path: Path) -> None:
    summary = faster(0.2, seeds=1)
    (verdict,) = verdicts_of(summary)
    assert verdict.outcome is Outcome.ONE_SEED
    assert "One seed cannot tell this from chance." in verdict.headline
    page = Page(write_report(summary, tmp_path))
    assert not page.named("polygon")  # no band
    assert "one seed, so no interval" in page.text


def test_a_single_strategy_is_told_without_comparison() -> None:
    (verdict,) = verdicts_of(a_summary(an_arm("kcenter", 0, [0.3, 0.45])))
    assert verdict.outcome is Outcome.ALONE
    assert "kcenter went from mAP50 0.30 to 0.45 with 200 s" in verdict.headline


def test_crossing_curves_are_mentioned() -> None:
    arms = [an_arm("random", 0, [0.3, 0.5, 0.55]), an_arm("kcenter", 0, [0.3, 0.4, 0.65])]
    (verdict,) = verdicts_of(a_summary(*arms))
    (crossing,) = [one for one in verdict.details if "cross" in one]
    assert re.search(r"cross once; kcenter leads from 2[45]\d s on", crossing)
    (straight,) = verdicts_of(faster(0.1, seeds=1))
    assert not [one for one in straight.details if "cross" in one]


def test_a_strategy_that_costs_more_a_frame_is_judged_by_time() -> None:
    """Better at equal frames, but each frame costs three times as much."""
    arms = []
    for seed in range(3):
        up = 0.01 * seed
        arms.append(an_arm("random", seed, [0.3, 0.4 + up, 0.5 + up]))
        arms.append(an_arm("entropy_sum", seed, [0.3, 0.42 + up, 0.52 + up], seconds_a_round=300))
    (verdict,) = verdicts_of(a_summary(*arms))
    assert verdict.outcome is Outcome.WORSE
    assert "better" in verdict.details[1]


def test_no_level_above_the_start_is_said() -> None:
    arms = [an_arm("random", 0, [0.4, 0.35]), an_arm("kcenter", 0, [0.4, 0.45])]
    (verdict,) = verdicts_of(a_summary(*arms))
    assert "no common mAP50 above their start" in verdict.headline


def test_share_of_full_data_is_told() -> None:
    summary = replace(faster(0.1), full_data_map50=0.8)
    (verdict,) = verdicts_of(summary)
    assert "whole pool has mAP50 0.80" in verdict.details[-1]


def test_without_random_the_first_strategy_is_the_baseline() -> None:
    arms = [an_arm("kcenter", 0, [0.3, 0.4]), an_arm("entropy_sum", 0, [0.3, 0.5])]
    (verdict,) = verdicts_of(a_summary(*arms))
    assert verdict.strategy == "entropy_sum"
    assert "kcenter needed" in verdict.headline


def test_the_mean_ends_where_the_shortest_arm_does() -> None:
    arms = [an_arm("random", 0, [0.3, 0.4, 0.5]), an_arm("random", 1, [0.5, 0.6])]
    (curve,) = curves_of(a_summary(*arms))
    assert [one.map50 for one in curve.mean.rounds] == pytest.approx([0.4, 0.5])
    assert curve.mean.rounds[0].map50_by_class["van"] is None


@pytest.mark.parametrize("axis", list(Axis))
def test_charts_lie_inside_their_frame(axis: Axis) -> None:
    chart = chart_of(curves_of(faster(0.1)), axis, 0.9)
    points = [p for line in chart.lines for text in (*line.seeds, line.mean) for p in text.split()]
    assert len(points) == 2 * (3 + 1) * 3
    for point in points:
        x, y = map(float, point.split(","))
        assert chart.left <= x <= chart.right
        assert chart.top <= y <= chart.bottom
    assert 3 <= len(chart.x_ticks) <= 8
    assert all(chart.left <= tick.at <= chart.right for tick in chart.x_ticks)
    assert chart.full_data is not None
    assert chart.top <= chart.full_data.at <= chart.bottom
