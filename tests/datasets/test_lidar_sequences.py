"""Cuboids and boxes carried through recordings, key frames, and cameras against lidar."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.geometry import boxes_iou
from prelabel.datasets.lidar.carrying import CarriedCuboids, carry_cuboids
from prelabel.datasets.lidar.coordinates import Transform
from prelabel.datasets.lidar.cuboids import CuboidLabels, cuboid_iou
from prelabel.datasets.lidar.fusion import Conflict, compare_views
from prelabel.datasets.lidar.projection import project_cuboids
from prelabel.datasets.lidar.simulated.options import SweepOptions
from prelabel.datasets.lidar.simulated.sensors import make_cameras
from prelabel.datasets.lidar.simulated.writing import generated_sweeps
from prelabel.datasets.lidar.sweeps import Sweep
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.datasets.recordings.boxes import carry_boxes
from prelabel.datasets.recordings.key_frames import (
    box_disagreement,
    choose_key_frames,
    cuboid_disagreement,
)
from prelabel.datasets.recordings.smoothing import MotionNoise, smoothed


@pytest.fixture(scope="module")
def recording() -> list[Sweep]:
    """Three seconds of a street; few beams, since only the labels matter."""
    options = SweepOptions(7, 1, 0, 0, 31, beams=24, columns=360, least_points=1, crowd=1.5)
    return list(generated_sweeps(options))


def parts(recording: list[Sweep]) -> tuple[np.ndarray, list[Transform], list[CuboidLabels]]:
    times = np.array([sweep.time_s for sweep in recording])
    poses = [sweep.pose for sweep in recording if sweep.pose is not None]
    labels = [sweep.labels for sweep in recording if sweep.labels is not None]
    assert len(times) == len(poses) == len(labels)
    return times, poses, labels


def errors(carried: CarriedCuboids, truth: CuboidLabels) -> tuple[list[float], list[float]]:
    """Distance over the ground and its foretold spread, for tracks that both have."""
    assert truth.track is not None
    rows = {track: row for row, track in enumerate(truth.track)}
    apart, spread = [], []
    for row, track in enumerate(carried.track):
        if track in rows:
            off = carried.cuboids.centre_m[row] - truth.cuboids.centre_m[rows[track]]
            apart.append(float(np.hypot(*off[:2])))
            spread.append(float(carried.spread_m[row]))
    return apart, spread


def test_carrying_between_key_frames_is_exact_to_decimetres(recording: list[Sweep]) -> None:
    times, poses, labels = parts(recording)
    keys = {frame: labels[frame] for frame in (0, 15, 30)}

    carried = carry_cuboids(times, poses, keys)

    found = [errors(carried[frame], labels[frame]) for frame in range(31)]
    apart = np.array([value for one, _ in found for value in one])
    spread = np.array([value for _, two in found for value in two])
    assert len(apart) > 300
    assert np.median(apart) < 0.05
    assert np.quantile(apart, 0.95) < 0.5
    assert np.mean(apart <= 3 * spread) > 0.95
    overlap = cuboid_iou(carried[15].cuboids, labels[15].cuboids).max(axis=1)
    assert len(overlap) == len(labels[15])
    assert overlap.min() > 0.9999


def test_uncertainty_grows_away_from_key_frames(recording: list[Sweep]) -> None:
    times, poses, labels = parts(recording)
    carried = carry_cuboids(times, poses, {0: labels[0], 20: labels[20]})
    spread = {
        track: [
            float(one.spread_m[one.track.index(track)]) if track in one.track else np.nan
            for one in carried
        ]
        for track in set(labels[0].track or ()) & set(labels[20].track or ())
    }
    assert len(spread) > 3
    for values in spread.values():
        assert values[0] < 0.06
        assert values[10] > 4 * values[0]
        assert values[10] > values[3] > values[1]
        assert values[28] > values[22]


def test_a_parked_car_stays_where_it_is_while_the_vehicle_drives() -> None:
    poses = [Transform.about_z("lidar", "world", 0.05 * t, (t, 0, 0)) for t in range(5)]
    from prelabel.datasets.annotations import IMPORTED
    from prelabel.datasets.lidar.cuboids import Cuboids

    parked = Cuboids([[20, 3, 0]], [[4, 2, 1.5]], [0.2], "world")

    def seen(frame: int) -> CuboidLabels:
        box_id = f"00000000-0000-4000-8000-00000000000{frame}"
        own = parked.moved(poses[frame].inverse())
        return CuboidLabels(own, [0], [box_id], [IMPORTED], ["car"])

    carried = carry_cuboids(np.arange(5) / 10, poses, {0: seen(0), 4: seen(4)})

    for frame, one in enumerate(carried):
        np.testing.assert_allclose(one.cuboids.centre_m, seen(frame).cuboids.centre_m, atol=1e-2)
        np.testing.assert_allclose(one.cuboids.yaw, seen(frame).cuboids.yaw, atol=1e-3)
    bare = CuboidLabels(seen(0).cuboids, [0], seen(0).box_id, seen(0).origin)
    with pytest.raises(InvalidValueError, match="key frame 0 have no tracks"):
        carry_cuboids(np.arange(5) / 10, poses, {0: bare})


def test_a_smoother_goes_through_what_is_known() -> None:
    times = np.arange(6.0)
    known = np.array([False, True, False, True, False, False])
    measured = np.where(known, 2 * times, 0)[:, None]

    found = smoothed(times, measured, known, MotionNoise(0.1, 0.01, 10))

    np.testing.assert_allclose(found.value[:, 0], 2 * times, atol=0.02)
    assert found.spread[1, 0] < 0.02 < found.spread[2, 0] < found.spread[4, 0] < found.spread[5, 0]
    with pytest.raises(InvalidValueError, match="times must rise"):
        smoothed(times, measured, np.zeros(6, np.bool_), MotionNoise(1, 1, 1))
    with pytest.raises(InvalidValueError, match="above 0"):
        MotionNoise(0, 1, 1)


def davis(test_data: Path) -> list[Boxes]:
    """The one car of the film, frame by frame."""
    rows = np.loadtxt(test_data / "davis_car_shadow/gt.txt", delimiter=",")
    return [Boxes([[row[2], row[3], row[2] + row[4], row[3] + row[5]]]) for row in rows]


def test_a_car_in_a_film_needs_few_frames(test_data: Path) -> None:
    """Real video: chosen by what imperfect proposals say, the carried boxes fit the true ones."""
    truth = davis(test_data)
    rng = np.random.default_rng(0)
    proposals = [Boxes(one.xyxy + rng.normal(0, 4, (1, 4))) for one in truth]
    times = np.arange(len(truth)) / 24

    def carried(keys: Sequence[int]) -> list[Boxes]:
        return [one.boxes for one in carry_boxes(times, {k: (truth[k], ["car"]) for k in keys})]

    def failure(keys: Sequence[int]) -> np.ndarray:
        boxes = carried(keys)
        return np.array(
            [box_disagreement(b, p, np.ones(1)) for b, p in zip(boxes, proposals, strict=True)]
        )

    chosen = choose_key_frames(len(truth), failure, tolerated=0.15)

    between = [frame for frame in range(len(truth)) if frame not in chosen.frames]
    found = carried(chosen.frames)
    overlap = [boxes_iou(found[frame], truth[frame])[0, 0] for frame in between]
    assert len(chosen.frames) / len(truth) <= 0.25
    assert np.mean(overlap) > 0.9
    assert min(overlap) > 0.8
    assert chosen.left <= 0.15


def test_key_frames_are_those_where_carrying_fails() -> None:
    """Two that the ends do not foretell are asked for, the worse one first."""

    def failure(keys: Sequence[int]) -> np.ndarray:
        missing = np.zeros(10)
        missing[[3, 6]] = [0 if 3 in keys else 2, 0 if 6 in keys else 5]
        return missing

    chosen = choose_key_frames(10, failure, tolerated=0.5)
    assert chosen.frames == (0, 9, 6, 3)
    assert chosen.expected[2:] == (5, 2)
    assert choose_key_frames(10, failure, tolerated=0.5, most=3).left == 2
    assert choose_key_frames(1, lambda keys: np.zeros(1), tolerated=0.5).frames == (0,)
    with pytest.raises(InvalidValueError, match="at least 1"):
        choose_key_frames(0, failure, tolerated=1)


def test_disagreement_counts_what_is_missing(recording: list[Sweep]) -> None:
    labels = parts(recording)[2][0]
    cuboids, score = labels.cuboids, np.full(len(labels), 0.8)
    assert cuboid_disagreement(cuboids, cuboids, score) == pytest.approx(0, abs=1e-4)
    fewer = cuboids.take(np.arange(1, len(cuboids)))
    assert cuboid_disagreement(fewer, cuboids, score) == pytest.approx(0.8, abs=1e-3)
    assert cuboid_disagreement(cuboids, fewer, score[1:]) == pytest.approx(0.5, abs=1e-3)


def test_cameras_and_lidar_are_compared(recording: list[Sweep]) -> None:
    labels = parts(recording)[2][0]
    seen = project_cuboids(labels.cuboids, make_cameras((640, 360))[0])
    assert len(seen) >= 4
    whole = np.flatnonzero(seen.truncation == 0)[:3]
    rows, boxes = seen.rows[whole], seen.boxes.take(whole)
    kinds = labels.class_id[rows].copy()
    kinds[1] += 1
    phantom = np.concatenate([boxes.xyxy[[0, 1]], [[2, 2, 12, 12]]])
    picture = Prediction(
        "0" * 32, "m", Boxes(phantom), [0.9, 0.8, 0.7], [*kinds[:2], 0], ClassScores.INDEPENDENT
    )
    only = type(seen)(
        rows, boxes, seen.whole_xyxy[whole], seen.truncation[whole], seen.depth_m[whole],
        seen.occlusion[whole],
    )  # fmt: skip

    found = compare_views(only, labels.class_id, np.ones(len(labels)), picture)

    kinds_found = [
        (one.conflict, one.cuboid, one.detection) for one in found.findings if one.weight
    ]
    assert found.matched == 2
    assert kinds_found == [
        (Conflict.ONLY_LIDAR, rows[2], None),
        (Conflict.CLASS, rows[1], 1),
        (Conflict.ONLY_CAMERA, None, 2),
    ]
    assert found.score == pytest.approx(1 + 0.8 + 0.7, abs=1e-5)
    with pytest.raises(InvalidValueError, match="one entry a cuboid"):
        compare_views(seen, labels.class_id[:1], np.ones(1), picture)
