"""The sweeps that frames were made from."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from prelabel.datasets.errors import BadInputError
from prelabel.datasets.lidar.derived_frames import FrameEntry, FrameIndex
from prelabel.datasets.lidar.sources import open_sweeps
from prelabel.datasets.lidar.sweeps import Sweep, SweepSet


def source_of_frames(index: FrameIndex) -> SweepSet:
    """The dataset that frames were made from; BadInputError where it is gone."""
    source = Path(index.source)
    if not source.exists():
        raise BadInputError(f"{source}: the sweeps that the frames were made from are not there")
    return open_sweeps(source)


def sweeps_with_frames(index: FrameIndex) -> Iterator[tuple[Sweep, tuple[FrameEntry, ...]]]:
    """The sweeps that bird's-eye frames show, each with all its frames, in the source's order."""
    entries: dict[str, list[FrameEntry]] = defaultdict(list)
    for entry in index.frames:
        entries[entry.sweep].append(entry)
    for sweep in source_of_frames(index).sweeps:
        if sweep.name in entries:
            yield sweep, tuple(entries[sweep.name])
