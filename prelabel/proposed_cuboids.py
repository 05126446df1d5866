"""What a detector proposes on bird's-eye frames, as cuboids that say how far off they may be."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from prelabel.carrying import labels_of_people
from prelabel.datasets.files import write_whole
from prelabel.datasets.formats.export import new_folder
from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid
from prelabel.datasets.lidar.corrected import labels_of_sweep
from prelabel.datasets.lidar.derived_frames import FrameEntry, read_index
from prelabel.datasets.lidar.frame_sweeps import sweeps_with_frames
from prelabel.datasets.lidar.ground import find_ground
from prelabel.datasets.lidar.lifting import lift_prediction
from prelabel.datasets.lidar.proposals import CuboidProposals, proposed_once
from prelabel.datasets.lidar.spread_scale import (
    LEAST_ERRORS,
    QUANTITIES,
    SpreadErrors,
    SpreadScale,
)
from prelabel.datasets.lidar.sweeps import Sweep
from prelabel.datasets.predictions import Prediction
from prelabel.datasets.progress import Progress
from prelabel.proposing import NoProposalsError, read_predictions, shown_score
from prelabel.store.records import ModelRecord
from prelabel.store.store import Store
from prelabel.training import learned_frames, project_training_set
from prelabel.workspace import Workspace

CUBOIDS_FILE = "cuboids.csv"
_COLUMNS = (
    "sweep", "class", "score", "x_m", "y_m", "z_m", "length_m", "width_m", "height_m", "yaw_rad",
    "points", *(f"spread_{name}" for name in QUANTITIES),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ProposedCuboids:
    """What was lifted and written: cuboids of sweeps, with spreads that `scale` has made right.

    `errors` counts the proposals by which it was learned, on sweeps that people labelled and that
    did not train the model; None where they are too few, or the detector gives no spread.
    """

    sweeps: int
    cuboids: int
    errors: int
    scale: SpreadScale | None
    table: Path


def write_proposed_cuboids(
    workspace: Workspace, store: Store, frames: Path, folder: Path, progress: Progress
) -> ProposedCuboids:
    """Lift what the newest model proposes to cuboids, into a table in a new folder.

    `frames` is the folder of the bird's-eye frames that the project was made of. Each object counts
    once, whatever the number of tiles that show it; proposals that people would not see are left
    out. Spreads are scaled by what people made of proposals on sweeps that did not train the model,
    so that an interval of 90 % holds 90 % of the errors. Raises NoProposalsError without proposals.
    """
    index = read_index(frames)
    model = store.latest_model()
    ids = [entry.frame_id for entry in index.frames]
    seen = read_predictions(workspace, model.model_id, ids) if model else {}
    if model is None or not seen:
        raise NoProposalsError(
            f"{frames}: none of its frames has proposals yet: run `prelabel propose` first"
        )
    least = shown_score(workspace, store, model)
    labels = labels_of_people(store, _unlearned(workspace, store, model, ids))
    found: list[tuple[str, CuboidProposals]] = []
    errors: list[SpreadErrors] = []
    with progress.task("lift proposals", None) as advance:
        for sweep, entries in sweeps_with_frames(index):
            own = proposals_of_sweep(sweep, entries, seen, least)
            found.append((sweep.name, own))
            if own.spread_m is not None and all(one.frame_id in labels for one in entries):
                labelled = [(one, labels[one.frame_id]) for one in entries]
                true = labels_of_sweep(sweep, labelled, store.classes())
                errors.append(SpreadErrors.of([own], [true.cuboids]))
            advance()
    known = SpreadErrors.joined(errors)
    scale = SpreadScale.fitted(known) if len(known) >= LEAST_ERRORS else None
    with new_folder(folder) as beside:
        write_whole(beside / CUBOIDS_FILE, _table(found, store.classes(), scale).encode())
    count = sum(len(own) for _, own in found)
    return ProposedCuboids(len(found), count, len(known), scale, folder / CUBOIDS_FILE)


def proposals_of_sweep(
    sweep: Sweep,
    entries: Sequence[FrameEntry],
    seen: Mapping[str, Prediction],
    least_score: float = 0.0,
) -> CuboidProposals:
    """What a detector proposes on the frames of one sweep as cuboids, each object once."""
    cloud = sweep.load()
    ground = find_ground(cloud)
    parts = []
    for entry in entries:
        if entry.frame_id in seen:
            grid = BirdsEyeGrid.from_settings(entry.grid)
            lifted = lift_prediction(seen[entry.frame_id], grid, cloud, ground)
            parts.append((grid, lifted.take(lifted.score >= least_score)))
    return proposed_once(parts)


def _unlearned(
    workspace: Workspace, store: Store, model: ModelRecord, frame_ids: Sequence[str]
) -> list[str]:
    """Those of the frames that did not train the model."""
    examples = project_training_set(workspace, store).validation
    validation = {one.frame.frame_id for one in examples}
    learned = learned_frames(model)
    return [
        frame_id
        for frame_id in frame_ids
        if frame_id in validation or (learned is not None and frame_id not in learned)
    ]


def _table(
    found: Sequence[tuple[str, CuboidProposals]], classes: Sequence[str], scale: SpreadScale | None
) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(_COLUMNS)
    for sweep, own in found:
        told = own if scale is None else scale.of(own)
        for row in range(len(told)):
            cuboids = told.cuboids
            place = *cuboids.centre_m[row], *cuboids.size_m[row], cuboids.yaw[row]
            points = "" if told.points is None else int(told.points[row])
            table.writerow(
                (sweep, classes[told.class_id[row]], f"{told.score[row]:.4f}",
                 *(f"{value:.4f}" for value in place), points, *_spread(told, row))
            )  # fmt: skip
    return text.getvalue()


def _spread(told: CuboidProposals, row: int) -> tuple[str, ...]:
    if told.spread_m is None or told.spread_yaw is None:
        return ("",) * len(QUANTITIES)
    return tuple(f"{value:.4f}" for value in (*told.spread_m[row], told.spread_yaw[row]))
