"""Following what a detector sees from frame to frame, with the trackers of ultralytics."""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.arrays import Float32s, Int64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import InvalidValueError, MissingExtraError
from prelabel.datasets.frames import Frame
from prelabel.datasets.pictures import read_picture
from prelabel.models.ultralytics.confinement import confine

# As the framework ships both, but that a low score does not hinder a match: faint boxes are what
# ByteTrack was made for, and what people corrected has a score of 1.
_SETTINGS = {
    "track_high_thresh": 0.25,
    "track_low_thresh": 0.1,
    "new_track_thresh": 0.25,
    "match_thresh": 0.8,
    "fuse_score": False,
}
# What BoT-SORT has beyond them: the camera's own motion, from points that flow from picture to
# picture. Looks are not compared, which takes a net of its own.
_CAMERA_MOTION = {
    "gmc_method": "sparseOptFlow",
    "proximity_thresh": 0.5,
    "appearance_thresh": 0.8,
    "with_reid": False,
}


class Tracker(StrEnum):
    """How boxes of one frame are matched to those of the next."""

    BYTETRACK = "bytetrack"  # by overlap; surer boxes first, then fainter ones
    BOTSORT = "botsort"  # the same, after the pictures have told how the camera moved


@dataclass(frozen=True, slots=True)
class _Detections:
    """Boxes in the form that the trackers ask for."""

    xyxy: Float32s
    xywh: Float32s
    conf: Float32s
    cls: Float32s

    def __len__(self) -> int:
        return len(self.conf)

    def __getitem__(self, rows: NDArray[np.bool_]) -> "_Detections":
        return _Detections(self.xyxy[rows], self.xywh[rows], self.conf[rows], self.cls[rows])


def follow_boxes(
    frames: Sequence[tuple[Boxes, Float32s]],
    state_folder: Path,
    longest_gap: int = 30,
    tracker: Tracker = Tracker.BYTETRACK,
    pictures: Sequence[Frame] = (),
) -> list[Int64s]:
    """The number of the track of each box, (n,) for each frame in turn; -1 for those of none.

    `frames` are upright boxes and their scores (n,); an object may be unseen for `longest_gap` of
    them. Zhang et al., "ByteTrack: multi-object tracking by associating every detection box", ECCV
    2022, or Aharon et al., "BoT-SORT: robust associations multi-pedestrian tracking", 2022, which
    looks at the `pictures` of all frames; both as ultralytics has them. Raises MissingExtraError
    where ultralytics or its solver of assignments is not installed, InvalidValueError for BoT-SORT
    without a picture for each frame, and UnusablePictureError where one cannot be read.
    """
    if tracker is Tracker.BOTSORT and len(pictures) != len(frames):
        raise InvalidValueError(
            f"{tracker} looks at the picture of each frame: {len(frames)} frames need as many, but "
            f"there are {len(pictures)}"
        )
    confine(state_folder)
    if importlib.util.find_spec("lap") is None:
        raise MissingExtraError("ultralytics", "following objects from frame to frame")
    following = _tracker(tracker, longest_gap)
    numbers = []
    for at, (boxes, score) in enumerate(frames):
        pixels = read_picture(pictures[at]) if tracker is Tracker.BOTSORT else None
        following.update(_detections(boxes, score), pixels)
        own = np.full(len(boxes), -1, np.int64)
        # What it returns leaves out tracks that have just begun: the first sight of an object.
        for track in following.tracked_stracks:
            if track.frame_id == following.frame_id:
                own[int(track.idx)] = int(track.track_id)
        numbers.append(own)
    return numbers


def _tracker(tracker: Tracker, longest_gap: int) -> Any:
    """The framework's tracker; it has no types."""
    if tracker is Tracker.BYTETRACK:
        from ultralytics.trackers.byte_tracker import BYTETracker

        settings = SimpleNamespace(**_SETTINGS, track_buffer=longest_gap)
        return BYTETracker(settings)  # type: ignore[no-untyped-call]  # the framework has no types
    from ultralytics.trackers.bot_sort import BOTSORT

    return BOTSORT(SimpleNamespace(**_SETTINGS, **_CAMERA_MOTION, track_buffer=longest_gap))


def _detections(boxes: Boxes, score: Float32s) -> _Detections:
    corners = boxes.xyxy
    middle, size = (corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]
    return _Detections(
        corners, np.concatenate([middle, size], axis=1), score, np.zeros(len(boxes), np.float32)
    )
