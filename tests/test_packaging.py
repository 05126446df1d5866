"""The package list is true, one OpenCV is installed, and the wheel runs on its own."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from builders import a_picture

ROOT = Path(__file__).resolve().parents[1]
# Found before the tests give themselves another home.
UV_CACHE = os.environ.get("UV_CACHE_DIR") or str(
    Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "uv"
)
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _package_folders() -> set[Path]:
    return {
        path.parent
        for folder in ("prelabel", "active", "models", "datasets")
        for path in (ROOT / folder).rglob("__init__.py")
        if not any(parent.is_symlink() for parent in path.parents)
    }


def _dotted(folder: Path) -> str:
    name = ".".join(folder.relative_to(ROOT).parts)
    return name if name.split(".")[0] == "prelabel" else f"prelabel.{name}"


def test_every_package_is_listed() -> None:
    listed = set(PYPROJECT["tool"]["setuptools"]["packages"])
    assert {_dotted(folder) for folder in _package_folders()} == listed


def test_extra_all_names_every_extra() -> None:
    extras = PYPROJECT["project"]["optional-dependencies"]
    (everything,) = extras["all"]
    named = everything.removeprefix("prelabel[").removesuffix("]").split(",")
    assert sorted(named) == sorted(set(extras) - {"all"})


def test_one_opencv_serves_all() -> None:
    import cv2

    installed = {
        distribution.metadata["Name"]
        for distribution in importlib.metadata.distributions()
        if distribution.metadata["Name"].lower().startswith("opencv")
    }
    assert installed == {"opencv-python-headless"}
    assert cv2.imencode(".jpg", __import__("numpy").zeros((8, 8, 3), "uint8"))[0]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the files that git knows."""
    if not (ROOT / ".git").exists():
        pytest.skip("the wheel is built from the files that git knows, and this is no checkout")
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    _copy_tracked_files(source)
    subprocess.run(
        [_uv(), "build", "--quiet", "--wheel", "--out-dir", str(folder), str(source)], check=True
    )
    (built,) = folder.glob("*.whl")
    return built


def _copy_tracked_files(target: Path) -> None:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    for name in filter(None, listing.stdout.split("\0")):
        origin, copy = ROOT / name, target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if origin.is_symlink():
            copy.symlink_to(os.readlink(origin))
        elif origin.is_file():
            shutil.copyfile(origin, copy)


def _uv() -> str:
    found = shutil.which("uv") or shutil.which("uv", path=str(ROOT / ".uv" / "bin"))
    if not found:
        pytest.skip("uv is neither on the path nor in .uv/bin")
    return found


@pytest.mark.slow
def test_wheel_holds_every_module_and_data_file(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in _package_folders():
        inside = _dotted(folder).replace(".", "/")
        for path in folder.iterdir():
            if path.suffix in {".py", ".yaml", ".html", ".css", ".typed", ".mako"}:
                assert f"{inside}/{path.name}" in names, f"{path} is not in the wheel"
    assert not {name for name in names if name.startswith(("datasets/", "models/", "active/"))}


@pytest.fixture(scope="module")
def core_install(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts of an environment with the wheel and what it needs, without any extra.

    The versions are those of the lock file; they come out of uv's cache, where `make setup` has
    put them.
    """
    clean = tmp_path_factory.mktemp("core") / "environment"
    for command in (
        ["sync", "--frozen", "--no-default-groups", "--no-install-project"],
        ["pip", "install", "--no-deps", "--python", str(clean / "bin" / "python"), str(wheel)],
    ):
        subprocess.run(
            [_uv(), *command, "--offline", "--quiet"],
            check=True,
            cwd=wheel.parent / "source",
            env={
                **os.environ,
                "UV_PROJECT_ENVIRONMENT": str(clean),
                "UV_CACHE_DIR": UV_CACHE,
                "UV_PYTHON": sys.executable,
            },
        )
    return clean / "bin"


@pytest.mark.slow
def test_the_wheel_alone_does_the_whole_loop(core_install: Path, tmp_path: Path) -> None:
    """A user without this checkout and without extras: pictures, labels, training, a batch."""
    (tmp_path / "photos").mkdir()
    for number in range(6):
        a_picture(tmp_path / "photos" / f"{number}.jpg", 96, 96, seed=number)
    rows = [f"{number}.jpg,bird,{8 + number},8,60,70" for number in range(4)]
    (tmp_path / "labels.csv").write_text(
        "\n".join(["filename,class,xmin,ymin,xmax,ymax", *rows]), encoding="utf-8"
    )

    def prelabel(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [core_install / "prelabel", *arguments],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    made = prelabel("init", "birds", "--images", "photos", "--classes", "bird")
    assert made.returncode == 0, made.stderr
    settings = tmp_path / "birds" / "prelabel.yaml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(
        text.replace("steps: 1000", "steps: 4").replace("input_px: 320", "input_px: 96"),
        encoding="utf-8",
    )
    for command in (["import", "labels.csv", "--images", "photos"], ["train"], ["propose"]):
        done = prelabel(*command)
        assert done.returncode == 0, done.stderr
    chosen = prelabel("select", "--budget", "2")
    assert "chose 2 frames by class_growth_apart" in chosen.stdout, chosen.stderr

    examined = prelabel("doctor")
    assert examined.returncode == 0, examined.stdout
    assert "absent" in examined.stdout

    settings.write_text(
        settings.read_text(encoding="utf-8").replace("torchvision:micro", "ultralytics:micro"),
        encoding="utf-8",
    )
    refused = prelabel("train")
    assert refused.returncode == 1
    assert "prelabel[ultralytics]" in refused.stderr
    assert refused.stderr.strip().count("\n") == 0
