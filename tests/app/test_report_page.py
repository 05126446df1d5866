"""The report as a page: one file, everything in it, nothing of it dangerous."""

import math
from dataclasses import replace
from pathlib import Path

from builders import a_picture
from report_pages import HOSTILE, Page, a_pick, a_summary, an_arm, faster

from prelabel.active.summary import ArmResult, BoxMark, PickResult
from prelabel.report.project import (
    ProjectFacts,
    RoundFacts,
    SplitFacts,
    write_project_report,
)
from prelabel.report.simulation import write_report
from prelabel.report.wall import WallOptions


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


def test_turned_boxes_are_drawn_turned(tmp_path: Path) -> None:
    frame = a_picture(tmp_path / "a.jpg")
    boxes = (
        BoxMark((10, 10, 30, 20), 0, 0.9, angle=math.pi / 6),
        BoxMark((10, 10, 30, 20), 1, 0.8),
    )
    pick = replace(a_pick("a", uri=frame.uri), frame_id=frame.frame_id, proposals=boxes)
    page = Page(write_report(a_summary(an_arm("random", 0, [0.3, 0.4], picks=[pick])), tmp_path))
    drawn = [
        one for one in page.named("rect") if one.get("class") == "proposal" and one["x"] != "4"
    ]
    assert [one.get("transform") for one in drawn] == ["rotate(30.00 20.00 15.00)", None]
