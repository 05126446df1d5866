"""From the output of a net to boxes on its input; each module of a decoding says which."""

from dataclasses import dataclass

import numpy as np

from prelabel.datasets.arrays import Float32s, Int64s
from prelabel.models.detector import DetectorError


@dataclass(frozen=True, slots=True)
class Decoded:
    """The candidates of one picture.

    `xyxy` (a, 4) pixels of the net's input, `score` (a,), `class_id` (a,) outputs of the net, and
    `class_scores` (a, classes), or None where the net gives its winner only. `is_final` says that
    overlapping boxes were taken out already.
    """

    xyxy: Float32s
    score: Float32s
    class_id: Int64s
    class_scores: Float32s | None
    is_final: bool = False


def best_of_each(xyxy: Float32s, class_scores: Float32s) -> Decoded:
    """Candidates that each stand for their best class."""
    class_id = class_scores.argmax(axis=1)
    score = class_scores[np.arange(len(class_scores)), class_id]
    return Decoded(xyxy, score, class_id.astype(np.int64), class_scores)


def corners(centre: Float32s, size: Float32s) -> Float32s:
    """Boxes (a, 4) from centres and sizes, (a, 2) each."""
    return np.concatenate([centre - size / 2, centre + size / 2], axis=1)


def wrong_shape(output: Float32s, wanted: str) -> DetectorError:
    """What to raise where an output cannot be read this way."""
    return DetectorError(
        f"the output of the net has shape {output.shape}, but this decoding reads {wanted}; check "
        "decoding and classes of the specification"
    )
