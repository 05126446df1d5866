"""What a simulation found, as values and as the file `summary.json`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.arrays import Int64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import BadInputError
from prelabel.datasets.files import write_whole
from prelabel.datasets.geometry import angle_of
from prelabel.datasets.predictions import Prediction

FORMAT = 1
SUMMARY_FILE = "summary.json"


@dataclass(frozen=True, slots=True)
class BoxMark:
    """A box to be drawn on a picture: pixels of the picture as shown; a proposal has a score.

    `angle` in radians, as in Boxes.
    """

    xyxy: tuple[float, float, float, float]
    class_id: int
    score: float | None = None
    angle: float = 0.0

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "BoxMark":
        """The mark in the JSON form of one."""
        left, top, right, bottom = content["xyxy"]
        return cls(
            (left, top, right, bottom),
            content["class_id"],
            content["score"],
            content.get("angle", 0.0),  # summaries before turned boxes have none
        )


def proposal_marks(proposals: Prediction) -> tuple[BoxMark, ...]:
    """Marks for the boxes of a detector."""
    scores = [round(score, 4) for score in proposals.score.tolist()]
    return box_marks(proposals.boxes, proposals.class_id, scores)


def label_marks(labels: AnnotationSet) -> tuple[BoxMark, ...]:
    """Marks for the boxes of a person."""
    return box_marks(labels.boxes, labels.class_id, [None] * len(labels))


def box_marks(
    boxes: Boxes, class_id: Int64s, scores: Sequence[float | None]
) -> tuple[BoxMark, ...]:
    """A mark for each box; a picture shows no more than two decimals of a pixel."""
    return tuple(
        BoxMark((left, top, right, bottom), class_id, score, angle)
        for (left, top, right, bottom), class_id, score, angle in zip(
            np.round(boxes.xyxy.astype(np.float64), 2).tolist(),
            class_id.tolist(),
            scores,
            np.round(angle_of(boxes).astype(np.float64), 4).tolist(),
            strict=True,
        )
    )


@dataclass(frozen=True, slots=True)
class PickResult:
    """A frame that was labelled in a round, and why; `cost_s` was foretold before.

    `spent_s` is what the correction came to, `proposals` what the detector had proposed, `labels`
    what was left after the correction; None or empty where nobody kept them.
    """

    frame_id: str
    uri: str
    score: float | None
    reason: str
    cost_s: float
    is_control: bool
    spent_s: float | None = None
    proposals: tuple[BoxMark, ...] = ()
    labels: tuple[BoxMark, ...] = ()


@dataclass(frozen=True, slots=True)
class RoundResult:
    """A model and what its labels cost: `frames`, `boxes` and `seconds` are totals up to here.

    `map50` and `map` are measured on the test frames. `picks` led from the round before to this
    one; those of round 0 are the start set. A class without test boxes has None.
    """

    round: int
    frames: int
    boxes: int
    seconds: float
    map50: float
    map: float
    map50_by_class: Mapping[str, float | None]
    train_seconds: float
    picks: tuple[PickResult, ...]


@dataclass(frozen=True, slots=True)
class ArmResult:
    """One strategy from one start set; rounds 0, 1, 2 …"""

    strategy: str
    seed: int
    rounds: tuple[RoundResult, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """A whole simulation.

    `full_data_map50` is that of a model trained on the whole pool, where one was trained;
    `cost_model` holds the constants in seconds by name, `settings` the options of the run by name;
    `command` is what a user types to run it again.
    """

    name: str
    dataset: str
    classes: tuple[str, ...]
    detector: str
    full_data_map50: float | None
    cost_model: Mapping[str, float]
    arms: tuple[ArmResult, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""

    def arm(self, strategy: str, seed: int) -> ArmResult | None:
        """The arm of a strategy and seed, or None."""
        return next((a for a in self.arms if (a.strategy, a.seed) == (strategy, seed)), None)

    @property
    def strategies(self) -> tuple[str, ...]:
        """The strategies, each once, in the order of the arms."""
        return tuple(dict.fromkeys(arm.strategy for arm in self.arms))

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds, rising."""
        return tuple(sorted({arm.seed for arm in self.arms}))

    def without_times(self) -> "Summary":
        """The same with `train_seconds` 0: what is equal for two runs of one simulation."""
        arms = (
            replace(arm, rounds=tuple(replace(one, train_seconds=0.0) for one in arm.rounds))
            for arm in self.arms
        )
        return replace(self, arms=tuple(arms))

    def to_json(self) -> str:
        """The text of `summary.json`."""
        return json.dumps({"format": FORMAT, **asdict(self)}, ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str = SUMMARY_FILE) -> "Summary":
        """The summary in a text; BadInputError naming `where` it came from if it is none."""
        try:
            content = json.loads(text)
            if content.pop("format") != FORMAT:
                raise BadInputError(
                    f"{where}: is of a format that this version does not read; run the "
                    "simulation again"
                )
            arms = tuple(_arm(one) for one in content.pop("arms"))
            return cls(**{**content, "classes": tuple(content["classes"]), "arms": arms})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadInputError(f"{where}: is not the summary of a simulation") from error

    def write(self, path: Path) -> None:
        """Write the file whole or not at all."""
        write_whole(path, self.to_json().encode())

    @classmethod
    def read(cls, path: Path) -> "Summary":
        """The summary in a file; BadInputError where there is none."""
        try:
            return cls.from_json(path.read_text(encoding="utf-8"), str(path))
        except OSError as error:
            raise BadInputError(f"{path}: cannot be read: {error.strerror}") from error


def _arm(content: dict[str, Any]) -> ArmResult:
    rounds = tuple(_round(one) for one in content["rounds"])
    return ArmResult(**{**content, "rounds": rounds})


def _round(content: dict[str, Any]) -> RoundResult:
    return RoundResult(**{**content, "picks": tuple(_pick(one) for one in content["picks"])})


def _pick(content: dict[str, Any]) -> PickResult:
    marks = {name: _marks(content.get(name, ())) for name in ("proposals", "labels")}
    return PickResult(**{**content, **marks})


def _marks(content: Sequence[Mapping[str, Any]]) -> tuple[BoxMark, ...]:
    return tuple(BoxMark.of(one) for one in content)
