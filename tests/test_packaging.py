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

ROOT = Path(__file__).resolve().parents[1]
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


@pytest.mark.slow
def test_wheel_runs_in_a_clean_environment(wheel: Path, tmp_path: Path) -> None:
    """Installed without this checkout, the loop's imports and the command work.

    The third-party packages are those of this environment: the clean one sees them, but neither
    the checkout nor the editable install.
    """
    environment = tmp_path / "clean"
    subprocess.run([_uv(), "venv", "--quiet", "--python", sys.executable, environment], check=True)
    python = environment / "bin" / "python"
    subprocess.run(
        [_uv(), "pip", "install", "--quiet", "--no-deps", "--python", python, wheel], check=True
    )
    shared = tmp_path / "third-party"
    shared.mkdir()
    for entry in Path(str(importlib.metadata.distribution("numpy").locate_file(""))).iterdir():
        if "prelabel" not in entry.name and entry.suffix != ".pth":
            (shared / entry.name).symlink_to(entry)
    outside = {**os.environ, "PYTHONPATH": str(shared)}
    shown = subprocess.run(
        [environment / "bin" / "prelabel", "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=outside,
    )
    assert "propose" in shown.stdout
    where = subprocess.run(
        [python, "-c", "import prelabel.active.pool as m; print(m.__file__)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=outside,
    )
    assert Path(where.stdout.strip()).is_relative_to(environment)
