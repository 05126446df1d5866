"""Writing sweeps and cuboids in nuScenes' layout."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from prelabel.datasets.annotations import IMPORTED
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.formats.export import new_folder
from prelabel.datasets.formats.origins import origin_fields
from prelabel.datasets.lidar.cameras import CameraPicture
from prelabel.datasets.lidar.coordinates import EGO, LIDAR, WORLD, Transform
from prelabel.datasets.lidar.cuboids import CuboidLabels
from prelabel.datasets.lidar.points import PointCloud
from prelabel.datasets.lidar.sweeps import Sweep
from prelabel.datasets.progress import Progress

VERSION = "v1.0-prelabel"
_SENSOR = "LIDAR_TOP"
_MICROSECONDS = 1e6
_NAMESPACE = uuid.UUID("8f1c8c1e-0d3b-5a35-9d6e-52f3a2a0c7b4")  # of tokens that name no box
_TABLES = (
    "attribute",
    "calibrated_sensor",
    "category",
    "ego_pose",
    "instance",
    "log",
    "map",
    "sample",
    "sample_annotation",
    "sample_data",
    "scene",
    "sensor",
    "visibility",
)


def write_nuscenes(
    folder: Path, classes: Sequence[str], sweeps: Iterable[Sweep], progress: Progress
) -> int:
    """Write sweeps into a new folder, which appears when it is complete; how many were written.

    Points become `samples/LIDAR_TOP/*.pcd.bin`, pictures are copied beside them. A box id becomes
    the token of its annotation, a track that of its instance. A sweep without pose stands at the
    world's origin, one without sequence is a scene of its own. Splits, and origins of labels other
    than imported ones, stand under `prelabel` beside nuScenes' own keys. Raises BadInputError if
    `folder` is there and not empty.
    """
    with new_folder(folder) as beside, progress.task("export as nuScenes", None) as advance:
        tables = _Tables(beside, classes)
        for sweep in sweeps:
            tables.add(sweep)
            advance()
        tables.write()
        return tables.count


@dataclass(slots=True)
class _Tables:
    folder: Path
    classes: Sequence[str]
    count: int = 0
    rows: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {name: [] for name in _TABLES}
    )
    scenes: dict[str, dict[str, Any]] = field(default_factory=dict)
    newest: dict[str, dict[str, Any]] = field(default_factory=dict)  # sample of each scene
    instances: dict[str, dict[str, Any]] = field(default_factory=dict)
    before: dict[str, dict[str, Any]] = field(default_factory=dict)  # annotation of each instance
    sensors: dict[tuple[str, bytes], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rows["category"] = [
            {"token": _token("category", name), "name": name, "description": ""}
            for name in self.classes
        ]
        log = {"token": _token("log"), "logfile": "", "vehicle": "", "date_captured": ""}
        self.rows["log"].append({**log, "location": ""})

    def add(self, sweep: Sweep) -> None:
        self.count += 1
        sample = self._sample(sweep)
        pose = sweep.pose or Transform.identity(LIDAR, WORLD)
        # The vehicle's frame is the lidar's here: one mounting less to keep.
        ego_pose = _token("ego_pose", sample["token"])
        self._row("ego_pose", ego_pose, timestamp=sample["timestamp"], **_placed(pose))
        name = f"samples/{_SENSOR}/{sweep.name}.pcd.bin"
        _write_points(self.folder / name, sweep.load())
        self._data(sample, ego_pose, name, self._mounting(_SENSOR, None), None)
        for one in sweep.cameras:
            camera = one.camera
            name = f"samples/{camera.name}/{sweep.name}{one.picture.suffix}"
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_bytes(one.picture.read_bytes())
            size = camera.width_px, camera.height_px
            self._data(sample, ego_pose, name, self._mounting(camera.name, one), size)
        if sweep.labels is not None:
            self._annotations(sample, sweep.labels, pose)

    def write(self) -> None:
        self.rows["scene"] = list(self.scenes.values())
        self.rows["instance"] = list(self.instances.values())
        folder = self.folder / VERSION
        folder.mkdir()
        for name, rows in self.rows.items():
            (folder / f"{name}.json").write_bytes(msgspec.json.format(msgspec.json.encode(rows)))

    def _sample(self, sweep: Sweep) -> dict[str, Any]:
        name = sweep.sequence if sweep.sequence is not None else sweep.name
        token = _token("sample", name, sweep.name)
        scene = self.scenes.setdefault(
            name,
            {
                "token": _token("scene", name),
                "name": name,
                "description": "",
                "log_token": _token("log"),
                "nbr_samples": 0,
                "first_sample_token": token,
            },
        )
        scene["nbr_samples"] += 1
        scene["last_sample_token"] = token
        earlier = self.newest.get(name)
        if earlier is not None:
            earlier["next"] = token
        sample = {
            "token": token,
            "timestamp": round((sweep.time_s or 0.0) * _MICROSECONDS),
            "scene_token": scene["token"],
            "prev": "" if earlier is None else earlier["token"],
            "next": "",
            "prelabel": {"split": sweep.split.value, "labelled": sweep.labels is not None},
        }
        self.rows["sample"].append(sample)
        self.newest[name] = sample
        return sample

    def _mounting(self, channel: str, camera: CameraPicture | None) -> str:
        """The token of a sensor's mounting; equal mountings share one."""
        if camera is None:
            placed, intrinsics = Transform.identity(LIDAR, EGO), np.zeros((0, 3))
        else:
            placed = camera.camera.from_lidar.inverse()
            intrinsics = camera.camera.intrinsics
        numbers = (placed.rotation, placed.translation_m, intrinsics)
        key = (channel, b"".join(one.tobytes() for one in numbers))
        if key not in self.sensors:
            self.sensors[key] = _token("calibrated_sensor", channel, key[1].hex())
            sensor = _token("sensor", channel)
            if not any(row["token"] == sensor for row in self.rows["sensor"]):
                kind = "lidar" if camera is None else "camera"
                self._row("sensor", sensor, channel=channel, modality=kind)
            self._row(
                "calibrated_sensor",
                self.sensors[key],
                sensor_token=sensor,
                camera_intrinsic=intrinsics.tolist(),
                **_placed(placed),
            )
        return self.sensors[key]

    def _data(
        self,
        sample: dict[str, Any],
        ego_pose: str,
        filename: str,
        mounting: str,
        size: tuple[int, int] | None,
    ) -> None:
        self._row(
            "sample_data",
            _token("sample_data", sample["token"], filename),
            sample_token=sample["token"],
            ego_pose_token=ego_pose,
            calibrated_sensor_token=mounting,
            timestamp=sample["timestamp"],
            fileformat=filename.rpartition(".")[2],
            is_key_frame=True,
            width=size[0] if size else 0,
            height=size[1] if size else 0,
            filename=filename,
            prev="",
            next="",
        )

    def _annotations(self, sample: dict[str, Any], labels: CuboidLabels, pose: Transform) -> None:
        there = labels.cuboids.moved(pose)
        for row, box_id in enumerate(labels.box_id):
            length, width, height = there.size_m[row].tolist()
            turn = Transform.about_z("object", WORLD, float(there.yaw[row]), there.centre_m[row])
            track = box_id if labels.track is None else labels.track[row]
            instance = self._instance(track, int(labels.class_id[row]), _plain(box_id))
            earlier = self.before.get(instance)
            annotation = {
                "token": _plain(box_id),
                "sample_token": sample["token"],
                "instance_token": instance,
                "visibility_token": "",
                "attribute_tokens": [],
                "size": [width, length, height],
                **_placed(turn),
                "prev": "" if earlier is None else earlier["token"],
                "next": "",
            }
            if labels.origin[row] != IMPORTED:
                fields = origin_fields(labels.origin[row], self.classes)
                annotation["prelabel"] = {"origin": fields}
            if earlier is not None:
                earlier["next"] = annotation["token"]
            self.before[instance] = annotation
            self.rows["sample_annotation"].append(annotation)

    def _instance(self, track: str, class_id: int, annotation: str) -> str:
        token = _plain(track)
        instance = self.instances.setdefault(
            token,
            {
                "token": token,
                "category_token": _token("category", self.classes[class_id]),
                "nbr_annotations": 0,
                "first_annotation_token": annotation,
            },
        )
        if instance["category_token"] != _token("category", self.classes[class_id]):
            raise InvalidValueError(f"track {track} has two classes: give each class its own")
        instance["nbr_annotations"] += 1
        instance["last_annotation_token"] = annotation
        return token

    def _row(self, table: str, token: str, **columns: Any) -> None:
        self.rows[table].append({"token": token, **columns})


def _placed(motion: Transform) -> dict[str, list[float]]:
    return {"translation": motion.translation_m.tolist(), "rotation": list(motion.quaternion())}


def _write_points(path: Path, cloud: PointCloud) -> None:
    table = np.zeros((len(cloud), 5), "<f4")
    table[:, :3] = cloud.positions()
    if cloud.intensity is not None:
        table[:, 3] = cloud.intensity * 255
    path.parent.mkdir(parents=True, exist_ok=True)
    table.tofile(path)


def _plain(name: str) -> str:
    """A UUID without its dashes, as nuScenes writes tokens; another name becomes one."""
    try:
        return uuid.UUID(name).hex
    except ValueError:
        return _token("track", name)


def _token(*names: str) -> str:
    return uuid.uuid5(_NAMESPACE, "\n".join(names)).hex
