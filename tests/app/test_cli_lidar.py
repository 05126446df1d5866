"""The commands for lidar, from sweeps to cuboids by way of a project."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from prelabel.cli.main import cli
from prelabel.datasets.lidar.sources import open_sweeps


def run(*arguments: str | Path) -> str:
    done = CliRunner().invoke(cli, [str(one) for one in arguments])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(scope="module")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lidar") / "streets"
    assert "Generated 3 sweeps" in run("lidar", "generate", "--to", folder, "--scenes", "2")
    return folder


@pytest.mark.parametrize("format", ["kitti", "nuscenes"])
def test_from_sweeps_through_a_project_to_cuboids(
    streets: Path, tmp_path: Path, format: str
) -> None:
    frames, project, corrected = tmp_path / "frames", tmp_path / "street", tmp_path / "corrected"
    area = ("--area", "20", "50", "25", "25", "--resolution", "0.2")

    made = run("lidar", "frames", streets, "--to", frames, *area)
    assert "Made 3 frames with" in made
    run("init", project, "--import", frames / "annotations.json")
    run("-p", project, "export", "--format", "coco", "--to", corrected)
    lifted = run(
        "lidar", "lift", corrected / "annotations.json", "--frames", frames, "--to",
        tmp_path / "cuboids", "--format", format, "--images", frames / "pictures",
    )  # fmt: skip

    assert f"Wrote 3 sweeps as {format}" in lifted
    before = {one.name: one.labels for one in open_sweeps(streets).sweeps}
    count = 0
    for sweep in open_sweeps(tmp_path / "cuboids").sweeps:
        own = before[sweep.name]
        assert own is not None
        assert sweep.labels is not None
        rows = [own.box_id.index(box_id) for box_id in sweep.labels.box_id]
        centres = own.cuboids.centre_m[rows]
        np.testing.assert_allclose(sweep.labels.cuboids.centre_m, centres, atol=0.01)
        count += len(rows)
    assert count > 10


def test_a_contact_sheet(streets: Path, tmp_path: Path) -> None:
    told = run("lidar", "draw", streets, "--to", tmp_path / "sheet.jpg", "--most", "2")
    assert "Drew 2 sweeps" in told
    assert (tmp_path / "sheet.jpg").is_file()


def test_a_folder_without_sweeps_is_told_in_one_line(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["lidar", "frames", str(tmp_path), "--to", str(tmp_path / "f")])
    assert done.exit_code == 1
    assert "holds no KITTI folder" in done.output
    assert not (tmp_path / "f").exists()
