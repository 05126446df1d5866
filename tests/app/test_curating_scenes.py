"""Lidar sweeps in FiftyOne, on a real MongoDB: in space, in their cameras, and edited there."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from curated import accept_proposals, synchronised
from lidar_projects import LidarProject, lidar_project
from review_app import opened_copy

from prelabel.curating.fields import PROJECTED, proposals_field
from prelabel.curating.opening import Curation, opened_curation
from prelabel.curating.scene_samples import scene_samples
from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid
from prelabel.datasets.lidar.simulated.options import SweepOptions
from prelabel.datasets.lidar.simulated.writing import write_sweeps
from prelabel.datasets.progress import Silent
from prelabel.project import Project

GRID = BirdsEyeGrid(-10, 30, -20, 20, 0.25)

pytestmark = pytest.mark.filterwarnings("ignore:No uuidRepresentation:DeprecationWarning")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> LidarProject:
    folder = tmp_path_factory.mktemp("lidar")
    options = SweepOptions(2, 2, 0, 0, 1, beams=16, columns=360, camera_px=(96, 54))
    write_sweeps(folder / "streets", options, Silent())
    return lidar_project(folder / "street", folder / "streets", GRID)


@pytest.fixture
def street(made: LidarProject, tmp_path: Path) -> Iterator[Project]:
    with opened_copy(made.folder, tmp_path / "street", chosen=0) as project:
        for frame in list(project.store.frames())[:1]:
            accept_proposals(project, frame.frame_id)
        yield project


@pytest.fixture
def curation(mongo_database: str, street: Project) -> Iterator[Curation]:
    with opened_curation(street.workspace, os.environ) as opened:
        yield opened


def test_try(curation: Curation, street: Project, made: LidarProject) -> None:
    dataset, done = synchronised(curation, street)
    print(done.filled, dataset)
    for sample in scene_samples(dataset):
        print(sample)
    print(dataset.select_group_slices(media_type="image").values(["group.name", "frame_id", "projected.detections.label"]))
    _, again = synchronised(curation, street)
    print(again)
    assert 0
