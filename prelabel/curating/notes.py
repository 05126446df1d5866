"""What a dataset in FiftyOne was filled from, as it is kept in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from prelabel.curating.opening import Curation

INFO = "prelabel"  # the key of our own notes in the dataset's `info`
FORMAT = 2  # of the fields; a dataset of another one is made anew


@dataclass(frozen=True, slots=True)
class Notes:
    """What the dataset was filled from, as kept in it.

    `event` is the newest event of the store that is in it, `parts` the files of predictions by
    model id, `mark` until when its edits are known, `left` frames still to be written, `suspects`
    what the suspicions in it were made at, `arranged` what its fields and views were made for,
    `scenes` which scenes of lidar sweeps are in it.
    """

    event: int = 0
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    mark: datetime | None = None
    left: Sequence[str] = ()
    suspects: str = ""
    arranged: str = ""
    scenes: str = ""

    def kept(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "event": self.event,
            "parts": {model: list(parts) for model, parts in self.parts.items()},
            "mark": None if self.mark is None else self.mark.isoformat(),
            "left": list(self.left),
            "suspects": self.suspects,
            "arranged": self.arranged,
            "scenes": self.scenes,
        }

    @classmethod
    def of(cls, dataset: Any) -> "Notes":
        kept = dataset.info[INFO]
        mark = None if kept["mark"] is None else datetime.fromisoformat(kept["mark"])
        return cls(
            kept["event"],
            kept["parts"],
            mark,
            kept["left"],
            kept["suspects"],
            kept["arranged"],
            kept.get("scenes", ""),  # not there in datasets that were made before there were any
        )


def open_dataset(curation: Curation) -> Any | None:
    """The project's dataset; None where there is none, or one that must be made anew."""
    fo = curation.fiftyone
    if not fo.dataset_exists(curation.dataset_name):
        return None
    dataset = fo.load_dataset(curation.dataset_name)
    dataset.reload()
    complete = dataset.info.get(INFO, {}).get("format") == FORMAT
    return dataset if complete else None
