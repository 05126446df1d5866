"""What a simulation is asked to do."""

from pathlib import Path
from typing import Annotated, TypeVar

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import Field, field_validator

from prelabel.active.annotator import ErrorRates
from prelabel.active.cost import CostModel
from prelabel.active.scoring import StrategyError
from prelabel.active.strategies import strategy_by_name
from prelabel.active.usual_strategy import USUAL_STRATEGY
from prelabel.datasets.configuration import StrictModel, read_configuration
from prelabel.models.detector import FitOptions, PredictOptions

Share = Annotated[float, Ge(0), Le(1)]
Count = Annotated[int, Ge(1)]
Item = TypeVar("Item")


class TrainingConfig(StrictModel):
    """How each round trains; see FitOptions. `warm` starts a round from the weights of the last
    one, otherwise every round starts from the detector's own start. `start_steps` is what the first
    model of a seed takes, the same as a round unless told."""

    steps: Count = 600
    start_steps: Count | None = None
    batch_size: Count = 16
    input_px: Count = 320
    learning_rate: Annotated[float, Gt(0)] | None = None
    validate_every_steps: Count = 100
    validation_share: Annotated[float, Ge(0), Lt(1)] = 0.2
    warm: bool = False

    def options(self, seed: int, steps: int | None = None) -> FitOptions:
        """The options of a detector's `fit`, of as many steps as a round takes unless told."""
        return FitOptions(
            steps=steps or self.steps,
            batch_size=self.batch_size,
            input_px=self.input_px,
            learning_rate=self.learning_rate,
            seed=seed,
            validate_every_steps=self.validate_every_steps,
        )

    def steps_of_round(self, number: int) -> int:
        """The steps of a round, 0 being the first model of a seed."""
        return self.steps if number else self.start_steps or self.steps

    def steps_in_all(self, rounds: int) -> int:
        """The steps that the model of the last of so many rounds has behind it."""
        last = self.steps_of_round(rounds)
        return sum(map(self.steps_of_round, range(rounds + 1))) if self.warm else last


class PredictionConfig(StrictModel):
    """How proposals are made; see PredictOptions.

    `display_score` is the least score of a proposal that is shown. None: the one under which
    correcting the validation frames of the round would have cost least; where there are none, 0.3.
    """

    score_min: Share = 0.05
    nms_iou: Share = 0.6
    max_boxes: Count = 100
    display_score: Share | None = None

    def options(self, input_px: int, batch_size: int) -> PredictOptions:
        """The options of a detector's `predict`."""
        return PredictOptions(
            input_px=input_px,
            batch_size=batch_size,
            score_min=self.score_min,
            nms_iou=self.nms_iou,
            max_boxes=self.max_boxes,
        )


class SimulationConfig(StrictModel):
    """A paired comparison of strategies on a labelled dataset.

    `source` (with `format` and `images` where the importer needs them) is read by the caller; a
    relative path is meant from the folder of the configuration file. Every strategy starts from
    the same `start_frames` random frames and the same first model of its seed, then labels
    `batch_frames` in each of `rounds` rounds, or as many as are foretold to take `batch_seconds` of
    people's time, of which `control_share` at random. `errors` are
    those of the simulated annotator. `test_share` of the frames is held out where the dataset has
    no test split of its own. `full_data` also trains once on the whole pool. `workers` processes
    of one thread each share the work.
    """

    name: str
    source: Path
    format: str | None = None
    images: Path | None = None
    classes: tuple[str, ...] | None = None
    detector: str
    training: TrainingConfig = TrainingConfig()
    prediction: PredictionConfig = PredictionConfig()
    strategies: Annotated[tuple[str, ...], MinLen(1)] = ("random", USUAL_STRATEGY)
    seeds: Annotated[tuple[Annotated[int, Ge(0)], ...], MinLen(1)] = (0, 1, 2)
    start_frames: Annotated[int, Ge(2)] = 20
    batch_frames: Count = 20
    batch_seconds: Annotated[float, Gt(0)] | None = None
    rounds: Count = 4
    control_share: Share = 0.1
    cost: CostModel = Field(default_factory=CostModel)
    errors: ErrorRates = Field(default_factory=ErrorRates)
    test_share: Annotated[float, Gt(0), Lt(1)] = 0.3
    full_data: bool = False
    workers: Count = 1

    @field_validator("strategies")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            try:
                strategy_by_name(name)
            except StrategyError as error:
                raise ValueError(str(error)) from error
        return _each_once(names)

    @field_validator("seeds")
    @classmethod
    def _seeds_once(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        return _each_once(seeds)

    def predict_options(self) -> PredictOptions:
        """How proposals are made, at the input size of the training."""
        return self.prediction.options(self.training.input_px, self.training.batch_size)


def read_simulation(path: Path) -> SimulationConfig:
    """The simulation in a YAML file, its relative paths taken from the folder of the file."""
    config = read_configuration(path, SimulationConfig)
    base = path.resolve().parent
    images = None if config.images is None else base / config.images
    return config.model_copy(update={"source": (base / config.source).resolve(), "images": images})


def _each_once(items: tuple[Item, ...]) -> tuple[Item, ...]:
    if len(set(items)) != len(items):
        raise ValueError("must not repeat")
    return items
