"""Datasets in nuScenes' layout: tables in `<version>/`, files where the tables say."""

import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from prelabel.datasets.annotations import IMPORTED, Origin
from prelabel.datasets.errors import BadInputError, InvalidValueError
from prelabel.datasets.formats.origins import origin_from_fields
from prelabel.datasets.frames import Split
from prelabel.datasets.lidar import nuscenes_tables as tables
from prelabel.datasets.lidar.cameras import Camera, CameraPicture
from prelabel.datasets.lidar.coordinates import EGO, LIDAR, WORLD, Transform
from prelabel.datasets.lidar.cuboids import CuboidLabels, Cuboids
from prelabel.datasets.lidar.errors import CalibrationError
from prelabel.datasets.lidar.nuscenes_tables import Token, linked
from prelabel.datasets.lidar.point_files import PointRules, read_points
from prelabel.datasets.lidar.sweeps import Sweep, SweepSet

_MICROSECONDS = 1e-6


def nuscenes_folder(folder: Path) -> Path | None:
    """The folder of the tables: the one given or the first of its sub-folders that has them."""
    if not folder.is_dir():
        return None
    candidates = (folder, *sorted(folder.iterdir()))
    return next((one for one in candidates if (one / "sample_annotation.json").is_file()), None)


def open_nuscenes_sweeps(folder: Path, rules: PointRules | None = None) -> SweepSet:
    """The key frames of every scene, in the order of time.

    The cuboid of an annotation has its token as id, its instance as track, and its category as
    class. Raises BadInputError for missing tables and links that lead nowhere, CalibrationError for
    a sensor whose calibration cannot be one.
    """
    where = nuscenes_folder(folder)
    if where is None:
        raise BadInputError(f"{folder}: holds no nuScenes tables (sample_annotation.json)")
    dataset = _Dataset.read(where, rules or PointRules())
    return SweepSet("nuscenes", dataset.classes, dataset.sweeps())


@dataclass(frozen=True, slots=True)
class _Dataset:
    root: Path  # what file names are relative to
    rules: PointRules
    classes: tuple[str, ...]
    scenes: dict[Token, tables.Scene]
    samples: dict[Token, tables.Sample]
    poses: dict[Token, tables.EgoPose]
    calibrations: dict[Token, tables.CalibratedSensor]
    sensors: dict[Token, tables.Sensor]
    categories: dict[Token, tables.Category]
    instances: dict[Token, tables.Instance]
    data_of: dict[Token, list[tables.SampleData]]
    annotations_of: dict[Token, list[tables.SampleAnnotation]]

    @classmethod
    def read(cls, folder: Path, rules: PointRules) -> "_Dataset":
        data_of: dict[Token, list[tables.SampleData]] = defaultdict(list)
        for one in tables.read_table(folder, "sample_data", tables.SampleData).values():
            if one.is_key_frame:
                data_of[one.sample_token].append(one)
        annotations_of: dict[Token, list[tables.SampleAnnotation]] = defaultdict(list)
        rows = tables.read_table(folder, "sample_annotation", tables.SampleAnnotation)
        for annotation in rows.values():
            annotations_of[annotation.sample_token].append(annotation)
        categories = tables.read_table(folder, "category", tables.Category)
        return cls(
            folder.parent,
            rules,
            tuple(dict.fromkeys(one.name for one in categories.values())),
            tables.read_table(folder, "scene", tables.Scene),
            tables.read_table(folder, "sample", tables.Sample),
            tables.read_table(folder, "ego_pose", tables.EgoPose),
            tables.read_table(folder, "calibrated_sensor", tables.CalibratedSensor),
            tables.read_table(folder, "sensor", tables.Sensor),
            categories,
            tables.read_table(folder, "instance", tables.Instance),
            data_of,
            annotations_of,
        )

    def sweeps(self) -> Iterator[Sweep]:
        for scene in self.scenes.values():
            token, index = scene.first_sample_token, 0
            while token:
                sample = linked(self.samples, token, "sample", f"scene {scene.name}")
                yield self._sweep(scene, sample, index)
                token, index = sample.next, index + 1

    def _sweep(self, scene: tables.Scene, sample: tables.Sample, index: int) -> Sweep:
        user = f"sample {sample.token}"
        data = [(self._sensor(one), one) for one in self.data_of[sample.token]]
        lidars = [one for sensor, one in data if sensor.modality == "lidar"]
        if not lidars:
            raise BadInputError(f"{user}: has no key frame of a lidar")
        lidar = lidars[0]
        pose = self._to_ego(lidar, LIDAR).then(self._ego_to_world(lidar))
        cameras = tuple(
            self._camera(sensor.channel, one, pose)
            for sensor, one in data
            if sensor.modality == "camera"
        )
        labels = self._labels(sample, pose) if sample.prelabel.labelled else None
        return Sweep(
            Path(lidar.filename).name.split(".")[0],
            partial(read_points, self.root / lidar.filename, self.rules),
            cameras,
            labels,
            pose,
            lidar.timestamp * _MICROSECONDS,
            scene.name,
            index,
            Split(sample.prelabel.split),
        )

    def _sensor(self, data: tables.SampleData) -> tables.Sensor:
        return linked(self.sensors, self._mounting(data).sensor_token, "sensor", data.filename)

    def _mounting(self, data: tables.SampleData) -> tables.CalibratedSensor:
        token = data.calibrated_sensor_token
        return linked(self.calibrations, token, "calibrated_sensor", data.filename)

    def _to_ego(self, data: tables.SampleData, frame: str) -> Transform:
        mounting = self._mounting(data)
        try:
            return Transform.from_quaternion(frame, EGO, mounting.rotation, mounting.translation)
        except InvalidValueError as error:
            raise CalibrationError(f"calibrated_sensor {mounting.token}: {error}") from error

    def _ego_to_world(self, data: tables.SampleData) -> Transform:
        pose = linked(self.poses, data.ego_pose_token, "ego_pose", data.filename)
        try:
            return Transform.from_quaternion(EGO, WORLD, pose.rotation, pose.translation)
        except InvalidValueError as error:
            raise CalibrationError(f"ego_pose {pose.token}: {error}") from error

    def _camera(self, channel: str, data: tables.SampleData, pose: Transform) -> CameraPicture:
        """A camera by the vehicle's place when it looked, which is not that of the lidar's."""
        world = self._to_ego(data, channel).then(self._ego_to_world(data))
        mounting = self._mounting(data)
        if data.width is None or data.height is None:
            raise CalibrationError(f"{data.filename}: sample_data has no width and height")
        try:
            camera = Camera(
                channel,
                mounting.camera_intrinsic,
                (data.width, data.height),
                pose.then(world.inverse()),
            )
        except InvalidValueError as error:
            raise CalibrationError(f"calibrated_sensor {mounting.token}: {error}") from error
        return CameraPicture(camera, self.root / data.filename)

    def _labels(self, sample: tables.Sample, pose: Transform) -> CuboidLabels:
        rows = self.annotations_of[sample.token]
        names = [self._class_of(one) for one in rows]
        turns = [
            Transform.from_quaternion("object", WORLD, one.rotation, one.translation)
            for one in rows
        ]
        widths = [(one.size[1], one.size[0], one.size[2]) for one in rows]
        cuboids = Cuboids(
            [one.translation for one in rows], widths, [turn.yaw() for turn in turns], WORLD
        ).moved(pose.inverse())
        return CuboidLabels(
            cuboids,
            [self.classes.index(name) for name in names],
            [_box_id(one.token) for one in rows],
            [self._origin_of(one) for one in rows],
            [one.instance_token for one in rows],
        )

    def _origin_of(self, annotation: tables.SampleAnnotation) -> Origin:
        fields = annotation.prelabel.origin
        try:
            return IMPORTED if fields is None else origin_from_fields(fields, self.classes)
        except InvalidValueError as error:
            raise BadInputError(f"sample_annotation {annotation.token}: {error}") from error

    def _class_of(self, annotation: tables.SampleAnnotation) -> str:
        user = f"sample_annotation {annotation.token}"
        instance = linked(self.instances, annotation.instance_token, "instance", user)
        return linked(self.categories, instance.category_token, "category", user).name


def _box_id(token: Token) -> str:
    """A token's 32 digits with the dashes of a UUID; other tokens are hashed to one."""
    try:
        return str(uuid.UUID(token))
    except ValueError:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, token))
