"""The report on a user's own project: what is labelled, what it cost, how good the model is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from prelabel.active.calibration_error import Bin
from prelabel.active.summary import PickResult
from prelabel.datasets.progress import Progress, Silent
from prelabel.report import wording
from prelabel.report.page import write_page
from prelabel.report.reliability import ReliabilityPlot, reliability_plot
from prelabel.report.wall import DEFAULT_WALL, PictureStore, WallOptions, fill_store, pick_row

_TEMPLATE = "project.html.j2"


@dataclass(frozen=True, slots=True)
class SplitFacts:
    """Frames of one split, how many of them are labelled, and their boxes by class name."""

    split: str
    frames: int
    labelled: int
    boxes_by_class: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RoundFacts:
    """One round: what was chosen, and what its corrections have cost so far.

    `seconds` is None where nobody took the time; `done` counts picks that have labels by now.
    """

    number: int
    strategy: str
    seed: int
    picks: tuple[PickResult, ...]
    done: int
    seconds: float | None
    model_id: str | None


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A trained model; `validation_map50` comes from the frames that chose its checkpoint."""

    model_id: str
    detector: str
    labelled_frames: int
    steps: int
    seconds: float
    validation_map50: float | None


@dataclass(frozen=True, slots=True)
class ConfidenceFacts:
    """How far some confidences are from what came of the boxes: detection calibration errors
    (D-ECE, LaECE; 0 to 1), and the bins of a reliability plot."""

    d_ece: float
    laece: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class CalibrationFacts:
    """Whether confidences of the model in use are true on frames drawn at random: raw scores
    `before`, and `after` calibration the probabilities, which were fitted on other frames."""

    frames: int
    before: ConfidenceFacts
    after: ConfidenceFacts

    def plots(self) -> tuple[ReliabilityPlot, ReliabilityPlot]:
        """The reliability plots of both."""
        both = (("Raw scores", self.before), ("Calibrated", self.after))
        first, second = (
            reliability_plot(title, one.bins, one.d_ece, one.laece) for title, one in both
        )
        return first, second


@dataclass(frozen=True, slots=True)
class AcceptanceFacts:
    """Labels that a rule accepted: the rule in words, how many frames by what was done with them,
    and what the audit says."""

    number: int
    rule: str
    whole: int
    half: int
    still_in_force: int
    standing: str


@dataclass(frozen=True, slots=True)
class FinishFacts:
    """What one call of `prelabel finish` did, and how far the pool was then: frames with labels by
    people and by rule, and left; human seconds spent until then, and foretold for what is left."""

    at: datetime
    round_number: int | None
    turn: str
    done: tuple[str, ...]
    by_people: int
    by_rule: int
    left: int
    spent_s: float
    left_s: float


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """All that a project's report tells; rounds and models from the oldest to the newest."""

    name: str
    classes: tuple[str, ...]
    splits: tuple[SplitFacts, ...]
    rounds: tuple[RoundFacts, ...] = ()
    models: tuple[ModelFacts, ...] = ()
    next_command: str = ""
    notes: tuple[str, ...] = field(default=())
    acceptances: tuple[AcceptanceFacts, ...] = ()
    calibration: CalibrationFacts | None = None
    finished: tuple[FinishFacts, ...] = ()

    @property
    def frames(self) -> int:
        return sum(one.frames for one in self.splits)

    @property
    def labelled(self) -> int:
        return sum(one.labelled for one in self.splits)

    @property
    def boxes(self) -> int:
        return sum(sum(one.boxes_by_class.values()) for one in self.splits)

    @property
    def seconds(self) -> float | None:
        """Human seconds of all rounds that were timed; None where none was."""
        timed = [one.seconds for one in self.rounds if one.seconds is not None]
        return sum(timed) if timed else None

    def boxes_of(self, class_name: str) -> int:
        """Boxes of one class in all splits."""
        return sum(one.boxes_by_class.get(class_name, 0) for one in self.splits)


def write_project_report(
    facts: ProjectFacts,
    folder: Path,
    options: WallOptions = DEFAULT_WALL,
    progress: Progress | None = None,
) -> Path:
    """Write `report.html` about a project into `folder` and return its path."""
    store = PictureStore(options)
    newest_first = tuple(reversed(facts.rounds))
    fill_store(store, [one.picks for one in newest_first], options, progress or Silent())
    rows = [
        pick_row(f"round {one.number}, {one.strategy}", one.picks, store, facts.classes, options)
        for one in newest_first
    ]
    most = max((facts.boxes_of(name) for name in facts.classes), default=0)
    return write_page(
        _TEMPLATE,
        {
            "facts": facts,
            "verdict": sentences(facts),
            "rows": rows,
            "most_boxes": most,
            "pictures": store.pictures,
        },
        folder,
    )


def sentences(facts: ProjectFacts) -> list[str]:
    """Where the project stands, in plain words."""
    told = [_labelled(facts)]
    measured = [one for one in facts.models if one.validation_map50 is not None]
    if measured:
        told.append(_newest(measured))
    elif facts.labelled:
        told.append("No trained model has been measured yet.")
    unseen = [name for name in facts.classes if not facts.boxes_of(name)]
    if unseen and facts.labelled:
        told.append(f"Nothing is labelled yet as {wording.listed(unseen)}.")
    return told


def _labelled(facts: ProjectFacts) -> str:
    if not facts.frames:
        return "The project has no frames yet."
    share = wording.percent(facts.labelled / facts.frames)
    time = "" if facts.seconds is None else f", in {wording.clock(facts.seconds)} of human time"
    return (
        f"{wording.count(facts.labelled)} of {wording.plural(facts.frames, 'frame')} are labelled "
        f"({share}) with {wording.plural(facts.boxes, 'box', 'boxes')}{time}."
    )


def _newest(measured: list[ModelFacts]) -> str:
    newest = measured[-1].validation_map50
    told = f"The newest model reaches a validation mAP50 of {wording.figure(newest)}"
    if len(measured) < 2 or newest is None or measured[-2].validation_map50 is None:
        return told + "."
    gain = wording.signed(newest - measured[-2].validation_map50)
    return f"{told} ({gain} against the model before it)."
