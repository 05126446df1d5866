"""Configuration files of simulations."""

from pathlib import Path

import pytest

from prelabel.active.simulation_config import SimulationConfig, TrainingConfig, read_simulation
from prelabel.datasets.configuration import ConfigurationError, check_configuration

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
SIMULATIONS = ["demo.yaml", "simulate-playing-cards.yaml"]
LEAST = {"name": "a", "source": "data", "detector": "torchvision:micro"}


@pytest.mark.parametrize("name", SIMULATIONS)
def test_the_configurations_of_the_repository(name: str) -> None:
    config = read_simulation(CONFIGS / name)
    assert config.source.is_absolute()
    assert "random" in config.strategies
    assert len(config.strategies) > 1
    assert config.predict_options().input_px == config.training.input_px


def test_the_playing_cards_comparison_is_the_one_that_is_reported() -> None:
    config = read_simulation(CONFIGS / "simulate-playing-cards.yaml")
    assert (config.start_frames, config.batch_frames, config.rounds) == (20, 20, 4)
    assert len(config.seeds) == 3


def test_paths_are_meant_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("name: a\nsource: data/cards\nimages: pictures\ndetector: torchvision:micro\n")
    config = read_simulation(path)
    assert config.source == tmp_path / "data/cards"
    assert config.images == tmp_path / "pictures"


def test_options_reach_the_detector() -> None:
    config = SimulationConfig.model_validate(LEAST | {"training": {"steps": 7, "input_px": 96}})
    options = config.training.options(seed=5)
    assert (options.steps, options.input_px, options.seed) == (7, 96, 5)
    assert config.predict_options().input_px == 96


def test_steps_of_the_start_and_of_rounds() -> None:
    cold = TrainingConfig(steps=100, start_steps=300)
    assert [cold.steps_of_round(number) for number in (0, 1, 2)] == [300, 100, 100]
    assert cold.steps_in_all(2) == 100  # every round begins anew
    warm = TrainingConfig(steps=100, start_steps=300, warm=True)
    assert (warm.steps_in_all(0), warm.steps_in_all(2)) == (300, 500)
    assert TrainingConfig(steps=100).steps_of_round(0) == 100
    assert TrainingConfig(steps=100).steps_in_all(0) == 100


def test_all_mistakes_are_told_at_once() -> None:
    wrong = LEAST | {
        "strategies": ["best"],
        "rounds": 0,
        "seeds": [1, 1],
        "cost": {"verify_s": -1},
        "errors": {"typo": 1},
        "training": {"stepps": 4},
        "control_share": 2,
    }
    with pytest.raises(ConfigurationError) as told:
        check_configuration(wrong, SimulationConfig, "a.yaml")
    message = str(told.value)
    assert message.startswith("a.yaml: 7 mistakes: ")
    for words in (
        "strategies: Value error, unknown strategy 'best'",
        "rounds: Input should be greater than or equal to 1",
        "seeds: Value error, must not repeat",
        "verify_s must be finite and at least 0",
        "errors.typo:",
        "training.stepps: unknown key",
        "control_share: Input should be less than or equal to 1",
    ):
        assert words in message
