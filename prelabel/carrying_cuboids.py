"""Cuboids carried from corrected sweeps to the other sweeps of their recording."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from prelabel.active.frame_score import FrameScore
from prelabel.carrying import (
    Carried,
    CarriedFrame,
    CarryOptions,
    asked_frames,
    carried_id,
    labels_of_people,
    write_carried,
)
from prelabel.datasets.annotations import AnnotationSet, Origin, OriginKind
from prelabel.datasets.errors import BadInputError
from prelabel.datasets.files import write_whole
from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid
from prelabel.datasets.lidar.carrying import CarriedCuboids
from prelabel.datasets.lidar.coordinates import Transform
from prelabel.datasets.lidar.corrected import labels_of_sweep
from prelabel.datasets.lidar.cuboids import CuboidLabels
from prelabel.datasets.lidar.derived_frames import (
    INDEX_FILE,
    FrameEntry,
    FrameIndex,
    known_cuboids,
    read_index,
)
from prelabel.datasets.lidar.frame_sweeps import sweeps_with_frames
from prelabel.datasets.lidar.lifting import footprints_on_ground
from prelabel.datasets.lidar.proposals import CuboidProposals, proposed_once
from prelabel.datasets.lidar.sweep_recordings import SweepRecording
from prelabel.datasets.lidar.sweeps import Sweep
from prelabel.datasets.predictions import Prediction
from prelabel.datasets.progress import Progress
from prelabel.models.ultralytics.following import follow_boxes
from prelabel.proposing import read_predictions
from prelabel.store.store import Store
from prelabel.workspace import Workspace


@dataclass(frozen=True, slots=True)
class _Shown:
    """A sweep and the bird's-eye frames that show it."""

    sweep: Sweep
    entries: tuple[FrameEntry, ...]

    def is_in(self, seen: Mapping[str, Prediction]) -> bool:
        """Whether a detector looked at any of its frames."""
        return any(entry.frame_id in seen for entry in self.entries)


def carry_sweeps(
    workspace: Workspace,
    store: Store,
    frames: Path,
    folder: Path,
    options: CarryOptions,
    progress: Progress,
) -> Carried:
    """Carry the cuboids of a project's recordings into a new folder.

    `frames` is the folder of the bird's-eye frames that the project was made of. Key frames are
    sweeps whose frames people labelled, all of them; proposals of the newest model say what is
    there in between. The folder also holds `lidar.json`, by which carried boxes become the carried
    cuboids again. Raises BadInputError where nothing is labelled, or poses or times are missing.
    """
    index = read_index(frames)
    model = store.latest_model()
    follow = partial(follow_boxes, state_folder=workspace.state_folder)
    labels = labels_of_people(store, [entry.frame_id for entry in index.frames])
    done: list[CarriedFrame] = []
    scores: list[FrameScore] = []
    entries: list[FrameEntry] = []
    recordings = keys = 0
    for shown in _recordings(index):
        corrected = _corrected(shown, labels, store.classes())
        if not corrected:
            continue
        ids = [entry.frame_id for one in shown for entry in one.entries]
        seen = read_predictions(workspace, model.model_id, ids) if model else {}
        recording = SweepRecording(
            np.array([one.sweep.time_s for one in shown], np.float64),
            _poses(shown),
            corrected,
            {at: _proposed(one, seen) for at, one in enumerate(shown) if one.is_in(seen)},
            follow,
        )
        for one, entry in _carried_frames(store, shown, recording):
            done.append(one)
            entries.append(entry)
        scores += asked_frames([one.entries[0].frame_id for one in shown], recording, options.ask)
        recordings, keys = recordings + 1, keys + len(corrected)
    if not recordings:
        raise BadInputError(
            f"{frames}: no sweep of a recording has labels to carry: label the frames of some first"
        )
    written = write_carried(folder, store.classes(), done, scores, (recordings, keys), progress)
    changed = {entry.frame_id: entry for entry in entries}
    kept = [changed.get(entry.frame_id, entry) for entry in index.frames]
    known = msgspec.structs.replace(index, classes=list(store.classes()), frames=kept)
    write_whole(folder / INDEX_FILE, msgspec.json.encode(known))
    return written


def _recordings(index: FrameIndex) -> Iterator[list[_Shown]]:
    """The sweeps of each recording that frames show, in their order."""
    found: dict[str, list[_Shown]] = defaultdict(list)
    for sweep, entries in sweeps_with_frames(index):
        if sweep.sequence is not None:
            if sweep.pose is None or sweep.time_s is None:
                raise BadInputError(
                    f"sweep {sweep.name} has no pose or no time: nothing is carried"
                )
            found[sweep.sequence].append(_Shown(sweep, entries))
    for own in found.values():
        yield sorted(own, key=lambda one: one.sweep.index or 0)


def _poses(shown: Sequence[_Shown]) -> list[Transform]:
    return [one.sweep.pose for one in shown if one.sweep.pose is not None]


def _corrected(
    shown: Sequence[_Shown], labels: Mapping[str, AnnotationSet], classes: Sequence[str]
) -> dict[int, CuboidLabels]:
    """The cuboids of the sweeps whose frames are labelled, all of them."""
    return {
        at: labels_of_sweep(
            one.sweep, [(entry, labels[entry.frame_id]) for entry in one.entries], classes
        )
        for at, one in enumerate(shown)
        if all(entry.frame_id in labels for entry in one.entries)
    }


def _proposed(shown: _Shown, seen: Mapping[str, Prediction]) -> CuboidProposals:
    """What a detector proposes in a sweep; without heights, which nobody asks for here."""
    parts = []
    for entry in shown.entries:
        own = seen.get(entry.frame_id)
        if own is not None:
            grid = BirdsEyeGrid.from_settings(entry.grid)
            flat = footprints_on_ground(own.boxes, grid)
            parts.append((grid, CuboidProposals(flat, own.score, own.class_id)))
    return proposed_once(parts)


def _carried_frames(
    store: Store, shown: Sequence[_Shown], recording: SweepRecording
) -> Iterator[tuple[CarriedFrame, FrameEntry]]:
    for at, one in enumerate(shown):
        if at in recording.keys:
            continue
        for entry in one.entries:
            labels, annotations = _in_frame(recording.carried[at], one, entry)
            known = known_cuboids(labels, annotations.box_id, store.classes())
            frame = store.frame(entry.frame_id)
            yield (
                CarriedFrame(frame, annotations),
                msgspec.structs.replace(entry, cuboids=known),
            )


def _in_frame(
    carried: CarriedCuboids, shown: _Shown, entry: FrameEntry
) -> tuple[CuboidLabels, AnnotationSet]:
    """What was carried to one frame, as cuboids and as turned boxes.

    A cuboid has one id in all frames of its sweep, its box another in each.
    """
    grid = BirdsEyeGrid.from_settings(entry.grid)
    rows = grid.inside(carried.cuboids)
    cuboids, classes = carried.cuboids.take(rows), carried.class_id[rows]
    spread = (carried.spread_m[rows] / grid.resolution_m).tolist()
    origins = [Origin(OriginKind.CARRIED, spread_px=one) for one in spread]
    tracks = [carried.track[row] for row in rows]
    ids = [carried_id(entry.frame_id, track) for track in tracks]
    own = [carried_id(shown.entries[0].frame_id, track) for track in tracks]
    labels = CuboidLabels(cuboids, classes, own, origins, tracks)
    boxes = grid.boxes(cuboids)
    return labels, AnnotationSet(boxes, classes, ids, origins, cuboids.heights())
