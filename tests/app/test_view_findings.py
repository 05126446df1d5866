"""Findings of cameras against lidar, read back and sent to people."""

from pathlib import Path

import pytest

from prelabel.active.label_errors.kinds import ErrorKind
from prelabel.datasets.errors import BadInputError
from prelabel.project import Project
from prelabel.view_findings import read_findings, send_findings

HEAD = (
    "weight,conflict,sweep,camera,frame_id,picture_frame_id,box_id,class,distance_m,"
    "left,top,right,bottom,words\n"
)
CAR = "0.5,only camera,000001,front,{one},p,,car,,1.0,2.0,30.0,40.0,front sees a car\n"
VAN = "0.75,class,000001,left,{one},p,b,van,12.5,1.0,2.0,30.0,40.0,a van is a car to left\n"


def test_findings_are_read_and_people_are_told_of_each(
    curated_project: Project, tmp_path: Path
) -> None:
    frame = next(curated_project.store.frames(labelled=False))
    file = tmp_path / "findings.csv"
    file.write_text(HEAD + (CAR + VAN).format(one=frame.frame_id))
    first, second = read_findings(file)
    assert (first.class_name, first.distance_m, first.box_id) == ("van", 12.5, "b")
    assert (second.distance_m, second.box_id, second.xyxy) == (None, None, (1, 2, 30, 40))
    assert read_findings(file, [ErrorKind.MISSING]) == [second]
    assert read_findings(file, [ErrorKind.DUPLICATE]) == []

    assert send_findings(curated_project, [first, second], 5) == (2, 1)
    newest = curated_project.store.latest_batch()
    assert newest is not None
    (pick,) = newest[1].picks
    assert (pick.frame_id, pick.reason) == (
        frame.frame_id,
        "a van is a car to left; front sees a car",
    )


def test_a_line_that_is_no_finding_is_named(tmp_path: Path) -> None:
    file = tmp_path / "findings.csv"
    file.write_text(HEAD + CAR.format(one="f") + CAR.format(one="f").replace("0.5", "much"))
    with pytest.raises(BadInputError, match=r"findings.csv: line 3: is no finding"):
        read_findings(file)
