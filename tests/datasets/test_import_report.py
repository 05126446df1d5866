"""The report of an import adds up and can be read by people and programs."""

import json
from pathlib import Path

from prelabel.datasets.formats.base import ImportReport, Problem, ProblemKind


def filled() -> ImportReport:
    report = ImportReport()
    report.count(3)
    report.count(1)
    report.count(None)
    report.add("a.jpg", ProblemKind.FRAME_LEFT_OUT, "picture is empty (0 bytes)", 2)
    report.add(Path("b.xml"), ProblemKind.BOX_LEFT_OUT, "object 1: box has no area")
    report.add("b.xml", ProblemKind.CORRECTED, "object 2: box was cut off")
    report.add("c.json", ProblemKind.NOTE, "1 image without annotations")
    return report


def test_counts_add_up() -> None:
    report = filled()
    assert (report.frames_read, report.frames_unlabelled) == (3, 1)
    assert (report.boxes_read, report.boxes_left_out) == (4, 3)
    assert report.by_kind() == dict.fromkeys(ProblemKind, 1)
    assert report.problems[1] == Problem(
        "b.xml", ProblemKind.BOX_LEFT_OUT, "object 1: box has no area", 1
    )


def test_the_summary_names_what_was_not_read() -> None:
    assert filled().summary() == (
        "3 frames read (2 labelled, 1 unlabelled) with 4 boxes; 1 frame left out; "
        "3 boxes left out; 1 correction; 1 note."
    )
    assert ImportReport().summary() == "0 frames read (0 labelled, 0 unlabelled) with 0 boxes."


def test_the_file_holds_counts_and_problems(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("older")
    filled().write(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["boxes_left_out"] == 3
    assert content["problems"][0] == {
        "file": "a.jpg",
        "kind": "frame left out",
        "reason": "picture is empty (0 bytes)",
        "boxes": 2,
    }
    assert sorted(one.name for one in tmp_path.iterdir()) == ["home", "report.json"]


def test_a_hundred_thousand_problems_are_all_kept(tmp_path: Path) -> None:
    report = ImportReport()
    for row in range(100_000):
        report.add(f"{row}.jpg", ProblemKind.BOX_LEFT_OUT, f"line {row}: box has no area")
    report.write(tmp_path / "report.json")
    assert len(json.loads((tmp_path / "report.json").read_text())["problems"]) == 100_000
    assert report.summary().endswith("100,000 boxes left out.")
