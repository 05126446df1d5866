"""Cuboids, and their boxes in cameras, as FiftyOne keeps them: plain dictionaries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np

from prelabel.curating.documents import Document, object_ids, relative_boxes, together
from prelabel.curating.standing import Standing
from prelabel.datasets.lidar.cameras import Camera
from prelabel.datasets.lidar.derived_frames import FrameSettings
from prelabel.datasets.lidar.points import PointCloud
from prelabel.datasets.lidar.projection import project_cuboids
from prelabel.store.records import LabelVersion, Shown

IN_SPACE = "3D"  # the view of a box that is its cuboid; the others are called after cameras
_ID_BYTES = 12
_LEFT_OUT = FrameSettings()  # as in the frames of cameras: what is hidden or cut off has no box

Origin3 = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Named:
    """Objects, the names of their classes, and what else is told of each."""

    standing: Standing
    names: list[str]
    more: list[Document]


def labels_in_space(
    standing: Standing, versions: Mapping[str, LabelVersion], classes: Sequence[str]
) -> Named:
    """Accepted labels; `versions` by frame id are those that the objects were made from."""
    more = []
    for places in standing.places:
        first = places[0]
        origin = versions[first.frame_id].annotations.origin[first.row]
        more.append(
            {
                "origin": origin.kind.value,
                "model": origin.model_id,
                "confidence": origin.score,
                "version": first.version,
                "rule": origin.rule,
                "turned": True,
            }
        )
    return Named(standing, [classes[one] for one in standing.class_id], more)


def proposals_in_space(
    standing: Standing, shown: Mapping[str, Shown], sure: Mapping[str, str], classes: Sequence[str]
) -> Named:
    """Proposals of one model; `shown` by frame id are those that the objects were made from.

    `sure` are the rules that accepted some, by box id.
    """
    more = []
    for places in standing.places:
        first = places[0]
        of_frame = shown[first.frame_id]
        told = {
            "confidence": of_frame.proposals.origin[first.row].score,
            "uncertainty": float(of_frame.uncertainty[first.row]),
        }
        rules = [sure[one.box_id] for one in places if one.box_id in sure]
        more.append(told | ({"rule": rules[0]} if rules else {}))
    return Named(standing, [classes[one] for one in standing.class_id], more)


def cuboids_document(objects: Named, origin_m: Origin3) -> Document:
    """Objects as cuboids around `origin_m`.

    Each keeps what it was shown as: by `filled` a change is seen, by `shown_as` it finds back to
    its boxes.
    """
    cuboids = objects.standing.cuboids()
    rows = np.column_stack([cuboids.centre_m - origin_m, cuboids.size_m, cuboids.yaw]).tolist()
    found = []
    for row, places, name, more in zip(
        rows, objects.standing.places, objects.names, objects.more, strict=True
    ):
        box_id = places[0].box_id
        found.append(
            _detection(box_id, IN_SPACE, name)
            | {
                "location": row[:3],
                "dimensions": row[3:6],
                "rotation": [0.0, 0.0, row[6]],
                "filled": row,
                "shown_as": [place.kept() for place in places],
            }
            | more
        )
    return together(found)


def projected_document(objects: Named, camera: Camera, cloud: PointCloud) -> Document:
    """Objects as upright boxes around what a camera sees of them, the hidden ones left out."""
    seen = project_cuboids(objects.standing.cuboids(), camera, cloud)
    hidden = np.nan_to_num(seen.occlusion, nan=0.0)
    kept = np.flatnonzero(
        (hidden <= _LEFT_OUT.most_hidden) & (seen.truncation <= _LEFT_OUT.most_cut)
    )
    places = relative_boxes(seen.boxes.xyxy[kept], camera.width_px, camera.height_px)
    found = []
    for at, place in zip(kept.tolist(), places, strict=True):
        row = int(seen.rows[at])
        box_id = objects.standing.places[row][0].box_id
        found.append(
            _detection(box_id, camera.name, objects.names[row])
            | {
                "bounding_box": place,
                "confidence": objects.more[row]["confidence"],
                "occlusion": float(hidden[at]),
                "truncation": float(seen.truncation[at]),
            }
        )
    return together(found)


def _detection(box_id: str, view: str, name: str) -> Document:
    """What all boxes of an object have; `instance` lets FiftyOne light them all up at once."""
    return {
        "_id": view_object_id(box_id, view),
        "_cls": "Detection",
        "attributes": {},
        "tags": [],
        "label": name,
        "box_id": box_id,
        "instance": {"_id": object_ids([box_id])[0], "_cls": "Instance"},
    }


def view_object_id(box_id: str, view: str) -> Any:
    """The id under which FiftyOne knows a box in one more view."""
    from bson import ObjectId

    return ObjectId(blake2b(f"{box_id} {view}".encode(), digest_size=_ID_BYTES).digest())
