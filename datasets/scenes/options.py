"""What scenes to draw: how many, how large, how hard."""

from dataclasses import dataclass

from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.frames import Split

# Order is the class id; frequency falls along it, and `cyclist` is the rare one.
SCENE_CLASSES = ("car", "person", "van", "cone", "truck", "cyclist")
SPLIT_ORDER = (Split.TRAIN, Split.VAL, Split.TEST)


@dataclass(frozen=True, slots=True)
class SceneOptions:
    """The same options give the same bytes in every picture.

    `train`, `val` and `test` count pictures. About `sequence_share` of the training pictures come
    in short sequences of near duplicates, as a camera on a vehicle gives them; validation and test
    hold one picture a scene. `empty_share` and `crowded_share` are the shares of scenes without
    any object and of scenes full of them; `cyclist_share` is the share of scenes with the rare
    class.

    An object is labelled when at least `visible_share` of it can be seen, not hidden by another
    and not cut off by the border, and the longer side of its box measures `smallest_px` or more.
    """

    seed: int = 0
    train: int = 400
    val: int = 60
    test: int = 140
    width_px: int = 256
    height_px: int = 192
    sequence_share: float = 0.35
    empty_share: float = 0.06
    crowded_share: float = 0.12
    cyclist_share: float = 0.07
    visible_share: float = 0.4
    smallest_px: float = 8.0
    jpeg_quality: int = 90

    def __post_init__(self) -> None:
        for name in ("train", "val", "test", "seed"):
            if getattr(self, name) < 0:
                raise InvalidValueError(f"{name} must be at least 0, but is {getattr(self, name)}")
        for name in ("width_px", "height_px"):
            if not 64 <= getattr(self, name) <= 4096:
                raise InvalidValueError(
                    f"{name} must lie between 64 and 4096, but is {getattr(self, name)}"
                )
        for name in ("sequence_share", "empty_share", "crowded_share", "cyclist_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidValueError(
                    f"{name} must lie between 0 and 1, but is {getattr(self, name)}"
                )
        if self.empty_share + self.crowded_share > 1:
            raise InvalidValueError("empty_share and crowded_share must not exceed 1 together")
        if not 0 < self.visible_share <= 1:
            raise InvalidValueError(
                f"visible_share must lie above 0 and not above 1, but is {self.visible_share}"
            )
        if self.smallest_px < 1:
            raise InvalidValueError(f"smallest_px must be at least 1, but is {self.smallest_px}")
        if not 1 <= self.jpeg_quality <= 100:
            raise InvalidValueError(
                f"jpeg_quality must lie between 1 and 100, but is {self.jpeg_quality}"
            )

    def count(self, split: Split) -> int:
        """How many pictures a split holds."""
        return {Split.TRAIN: self.train, Split.VAL: self.val, Split.TEST: self.test}[split]
