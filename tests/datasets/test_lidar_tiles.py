"""Overlapping tiles: each object counts once, as the tile has it that shows it best."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from prelabel.datasets.annotations import DRAWN, IMPORTED, AnnotationSet, Origin
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid
from prelabel.datasets.lidar.corrected import labels_of_sweep
from prelabel.datasets.lidar.cuboids import CuboidLabels, Cuboids, footprint_iou
from prelabel.datasets.lidar.derived_frames import FrameEntry, known_cuboids
from prelabel.datasets.lidar.points import PointCloud
from prelabel.datasets.lidar.proposals import CuboidProposals, proposed_once
from prelabel.datasets.lidar.sweeps import Sweep

NEAR, FAR = BirdsEyeGrid(0, 30, -15, 15), BirdsEyeGrid(18, 48, -15, 15)
CLASSES = ("car", "van")
CAR = "7f3b0a52-0d3f-4a08-9a33-1c2d3e4f5a01"
OTHER = "7f3b0a52-0d3f-4a08-9a33-1c2d3e4f5a02"
VIEW = "7f3b0a52-0d3f-4a08-9a33-1c2d3e4f5a03"


def cuboids(*rows: tuple[float, float, float, float, float]) -> Cuboids:
    """x, y, length, width, yaw of each, standing on the ground."""
    table = np.array(rows, np.float64).reshape(-1, 5)
    ones = np.ones((len(table), 1))
    return Cuboids(
        np.hstack([table[:, :2], 0.75 * ones]), np.hstack([table[:, 2:4], 1.5 * ones]), table[:, 4]
    )


def proposals(found: Cuboids, score: Sequence[float], classes: Sequence[int]) -> CuboidProposals:
    return CuboidProposals(found, np.array(score, np.float32), np.array(classes, np.int64))


def seen_in(grid: BirdsEyeGrid, found: Cuboids) -> tuple[Cuboids, Float64s]:
    """What a detector that sees no farther than the tile makes of cuboids that lie along x."""
    low = (found.centre_m[:, 0] - found.size_m[:, 0] / 2).clip(grid.x_min_m, grid.x_max_m)
    high = (found.centre_m[:, 0] + found.size_m[:, 0] / 2).clip(grid.x_min_m, grid.x_max_m)
    rows = np.flatnonzero(high - low > 0.3)
    centre, size = found.centre_m[rows].copy(), found.size_m[rows].copy()
    centre[:, 0], size[:, 0] = ((low + high) / 2)[rows], (high - low)[rows]
    return Cuboids(centre, size, found.yaw[rows]), rows.astype(np.float64)


@pytest.mark.parametrize("middle_m", [16.2, 17.0, 18.5, 24.0, 29.5, 30.5, 31.9])
def test_the_tile_that_shows_an_object_whole_wins(middle_m: float) -> None:
    true = cuboids((middle_m, 3, 4.4, 1.8, 0))
    parts = []
    for grid, sure in ((NEAR, 0.9), (FAR, 0.6)):
        found, rows = seen_in(grid, true)
        parts.append((grid, proposals(found, [sure] * len(rows), [0] * len(rows))))

    for order in (parts, parts[::-1]):
        once = proposed_once(order)

        assert footprint_iou(once.cuboids, true).shape == (1, 1)
        assert footprint_iou(once.cuboids, true)[0, 0] > 0.999


def test_a_part_of_another_class_falls_to_the_whole() -> None:
    whole, part = cuboids((28, 0, 5.0, 2.0, 0)), cuboids((27.2, 0, 4.5, 2.0, 0))
    hidden = cuboids((29.2, 0, 1.4, 2.0, 0))

    once = proposed_once(
        [(NEAR, proposals(hidden, [0.95], [0])), (FAR, proposals(whole, [0.5], [1]))]
    )
    both = proposed_once(
        [(NEAR, proposals(part, [0.95], [0])), (FAR, proposals(whole, [0.5], [1]))]
    )

    assert once.class_id.tolist() == [1]
    assert sorted(both.class_id.tolist()) == [0, 1]  # it ends before the border: two opinions


def test_neighbours_and_boxes_of_one_tile_are_kept() -> None:
    row = cuboids((22, 0, 4, 2, 0.3), (22, 3, 4, 2, 0.3), (26.5, 0, 4, 2, 0.3))
    doubled = cuboids((5, 0, 4, 2, 0), (5.2, 0, 4, 2, 0))

    many = proposed_once(
        [
            (NEAR, proposals(row, [0.9, 0.8, 0.7], [0, 0, 0])),
            (FAR, proposals(row, [0.6, 0.85, 0.5], [0, 0, 0])),
        ]
    )
    alone = proposed_once([(NEAR, proposals(doubled, [0.9, 0.8], [0, 0]))])

    np.testing.assert_allclose(many.score, [0.9, 0.85, 0.7])
    assert len(alone) == 2
    assert len(proposed_once([])) == 0


def ground_sweep(labels: CuboidLabels | None = None) -> Sweep:
    x, y = np.meshgrid(np.arange(0, 48, 0.5), np.arange(-15, 15, 0.5))
    flat = np.column_stack([x.ravel(), y.ravel(), np.zeros(x.size)]).astype(np.float32)
    return Sweep("sweep", lambda: PointCloud(flat), labels=labels)


def entry(grid: BirdsEyeGrid, known: CuboidLabels, box_ids: Sequence[str]) -> FrameEntry:
    frame_id = ("1" if grid is NEAR else "2") * 32
    return FrameEntry(frame_id, "sweep", grid.settings(), known_cuboids(known, box_ids, CLASSES))


def boxes_of(
    grid: BirdsEyeGrid, shown: CuboidLabels, ids: Sequence[str], origin: Origin = IMPORTED
) -> AnnotationSet:
    return AnnotationSet(
        grid.boxes(shown.cuboids), shown.class_id, ids, [origin] * len(shown),
        shown.cuboids.heights(),
    )  # fmt: skip


def known_car(x_m: float) -> CuboidLabels:
    return CuboidLabels(cuboids((x_m, 2, 4.4, 1.8, 0.1)), [0], [CAR], [IMPORTED])


def test_a_correction_in_either_tile_is_what_counts() -> None:
    """The other tile shows the object untouched, and farther from its border."""
    car = known_car(27)
    moved = car.with_cuboids(cuboids((27.6, 2, 4.4, 1.8, 0.1)))
    near, far = entry(NEAR, car, [CAR]), entry(FAR, car, [VIEW])
    as_it_was = boxes_of(NEAR, car, [CAR]), boxes_of(FAR, car, [VIEW])
    van = CuboidLabels(car.cuboids, [1], [CAR], [IMPORTED])

    for first, second, x_m, class_id in (
        (boxes_of(NEAR, moved, [CAR]), as_it_was[1], 27.6, 0),
        (as_it_was[0], boxes_of(FAR, moved, [VIEW]), 27.6, 0),
        (boxes_of(NEAR, van, [CAR]), as_it_was[1], 27.0, 1),
        (as_it_was[0], boxes_of(FAR, van, [VIEW]), 27.0, 1),
        (*as_it_was, 27.0, 0),
    ):
        labels = labels_of_sweep(ground_sweep(car), [(near, first), (far, second)], CLASSES)

        assert labels.box_id == (CAR,)
        assert labels.class_id.tolist() == [class_id]
        np.testing.assert_allclose(labels.cuboids.centre_m[0, 0], x_m, atol=1e-4)


def test_a_drawn_part_falls_to_the_object_that_is_known() -> None:
    car = known_car(31)
    part = CuboidLabels(cuboids((29.4, 2, 1.2, 1.8, 0.1)), [1], [OTHER], [DRAWN])
    near, far = entry(NEAR, CuboidLabels.empty(), []), entry(FAR, car, [CAR])
    shown = [(near, boxes_of(NEAR, part, [OTHER], DRAWN)), (far, boxes_of(FAR, car, [CAR]))]

    labels = labels_of_sweep(ground_sweep(car), shown, CLASSES)

    assert labels.box_id == (CAR,)


def test_known_objects_are_never_taken_for_parts_of_others() -> None:
    """Somebody leans on a van at the border; both were labelled, in different tiles."""
    van = CuboidLabels(cuboids((27, 0, 5, 2, 0)), [1], [CAR], [IMPORTED])
    person = CuboidLabels(cuboids((29.4, 0.8, 0.8, 0.8, 0)), [0], [OTHER], [IMPORTED])
    shown = [
        (entry(FAR, van, [CAR]), boxes_of(FAR, van, [CAR])),
        (entry(NEAR, person, [OTHER]), boxes_of(NEAR, person, [OTHER])),
    ]

    labels = labels_of_sweep(ground_sweep(), shown, CLASSES)

    assert sorted(labels.box_id) == [CAR, OTHER]


def test_a_sweep_whose_frames_are_empty_is_empty() -> None:
    nothing = AnnotationSet(Boxes(np.zeros((0, 4)), np.zeros(0)), [], [], [])
    near = entry(NEAR, CuboidLabels.empty(), [])

    assert len(labels_of_sweep(ground_sweep(), [(near, nothing), (near, nothing)], CLASSES)) == 0
    assert len(labels_of_sweep(replace(ground_sweep(), labels=known_car(5)), [], CLASSES)) == 0
