"""What the README says is what happens: its commands and code blocks are run as they stand."""

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import httpx
import pytest
from review_server import serving

from prelabel.datasets.progress import Silent
from prelabel.datasets.scenes.options import SCENE_CLASSES, SceneOptions
from prelabel.datasets.scenes.writing import write_scenes

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
Known = dict[str, list[tuple[int, list[float]]]]  # class and corners of each box, by file name

FIRST_BATCH = 20
ANSWERED = 5  # frames of a batch that come back; the rest waits for the next commands
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def blocks(language: str) -> list[str]:
    return [text for found, text in BLOCKS if found == language]


def run(command: str, folder: Path, status: int = 0) -> str:
    """Run one line as a user would, to end with this status; what it printed,
    or why it refused."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == status, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stderr if status else done.stdout


def work_on_the_page(folder: Path, known: Known, frames: int) -> None:
    """`prelabel review` on a port of its own, with a person who labels from known boxes."""
    with (
        serving(folder / "birds") as server,
        httpx.Client(base_url=server.url, trust_env=False, timeout=60) as person,
    ):
        person.headers["X-CSRF-Token"] = person.get("/api/me").json()["csrf"]
        for _ in range(frames):
            label_one(person, known)


def label_one(person: httpx.Client, known: Known) -> None:
    """Take the next frame, reject what is proposed, draw the known boxes, and hand it in."""
    (task,) = person.post("/api/queue/next", json={"count": 1}).json()["tasks"]
    for box in task["boxes"]:
        box |= {"status": "rejected"}
        del box["proposal"], box["rule"]
    boxes = task["boxes"]
    for class_id, xyxy in known[task["name"]]:
        drawn = {"id": str(uuid.uuid4()), "xyxy": xyxy, "angle": None, "class_id": class_id}
        boxes.append({**drawn, "status": "accepted"})
    edit = {"edit_id": str(uuid.uuid4()), "at": 0, "action": "draw", "boxes": boxes}
    end = {"request_id": str(uuid.uuid4()), "shown_score": task["shown_score"], "edits": [edit]}
    done = person.post(f"/api/tasks/{task['task']}/submit", json=end)
    assert done.json()["state"] == "accepted", done.text


def answer(batch: Path, known: Known, to: Path) -> None:
    """Label some of a batch from known boxes, as a tool does that keeps nothing but plain COCO."""
    document = json.loads((batch / "annotations.json").read_text(encoding="utf-8"))
    images = [
        {key: image[key] for key in ("id", "file_name", "width", "height")}
        for image in document["images"][:ANSWERED]
    ]
    annotations = [
        {
            "image_id": image["id"],
            "category_id": class_id + 1,
            "bbox": [left, top, right - left, bottom - top],
        }
        for image in images
        for class_id, (left, top, right, bottom) in known[Path(image["file_name"]).name]
    ]
    for number, annotation in enumerate(annotations, 1):
        annotation |= {"id": number, "iscrowd": 0}
    labelled = {"images": images, "annotations": annotations, "categories": document["categories"]}
    to.write_text(json.dumps(labelled), encoding="utf-8")


@pytest.fixture
def photos(tmp_path: Path) -> Known:
    """A folder `photos/`, and what is on its pictures."""
    scenes = write_scenes(tmp_path / "drawn", SceneOptions(train=40, val=0, test=0), Silent())
    (tmp_path / "photos").mkdir()
    known = {}
    for one in scenes:
        shutil.copy(one.frame.uri, tmp_path / "photos")
        assert one.annotations is not None
        rows = zip(
            one.annotations.class_id.tolist(), one.annotations.boxes.xyxy.tolist(), strict=True
        )
        known[Path(one.frame.uri).name] = list(rows)
    return known


def shorten_training(project: Path) -> None:
    """Fewer and smaller steps: the commands stay the same, the model gets worse."""
    settings = project / "prelabel.yaml"
    text = settings.read_text(encoding="utf-8")
    for name, value in (("steps", 30), ("input_px", 128), ("validate_every_steps", 30)):
        text, count = re.subn(rf"^  {name}: \d+", f"  {name}: {value}", text, flags=re.M)
        assert count == 1, name
    settings.write_text(text, encoding="utf-8")


@pytest.mark.slow
def test_the_tour_on_own_pictures(tmp_path: Path, photos: Known) -> None:
    lines = [line for block in blocks("bash") for line in block.splitlines() if line.strip()]
    assert len(lines) >= 11
    to_label = FIRST_BATCH
    for line in lines:
        if "simulate" in line:
            continue  # test_the_demo runs it
        if line == "prelabel review":
            work_on_the_page(tmp_path, photos, to_label)
            to_label = ANSWERED
            continue
        if line.startswith("prelabel accept"):
            # 25 frames that people labelled prove nothing: the README says what happens then.
            assert "nothing is accepted" in run(line, tmp_path, status=1)
            continue
        classes = ",".join(SCENE_CLASSES)
        said = run(line.replace("heron,egret", classes), tmp_path)
        assert said.strip()
        if line.startswith("prelabel init"):
            shorten_training(tmp_path / "birds")
        if "round-2" in line:
            answer(tmp_path / "round-2", photos, tmp_path / "corrections.json")
    assert (tmp_path / "birds" / "reports" / "report.html").is_file()
    assert list((tmp_path / "birds-yolo" / "labels").rglob("*.txt"))
    for code in blocks("python"):
        (tmp_path / "snippet.py").write_text(code, encoding="utf-8")
        assert run("python snippet.py", tmp_path).strip()


DEMO_S = 240  # what the README calls a few minutes


def _cpu_seconds() -> float:
    """What the processes that this one has started and waited for have computed."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.slow
def test_the_demo(tmp_path: Path) -> None:
    """`make demo` into another folder; the environment is the one the tests run in."""
    before = _cpu_seconds()
    said = run(f"make -C {ROOT} demo DEMO={tmp_path}/demo", tmp_path)
    # Counted in seconds of a core, since the tests share theirs with others.
    assert _cpu_seconds() - before < 2 * DEMO_S, "more than four minutes of two cores"
    assert "Next: prelabel init" in said
    assert (tmp_path / "demo" / "report.html").stat().st_size > 50_000
    summary = json.loads((tmp_path / "demo" / "summary.json").read_text(encoding="utf-8"))
    assert {arm["strategy"] for arm in summary["arms"]} == {"random", "entropy_mean"}
    for arm in summary["arms"]:
        assert len(arm["rounds"]) == 4
        assert arm["rounds"][-1]["map50"] > arm["rounds"][0]["map50"]


def test_make_commands_exist() -> None:
    named = {
        line.split()[1]
        for block in blocks("")
        for line in block.splitlines()
        if line.startswith("make ")
    }
    assert named >= {"demo", "test"}
    for target in named:
        subprocess.run(["make", "-n", "-C", ROOT, target], check=True, capture_output=True)


def test_extras_that_are_named_exist() -> None:
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    named = set(re.findall(r"prelabel\[(\w+)\]", README))
    assert named
    assert named <= set(extras)


PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https://)([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
