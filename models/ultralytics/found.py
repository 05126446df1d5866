"""What a head found on a batch of canvases, before it is mapped back to the pictures."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Found:
    """Boxes of a whole batch, those of one picture together and by falling score.

    With n boxes on B pictures: `picture` (n,) tells which; `xyxy` (n, 4), `spread` (n, 4) or None
    and, for turned boxes, `angle` (n,) radians are in canvas pixels; `class_probs` is (n, C);
    `support` (n,) or None; `embedding` (n, d) or None; `class_peak` (B, C).
    """

    picture: Tensor
    xyxy: Tensor
    score: Tensor
    class_id: Tensor
    class_probs: Tensor
    class_peak: Tensor
    angle: Tensor | None = None
    spread: Tensor | None = None
    support: Tensor | None = None
    embedding: Tensor | None = None
