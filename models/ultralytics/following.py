"""Following what a detector sees from frame to frame."""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.arrays import Float32s, Int64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import MissingExtraError
from prelabel.models.ultralytics.confinement import confine

# Those of ByteTrack as the framework ships it, but that a low score does not hinder a match: faint
# boxes are what it was made for, and what people corrected has a score of 1.
_SETTINGS = {
    "track_high_thresh": 0.25,
    "track_low_thresh": 0.1,
    "new_track_thresh": 0.25,
    "match_thresh": 0.8,
    "fuse_score": False,
}


@dataclass(frozen=True, slots=True)
class _Detections:
    """Boxes in the form that the tracker asks for."""

    xywh: Float32s
    conf: Float32s
    cls: Float32s

    def __len__(self) -> int:
        return len(self.conf)

    def __getitem__(self, rows: NDArray[np.bool_]) -> "_Detections":
        return _Detections(self.xywh[rows], self.conf[rows], self.cls[rows])


def follow_boxes(
    frames: Sequence[tuple[Boxes, Float32s]], state_folder: Path, longest_gap: int = 30
) -> list[Int64s]:
    """The number of the track of each box, (n,) for each frame in turn; -1 for those of none.

    `frames` are upright boxes and their scores (n,). Zhang et al., "ByteTrack: multi-object
    tracking by associating every detection box", ECCV 2022, as ultralytics has it; an object may
    be unseen for `longest_gap` frames. Raises MissingExtraError where ultralytics or its solver of
    assignments is not installed.
    """
    confine(state_folder)
    if importlib.util.find_spec("lap") is None:
        raise MissingExtraError("ultralytics", "following objects from frame to frame")
    from ultralytics.trackers.byte_tracker import BYTETracker

    settings = SimpleNamespace(**_SETTINGS, track_buffer=longest_gap)
    tracker = BYTETracker(settings)  # type: ignore[no-untyped-call]  # the framework has no types
    numbers = []
    for boxes, score in frames:
        tracker.update(_detections(boxes, score))
        own = np.full(len(boxes), -1, np.int64)
        # What it returns leaves out tracks that have just begun: the first sight of an object.
        for track in tracker.tracked_stracks:
            if track.frame_id == tracker.frame_id:
                own[int(track.idx)] = int(track.track_id)
        numbers.append(own)
    return numbers


def _detections(boxes: Boxes, score: Float32s) -> _Detections:
    corners = boxes.xyxy
    middle, size = (corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]
    return _Detections(
        np.concatenate([middle, size], axis=1), score, np.zeros(len(boxes), np.float32)
    )
