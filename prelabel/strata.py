"""Parts of a pool for which a promise is made on their own: recordings, folders, kinds, sizes."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from prelabel.datasets.frames import Frame, Split
from prelabel.store.store import Store


class By(StrEnum):
    """What the frames of one part have in common."""

    RECORDING = "recording"  # the sequence that they were recorded in
    FOLDER = "folder"  # of their pictures: often a camera, a day or a site
    KIND = "kind"  # pictures, video, and what was made from lidar
    SIZE = "size"  # of their pictures in pixels: often a camera


@dataclass(frozen=True, slots=True)
class Stratum:
    """One part: what its frames have in common, and the ids of all of them, labelled or not."""

    by: By
    value: str
    frame_ids: frozenset[str]

    @property
    def name(self) -> str:
        """The part in words, such as "recording night-3"."""
        return f"{self.by} {self.value}"


def strata_of(store: Store, by: By) -> list[Stratum]:
    """The parts of all frames to train on, by name; frames taken out of the work are in none."""
    excluded = store.excluded()
    ids: dict[str, list[str]] = {}
    for frame in store.frames(Split.TRAIN):
        if frame.frame_id not in excluded:
            ids.setdefault(_value(frame, by), []).append(frame.frame_id)
    return [Stratum(by, value, frozenset(ids[value])) for value in sorted(ids)]


def _value(frame: Frame, by: By) -> str:
    if by is By.RECORDING:
        return frame.sequence or "none"
    if by is By.FOLDER:
        return Path(frame.uri).parent.as_posix()
    if by is By.KIND:
        return frame.kind.value
    return f"{frame.width_px} x {frame.height_px}"
