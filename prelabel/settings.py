"""The settings of a project, as they stand in its prelabel.yaml."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from prelabel.active.cost import CostModel
from prelabel.active.stopping import Worth
from prelabel.active.usual_strategy import USUAL_STRATEGY
from prelabel.datasets.configuration import StrictModel, read_configuration

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]

SETTINGS_FILE = "prelabel.yaml"


class TrainingSettings(StrictModel):
    """How `prelabel train` trains; see `prelabel.models.detector.FitOptions`."""

    steps: Count = 1000
    batch_size: Count = 16
    input_px: Count = 320
    learning_rate: Annotated[float, Field(gt=0)] | None = None
    validate_every_steps: Count = 100
    validation_share: Share = 0.2


class ProposalSettings(StrictModel):
    """How `prelabel propose` predicts; boxes below `shown_score` are kept, but not shown."""

    batch_size: Count = 16
    score_min: Share = 0.05
    nms_iou: Share = 0.7
    max_boxes: Count = 300
    shown_score: Share | None = None  # None: what costs the least time on validation frames
    workers: Count | None = None  # None: one process a core

    def kept_boxes(self) -> dict[str, float | int]:
        """What decides which boxes of a model are kept; the other settings change none of them."""
        return {
            "score_min": self.score_min,
            "nms_iou": self.nms_iou,
            "max_boxes": self.max_boxes,
        }


class SelectionSettings(StrictModel):
    """How `prelabel select` chooses."""

    strategy: str = USUAL_STRATEGY
    control_share: Share = 0.1
    scores: str | None = None  # the table of strategy `given`, from the project's folder


class StoppingSettings(StrictModel):
    """What labelling is for; see `prelabel.active.stopping.Worth`."""

    points_an_hour: Annotated[float, Field(gt=0)] | None = None
    target_map50: Annotated[float, Field(gt=0, le=1)] | None = None

    def worth(self) -> Worth | None:
        """What another round must give, None where nothing is said."""
        if self.points_an_hour is None and self.target_map50 is None:
            return None
        return Worth(self.points_an_hour, self.target_map50)


class CostSettings(StrictModel):
    """Human seconds by action; the sources are those of `prelabel.active.cost.CostModel`."""

    open_s: Seconds = CostModel().open_s
    verify_s: Seconds = CostModel().verify_s
    adjust_s: Seconds = CostModel().adjust_s
    draw_s: Seconds = CostModel().draw_s
    class_s: Seconds = CostModel().class_s
    find_s: Seconds = CostModel().find_s

    def model(self) -> CostModel:
        """The cost model with these constants."""
        return CostModel(**self.model_dump())


class ReviewSettings(StrictModel):
    """How people work through a batch."""

    lease_minutes: Annotated[float, Field(gt=0)] = 20
    prefetch: Annotated[int, Field(ge=0, le=20)] = 2  # frames on loan beyond the one in hand
    idle_s: Annotated[float, Field(gt=0)] = 30  # time without a sign of work stops counting
    reviewer: bool = False
    copies: Annotated[int, Field(ge=1, le=20)] = 1  # people who get the same frame
    skip_limit: Count = 2  # so many people skip a frame before it is set aside
    hold_sent_back_hours: Annotated[float, Field(ge=0)] = 24

    @model_validator(mode="after")
    def _copies_are_compared(self) -> Self:
        if self.copies > 1 and not self.reviewer:
            raise ValueError("copies above 1 needs `reviewer: true`: a person decides between them")
        return self


class AcceptanceSettings(StrictModel):
    """How `prelabel accept` accepts without people."""

    precision: Annotated[float, Field(gt=0, lt=1)] = 0.98
    missed: Annotated[float, Field(gt=0, lt=1)] = 0.05
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.95
    audit_share: Annotated[float, Field(gt=0, le=1)] = 0.05  # of accepted frames, labelled blind
    keep_checks_out: bool = False  # True: frames drawn at random never train, and check any model
    train_half_done: bool = False  # True: sure boxes train, and the rest of their frames is ignored


class ProjectSettings(StrictModel):
    """One project."""

    name: str
    detector: str = "torchvision:micro"
    store: str | None = None  # a database URL; None: SQLite inside the project's folder
    seed: int = 0
    training: TrainingSettings = TrainingSettings()
    proposals: ProposalSettings = ProposalSettings()
    selection: SelectionSettings = SelectionSettings()
    stopping: StoppingSettings = StoppingSettings()
    cost: CostSettings = CostSettings()
    review: ReviewSettings = ReviewSettings()
    acceptance: AcceptanceSettings = AcceptanceSettings()


def read_settings(folder: Path) -> ProjectSettings:
    """The settings of the project in `folder`; ConfigurationError lists every mistake."""
    return read_configuration(folder / SETTINGS_FILE, ProjectSettings)


def settings_text(name: str, detector: str, store: str | None) -> str:
    """A prelabel.yaml for a new project, with what can be set and what it means."""
    defaults = ProjectSettings(name=name)
    training, proposals, selection = defaults.training, defaults.proposals, defaults.selection
    review, acceptance = defaults.review, defaults.acceptance
    return f"""\
name: {_quoted(name)}
detector: {_quoted(detector)}    # or ultralytics:yolo11n.pt, torchvision:fcos, onnx:spec.yaml
store: {"null" if store is None else _quoted(store)}    # null: SQLite in this folder; or a URL
seed: {defaults.seed}
training:
  steps: {training.steps}    # optimiser steps, whatever the number of frames
  batch_size: {training.batch_size}
  input_px: {training.input_px}    # longest side a picture is scaled to
  validate_every_steps: {training.validate_every_steps}
  validation_share: {training.validation_share}    # of the labelled frames, where none is in `val`
proposals:
  score_min: {proposals.score_min}    # boxes below are not kept at all
  shown_score: null    # boxes below are not shown to people; null: what costs least correction
  workers: null    # processes; null: one a core
selection:
  strategy: {selection.strategy}
  control_share: {selection.control_share}    # of every batch, drawn at random
  scores: null    # frame_id,score,reason: a table for the strategy `given`
stopping:    # what another round must give to be worth it; `prelabel status` gives advice
  points_an_hour: null    # mAP50 points (0 to 100) for an hour of people's time, such as 2
  target_map50: null    # a mAP50 (0 to 1) that is enough
review:
  reviewer: false    # true: a reviewer accepts what was handed in, or sends it back
  copies: {review.copies}    # people who get the same frame, to be compared; more need a reviewer
  lease_minutes: {review.lease_minutes:g}    # a frame left alone for so long goes to somebody else
  skip_limit: {review.skip_limit}    # so many people skip a frame before it is set aside
  idle_s: {review.idle_s:g}    # without a sign of work for so long, time stops counting
acceptance:
  keep_checks_out: false    # true: frames drawn at random never train, and check any later model
  audit_share: {acceptance.audit_share}    # of what a rule accepted, labelled blind by people
"""


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
