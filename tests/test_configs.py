"""The configurations that are shipped can be read."""

from pathlib import Path

import pytest

from prelabel.active.simulation_config import SimulationConfig
from prelabel.datasets.configuration import ConfigurationError, read_configuration
from prelabel.models.onnx.spec import OnnxSpec
from prelabel.simulating import ScenesFile

CONFIGS = sorted((Path(__file__).resolve().parents[1] / "configs").rglob("*.yaml"))
KINDS = (SimulationConfig, ScenesFile, OnnxSpec)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_configuration_is_of_exactly_one_kind(path: Path) -> None:
    fitting = []
    for kind in KINDS:
        try:
            fitting.append(read_configuration(path, kind))
        except ConfigurationError:
            continue
    assert len(fitting) == 1
