"""What the writers share: a folder that appears whole, picture files, exact short numbers."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from prelabel.datasets.arrays import Bools, Float32s, Float64s
from prelabel.datasets.errors import BadInputError
from prelabel.datasets.formats.base import Pictures
from prelabel.datasets.frames import Frame


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A folder to write into, which becomes `folder` when all went well and vanishes otherwise.

    Raises BadInputError if `folder` is there already and not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInputError(f"{folder}: is there already and is not empty: name another folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield beside
        mask = os.umask(0)
        os.umask(mask)
        beside.chmod(0o777 & ~mask)  # mkdtemp lets in nobody but the owner
        os.replace(beside, folder)  # takes the place of an empty folder
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


class PictureCopies:
    """Copies or links pictures into an export under names that do not collide."""

    def __init__(self, mode: Pictures) -> None:
        self._mode = mode
        self._taken: set[str] = set()

    @property
    def wanted(self) -> bool:
        """Whether there is anything to copy."""
        return self._mode is not Pictures.IN_PLACE

    def name_for(self, frame: Frame) -> str:
        """A file name for the frame, its own where that is still free in the whole export."""
        name = Path(frame.uri).name
        if Path(name).stem.casefold() in self._taken:
            name = f"{Path(name).stem}-{frame.frame_id[:12]}{Path(name).suffix}"
        self._taken.add(Path(name).stem.casefold())
        return name

    def put(self, frame: Frame, target: Path) -> None:
        """Bring the frame's file to `target`."""
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            if self._mode is Pictures.LINK:
                try:
                    os.link(os.path.realpath(frame.uri), target)
                    return
                except OSError:
                    pass  # another file system, or one without links
            shutil.copyfile(frame.uri, target)
        except OSError as error:
            raise BadInputError(f"{frame.uri}: cannot be copied: {error.strerror}") from error


def needs_copies(format_name: str, pictures: Pictures | None) -> Pictures:
    """What to do with pictures in a format whose layout holds them."""
    if pictures is Pictures.IN_PLACE:
        raise BadInputError(
            f"{format_name} keeps pictures beside the labels: choose pictures=copy or pictures=link"
        )
    return pictures or Pictures.COPY


def common_root(frames: Iterable[Frame]) -> Path | None:
    """The deepest folder that holds all pictures; None where there are none."""
    folders = {os.path.dirname(frame.uri) for frame in frames}
    return Path(os.path.commonpath(folders)) if folders else None


def short_corners(xyxy: Float32s) -> list[list[float]]:
    """Corners (n, 4) as doubles of few digits that are exactly `xyxy` when read as float32."""
    exact = xyxy.astype(np.float64)
    shortest = _shortest(exact, lambda rounded: rounded.astype(np.float32) == xyxy)
    return [list(row) for row in shortest.tolist()]


def short_angles(angle: Float32s | None) -> list[float]:
    """Angles (n,) as doubles of few digits that are exactly `angle` when read as float32."""
    return [] if angle is None else [float(str(one)) for one in angle]


def short_xywh(xyxy: Float32s) -> list[list[float]]:
    """Left, top, width, height (n, 4) that give exactly `xyxy` as float32 of left + width."""
    start = np.array(short_corners(xyxy), np.float64).reshape(-1, 4)[:, :2]
    exact = xyxy[:, 2:].astype(np.float64) - start
    sides = _shortest(exact, lambda sides: (start + sides).astype(np.float32) == xyxy[:, 2:])
    return [list(row) for row in np.concatenate([start, sides], axis=1).tolist()]


def _shortest(exact: Float64s, is_exact: Callable[[Float64s], Bools]) -> Float64s:
    """Each number with as few of 0, 3 or 6 decimals as `is_exact` allows, or all of them."""
    shortest = exact
    for decimals in (6, 3, 0):
        rounded = np.round(exact, decimals)
        shortest = np.where(is_exact(rounded), rounded, shortest)
    return shortest
