"""Corrected bird's-eye frames back to sweeps with cuboids."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from prelabel.datasets.annotations import AnnotationSet, OriginKind
from prelabel.datasets.arrays import Bools
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import BadInputError
from prelabel.datasets.frames import LabelledFrame
from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid
from prelabel.datasets.lidar.coordinates import wrapped
from prelabel.datasets.lidar.cuboids import CuboidLabels, Cuboids
from prelabel.datasets.lidar.derived_frames import FrameEntry, FrameIndex, KnownCuboid
from prelabel.datasets.lidar.frame_sweeps import source_of_frames
from prelabel.datasets.lidar.ground import find_ground
from prelabel.datasets.lidar.lifting import lift_boxes
from prelabel.datasets.lidar.sweeps import Sweep, SweepSet
from prelabel.datasets.lidar.tile_merging import TileBoxes, most_trusted, shown_once

# A box that comes back within these was not touched; float32 pixels are a thousandth of one off.
_SAME_PX, _SAME_TURN, _SAME_HEIGHT_M = 0.01, 1e-4, 1e-3
_BY_HAND = (OriginKind.DRAWN, OriginKind.CHANGED, OriginKind.PROPOSED)


def corrected_sweeps(
    frames: Iterable[LabelledFrame], classes: tuple[str, ...], index: FrameIndex
) -> SweepSet:
    """The sweeps that frames were made from, with cuboids for the boxes that the frames have now.

    A box that is as it was keeps its cuboid to the last digit. One that was changed keeps the side
    that is its front; a new one's longer side is its length. Bottom and top are those that the box
    has, otherwise those of its cuboid, otherwise those of its points. Frames that are not of
    `index` are left out; sweeps without a labelled frame keep the labels they have. Raises
    BadInputError where the points are gone.
    """
    entries = {entry.frame_id: entry for entry in index.frames}
    labelled: dict[str, list[tuple[FrameEntry, AnnotationSet]]] = {}
    for one in frames:
        entry = entries.get(one.frame.frame_id)
        if entry is not None and one.annotations is not None:
            labelled.setdefault(entry.sweep, []).append((entry, one.annotations))
    opened = source_of_frames(index)
    merging = _Merging(labelled, classes, opened.classes)
    return SweepSet(opened.format, classes, merging.sweeps(opened.sweeps), opened.notes)


@dataclass(frozen=True, slots=True)
class _Merging:
    labelled: dict[str, list[tuple[FrameEntry, AnnotationSet]]]
    classes: tuple[str, ...]
    own_classes: tuple[str, ...]

    def sweeps(self, sweeps: Iterable[Sweep]) -> Iterator[Sweep]:
        for sweep in sweeps:
            own = self.labelled.get(sweep.name)
            if own is None:
                yield replace(sweep, labels=self._renumbered(sweep))
            else:
                yield replace(sweep, labels=labels_of_sweep(sweep, own, self.classes))

    def _renumbered(self, sweep: Sweep) -> CuboidLabels | None:
        """Labels of a sweep that has no frame, their classes by the order asked for."""
        labels = sweep.labels
        if labels is None or self.classes == self.own_classes:
            return labels
        names = [self.own_classes[class_id] for class_id in labels.class_id]
        missing = set(names) - set(self.classes)
        if missing:
            raise BadInputError(
                f"sweep {sweep.name}: class {min(missing)!r} is not among the classes of the frames"
            )
        ids = [self.classes.index(name) for name in names]
        return CuboidLabels(labels.cuboids, ids, labels.box_id, labels.origin, labels.track)


def labels_of_sweep(
    sweep: Sweep, frames: list[tuple[FrameEntry, AnnotationSet]], classes: Sequence[str]
) -> CuboidLabels:
    """The cuboids of one sweep from the boxes of all its frames; `classes` names their classes.

    What several tiles show counts once: an object that was known before as the tile has it in which
    a person changed it, anything else as the tile that shows it whole (see `shown_once`). What was
    deleted in one of them comes back from the others: delete it in all. Objects that were there
    before keep their tracks; a new one has that of its own id.
    """
    if not frames:
        return CuboidLabels.empty()
    cloud = sweep.load()
    ground = find_ground(cloud)
    ids: list[str] = []
    tiles: list[TileBoxes] = []
    for number, (entry, annotations) in enumerate(frames):
        known = {one.box_id: one for one in entry.cuboids}
        grid = BirdsEyeGrid.from_settings(entry.grid)
        lifted, _ = lift_boxes(annotations.boxes, grid, cloud, ground)
        cuboids = _raised(_with_known(lifted, annotations, grid, known), annotations)
        trust = _of_people(cuboids, annotations, known, classes).astype(np.float64)
        was_known = np.array([one in known for one in annotations.box_id], np.bool_)
        ids += [known[one].object_id if one in known else one for one in annotations.box_id]
        tiles.append(
            TileBoxes.of_tile(number, grid, cuboids, annotations.class_id, trust, was_known)
        )
    boxes = TileBoxes.joined(tiles)
    best = most_trusted(boxes, ids)
    kept = best[shown_once(boxes.take(best))]
    origins = [origin for _, annotations in frames for origin in annotations.origin]
    before = _tracks(sweep)
    own = [ids[row] for row in kept]
    return CuboidLabels(
        boxes.cuboids.take(kept),
        boxes.class_id[kept],
        own,
        [origins[row] for row in kept],
        [before.get(one, one) for one in own] if before else None,
    )


def _of_people(
    cuboids: Cuboids,
    boxes: AnnotationSet,
    known: dict[str, KnownCuboid],
    classes: Sequence[str],
) -> Bools:
    """Which boxes a person drew, accepted, moved, raised or gave another class."""
    found = np.zeros(len(cuboids), np.bool_)
    for row, box_id in enumerate(boxes.box_id):
        before = known.get(box_id)
        found[row] = (
            boxes.origin[row].kind in _BY_HAND
            or before is None
            or before.class_name not in (None, classes[boxes.class_id[row]])
            or cuboids.centre_m[row].tolist() != list(before.centre_m)
            or cuboids.size_m[row].tolist() != list(before.size_m)
            or float(cuboids.yaw[row]) != before.yaw
        )
    return found


def _tracks(sweep: Sweep) -> dict[str, str]:
    labels = sweep.labels
    if labels is None or labels.track is None:
        return {}
    return dict(zip(labels.box_id, labels.track, strict=True))


def _with_known(
    lifted: Cuboids, boxes: AnnotationSet, grid: BirdsEyeGrid, known: dict[str, KnownCuboid]
) -> Cuboids:
    """Lifted cuboids, those that were known before as they were or with the height they had."""
    centre, size, yaw = lifted.centre_m.copy(), lifted.size_m.copy(), lifted.yaw.copy()
    for row, box_id in enumerate(boxes.box_id):
        before = known.get(box_id)
        if before is None:
            continue
        was = Cuboids([before.centre_m], [before.size_m], [before.yaw], grid.frame)
        if _untouched(boxes.boxes.take([row]), grid.boxes(was)):
            centre[row], size[row], yaw[row] = before.centre_m, before.size_m, before.yaw
            continue
        # The side that was the front: lifting goes by the longer side, and knows no front.
        quarter = round(float(wrapped(np.array(before.yaw - yaw[row]))) / (np.pi / 2))
        yaw[row] = wrapped(np.array(yaw[row] + quarter * np.pi / 2))
        if quarter % 2:
            size[row, :2] = size[row, 1::-1]
        size[row, 2] = before.size_m[2]
        centre[row, 2] = before.centre_m[2]
    return Cuboids(centre, size, yaw, grid.frame)


def _raised(cuboids: Cuboids, boxes: AnnotationSet) -> Cuboids:
    """Cuboids between the heights that their boxes have, where they have any that are others."""
    if boxes.height_m is None:
        return cuboids
    centre, size = cuboids.centre_m.copy(), cuboids.size_m.copy()
    said = boxes.height_m.astype(np.float64)
    # What comes back as it was keeps every digit of what it was: labels are float32.
    others = np.abs(said - cuboids.heights()).max(axis=1) > _SAME_HEIGHT_M  # False where NaN
    centre[others, 2] = said[others].mean(axis=1)
    size[others, 2] = said[others, 1] - said[others, 0]
    return Cuboids(centre, size, cuboids.yaw, cuboids.frame)


def _untouched(box: Boxes, was: Boxes) -> bool:
    if box.angle is None or was.angle is None:
        return False
    turned = float(np.abs(wrapped(box.angle - was.angle))[0])
    return bool(np.abs(box.xyxy - was.xyxy).max() <= _SAME_PX and turned <= _SAME_TURN)
