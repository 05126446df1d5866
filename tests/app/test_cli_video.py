"""The commands for films, on a real one."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from prelabel.cli.main import FAILED, cli
from prelabel.datasets.annotations import OriginKind
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.geometry import boxes_iou
from prelabel.project import open_project

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
KEYS = (0, 13, 26, 39)


def run(*arguments: str | Path) -> str:
    done = CliRunner().invoke(cli, [str(one) for one in arguments])
    assert done.exit_code == 0, done.output
    return done.output


def true_boxes(test_data: Path) -> dict[int, list[float]]:
    """Left, top, width and height of the one car, picture by picture."""
    rows = np.loadtxt(test_data / "davis_car_shadow" / "gt.txt", delimiter=",")
    return {int(row[0]) - 1: row[2:6].tolist() for row in rows}


@pytest.fixture
def project(tmp_path: Path, test_data: Path) -> Path:
    """The film as a project with four labelled pictures, and the proposals of a real net."""
    (tmp_path / "nets").mkdir()
    for name in ("FastestDet.onnx", "coco.names"):
        shutil.copy(test_data / "weights" / "fastestdet" / name, tmp_path / "nets")
    net = shutil.copy(CONFIGS / "fastestdet.yaml", tmp_path / "nets")
    film = test_data / "davis_car_shadow" / "images"
    assert "Made 40 frames" in run("video", "frames", film, "--to", tmp_path / "frames")
    document = json.loads((tmp_path / "frames" / "annotations.json").read_bytes())
    document["categories"] = [{"id": 1, "name": "car"}]
    truth = true_boxes(test_data)
    for image in document["images"]:
        index = image["prelabel"]["index"]
        if index in KEYS:
            image["prelabel"]["labelled"] = True
            document["annotations"].append(
                {"id": index + 1, "image_id": image["id"], "category_id": 1, "bbox": truth[index]}
            )
    (tmp_path / "frames" / "keys.json").write_text(json.dumps(document))
    folder = tmp_path / "film"
    run("init", folder, "--import", tmp_path / "frames" / "keys.json", "--detector", f"onnx:{net}")
    run("-p", folder, "propose")
    return folder


def test_boxes_are_carried_through_a_film(project: Path, tmp_path: Path, test_data: Path) -> None:
    pytest.importorskip("lap", reason="the trackers of ultralytics need lap")
    carry = ("-p", project, "video", "carry", "--rate", "24", "--ask", "3")

    told = run(*carry, "--to", tmp_path / "carried")

    assert "from 4 labelled frames to 36 other frames of 1 recording" in told
    run("-p", project, "import", tmp_path / "carried" / "annotations.json")
    truth = true_boxes(test_data)
    overlap = []
    with open_project(project) as opened:
        for frame in opened.store.frames():
            version = opened.store.labels(frame.frame_id)
            assert version is not None
            if frame.index in KEYS:
                continue
            labels = version.annotations
            assert all(one.kind is OriginKind.CARRIED for one in labels.origin)
            assert all(one.spread_px is not None and one.spread_px > 0 for one in labels.origin)
            left, top, width, height = truth[frame.index or 0]
            true = Boxes([[left, top, left + width, top + height]])
            overlap.append(float(boxes_iou(labels.boxes, true)[0, 0]))
    assert len(overlap) == 36
    assert np.mean(overlap) > 0.93
    # What was carried is nobody's word: carried again, it comes from the same four pictures.
    other = run(*carry, "--tracker", "botsort", "--to", tmp_path / "other")
    assert "from 4 labelled frames to 36 other frames" in other
    again = run(*carry, "--to", tmp_path / "again")
    assert "from 4 labelled frames to 36 other frames" in again
    assert (tmp_path / "again" / "annotations.json").read_bytes() == (
        tmp_path / "carried" / "annotations.json"
    ).read_bytes()


def test_pictures_that_are_no_recording_are_refused(tmp_path: Path, test_data: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for path in sorted((test_data / "davis_car_shadow" / "images").glob("*.jpg"))[:2]:
        shutil.copy(path, pictures)
    run("init", tmp_path / "plain", "--images", pictures, "--classes", "car")
    done = CliRunner().invoke(
        cli, ["-p", str(tmp_path / "plain"), "video", "carry", "--to", str(tmp_path / "carried")]
    )
    assert done.exit_code == FAILED
    assert "no frame of a recording has labels to carry" in done.output


def test_an_empty_film_is_refused(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"not a film")
    done = CliRunner().invoke(
        cli, ["video", "frames", str(tmp_path / "film.mp4"), "--to", str(tmp_path / "frames")]
    )
    assert done.exit_code == FAILED
    assert "holds no pictures that can be read" in done.output
    assert not (tmp_path / "frames").exists()
