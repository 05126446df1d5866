"""The report of a project, and how it says numbers."""

from pathlib import Path

import pytest
from builders import a_picture
from report_pages import Page

from prelabel.active.calibration_error import Bin
from prelabel.active.summary import PickResult
from prelabel.report import wording
from prelabel.report.project import (
    CalibrationFacts,
    ConfidenceFacts,
    ModelFacts,
    ProjectFacts,
    RoundFacts,
    SplitFacts,
    sentences,
    write_project_report,
)
from prelabel.report.simulation import flattened


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


def test_reliability_before_and_after_calibration_is_drawn(tmp_path: Path) -> None:
    before = ConfidenceFacts(0.21, 0.3, (Bin(0.4, 0.5, 12, 0.45, 0.0), Bin(0.9, 1.0, 7, 0.95, 1.0)))
    after = ConfidenceFacts(0.02, 0.1, (Bin(0.5, 0.6, 19, 0.55, 0.5),))
    calibration = CalibrationFacts(110, before, after)
    facts = ProjectFacts("birds", ("heron",), (), calibration=calibration)
    raw, calibrated = calibration.plots()
    low, high = raw.bars
    assert low.height < high.height == raw.bottom - raw.top
    assert (low.y + low.height, high.y) == (raw.bottom, raw.top)
    assert raw.left < low.x < high.x < high.x + high.width < raw.right
    (half,) = calibrated.bars
    assert half.told_y < half.y  # more was told than came true
    page = Page(write_project_report(facts, tmp_path))
    assert len([one for one in page.named("rect") if one.get("class") == "right"]) == 3
    for told in ("Raw scores: D-ECE 0.210, LaECE 0.300", "Calibrated: D-ECE 0.020, LaECE 0.100"):
        assert told in page.text
    assert "12 boxes of confidence 0.4 to 0.5: 0.45 on average, 0.00 right" in page.text
    described = [one.get("aria-label") or "" for one in page.named("svg")]
    assert any(one.startswith("Reliability of calibrated on 19 boxes") for one in described)


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
