"""What sweeps to generate: how many, by which sensors, how hard."""

from dataclasses import dataclass

from prelabel.datasets.errors import InvalidValueError

# Order is the class id. A person who pushes a bicycle is no cyclist, and looks much like one.
SWEEP_CLASSES = ("car", "person", "van", "cyclist", "bicycle pusher")


@dataclass(frozen=True, slots=True)
class SweepOptions:
    """The same options give the same bytes in every file.

    `train`, `val` and `test` count scenes, each of `sweeps` turns of the lidar, `interval_s` apart.
    The lidar has `beams` between 2 degrees up and 24.8 down, `columns` a turn, an error of
    `noise_m` (a standard deviation), and loses `dropout` of its answers, more where a surface is
    grazed or far. Cameras look ahead and to both sides, 90 degrees wide,
    where they are wanted. `crowd` multiplies how
    many objects there are. An object is labelled when at least `least_points` points lie on it.
    """

    seed: int = 0
    train: int = 8
    val: int = 2
    test: int = 4
    sweeps: int = 1
    interval_s: float = 0.1
    beams: int = 64
    columns: int = 1800
    noise_m: float = 0.02
    dropout: float = 0.03
    camera_px: tuple[int, int] = (480, 270)
    with_cameras: bool = True
    crowd: float = 1.0
    least_points: int = 5

    def __post_init__(self) -> None:
        for name in ("seed", "train", "val", "test", "noise_m", "crowd"):
            if getattr(self, name) < 0:
                raise InvalidValueError(f"{name} must be at least 0, but is {getattr(self, name)}")
        for name in ("sweeps", "beams", "columns", "least_points"):
            if getattr(self, name) < 1:
                raise InvalidValueError(f"{name} must be at least 1, but is {getattr(self, name)}")
        if not 0 <= self.dropout < 1 or self.interval_s <= 0:
            raise InvalidValueError(
                "dropout must be at least 0 and below 1 and interval_s above 0, but they are "
                f"{self.dropout} and {self.interval_s}"
            )
        if min(self.camera_px) < 16:
            raise InvalidValueError(f"camera_px must be at least 16, but is {self.camera_px}")
