"""Output of nets that take out overlapping boxes themselves: (b, rows, 6).

Each row is left, top, right, bottom in pixels of the input, score, class; unused rows are zeros.
"""

import numpy as np

from prelabel.datasets.arrays import Float32s
from prelabel.models.onnx.decoding import Decoded, wrong_shape


def decode(output: Float32s, class_count: int) -> list[Decoded]:
    """The boxes of each picture, best first."""
    if output.ndim != 3 or output.shape[2] != 6:
        raise wrong_shape(output, "(pictures, boxes, 6)")
    used = [one[one[:, 4] > 0] for one in output]
    if any(len(one) and not 0 <= one[:, 5].min() <= one[:, 5].max() < class_count for one in used):
        raise wrong_shape(output, f"classes 0 to {class_count - 1} in the last of its 6 columns")
    ordered = [one[np.argsort(-one[:, 4], kind="stable")] for one in used]
    return [
        Decoded(one[:, :4], one[:, 4], one[:, 5].astype(np.int64), None, is_final=True)
        for one in ordered
    ]
