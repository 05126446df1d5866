"""The commands for lidar, from sweeps to cuboids by way of a project."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from prelabel.cli.main import FAILED, cli
from prelabel.datasets.lidar.cuboids import cuboid_iou, footprint_iou
from prelabel.datasets.lidar.derived_frames import view_id
from prelabel.datasets.lidar.sources import open_sweeps
from prelabel.project import open_project


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


def test_a_broken_sweep_is_told_in_one_line(tmp_path: Path, rng: np.random.Generator) -> None:
    """And never becomes a frame."""
    table = rng.uniform(0, 1, (200, 4)).astype("<f4")
    table[7, 0] = np.nan
    table.tofile(tmp_path / "nan.bin")
    (tmp_path / "cut.bin").write_bytes(table.tobytes()[:-3])
    (tmp_path / "none.bin").write_bytes(b"")
    for name, told in (
        ("nan", "1 of 200 points hold NaN"),
        ("cut", "no multiple of the 16 of a point"),
        ("none", "holds no points"),
    ):
        to = tmp_path / f"{name}-frames"
        done = CliRunner().invoke(
            cli, ["lidar", "frames", str(tmp_path / f"{name}.bin"), "--to", str(to)]
        )
        assert done.exit_code == FAILED
        assert told in done.output
        assert done.output.splitlines()[-1].startswith("prelabel: ")
        assert not to.exists()

    run("lidar", "frames", tmp_path / "nan.bin", "--to", tmp_path / "f", "--drop-not-finite")
    assert (tmp_path / "f" / "annotations.json").is_file()


AREA = ("--area", "20", "40", "20", "20", "--resolution", "0.25")


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a table."""
    return list(csv.DictReader(path.read_text().splitlines()))


def relabelled(path: Path, kept: set[int]) -> Path:
    """The same dataset with the labels of these frames of its recording only."""
    document = json.loads(path.read_bytes())
    for image in document["images"]:
        image["prelabel"]["labelled"] = image["prelabel"]["index"] in kept
    known = {image["id"] for image in document["images"] if image["prelabel"]["labelled"]}
    document["annotations"] = [one for one in document["annotations"] if one["image_id"] in known]
    other = path.with_name("some.json")
    other.write_text(json.dumps(document))
    return other


@pytest.mark.parametrize("shown", [AREA, ("--tile", "60", "--resolution", "0.5")])
def test_cuboids_are_carried_through_a_recording(tmp_path: Path, shown: tuple[str, ...]) -> None:
    pytest.importorskip("lap", reason="the trackers of ultralytics need lap")
    sweeps, frames, project = tmp_path / "sweeps", tmp_path / "frames", tmp_path / "street"
    run("lidar", "generate", "--to", sweeps, "--scenes", "1", "--sweeps", "7", "--beams", "24",
        "--no-cameras")  # fmt: skip
    run("lidar", "frames", sweeps, "--to", frames, *shown)
    run("init", project, "--import", relabelled(frames / "annotations.json", {0, 6}))

    told = run("-p", project, "lidar", "carry", "--frames", frames, "--to", tmp_path / "carried",
               "--ask", "1")  # fmt: skip

    assert "to 5 other frames of 1 recording" in told or shown != AREA
    asked = rows_of(tmp_path / "carried" / "scores.csv")
    assert len(asked) == 1
    assert "is expected to leave" in asked[0]["reason"]
    run("-p", project, "import", tmp_path / "carried" / "annotations.json")
    run("-p", project, "export", "--format", "coco", "--to", tmp_path / "all")
    run(
        "lidar", "lift", tmp_path / "all" / "annotations.json", "--frames", tmp_path / "carried",
        "--images", frames / "pictures", "--to", tmp_path / "cuboids", "--format", "nuscenes",
    )  # fmt: skip
    before = {one.name: one.labels for one in open_sweeps(sweeps).sweeps}
    between = [one for one in open_sweeps(tmp_path / "cuboids").sweeps if one.index == 3]
    for sweep in between:
        true, found = before[sweep.name], sweep.labels
        assert true is not None
        assert found is not None
        assert {origin.kind.value for origin in found.origin} == {"carried"}
        assert len(found) > 5
        overlap = cuboid_iou(found.cuboids, true.cuboids).max(axis=1)
        assert np.median(overlap) > 0.9
        doubled = footprint_iou(found.cuboids, found.cuboids) - np.eye(len(found))
        assert doubled.max() < 0.5
    assert len(between) == 1


def test_a_recording_without_labels_carries_nothing(streets: Path, tmp_path: Path) -> None:
    frames, project = tmp_path / "frames", tmp_path / "street"
    run("lidar", "frames", streets, "--to", frames, *AREA)
    run("init", project, "--import", relabelled(frames / "annotations.json", set()))
    done = CliRunner().invoke(
        cli,
        [
            "-p",
            str(project),
            "lidar",
            "carry",
            "--frames",
            str(frames),
            "--to",
            str(tmp_path / "c"),
        ],
    )
    assert done.exit_code == FAILED
    assert "no sweep of a recording has labels to carry" in done.output
    assert not (tmp_path / "c").exists()


def test_cameras_tell_what_the_lidar_s_labels_lack(streets: Path, tmp_path: Path) -> None:
    """One cuboid is forgotten; the cameras' detector, here what is true, sees it."""
    bev, cams, street, cameras = (tmp_path / name for name in ("bev", "cams", "street", "cameras"))
    run("lidar", "frames", streets, "--to", bev, *AREA)
    run("lidar", "frames", streets, "--to", cams, "--view", "cameras")
    document = json.loads((cams / "annotations.json").read_bytes())
    # Labelled frames of the test split are predicted by nobody.
    free = {one["id"] for one in document["images"] if one["prelabel"]["split"] != "test"}
    shown = [one for one in document["annotations"] if one["image_id"] in free]
    largest = max(shown, key=lambda one: one["area"])
    kind = {one["id"]: one["name"] for one in document["categories"]}[largest["category_id"]]
    picture = next(one for one in document["images"] if one["id"] == largest["image_id"])
    sweep = picture["prelabel"]["group"]
    forgotten = _forget(bev / "annotations.json", sweep, largest["prelabel"]["box_id"])
    run("init", street, "--import", forgotten)
    seen = [
        {key: one[key] for key in ("image_id", "category_id", "bbox")} | {"score": 0.9}
        for one in document["annotations"]
    ]
    (tmp_path / "seen.json").write_text(json.dumps(seen))
    run("init", cameras, "--import", cams / "annotations.json", "--detector",
        f"coco-results:{tmp_path / 'seen.json'}+{cams / 'annotations.json'}")  # fmt: skip
    run("-p", cameras, "propose")

    told = run("-p", street, "lidar", "compare", "--frames", bev, "--pictures", cameras, "--to",
               tmp_path / "found")  # fmt: skip

    assert "Compared 3 sweeps with 6 pictures" in told
    found = rows_of(tmp_path / "found" / "findings.csv")
    mine = [
        one for one in found
        if one["conflict"] == "only camera" and one["sweep"] == sweep and one["class"] == kind
        and abs(float(one["left"]) - largest["bbox"][0]) < 1
    ]  # fmt: skip
    assert mine[0]["words"].endswith(f"sees a {kind} (0.90) where the lidar has none")
    scores = rows_of(tmp_path / "found" / "scores.csv")
    assert {one["frame_id"] for one in scores} >= {mine[0]["frame_id"]}
    settings = (street / "prelabel.yaml").read_text()
    (street / "prelabel.yaml").write_text(
        settings.replace("scores: null", f"scores: {tmp_path / 'found' / 'scores.csv'}")
    )
    with open_project(street) as project:
        assert project.workspace.scores_file == tmp_path / "found" / "scores.csv"
    told = run("-p", street, "errors", "--views", tmp_path / "found" / "findings.csv",
               "--kind", "missing", "--send", "1")  # fmt: skip
    missing = sum(one["conflict"] == "only camera" for one in found)
    assert f"{missing} differences between cameras and lidar" in told
    assert "People are asked about 1 of them on 1 frame." in told


def _forget(path: Path, sweep: str, view_box_id: str) -> Path:
    """The dataset without the box from above of the object that a camera's box shows."""
    document = json.loads(path.read_bytes())
    ids = {image["id"] for image in document["images"] if image["prelabel"]["group"] == sweep}
    names = {path.stem for path in (path.parent.parent / "cams" / "pictures").iterdir()}
    views = {name.removeprefix(f"{sweep}-") for name in names if name.startswith(f"{sweep}-")}
    kept = [
        one
        for one in document["annotations"]
        if one["image_id"] not in ids
        or view_box_id not in {view_id(one["prelabel"]["box_id"], view) for view in views}
    ]
    assert len(kept) == len(document["annotations"]) - 1
    other = path.with_name("forgotten.json")
    other.write_text(json.dumps(document | {"annotations": kept}))
    return other
