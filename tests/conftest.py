"""Fixtures for every test: real data where it is set, and an environment nothing leaks out of."""

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

# Seeded, so that a failure comes again; and no time limit of its own, which a busy machine breaks.
settings.register_profile("prelabel", deadline=None, derandomize=True)
settings.load_profile("prelabel")


def pytest_configure(config: pytest.Config) -> None:
    """torch makes this folder when it is loaded, which may be before any test begins."""
    folder = tempfile.TemporaryDirectory(prefix="inductor-")
    config.add_cleanup(folder.cleanup)
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = folder.name


@pytest.fixture(autouse=True)
def confined_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own, so that a stray write shows up there."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / ".cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("MPLCONFIGDIR", str(home / "matplotlib"))
    return home


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real data sets; tests that ask for it are skipped where it is not given."""
    folder = os.environ.get("PRELABEL_TEST_DATA")
    if not folder:
        pytest.skip("PRELABEL_TEST_DATA does not name the folder of real data sets")
    return Path(folder).resolve()
