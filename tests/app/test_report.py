"""Reports: one file, everything in it, nothing of it dangerous, and sentences that are true."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from builders import a_picture, frame_id_of

from prelabel.active.comparison import Axis
from prelabel.active.summary import ArmResult, BoxMark, PickResult, RoundResult, Summary
from prelabel.report import wording
from prelabel.report.charts import chart_of
from prelabel.report.curves import curves_of
from prelabel.report.project import (
    ModelFacts,
    ProjectFacts,
    RoundFacts,
    SplitFacts,
    sentences,
    write_project_report,
)
from prelabel.report.simulation import flattened, write_report
from prelabel.report.verdict import Outcome, verdicts_of
from prelabel.report.wall import WallOptions

VOID = {"meta", "br", "img", "link", "input", "hr"}
HOSTILE = "<script>alert('x')</script> & \"quotes\""


class Page(HTMLParser):
    """Reads a page, checks that its tags nest, and keeps its text, attributes and elements."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def a_pick(name: str = "a", reason: str = "drawn at random", uri: str = "") -> PickResult:
    return PickResult(frame_id_of(name), uri or f"/gone/{name}.jpg", None, reason, 9.5, False)


def an_arm(
    strategy: str,
    seed: int,
    map50: Sequence[float],
    *,
    seconds_a_round: float = 100.0,
    picks: Sequence[PickResult] = (),
    by_class: Mapping[str, float | None] | None = None,
) -> ArmResult:
    """Twenty frames and fifty boxes a round; round 0 has cost 100 s in every arm."""
    return ArmResult(
        strategy,
        seed,
        tuple(
            RoundResult(
                round=number,
                frames=20 * (number + 1),
                boxes=50 * (number + 1),
                seconds=100 + number * seconds_a_round,
                map50=value,
                map=value / 2,
                map50_by_class=by_class or {"car": value, "van": None},
                train_seconds=3.0,
                picks=tuple(picks) if number else (),
            )
            for number, value in enumerate(map50)
        ),
    )


def a_summary(*arms: ArmResult, full: float | None = None) -> Summary:
    return Summary(
        name="streets",
        dataset="forty pictures",
        classes=("car", "van"),
        detector="torchvision:micro",
        full_data_map50=full,
        cost_model={"open_s": 3.0, "verify_s": 1.6},
        arms=arms,
        settings={"training": {"steps": 50}, "seeds": [0, 1]},
        command="prelabel simulate configs/streets.yaml",
    )


def faster(gain: float, seeds: int = 3) -> Summary:
    """entropy_sum ends `gain` above random; seeds differ a little, and so does the gain."""
    arms = []
    for seed in range(seeds):
        lift = 0.01 * seed
        arms.append(an_arm("random", seed, [0.3, 0.4 + lift, 0.5 + lift]))
        ours = [0.3, 0.4 + lift + gain * (1 + lift), 0.5 + lift + gain]
        arms.append(an_arm("entropy_sum", seed, ours))
    return a_summary(*arms)


def test_the_page_needs_nothing_beside_it(tmp_path: Path) -> None:
    frame = a_picture(tmp_path / "a.jpg")
    pick = PickResult(frame.frame_id, frame.uri, 1.5, "unsure of a van", 9.5, False)
    page = Page(write_report(a_summary(an_arm("random", 0, [0.3, 0.4], picks=[pick])), tmp_path))
    assert not page.named("script")
    assert not page.named("link")
    assert not page.named("img")
    assert "http" not in page.source.replace("http-equiv", "")
    assert "url(" not in page.source
    assert "@import" not in page.source
    links = [a[name] or "" for _, a in page.elements for name in a if name in ("href", "src")]
    assert links
    assert all(link.startswith(("data:image/webp;base64,", "#")) for link in links)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".html"] == ["report.html"]


def test_all_arms_rounds_classes_and_settings_appear(tmp_path: Path) -> None:
    summary = faster(0.05)
    page = Page(write_report(summary, tmp_path))
    for told in ("streets", "forty pictures", "torchvision:micro", "open_s", "training.steps"):
        assert told in page.text
    assert "prelabel simulate configs/streets.yaml" in page.text
    for strategy in ("random", "entropy_sum"):
        for seed in range(3):
            assert f"{strategy}, seed {seed}" in page.text
    titles = [text for text in page.texts if text.startswith("entropy_sum, round ")]
    assert len(titles) == 3 * 3  # rounds in three charts
    assert len(page.named("polyline")) == 3 * (2 * 3 + 2)  # seeds and means in three charts
    assert len(page.named("polygon")) == 3 * 2
    assert "van" in page.text


def test_everything_to_look_at_has_words(tmp_path: Path) -> None:
    frame = a_picture(tmp_path / "a.jpg")
    marks = (BoxMark((1, 2, 30, 20), 0, 0.8),)
    pick = replace(a_pick(), frame_id=frame.frame_id, uri=frame.uri, proposals=marks, labels=marks)
    page = Page(write_report(a_summary(an_arm("random", 0, [0.3, 0.4], picks=[pick])), tmp_path))
    for picture in page.named("svg"):
        assert picture.get("aria-label") or picture.get("aria-hidden") == "true"
    labels = [one.get("aria-label") or "" for one in page.named("svg")]
    assert "a.jpg, 1 proposal, 1 label" in labels
    assert "proposal: car 0.80" in page.texts
    rectangles = [r for r in page.named("rect") if r["class"] == "label" and r["x"] == "1"]
    assert (rectangles[0]["width"], rectangles[0]["height"]) == ("29", "18")


def test_hostile_names_and_reasons_stay_text(tmp_path: Path) -> None:
    pick = a_pick(reason=HOSTILE, uri=f"/x/{HOSTILE.replace('/', '')}.jpg")
    marked = replace(pick, labels=(BoxMark((0, 0, 5, 5), 7),))
    summary = replace(
        a_summary(an_arm(HOSTILE, 0, [0.3, 0.4], picks=[marked])),
        name=HOSTILE,
        dataset=HOSTILE,
        classes=(HOSTILE,),
        settings={HOSTILE: HOSTILE},
        command=HOSTILE,
    )
    page = Page(write_report(summary, tmp_path))
    assert not page.named("script")
    assert HOSTILE in page.text
    facts = ProjectFacts(
        HOSTILE,
        (HOSTILE,),
        (SplitFacts("train", 5, 1, {HOSTILE: 3}),),
        (RoundFacts(1, HOSTILE, 0, (marked,), 1, 5.0, HOSTILE),),
        next_command=HOSTILE,
    )
    assert not Page(write_project_report(facts, tmp_path)).named("script")


def test_a_missing_picture_leaves_a_tile_that_says_so(tmp_path: Path) -> None:
    arm = an_arm("random", 0, [0.3, 0.4], picks=[a_pick("lost")])
    page = Page(write_report(a_summary(arm), tmp_path))
    assert "the picture cannot be read any more" in page.text
    assert "lost.jpg" in page.text


def test_pictures_stay_within_the_limit_and_each_is_stored_once(tmp_path: Path) -> None:
    frames = [a_picture(tmp_path / f"{n}.jpg", seed=n) for n in range(6)]
    picks = [replace(a_pick(), frame_id=f.frame_id, uri=f.uri) for f in frames]
    arms = [an_arm("random", seed, [0.3, 0.4], picks=picks) for seed in (0, 1)]
    page = Page(write_report(a_summary(*arms), tmp_path))
    assert len(page.named("image")) == 6
    assert len(page.named("use")) == 12
    one = max(len(str(image["href"])) for image in page.named("image"))
    small = WallOptions(most_bytes=3 * one)
    limited = Page(write_report(a_summary(*arms), tmp_path, small))
    assert 1 <= len(limited.named("image")) <= 3
    assert sum(len(str(image["href"])) for image in limited.named("image")) <= 3 * (one + 30)
    assert "the report holds enough pictures" in limited.text


def test_more_picks_than_tiles_are_counted(tmp_path: Path) -> None:
    picks = [a_pick(str(number)) for number in range(9)]
    arm = an_arm("random", 0, [0.3, 0.4], picks=picks)
    page = Page(write_report(a_summary(arm), tmp_path, WallOptions(picks_a_round=4)))
    assert "… and 5 more in this round." in page.text


def test_no_picks_no_arms_and_unfinished_arms_still_make_a_page(tmp_path: Path) -> None:
    page = Page(write_report(a_summary(an_arm("random", 0, [0.3, 0.4])), tmp_path))
    assert "Nothing was picked in this round." in page.text
    assert (
        "No arm of this simulation has finished" in Page(write_report(a_summary(), tmp_path)).text
    )
    waiting = ArmResult("random", 1, ())
    arms = (an_arm("random", 0, [0.3, 0.4]), an_arm("kcenter", 0, [0.3, 0.5]))
    half = a_summary(*arms, waiting, an_arm("kcenter", 1, [0.3]))
    assert "kcenter, seed 1" in Page(write_report(half, tmp_path)).text
    started = a_summary(ArmResult("random", 0, ()), an_arm("kcenter", 0, [0.3]))
    assert "Only the start set was labelled." in Page(write_report(started, tmp_path)).text


def test_a_report_is_replaced_by_the_next(tmp_path: Path) -> None:
    write_report(faster(0.05), tmp_path)
    page = Page(write_report(replace(faster(0.05), name="second"), tmp_path))
    assert "second" in page.text
    assert [path.name for path in tmp_path.glob("*report*")] == ["report.html"]


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


def test_a_project_tells_counts_rounds_models_and_picks(tmp_path: Path) -> None:
    frame = a_picture(tmp_path / "heron.jpg")
    pick = PickResult(frame.frame_id, frame.uri, 2.0, "unsure of a heron", 12.0, True)
    facts = ProjectFacts(
        name="birds",
        classes=("heron", "egret"),
        splits=(
            SplitFacts("train", 1200, 40, {"heron": 90}),
            SplitFacts("val", 100, 100, {"heron": 210}),
        ),
        rounds=(RoundFacts(1, "entropy_sum", 0, (pick,), 1, 3725.0, "0123abcd"),),
        models=(
            ModelFacts("aaaa", "torchvision:ssdlite", 20, 600, 75.0, 0.41),
            ModelFacts("bbbb", "torchvision:ssdlite", 40, 600, 80.0, 0.48),
        ),
        next_command="prelabel select --budget 200",
    )
    told = sentences(facts)
    assert told[0].startswith("140 of 1,300 frames are labelled (11")
    assert "1 h 2 min of human time" in told[0]
    assert "validation mAP50 of 0.48 (+0.07 against the model before it)" in told[1]
    assert told[2] == "Nothing is labelled yet as egret."
    page = Page(write_project_report(facts, tmp_path))
    for word in ("heron", "egret", "bbbb", "unsure of a heron", "control", "0123abcd", "val"):
        assert word in page.text
    assert "prelabel select --budget 200" in page.text


def test_a_new_project_has_a_report_too(tmp_path: Path) -> None:
    facts = ProjectFacts("new", ("heron",), ())
    assert "The project has no frames yet." in Page(write_project_report(facts, tmp_path)).text
    unlabelled = ProjectFacts("new", ("heron",), (SplitFacts("train", 3, 0, {}),))
    assert "0 of 3 frames" in sentences(unlabelled)[0]
    assert "human time" not in sentences(unlabelled)[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (wording.count(12480.4), "12,480"),
        (wording.plural(1, "box", "boxes"), "1 box"),
        (wording.plural(3, "seed"), "3 seeds"),
        (wording.figure(None), "\N{EN DASH}"),
        (wording.figure(-0.5, 1), "\N{MINUS SIGN}0.5"),
        (wording.signed(0.031), "+0.03"),
        (wording.signed(-0.001), "±0.00"),
        (wording.seconds(4.21), "4.2 s"),
        (wording.seconds(1240.2), "1,240 s"),
        (wording.clock(59.6), "1 min"),
        (wording.clock(1240), "20 min 40 s"),
        (wording.clock(7200), "2 h"),
        (wording.listed(["a", "b", "c"]), "a, b and c"),
        (wording.listed(["a"]), "a"),
    ],
)
def test_numbers_read_well(text: str, told: str) -> None:
    assert text == told


def test_nested_settings_become_dotted_rows() -> None:
    assert flattened({"a": {"b": 1, "c": [1, 2]}, "d": None}) == [
        ("a.b", "1"),
        ("a.c", "1, 2"),
        ("d", "None"),
    ]
