"""What lies around frames made of lidar sweeps: points, ground, cameras and their pictures."""

import logging
from typing import Annotated

from fastapi import Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from prelabel.datasets.errors import BadInputError
from prelabel.datasets.frames import Frame
from prelabel.datasets.lidar.scenes import Scene, SceneCamera
from prelabel.review.access import Anybody, Caller
from prelabel.review.answers import Answers, api_router, failing_with
from prelabel.review.pictures import web_picture
from prelabel.review.routes.frames import KEPT, PICTURE, FrameId, check_may_see
from prelabel.review.services import Services, ServicesOfApp
from prelabel.review.tagged import tagged
from prelabel.review.views import View
from prelabel.store.errors import UnknownEntryError

router = api_router("scenes", 401, 403)

_LOG = logging.getLogger(__name__)
_POINTS: Answers = {
    200: {
        "description": "Little-endian: beginnings of cells (u4), ground (f4), points (u2).",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    },
    304: {"description": "The browser has it already."},
}
Version = Annotated[str | None, Query(max_length=100, description="Makes no difference.")]


class GridView(View):
    """Which ground the frame shows: x falls down the picture, y falls to its right."""

    x_max_m: float
    y_max_m: float
    resolution_m: float = Field(description="Metres a pixel.")


class CellsView(View):
    """Squares of ground, row by row: row r begins at x_m + r size_m, column c at y_m + c size_m."""

    x_m: float
    y_m: float
    size_m: float
    rows: int
    columns: int


class CameraView(View):
    """A pinhole camera; rotation and translation lead from the lidar's frame to the camera's."""

    name: str
    picture: str = Field(description="Where its picture is, from the server's root.")
    width_px: int
    height_px: int
    intrinsics: list[list[float]]
    rotation: list[list[float]]
    translation_m: list[float]


class SceneView(View):
    """A lidar sweep around a frame; metres in the lidar's frame, z up."""

    sweep: str
    grid: GridView
    cameras: list[CameraView]
    data: str = Field(description="Where cells, ground and points are, from the server's root.")
    points: int = Field(description="How many; a point is origin_m + step_m * its three numbers.")
    origin_m: list[float]
    step_m: list[float]
    cells: CellsView = Field(description="By which the points are sorted.")
    ground: CellsView = Field(description="In whose middles the height of the ground is known.")
    ground_z_m: float = Field(description="To be added to the heights of the ground.")


@router.get("/frames/{frame_id}/scene", responses=failing_with(404))
def scene(frame_id: FrameId, caller: Anybody, services: ServicesOfApp) -> SceneView:
    """What lies around a frame that the person works on, judges, or owns."""
    found, tag = _scene(frame_id, caller, services)
    grid = found.grid
    here = f"/api/frames/{frame_id}/scene"
    return SceneView(
        sweep=found.sweep,
        grid=GridView(x_max_m=grid.x_max_m, y_max_m=grid.y_max_m, resolution_m=grid.resolution_m),
        cameras=[
            _camera(one, f"{here}/cameras/{number}?v={one.picture_id}")
            for number, one in enumerate(found.cameras)
        ],
        data=f"{here}/data?v={tag}",
        points=found.points,
        origin_m=list(found.origin_m),
        step_m=list(found.step_m),
        cells=CellsView.model_validate(found.cells, from_attributes=True),
        ground=CellsView.model_validate(found.ground, from_attributes=True),
        ground_z_m=found.ground_z_m,
    )


@router.get(
    "/frames/{frame_id}/scene/data",
    response_class=Response,
    responses={**failing_with(404), **_POINTS},
)
def scene_data(
    frame_id: FrameId, request: Request, caller: Anybody, services: ServicesOfApp, v: Version = None
) -> Response:
    """The points of the sweep and the ground below them."""
    _, tag = _scene(frame_id, caller, services)
    kept = KEPT if v == tag else "no-cache"

    def content() -> tuple[bytes, str]:
        return services.scenes.data(frame_id), "application/octet-stream"

    return tagged(request, tag, kept, content)


@router.get(
    "/frames/{frame_id}/scene/cameras/{number}",
    response_class=Response,
    responses={**failing_with(404), **PICTURE},
)
def camera_picture(
    frame_id: FrameId,
    number: Annotated[int, Path(ge=0, le=1000, description="Among the scene's cameras, from 0.")],
    request: Request,
    caller: Anybody,
    services: ServicesOfApp,
    v: Version = None,
) -> Response:
    """What a camera saw: the picture that was there when the frames were made, or none."""
    found, _ = _scene(frame_id, caller, services)
    if number >= len(found.cameras):
        raise UnknownEntryError(f"the scene of frame {frame_id} has no camera {number}")
    camera = found.cameras[number]
    kept = KEPT if v == camera.picture_id else "no-cache"

    def content() -> tuple[bytes, str]:
        # Known by its content like a frame's: no other file is ever sent, whatever the name says.
        frame = Frame(camera.picture_id, camera.picture, camera.width_px, camera.height_px)
        shown = web_picture(frame)
        return shown.data, shown.media_type

    return tagged(request, camera.picture_id, kept, content)


def _scene(frame_id: str, caller: Caller, services: Services) -> tuple[Scene, str]:
    """The scene of a frame that the caller may see, and its tag."""
    check_may_see(frame_id, caller, services)
    tag = services.scenes.tag(frame_id)
    if tag is None:
        raise UnknownEntryError(f"frame {frame_id} has no scene: it was not made of a lidar sweep")
    try:
        return services.scenes.scene(frame_id), tag
    except BadInputError as error:
        _LOG.error("%s", error)  # the sentence names a file, which is nothing to who only labels
        raise UnknownEntryError(
            "the scene of this frame cannot be read: import it again"
        ) from error


def _camera(camera: SceneCamera, address: str) -> CameraView:
    return CameraView(
        name=camera.name,
        picture=address,
        width_px=camera.width_px,
        height_px=camera.height_px,
        intrinsics=[list(row) for row in camera.intrinsics],
        rotation=[list(row) for row in camera.rotation],
        translation_m=list(camera.translation_m),
    )
