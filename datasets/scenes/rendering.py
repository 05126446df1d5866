"""From a scene to a picture and the boxes in it."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.scenes.canvas import MOST_OBJECTS, Canvas
from prelabel.datasets.scenes.houses import House, draw_house
from prelabel.datasets.scenes.layout import Actor, Clutter, Scene
from prelabel.datasets.scenes.light import develop, draw_sky
from prelabel.datasets.scenes.options import SCENE_CLASSES, SceneOptions
from prelabel.datasets.scenes.people import draw_cyclist, draw_person
from prelabel.datasets.scenes.solids import View
from prelabel.datasets.scenes.street import Street, draw_ground
from prelabel.datasets.scenes.things import draw_clutter, draw_cone
from prelabel.datasets.scenes.vehicles import draw_vehicle

# Scenes are drawn at twice the size and averaged down: edges come out smooth, and boxes, taken
# from the pixels before that, are exact to half a pixel.
DRAWING_SCALE = 2
_NEAREST_OBJECT_M = 3.5
_THINNEST_PX = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class SeenObject:
    """An object in the picture: its box around visible pixels, and how much of it is visible.

    `xyxy` is in pixels of the finished picture; `visible_share` is 0 to 1 of the whole object, what
    others hide and what lies outside of the picture taken off.
    """

    class_id: int
    xyxy: tuple[float, float, float, float]
    visible_share: float
    owner: int


@dataclass(frozen=True, slots=True, eq=False)
class RenderedScene:
    """A picture (h, w, 3) in blue, green, red, what is labelled in it, and the whole truth.

    `owners` (2h, 2w) holds at twice the size which object each pixel shows, 0 for none; `hidden`
    lists the objects too little or too small to see, which are not labelled.
    """

    pixels: NDArray[np.uint8]
    labelled: tuple[SeenObject, ...]
    hidden: tuple[SeenObject, ...]
    owners: NDArray[np.uint8]


def render_scene(scene: Scene, options: SceneOptions, rng: np.random.Generator) -> RenderedScene:
    """Draw a scene; `rng` gives the rain and the camera's noise."""
    width, height = options.width_px, options.height_px
    canvas = Canvas(width * DRAWING_SCALE, height * DRAWING_SCALE)
    view = View(canvas, scene.camera, scene.light)
    rows, columns = canvas.shape
    canvas.paint(draw_sky(scene.light, rows, columns, scene.camera.horizon_px, scene.sky_seed))
    draw_ground(view, scene.street)
    seen = _draw_standing(view, scene)
    pixels = develop(
        cv2.resize(canvas.colours, (width, height), interpolation=cv2.INTER_AREA),
        cv2.resize(canvas.emission, (width, height), interpolation=cv2.INTER_AREA),
        _lamp_pools(scene, width, height),
        scene.light,
        scene.weather,
        rng,
    )
    return RenderedScene(
        pixels,
        tuple(one for one in seen if _is_labelled(one, options)),
        tuple(one for one in seen if not _is_labelled(one, options)),
        canvas.owners,
    )


def _is_labelled(seen: SeenObject, options: SceneOptions) -> bool:
    left, top, right, bottom = seen.xyxy
    longer, shorter = max(right - left, bottom - top), min(right - left, bottom - top)
    large = longer >= options.smallest_px and shorter >= _THINNEST_PX
    return large and seen.visible_share >= options.visible_share


def _draw_standing(view: View, scene: Scene) -> list[SeenObject]:
    """Draw all that stands, the farthest first, and look at what can be seen of each object."""
    near_m = view.camera.z_m + _NEAREST_OBJECT_M
    standing: list[tuple[float, int, House | Clutter | Actor]] = []
    # A house goes by its far end: those on its pavement are then drawn over it, and what comes out
    # of the cross street behind it is drawn before.
    standing += [(house.far_m, 0, house) for house in scene.street.houses]
    standing += [(one.pose.z_m, 0, one) for one in scene.clutter if one.pose.z_m > near_m]
    standing += [
        (actor.pose.z_m, owner, actor)
        for owner, actor in enumerate(scene.actors[:MOST_OBJECTS], start=1)
        if actor.pose.z_m > near_m
    ]
    whole_px: dict[int, int] = {}
    for _, owner, one in sorted(standing, key=lambda entry: -entry[0]):
        view.canvas.owner = owner
        _draw(view, scene.street, one)
        if owner:
            whole_px[owner] = int(np.count_nonzero(view.canvas.mask_of(owner)[0]))
    looked = (_look_at(view.canvas, owner, scene, count) for owner, count in whole_px.items())
    return [one for one in looked if one is not None]


def _draw(view: View, street: Street, one: House | Clutter | Actor) -> None:
    if isinstance(one, House):
        draw_house(view, street.wall_m, one)
    elif isinstance(one, Clutter):
        draw_clutter(view, one.kind, one.pose, one.look_seed)
    elif one.class_name == "person":
        draw_person(view, one.pose, one.look_seed, one.stride)
    elif one.class_name == "cyclist":
        draw_cyclist(view, one.pose, one.look_seed, one.stride)
    elif one.class_name == "cone":
        draw_cone(view, one.pose, one.look_seed)
    else:
        draw_vehicle(view, one.pose, one.class_name, one.look_seed)


def _look_at(canvas: Canvas, owner: int, scene: Scene, whole_px: int) -> SeenObject | None:
    """The object of this number, or None when nothing of it is visible."""
    mine, window_left, window_top = canvas.mask_of(owner)
    rows, columns = np.flatnonzero(mine.any(axis=1)), np.flatnonzero(mine.any(axis=0))
    if not len(rows):
        return None
    edges = (
        window_left + columns[0],
        window_top + rows[0],
        window_left + columns[-1] + 1,
        window_top + rows[-1] + 1,
    )
    left, top, right, bottom = (float(edge) / DRAWING_SCALE for edge in edges)
    unhidden = np.count_nonzero(mine) / whole_px
    return SeenObject(
        class_id=SCENE_CLASSES.index(scene.actors[owner - 1].class_name),
        xyxy=(left, top, right, bottom),
        visible_share=float(unhidden * canvas.share_inside(owner)),
        owner=owner,
    )


def _lamp_pools(scene: Scene, width_px: int, height_px: int) -> NDArray[np.float32]:
    """Light that street lamps throw on what is near them, (h, w)."""
    pools = np.zeros((height_px, width_px), np.float32)
    if not scene.light.lamps_on:
        return pools
    camera = scene.camera
    for thing in scene.clutter:
        if thing.kind != "lamp" or camera.depth(thing.pose.z_m) < 1.0:
            continue
        inward = -1.2 if thing.pose.x_m > 0 else 1.2
        spot = (thing.pose.x_m + inward, 1.2, thing.pose.z_m)
        x, y = (camera.project(spot) / DRAWING_SCALE).tolist()
        reach = camera.scale(thing.pose.z_m) / DRAWING_SCALE
        across = (np.arange(width_px, dtype=np.float32) - x) / (3.4 * reach)
        down = (np.arange(height_px, dtype=np.float32) - y) / (2.4 * reach)
        pools += 0.42 * np.exp(-(down**2))[:, None] * np.exp(-(across**2))[None, :]
    return np.minimum(pools, np.float32(0.6))
