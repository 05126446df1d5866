"""The labels of one frame, and where each box came from."""

import math
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from prelabel.datasets.arrays import Float32s, Int64s, frozen_ids
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import InvalidValueError


class OriginKind(StrEnum):
    """How a box came to be."""

    IMPORTED = "imported"
    PROPOSED = "proposed"  # accepted as the detector proposed it
    CHANGED = "changed"  # proposed, then moved or reclassed by a person
    DRAWN = "drawn"
    AUTO = "auto"  # proposed, and accepted by a rule that no person has confirmed
    CARRIED = "carried"  # from corrected frames of its recording; nobody has looked at it


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one box came from; what a detector proposed is kept when a person changes it.

    `model_id` and `score` (0 to 1) name the proposal behind a proposed, changed or automatically
    accepted box, and are None for the others. `rule` says in words which rule accepted it and what
    that promises; only automatically accepted boxes have one. `original_xyxy` (pixels),
    `original_angle` (radians, None where the box was upright) and `original_class_id` hold what was
    proposed before a person changed it. `spread_px` is the standard deviation of the middle of a
    carried box, in pixels, and None for the others.
    """

    kind: OriginKind
    model_id: str | None = None
    score: float | None = None
    original_xyxy: tuple[float, float, float, float] | None = None
    original_class_id: int | None = None
    original_angle: float | None = None
    rule: str | None = None
    spread_px: float | None = None

    def __post_init__(self) -> None:
        from_model = self.kind in (OriginKind.PROPOSED, OriginKind.CHANGED, OriginKind.AUTO)
        if from_model != (self.model_id is not None) or from_model != (self.score is not None):
            raise InvalidValueError(
                f"origin {self.kind} {'needs' if from_model else 'has no'} model_id and score, "
                f"but model_id is {self.model_id!r} and score {self.score!r}"
            )
        if (self.kind is OriginKind.AUTO) != bool(self.rule):
            needs = "needs a" if self.kind is OriginKind.AUTO else "has no"
            raise InvalidValueError(f"origin {self.kind} {needs} rule, but it is {self.rule!r}")
        if self.score is not None and not 0 <= self.score <= 1:
            raise InvalidValueError(f"score must lie between 0 and 1, but is {self.score}")
        changed = self.kind is OriginKind.CHANGED
        kept = (self.original_xyxy is not None, self.original_class_id is not None)
        if kept != (changed, changed):
            raise InvalidValueError(
                f"origin {self.kind} {'needs' if changed else 'has no'} original_xyxy and "
                f"original_class_id, but they are {self.original_xyxy!r} and "
                f"{self.original_class_id!r}"
            )
        if self.original_angle is not None and not changed:
            raise InvalidValueError(f"origin {self.kind} has no original_angle")
        carried = self.kind is OriginKind.CARRIED
        if carried != (self.spread_px is not None) or not 0 <= (self.spread_px or 0) < math.inf:
            raise InvalidValueError(
                f"origin {self.kind} {'needs a finite' if carried else 'has no'} spread_px, but it "
                f"is {self.spread_px!r}"
            )

    def after_change(self, boxes: Boxes, row: int, class_id: int) -> "Origin":
        """The origin of a proposal that a person changed; box and class are what was proposed."""
        left, top, right, bottom = boxes.xyxy[row].tolist()
        return Origin(
            OriginKind.CHANGED,
            self.model_id,
            self.score,
            (left, top, right, bottom),
            int(class_id),
            None if boxes.angle is None else float(boxes.angle[row]),
        )


_BOX_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# One match over all ids of a frame: a million boxes are checked in a fraction of a second.
_ALL_BOX_IDS = re.compile(rf"(?:{_BOX_ID.pattern}\n)*")

IMPORTED = Origin(OriginKind.IMPORTED)
DRAWN = Origin(OriginKind.DRAWN)


def new_box_ids(count: int, rng: np.random.Generator) -> tuple[str, ...]:
    """Ids for boxes that have none yet: UUIDs of version 4, drawn from `rng`."""
    random_bytes = rng.bytes(16 * count)
    chunks = (random_bytes[16 * row : 16 * row + 16] for row in range(count))
    return tuple(str(uuid.UUID(bytes=chunk, version=4)) for chunk in chunks)


@dataclass(frozen=True, slots=True, eq=False)
class AnnotationSet:
    """The boxes of one frame with class, id and origin, all of one length n.

    `class_id` is (n,) int64, an index into the project's class names; `box_id` holds a UUID for
    each box that survives every export and import, none twice.

    `height_m` (n, 2) float32 tells of boxes seen from above how far up their objects begin and end,
    in metres of the lidar's frame; both are NaN where nobody has said so, and the whole is None
    where that is true of every box.

    Raises InvalidValueError on unequal lengths, a repeated id, an id that is not a UUID in its
    usual lower-case form, or an object that does not end above where it begins.
    """

    boxes: Boxes
    class_id: Int64s
    box_id: tuple[str, ...]
    origin: tuple[Origin, ...]
    height_m: Float32s | None

    def __init__(
        self,
        boxes: Boxes,
        class_id: ArrayLike,
        box_id: Sequence[str],
        origin: Sequence[Origin],
        height_m: ArrayLike | None = None,
    ) -> None:
        object.__setattr__(self, "boxes", boxes)
        object.__setattr__(self, "class_id", frozen_ids("class_id", class_id, (len(boxes),)))
        object.__setattr__(self, "box_id", tuple(box_id))
        object.__setattr__(self, "origin", tuple(origin))
        object.__setattr__(self, "height_m", _frozen_heights(height_m, len(boxes)))
        for name, have in (("box_id", len(self.box_id)), ("origin", len(self.origin))):
            if have != len(boxes):
                raise InvalidValueError(f"{name} must have one entry a box, {len(boxes)}: {have}")
        if len(set(self.box_id)) != len(self.box_id):
            repeated = next(one for one in self.box_id if self.box_id.count(one) > 1)
            raise InvalidValueError(f"box_id must not repeat, but {repeated} does")
        if not _ALL_BOX_IDS.fullmatch("\n".join((*self.box_id, ""))):
            wrong = next(one for one in self.box_id if not is_box_id(one))
            raise InvalidValueError(f"box_id must be a lower-case UUID, but is {wrong!r}")

    @classmethod
    def empty(cls) -> "AnnotationSet":
        """A frame on which a person found nothing."""
        return cls(Boxes.none(), (), (), ())

    def __len__(self) -> int:
        return len(self.boxes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AnnotationSet):
            return NotImplemented
        return (
            self.boxes == other.boxes
            and np.array_equal(self.class_id, other.class_id)
            and self.box_id == other.box_id
            and self.origin == other.origin
            and _same_heights(self.height_m, other.height_m)
        )

    __hash__ = None  # type: ignore[assignment]  # equal by content, and arrays have no hash

    def take(self, rows: NDArray[np.intp]) -> "AnnotationSet":
        """The boxes of these row numbers, in that order."""
        return AnnotationSet(
            self.boxes.take(rows),
            self.class_id[rows],
            [self.box_id[row] for row in rows],
            [self.origin[row] for row in rows],
            None if self.height_m is None else self.height_m[rows],
        )


def uuid_text(digits: str) -> str:
    """A UUID the usual way from its 32 hexadecimal digits, in a fifth of the time of `uuid.UUID`.

    A million boxes are read at once.
    """
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def is_box_id(text: str) -> bool:
    """Whether `text` is a UUID written the usual way: 36 characters, lower case."""
    return _BOX_ID.fullmatch(text) is not None


def is_height(height_m: Sequence[float]) -> bool:
    """Whether bottom and top are finite and, as float32, the one lies under the other."""
    with np.errstate(over="ignore"):
        bottom, top = np.array(height_m, np.float32)
    return bool(np.isfinite(bottom) and np.isfinite(top) and bottom < top)


def _frozen_heights(height_m: ArrayLike | None, count: int) -> Float32s | None:
    """Checked heights, read-only; None where no box has any."""
    if height_m is None:
        return None
    heights = np.array(height_m, np.float32).reshape(-1, 2)
    said = ~np.isnan(heights).all(axis=1)
    if len(heights) != count:
        raise InvalidValueError(f"height_m must have one row a box, {count}: {len(heights)}")
    wrong = said & ~((heights[:, 0] < heights[:, 1]) & np.isfinite(heights).all(axis=1))
    if wrong.any():
        row = int(wrong.argmax())
        raise InvalidValueError(
            f"height_m must be finite and end above where it begins, but row {row} is "
            f"{heights[row].tolist()}"
        )
    heights.setflags(write=False)
    return heights if said.any() else None


def _same_heights(one: Float32s | None, other: Float32s | None) -> bool:
    if one is None or other is None:
        return one is other
    return np.array_equal(one, other, equal_nan=True)
