import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from prelabel.datasets.errors import MissingExtraError
from prelabel.models.registry import build_detector

# Run in a process of its own: an audit hook sees every file opened for writing, every address
# looked up or connected to and every program started, by whatever library.
WATCHED = """
import json, os, sys, threading
report = {"written": [], "network": [], "started": []}

def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.gethostbyname"):
        report["network"].append(str(arguments[:2]))
        raise OSError("no network here")
    if event in ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "os.fork"):
        report["started"].append(str(arguments[:2]))
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        path, mode, flags = arguments
        if (mode and set(mode) & set("wax+")) or (flags or 0) & (os.O_WRONLY | os.O_RDWR):
            report["written"].append(os.path.abspath(os.fsdecode(path)))
    if event in ("os.mkdir", "os.rename", "os.link", "os.symlink"):
        report["written"].append(os.path.abspath(os.fsdecode(arguments[event == "os.rename"])))

def tell():
    report["threads"] = [one.name for one in threading.enumerate()]
    os.write(1, json.dumps(report).encode())

sys.path.insert(0, sys.argv[1])
from pathlib import Path
from shapes import SHAPES, shape_examples
folder = Path(sys.argv[2])
examples = shape_examples(folder / "pictures", 4)
sys.addaudithook(watch)
"""
WORK = """
import cv2, numpy as np, torch, warnings
from PIL import Image
import prelabel.models.evaluation

OURS = ("OMP_WAIT_POLICY", "MPLCONFIGDIR", "TORCHINDUCTOR_CACHE_DIR")

def process():
    return {
        "functions": [str(one) for one in (torch.save, Image.open, cv2.imread, cv2.imwrite)],
        "threads": [torch.get_num_threads(), cv2.getNumThreads()],
        "options": [str(np.get_printoptions()), str(torch.tensor([0.123456789, 1e8]))],
        "filters": [str(one) for one in warnings.filters if "SymPy" not in str(one)],  # torch's own
        "environment": {
            key: value
            for key, value in os.environ.items()
            if not key.startswith("YOLO_") and key not in OURS
        },
    }

cv2.setNumThreads(2)
np.set_printoptions(precision=3)
before = process()
from prelabel.models.detector import FitOptions, PredictOptions
from prelabel.datasets.progress import Silent
from prelabel.models.registry import build_detector, open_detector
options = FitOptions(steps=2, batch_size=2, input_px=64, validate_every_steps=1)
detector = build_detector("ultralytics:micro", SHAPES, folder / "state")
result = detector.fit(examples[:3], examples[3:], options, folder / "run", Silent())
build_detector("ultralytics:yolo11n.yaml", SHAPES, folder / "state")
opened = open_detector(result.checkpoint, folder / "state")
opened.predict([one.frame for one in examples], PredictOptions(input_px=64))
report["before"], report["after"] = before, process()
tell()
"""
ASKS_FOR_WEIGHTS = """
from prelabel.models.detector import DetectorError
from prelabel.models.registry import build_detector
try:
    build_detector("ultralytics:yolo11n.pt", SHAPES, folder / "state")
except DetectorError as error:
    report["error"] = str(error)
tell()
"""
IMPORTED_BEFORE = """
import ultralytics
from ultralytics.utils import checks
from prelabel.models.ultralytics.confinement import confine
settings = Path(os.environ["YOLO_CONFIG_DIR"]) / "Ultralytics" / "settings.json"
before = settings.read_bytes()
confine(folder / "state")
report["online"] = [ultralytics.utils.ONLINE, checks.ONLINE, checks.AUTOINSTALL]
report["sync"] = ultralytics.settings["sync"]
report["settings kept"] = settings.read_bytes() == before
tell()
"""


def watched(folder: Path, work: str, **environment: str) -> dict[str, Any]:
    """What a process does that runs `work` in an empty folder with an empty home."""
    for name in ("home", "here", "temporary"):
        (folder / name).mkdir(exist_ok=True)
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "YOLO_"))
    }
    home = {
        "TMPDIR": str(folder / "temporary"),
        "HOME": str(folder / "home"),
        "XDG_CONFIG_HOME": str(folder / "home" / ".config"),
    }
    for name in ("MPLCONFIGDIR", "TORCHINDUCTOR_CACHE_DIR"):
        kept.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", WATCHED + work, str(Path(__file__).parents[1] / "support"), folder],
        cwd=folder / "here",
        env=kept | home | environment,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def names_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.slow
def test_training_and_predicting_leave_nothing_behind(
    tmp_path: Path,
) -> None:
    report = watched(tmp_path, WORK)
    ours = [str(tmp_path / name) for name in ("state", "run", "temporary")]
    strays = [
        path
        for path in report["written"]
        if not path.startswith((*ours, os.devnull)) and "__pycache__" not in path
    ]
    assert strays == []
    assert report["network"] == []
    assert [one for one in report["started"] if "pip" in one or "uv" in one] == []
    assert report["threads"] == ["MainThread"]
    for name in ("home", "here", "temporary"):
        assert names_below(tmp_path / name) == []
    assert names_below(tmp_path / "pictures") == [f"0-{i}.png" for i in range(4)]
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "best.pt",
        "best.pt.json",
        "result.json",
        "run.json",
    }
    assert report["after"] == report["before"]


@pytest.mark.slow
def test_weights_by_name_are_the_only_thing_asked_of_the_network(tmp_path: Path) -> None:
    report = watched(tmp_path, ASKS_FOR_WEIGHTS)
    place = tmp_path / "state" / "weights" / "yolo11n.pt"
    assert "cannot be downloaded" in report["error"]
    assert f"put the file at {place}" in report["error"]
    assert "\n" not in report["error"]
    assert report["network"]
    assert all("github.com" in asked for asked in report["network"])
    assert list(place.parent.iterdir()) == []
    assert names_below(tmp_path / "home") == names_below(tmp_path / "here") == []


@pytest.mark.slow
def test_an_earlier_import_is_turned_off_but_its_settings_stay(tmp_path: Path) -> None:
    report = watched(
        tmp_path, IMPORTED_BEFORE, YOLO_VERBOSE="0", YOLO_CONFIG_DIR=str(tmp_path / "theirs")
    )
    assert report["online"] == [False, False, False]
    assert report["sync"] is False
    assert report["settings kept"]


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'prelabel\[ultralytics\]'"):
        build_detector("ultralytics:micro", ("a",), tmp_path)


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    loads = "import prelabel.models.ultralytics.family, sys; print('ultralytics' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", loads], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
