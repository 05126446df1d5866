"""Cameras against lidar in a project: what only one of them sees, and which frames hold most of it.

Two projects see the same moments: one of bird's-eye frames, one of the cameras' pictures. Cuboids
are those that people left, or else those that the detector proposes.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from prelabel.active.frame_score import FrameScore
from prelabel.active.given import write_scores
from prelabel.carrying import SCORES_FILE, labels_of_people
from prelabel.datasets.arrays import Float64s, Int64s
from prelabel.datasets.files import write_whole
from prelabel.datasets.formats.export import new_folder
from prelabel.datasets.lidar.cameras import Camera
from prelabel.datasets.lidar.corrected import labels_of_sweep
from prelabel.datasets.lidar.cuboids import Cuboids
from prelabel.datasets.lidar.derived_frames import FrameEntry, read_index
from prelabel.datasets.lidar.frame_sweeps import sweeps_with_frames
from prelabel.datasets.lidar.fusion import (
    Comparison,
    Conflict,
    Finding,
    Habits,
    compare_views,
)
from prelabel.datasets.lidar.projection import ProjectedCuboids, project_cuboids
from prelabel.datasets.lidar.sweeps import Sweep
from prelabel.datasets.pictures import frame_id_of, picture_bytes
from prelabel.datasets.predictions import Prediction
from prelabel.datasets.progress import Progress
from prelabel.proposed_cuboids import proposals_of_sweep
from prelabel.proposing import NoProposalsError, read_predictions
from prelabel.store.store import Store
from prelabel.workspace import Workspace

FINDINGS_FILE = "findings.csv"
_TOLD = 2  # findings named in the reason of a frame; the others are counted
_COLUMNS = (
    "weight", "conflict", "sweep", "camera", "frame_id", "picture_frame_id", "box_id", "class",
    "distance_m", "left", "top", "right", "bottom", "words",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two projects."""

    workspace: Workspace
    store: Store


@dataclass(frozen=True, slots=True)
class ViewFinding:
    """A difference between one camera and the cuboids of one moment, as a person can look it up.

    `weight` is 0 to 1; `box_id` that of the cuboid, None where there is none, or nobody has
    labelled it; `xyxy` pixels of the camera's picture; `words` one sentence.
    """

    weight: float
    conflict: Conflict
    sweep: str
    camera: str
    frame_id: str
    picture_frame_id: str
    box_id: str | None
    class_name: str
    distance_m: float | None
    xyxy: tuple[float, float, float, float]
    words: str


@dataclass(frozen=True, slots=True)
class Compared:
    """What was compared, and where it was written: a view of label errors, and scores of frames."""

    moments: int
    pictures: int
    findings: tuple[ViewFinding, ...]
    findings_file: Path
    scores: Path


def compare_projects(
    lidar: Side, pictures: Side, frames: Path, folder: Path, progress: Progress
) -> Compared:
    """Compare cuboids with the newest proposals on the cameras' pictures, into a new folder.

    `frames` is the folder of the bird's-eye frames that the project `lidar` was made of.
    `findings.csv` lists every difference, the weightiest first; `scores.csv` adds them up by frame.
    Raises NoProposalsError where no picture of the sweeps' cameras has proposals.
    """
    index = read_index(frames)
    model = pictures.store.latest_model()
    if model is None:
        raise NoProposalsError(
            f"{pictures.workspace.folder}: has no proposals yet: run `prelabel propose` there first"
        )
    views: list[_View] = []
    moments = 0
    classes = index.classes, pictures.store.classes()
    with progress.task("compare cameras and lidar", None) as advance:
        for sweep, entries in sweeps_with_frames(index):
            if not sweep.cameras:
                continue
            scene = _scene(lidar, sweep, entries)
            ids = [frame_id_of(picture_bytes(one.picture)) for one in sweep.cameras]
            told = read_predictions(pictures.workspace, model.model_id, ids)
            for taken, picture_id in zip(sweep.cameras, ids, strict=True):
                if picture_id in told:
                    views.append(_view(scene, sweep, taken.camera, told[picture_id], classes))
            moments += 1
            advance()
    if not views:
        raise NoProposalsError(
            f"{pictures.workspace.folder}: none of its proposals is of a picture that the cameras "
            f"of {index.source} took: import them there (`prelabel lidar frames --view cameras`)"
        )
    habits = Habits.of([(one.seen, one.picture, one.compared) for one in views])
    found = [one for view in views for one in _findings(view, habits, classes)]
    found.sort(key=lambda one: (-one.weight, one.sweep, one.camera, one.xyxy))
    with new_folder(folder) as beside:
        write_whole(beside / FINDINGS_FILE, _table(found).encode())
        write_scores(beside / SCORES_FILE, _scores(found))
    where = folder / FINDINGS_FILE, folder / SCORES_FILE
    return Compared(moments, len(views), tuple(found), *where)


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """The cuboids of one moment; `box_id` (n,) None for those that a detector proposes."""

    sweep: str
    frame_id: str
    cuboids: Cuboids
    class_id: Int64s
    score: Float64s
    box_id: Sequence[str | None]


def _scene(side: Side, sweep: Sweep, entries: Sequence[FrameEntry]) -> _Scene:
    """The cuboids that people left in a sweep, or else those of proposals on its frames."""
    ids = [entry.frame_id for entry in entries]
    labels = labels_of_people(side.store, ids)
    if len(labels) == len(ids):
        labelled = [(entry, labels[entry.frame_id]) for entry in entries]
        own = labels_of_sweep(sweep, labelled, side.store.classes())
        ones = np.ones(len(own))
        return _Scene(sweep.name, ids[0], own.cuboids, own.class_id, ones, own.box_id)
    model = side.store.latest_model()
    seen = read_predictions(side.workspace, model.model_id, ids) if model else {}
    told = proposals_of_sweep(sweep, entries, seen)
    score = told.score.astype(np.float64)
    nobodys = [None] * len(told)
    return _Scene(sweep.name, ids[0], told.cuboids, told.class_id, score, nobodys)


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """One camera at one moment."""

    scene: _Scene
    camera: str
    seen: ProjectedCuboids
    picture: Prediction
    compared: Comparison


Classes = tuple[Sequence[str], Sequence[str]]  # of the lidar's project, and of the cameras'


def _view(
    scene: _Scene, sweep: Sweep, camera: Camera, picture: Prediction, classes: Classes
) -> _View:
    seen = project_cuboids(scene.cuboids, camera, sweep.load())
    own, theirs = ([name.casefold() for name in names] for names in classes)
    same = [[one == other for other in theirs] for one in own]
    compared = compare_views(seen, scene.class_id, scene.score, picture, same)
    return _View(scene, camera.name, seen, picture, compared)


def _findings(view: _View, habits: Habits, classes: Classes) -> Iterator[ViewFinding]:
    """What differs, but for classes that only one of the two detectors knows by name."""
    own, theirs = ({name.casefold() for name in names} for names in classes)
    scene, seen, picture = view.scene, view.seen, view.picture
    rows = {cuboid: at for at, cuboid in enumerate(seen.rows.tolist())}
    for finding in view.compared.findings:
        names = _class_names(finding, scene, picture, classes)
        known = [
            name is None or name.casefold() in other
            for name, other in zip(names, (theirs, own), strict=True)
        ]
        weight = habits.surprise(finding, seen, picture)
        if weight <= 0 or not all(known):
            continue
        at = None if finding.cuboid is None else rows[finding.cuboid]
        boxes, row = (seen.boxes, at) if at is not None else (picture.boxes, finding.detection)
        left, top, right, bottom = boxes.xyxy[row].tolist()
        distance = None if at is None else float(seen.depth_m[at])
        yield ViewFinding(
            weight,
            finding.conflict,
            scene.sweep,
            view.camera,
            scene.frame_id,
            picture.frame_id,
            None if finding.cuboid is None else scene.box_id[finding.cuboid],
            names[0] or names[1] or "",
            distance,
            (left, top, right, bottom),
            _words(finding, view.camera, names, distance, picture),
        )


def _class_names(
    finding: Finding,
    scene: _Scene,
    picture: Prediction,
    classes: Classes,
) -> tuple[str | None, str | None]:
    """What lidar and camera call the object, None where one of them does not see it."""
    own = None if finding.cuboid is None else classes[0][int(scene.class_id[finding.cuboid])]
    if finding.detection is None:
        return own, None
    return own, classes[1][int(picture.class_id[finding.detection])]


def _words(
    finding: Finding,
    camera: str,
    names: tuple[str | None, str | None],
    distance: float | None,
    picture: Prediction,
) -> str:
    score = 0.0 if finding.detection is None else float(picture.score[finding.detection])
    away = "" if distance is None else f", {distance:.0f} m away,"
    match finding.conflict:
        case Conflict.ONLY_CAMERA:
            return f"{camera} sees a {names[1]} ({score:.2f}) where the lidar has none"
        case Conflict.ONLY_LIDAR:
            return f"a {names[0]}{away} is in plain sight of {camera}, which does not see it"
        case Conflict.CLASS:
            return (
                f"what the lidar calls a {names[0]}{away} is a {names[1]} ({score:.2f}) to {camera}"
            )
        case Conflict.PLACE:
            return f"lidar and {camera} see a {names[0]}{away} at places that fit loosely"


def _scores(found: Sequence[ViewFinding]) -> list[FrameScore]:
    """The weights of each frame's findings, added up, and the weightiest of them in words."""
    by_frame: dict[str, list[ViewFinding]] = {}
    for one in found:
        by_frame.setdefault(one.frame_id, []).append(one)
    return [
        FrameScore(frame_id, sum(one.weight for one in own), reason_of(own))
        for frame_id, own in by_frame.items()
    ]


def reason_of(found: Sequence[ViewFinding]) -> str:
    """What people are told who are asked about these findings on one frame."""
    told = "; ".join(one.words for one in found[:_TOLD])
    return told + (f"; and {len(found) - _TOLD} more" if len(found) > _TOLD else "")


def _table(found: Sequence[ViewFinding]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(_COLUMNS)
    for one in found:
        distance = "" if one.distance_m is None else f"{one.distance_m:.1f}"
        place = [f"{value:.1f}" for value in one.xyxy]
        table.writerow(
            (f"{one.weight:.4f}", one.conflict.value, one.sweep, one.camera, one.frame_id,
             one.picture_frame_id, one.box_id or "", one.class_name, distance, *place, one.words)
        )  # fmt: skip
    return text.getvalue()
