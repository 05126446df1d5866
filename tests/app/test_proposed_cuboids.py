"""What a detector proposes on bird's-eye frames, as cuboids with honest spreads."""

import csv
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from prelabel.cli.main import FAILED, cli
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid
from prelabel.datasets.lidar.cuboids import CuboidLabels, Cuboids, footprint_iou
from prelabel.datasets.lidar.derived_frames import (
    FrameEntry,
    FrameSettings,
    read_index,
    write_frames,
)
from prelabel.datasets.lidar.simulated.options import SweepOptions
from prelabel.datasets.lidar.simulated.writing import write_sweeps
from prelabel.datasets.lidar.sources import open_sweeps
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.datasets.progress import Silent
from prelabel.project import init_project
from prelabel.proposing import prediction_files
from prelabel.store.records import ModelRecord

MODEL = "0123456789abcdef"
OFF_PX, SAID_PX = 1.0, 5.0  # how far the sides of proposals are off, and how far they say to be


@dataclass(frozen=True)
class Street:
    project: Path
    frames: Path
    truth: dict[str, CuboidLabels]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("proposed") / "streets"
    options = SweepOptions(7, 1, 3, 0, beams=24, columns=600, with_cameras=False)
    write_sweeps(folder, options, Silent())
    return folder


def street(folder: Path, source: Path, *, with_spread: bool = True) -> Street:
    """A labelled project in tiles, and proposals of a model on all of them."""
    opened = open_sweeps(source)
    sweeps = list(opened.sweeps)
    truth = {one.name: one.labels for one in sweeps if one.labels is not None}
    settings = FrameSettings(grid=BirdsEyeGrid(resolution_m=0.2), tile_m=60)
    write_frames(folder / "frames", source, replace(opened, sweeps=sweeps), settings, Silent())
    index = read_index(folder / "frames")
    project, _ = init_project(
        folder / "street", source=folder / "frames" / "annotations.json", author="machine"
    )
    rng = np.random.default_rng(3)
    with project:
        checkpoint = str(project.workspace.training_folder("run") / "best.pt")
        record = ModelRecord(MODEL, "torchvision:micro", checkpoint, 1, 300, 60.0)
        project.store.add_model(record, "machine")
        prediction_files(project.workspace, MODEL).write(
            [nearly(one, len(opened.classes), rng, with_spread) for one in index.frames]
        )
    return Street(folder / "street", folder / "frames", truth)


def nearly(
    entry: FrameEntry, classes: int, rng: np.random.Generator, with_spread: bool
) -> Prediction:
    """The boxes of one tile, their sides off by a pixel or so."""
    known = Cuboids(
        np.array([one.centre_m for one in entry.cuboids]).reshape(-1, 3),
        np.array([one.size_m for one in entry.cuboids]).reshape(-1, 3),
        [one.yaw for one in entry.cuboids],
    )
    boxes = BirdsEyeGrid.from_settings(entry.grid).boxes(known)
    spread = np.full((len(known), 4), SAID_PX) if with_spread else None
    return Prediction(
        entry.frame_id,
        MODEL,
        Boxes(boxes.xyxy + rng.normal(0, OFF_PX, boxes.xyxy.shape), boxes.angle),
        np.full(len(known), 0.8, np.float32),
        np.zeros(len(known), np.int64),
        ClassScores.INDEPENDENT,
        class_probs=np.tile(np.eye(classes)[0] * 0.8, (len(known), 1)),
        spread_px=spread,
    )


def run(*arguments: str | Path) -> str:
    done = CliRunner().invoke(cli, [str(one) for one in arguments])
    assert done.exit_code == 0, done.output
    return done.output


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def test_proposals_become_cuboids_with_the_spread_that_they_have(
    source: Path, tmp_path: Path
) -> None:
    made = street(tmp_path, source)

    told = run("-p", made.project, "lidar", "proposals", "--frames", made.frames, "--to",
               tmp_path / "proposed")  # fmt: skip

    assert "spreads are scaled by" in told
    rows = rows_of(tmp_path / "proposed" / "cuboids.csv")
    for name, labels in made.truth.items():
        own = [row for row in rows if row["sweep"] == name]
        found = Cuboids(
            [[float(row[key]) for key in ("x_m", "y_m", "z_m")] for row in own],
            [[float(row[key]) for key in ("length_m", "width_m", "height_m")] for row in own],
            [float(row["yaw_rad"]) for row in own],
        )
        overlap = footprint_iou(found, labels.cuboids)
        assert (overlap.max(axis=1) > 0.3).mean() > 0.9
        doubled = footprint_iou(found, found) - np.eye(len(found))
        assert doubled.max() < 0.5
    # Five times as wide as the errors are, before it is scaled.
    spread = np.array([float(row["spread_along"]) for row in rows])
    assert 0.5 < np.median(spread) / (OFF_PX * 0.2 / np.sqrt(2)) < 2


def test_without_spread_places_are_told(source: Path, tmp_path: Path) -> None:
    made = street(tmp_path, source, with_spread=False)

    told = run("-p", made.project, "lidar", "proposals", "--frames", made.frames, "--to",
               tmp_path / "proposed")  # fmt: skip

    assert "as the detector gives them, if any" in told
    rows = rows_of(tmp_path / "proposed" / "cuboids.csv")
    assert len(rows) > 20
    assert {row["spread_yaw"] for row in rows} == {""}


def test_without_proposals_nothing_is_lifted(source: Path, tmp_path: Path) -> None:
    made = street(tmp_path, source)
    run("init", tmp_path / "other", "--import", made.frames / "annotations.json")
    done = CliRunner().invoke(
        cli,
        ["-p", str(tmp_path / "other"), "lidar", "proposals", "--frames", str(made.frames), "--to",
         str(tmp_path / "proposed")],
    )  # fmt: skip
    assert done.exit_code == FAILED
    assert "none of its frames has proposals yet" in done.output
    assert not (tmp_path / "proposed").exists()
