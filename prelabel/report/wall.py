"""What was picked and why, as pictures."""

import base64
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from prelabel.active.summary import BoxMark, PickResult
from prelabel.datasets.errors import BadInputError
from prelabel.datasets.frames import Frame
from prelabel.datasets.pictures import inspect_picture, read_picture
from prelabel.datasets.progress import Progress
from prelabel.report import wording

_WEBP_QUALITY = 72


@dataclass(frozen=True, slots=True)
class WallOptions:
    """How much of the wall is shown.

    `most_bytes` bounds all pictures of a report together, `longest_px` is the longer side of each,
    `picks_a_round` how many picks of a round get a tile.
    """

    most_bytes: int = 6_000_000
    longest_px: int = 288
    picks_a_round: int = 12


DEFAULT_WALL = WallOptions()


@dataclass(frozen=True, slots=True)
class Picture:
    """A small picture inside the report; `width_px` and `height_px` are those of the original."""

    element_id: str
    data_uri: str
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True)
class BoxOnTile:
    """A rectangle in pixels of the original picture, and what is said when one points at it.

    `turned` is the degrees by which it is turned about its middle, clockwise.
    """

    x: float
    y: float
    width: float
    height: float
    told: str
    turned: float = 0.0

    @property
    def transform(self) -> str:
        """The turn in the notation of SVG."""
        x, y = self.x + self.width / 2, self.y + self.height / 2
        return f"rotate({self.turned:.2f} {x:.2f} {y:.2f})"


@dataclass(frozen=True, slots=True)
class Tile:
    """One pick on the wall; without a picture, `missing` says why."""

    picture: Picture | None
    missing: str
    file_name: str
    reason: str
    score: str
    cost: str
    is_control: bool
    proposals: tuple[BoxOnTile, ...]
    labels: tuple[BoxOnTile, ...]
    alt: str


@dataclass(frozen=True, slots=True)
class PickRow:
    """The picks of one round: the first ones as tiles, and how many more there were."""

    title: str
    tiles: tuple[Tile, ...]
    more: int


class PictureStore:
    """Small pictures, each frame once, until the bytes that a report may hold are used up.

    `pictures` has those made so far; a frame that is asked for again costs nothing.
    """

    def __init__(self, options: WallOptions) -> None:
        self._options = options
        self._left = options.most_bytes
        self._known: dict[str, Picture | str] = {}

    @property
    def pictures(self) -> tuple[Picture, ...]:
        return tuple(one for one in self._known.values() if isinstance(one, Picture))

    def add(self, pick: PickResult) -> None:
        """Make the picture of a pick, or note why there is none."""
        if pick.frame_id not in self._known:
            self._known[pick.frame_id] = self._made(pick)

    def find(self, pick: PickResult) -> Picture | str:
        """The picture of a pick, or the reason why there is none."""
        return self._known.get(pick.frame_id, "left out: the report holds enough pictures")

    def _made(self, pick: PickResult) -> Picture | str:
        if self._left <= 0:
            return "left out: the report holds enough pictures"
        try:
            facts = inspect_picture(pick.uri)
            pixels = read_picture(Frame(pick.frame_id, pick.uri, facts.width_px, facts.height_px))
        except BadInputError:
            return "the picture cannot be read any more"
        scale = min(1.0, self._options.longest_px / max(facts.width_px, facts.height_px))
        size = tuple(max(1, round(side * scale)) for side in (facts.width_px, facts.height_px))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        encoded = cv2.imencode(".webp", small, [cv2.IMWRITE_WEBP_QUALITY, _WEBP_QUALITY])[1]
        text = base64.b64encode(encoded.tobytes()).decode("ascii")
        if len(text) > self._left:
            return "left out: the report holds enough pictures"
        self._left -= len(text)
        element_id = f"picture-{len(self._known)}"
        uri = f"data:image/webp;base64,{text}"
        return Picture(element_id, uri, facts.width_px, facts.height_px)


def fill_store(
    store: PictureStore,
    rounds: Sequence[Sequence[PickResult]],
    options: WallOptions,
    progress: Progress,
) -> None:
    """Give every round its first picture before any gets its second, and so on."""
    shown = [picks[: options.picks_a_round] for picks in rounds]
    deepest = max((len(picks) for picks in shown), default=0)
    with progress.task("pictures of the report", sum(len(picks) for picks in shown)) as advance:
        for depth in range(deepest):
            for picks in shown:
                if depth < len(picks):
                    store.add(picks[depth])
                    advance()


def pick_row(
    title: str,
    picks: Sequence[PickResult],
    store: PictureStore,
    classes: Sequence[str],
    options: WallOptions,
) -> PickRow:
    """The tiles of one round."""
    shown = picks[: options.picks_a_round]
    tiles = tuple(_tile(pick, store.find(pick), classes) for pick in shown)
    return PickRow(title, tiles, len(picks) - len(shown))


def _tile(pick: PickResult, found: Picture | str, classes: Sequence[str]) -> Tile:
    name = Path(pick.uri).name
    counts = [wording.plural(len(pick.proposals), "proposal")] if pick.proposals else []
    counts += [wording.plural(len(pick.labels), "label")] if pick.labels else []
    return Tile(
        picture=found if isinstance(found, Picture) else None,
        missing="" if isinstance(found, Picture) else found,
        file_name=name,
        reason=pick.reason,
        score="" if pick.score is None else f"score {wording.figure(pick.score, 3)}",
        cost=_cost(pick),
        is_control=pick.is_control,
        proposals=_boxes(pick.proposals, classes),
        labels=_boxes(pick.labels, classes),
        alt=", ".join([name, *counts]),
    )


def _cost(pick: PickResult) -> str:
    foretold = f"{wording.figure(pick.cost_s, 1)} s foretold"
    if pick.spent_s is None:
        return foretold
    return f"{wording.figure(pick.spent_s, 1)} s ({foretold})"


def _boxes(marks: Iterable[BoxMark], classes: Sequence[str]) -> tuple[BoxOnTile, ...]:
    boxes = []
    for mark in marks:
        left, top, right, bottom = mark.xyxy
        known = mark.class_id < len(classes)
        name = classes[mark.class_id] if known else f"class {mark.class_id}"
        told = name if mark.score is None else f"{name} {wording.figure(mark.score)}"
        turned = math.degrees(mark.angle)
        boxes.append(BoxOnTile(left, top, right - left, bottom - top, told, turned))
    return tuple(boxes)
