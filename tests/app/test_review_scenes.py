"""What lies around lidar frames: brought in with them, told to those who work on them, no more."""

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from lidar_projects import LidarProject, lidar_project
from msgspec import structs
from review_app import Served, next_tasks, opened_copy, served

from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid
from prelabel.datasets.lidar.scenes import read_scene, read_scene_data
from prelabel.datasets.lidar.simulated.options import SweepOptions
from prelabel.datasets.lidar.simulated.writing import write_sweeps
from prelabel.datasets.pictures import picture_bytes
from prelabel.datasets.progress import Silent
from prelabel.importing import ImportSource
from prelabel.project import open_project
from prelabel.work.people import Role

GRID = BirdsEyeGrid(-10, 30, -20, 20, 0.25)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> LidarProject:
    folder = tmp_path_factory.mktemp("lidar")
    options = SweepOptions(2, 2, 0, 0, 1, beams=16, columns=360, camera_px=(96, 54))
    write_sweeps(folder / "streets", options, Silent())
    return lidar_project(folder / "street", folder / "streets", GRID)


@pytest.fixture
def server(made: LidarProject, tmp_path: Path) -> Iterator[Served]:
    with (
        opened_copy(made.folder, tmp_path / "street", chosen=0) as project,
        served(project) as running,
    ):
        yield running


def test_a_scene_tells_calibration_points_and_pictures(server: Served, made: LidarProject) -> None:
    client = server.local()
    (task,) = next_tasks(client)
    assert task["scene"] == f"/api/frames/{task['frame_id']}/scene"
    answer = client.get(task["scene"]).raise_for_status()
    scene, sweep = answer.json(), made.sweeps[task["frame_id"]]
    assert str(made.folder.parent) not in answer.text  # where files lie is nobody's business

    assert (scene["sweep"], scene["grid"]["resolution_m"]) == (sweep.name, 0.25)
    for told, taken in zip(scene["cameras"], sweep.cameras, strict=True):
        assert told["name"] == taken.camera.name
        np.testing.assert_allclose(told["intrinsics"], taken.camera.intrinsics)
        np.testing.assert_allclose(told["rotation"], taken.camera.from_lidar.rotation)
        np.testing.assert_allclose(told["translation_m"], taken.camera.from_lidar.translation_m)
        picture = client.get(told["picture"]).raise_for_status()
        assert picture.content == picture_bytes(taken.picture)
        assert "immutable" in picture.headers["cache-control"]
        again = client.get(told["picture"], headers={"If-None-Match": picture.headers["etag"]})
        assert again.status_code == 304

    data = client.get(scene["data"]).raise_for_status().content
    stored = np.frombuffer(data[-6 * scene["points"] :], "<u2").reshape(-1, 3)
    points = stored * scene["step_m"] + scene["origin_m"]
    wanted = sweep.load().positions()
    inside = ((wanted[:, :2] > (-14, -24)) & (wanted[:, :2] < (34, 24))).all(axis=1)
    order = [np.lexsort(np.round(one, 2).T) for one in (points, wanted[inside])]
    np.testing.assert_allclose(points[order[0]].sum(0), wanted[inside][order[1]].sum(0), rtol=1e-3)
    assert len(points) == inside.sum()


def test_scenes_are_for_those_who_have_the_frame(server: Served) -> None:
    server.services.people.add("olga", Role.OWNER, "setup")
    server.services.people.one_time_link("olga", "setup")
    ann, ben = server.logged_in("ann-two"), server.logged_in("ben")
    (task,) = next_tasks(ann)
    addresses = [task["scene"], f"{task['scene']}/data", f"{task['scene']}/cameras/0"]
    for address in addresses:
        assert ann.get(address).status_code == 200
        assert ben.get(address).status_code == 403
        assert server.client().get(address).status_code == 401
    assert ann.get(f"{task['scene']}/cameras/3").status_code == 404
    assert ann.get("/api/frames/../scene").status_code == 404


def test_only_the_picture_that_was_there_is_sent(made: LidarProject, tmp_path: Path) -> None:
    """Whatever a scene names: a file with other content is never sent."""
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"a secret")
    with opened_copy(made.folder, tmp_path / "street", chosen=0) as project:
        for path in project.workspace.scenes_folder.iterdir():
            scene = read_scene(path)
            cameras = [structs.replace(one, picture=str(secret)) for one in scene.cameras]
            header = msgspec.json.encode(structs.replace(scene, cameras=cameras))
            length = len(header).to_bytes(8, "little")
            path.write_bytes(length + header + read_scene_data(path))
        with served(project) as server:
            client = server.local()
            (task,) = next_tasks(client)
            assert client.get(task["scene"]).status_code == 200
            answer = client.get(f"{task['scene']}/cameras/0")
    assert answer.status_code == 404
    assert "is no longer the picture" in answer.json()["error"]
    assert b"a secret" not in answer.content


def test_frames_without_a_scene_have_none(birds: Path, tmp_path: Path) -> None:
    with opened_copy(birds, tmp_path / "birds") as project, served(project) as server:
        client = server.local()
        (task,) = next_tasks(client)
        assert task["scene"] is None
        missing = client.get(f"/api/frames/{task['frame_id']}/scene")
        assert missing.status_code == 404
        assert "was not made of a lidar sweep" in missing.json()["error"]


def test_a_scene_that_cannot_be_read_is_told_and_the_frame_comes_without(
    made: LidarProject, tmp_path: Path
) -> None:
    with opened_copy(made.folder, tmp_path / "street", chosen=0) as project:
        one, *others = sorted((made.frames / "scenes").iterdir())
        for path in project.workspace.scenes_folder.iterdir():
            path.unlink()
        whole = one.read_bytes()
        one.write_bytes(whole[:-10])
        try:
            imported = project.import_dataset(ImportSource(made.frames / "annotations.json"))
        finally:
            one.write_bytes(whole)
        assert [path.name for path in project.workspace.scenes_folder.iterdir()] == [
            path.name for path in others
        ]
        (problem,) = imported.report.problems
        assert "is cut off" in problem.reason
        project.import_dataset(ImportSource(made.frames / "annotations.json"))
        assert len(list(project.workspace.scenes_folder.iterdir())) == 2


def test_a_damaged_scene_hides_where_it_lies(server: Served) -> None:
    client = server.local()
    (task,) = next_tasks(client)
    folder = server.services.scenes.folder
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[:40])
    answer = client.get(task["scene"])
    assert answer.status_code == 404
    assert answer.json() == {"error": "the scene of this frame cannot be read: import it again"}


def test_a_project_with_scenes_may_be_moved(made: LidarProject, tmp_path: Path) -> None:
    with opened_copy(made.folder, tmp_path / "elsewhere", chosen=0) as project:
        assert all(path.suffix == ".scene" for path in project.workspace.scenes_folder.iterdir())
    with open_project(tmp_path / "elsewhere") as project, served(project) as server:
        (task,) = next_tasks(server.local())
        assert json.loads(server.local().get(task["scene"]).text)["points"] > 100
