"""A lidar sweep in FiftyOne: the values of its samples, made from what the project knows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from prelabel.curating.cuboid_documents import (
    Named,
    cuboids_document,
    labels_in_space,
    projected_document,
    proposals_in_space,
)
from prelabel.curating.fields import (
    FILLED_FROM,
    LABELS,
    ORIGIN,
    PREVIEW,
    PROJECTED,
    PROJECTED_PROPOSALS,
    proposals_field,
)
from prelabel.curating.frames import Columns, Proposed, state_of
from prelabel.curating.standing import Standing, joined
from prelabel.datasets.lidar.points import PointCloud
from prelabel.datasets.lidar.scenes import SceneCamera, Surroundings, camera_of
from prelabel.proposals import shown_proposals
from prelabel.store.overview import Overview


@dataclass(frozen=True, eq=False)
class SeenSweep:
    """The bird's-eye frames of one instant and their scenes, in one order; at least one."""

    instant: str
    frames: Sequence[Overview]
    scenes: Sequence[Surroundings]
    classes: Sequence[str]
    proposed: Proposed | None

    @property
    def frame_ids(self) -> list[str]:
        return [one.frame.frame_id for one in self.frames]

    @cached_property
    def cloud(self) -> PointCloud:
        """All points."""
        return joined(self.scenes)

    @property
    def cameras(self) -> list[SceneCamera]:
        """The cameras that looked at the same time and whose pictures are still there."""
        return [one for one in self.scenes[0].scene.cameras if Path(one.picture).is_file()]

    @cached_property
    def labels(self) -> Named | None:
        """The accepted labels in space; None where no frame has any."""
        versions = {one.frame.frame_id: one.labels for one in self.frames if one.labels is not None}
        if not versions:
            return None
        standing = Standing()
        for scene in self.scenes:
            version = versions.get(scene.scene.frame_id)
            if version is not None:
                standing.add(scene, version.annotations, version.number)
        return labels_in_space(standing, versions, self.classes)

    @cached_property
    def proposals(self) -> Named | None:
        """What the newest model proposes, in space; None where it has not looked."""
        model = self.proposed
        if model is None:
            return None
        seen = {
            one.frame.frame_id: shown_proposals(
                model.predictions[one.frame.frame_id], model.shown_score
            )
            for one in self.frames
            if one.frame.frame_id in model.predictions
        }
        if not seen:
            return None
        standing = Standing()
        for scene in self.scenes:
            shown = seen.get(scene.scene.frame_id)
            if shown is not None:
                standing.add(scene, shown.visible, 0)  # the first of its rows, as scores fall
        sure = {box_id: rule for one in self.frames for box_id, rule in one.sure.items()}
        return proposals_in_space(standing, seen, sure, self.classes)

    def put_in_space(self, columns: Columns, key: str) -> None:
        """The fields of the sweep's own sample."""
        origin = self.cloud.origin_m
        versions = {
            one.frame.frame_id: 0 if one.labels is None else one.labels.number
            for one in self.frames
        }
        columns.put(ORIGIN, key, list(origin))
        columns.put(FILLED_FROM, key, versions)
        columns.put("state", key, state_of(self.frames[0]) if len(self.frames) == 1 else None)
        labels = self.labels
        columns.put(LABELS, key, None if labels is None else cuboids_document(labels, origin))
        if self.proposed is not None:
            seen = self.proposals
            document = None if seen is None else cuboids_document(seen, origin)
            columns.put(proposals_field(self.proposed.model_id), key, document)

    def put_preview(self, columns: Columns, key: str, picture: Path) -> None:
        """A picture of the points from above, on which the grid draws the cuboids."""
        grid, origin = self.scenes[0].scene.grid, self.cloud.origin_m
        columns.put(
            PREVIEW,
            key,
            {
                "_cls": "OrthographicProjectionMetadata",
                "filepath": str(picture),
                "min_bound": [grid.x_min_m - origin[0], grid.y_min_m - origin[1]],
                "max_bound": [grid.x_max_m - origin[0], grid.y_max_m - origin[1]],
                "normal": [0.0, 0.0, 1.0],
                "width": grid.height_px,
                "height": grid.width_px,
            },
        )

    def put_in_camera(self, columns: Columns, key: str, camera: SceneCamera) -> None:
        """The fields of a camera's sample that say where the cuboids are in its picture."""
        lens = camera_of(camera, self.cloud.frame)
        for name, objects in ((PROJECTED, self.labels), (PROJECTED_PROPOSALS, self.proposals)):
            document = None if objects is None else projected_document(objects, lens, self.cloud)
            columns.put(name, key, document)
