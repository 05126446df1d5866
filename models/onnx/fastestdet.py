"""Output of FastestDet: (b, 5 + classes, rows, columns), one candidate a cell of the grid.

Channel 0 is the chance that there is an object, 1 to 4 say where it is relative to the cell, the
others are the chances of the classes. See https://github.com/dog-qiuqiu/FastestDet (BSD-3-Clause).
"""

import numpy as np

from prelabel.datasets.arrays import Float32s
from prelabel.models.onnx.decoding import Decoded, best_of_each, corners, wrong_shape

_OBJECT_POWER, _CLASS_POWER = 0.6, 0.4  # how the two chances make a score


def decode(output: Float32s, class_count: int, width_px: int, height_px: int) -> list[Decoded]:
    """The candidates of each picture; the sizes are of the net's input."""
    if output.ndim != 4 or output.shape[1] != 5 + class_count:
        raise wrong_shape(output, f"(pictures, 5 + {class_count} classes, rows, columns)")
    rows, columns = output.shape[2:]
    cells = output.transpose(0, 2, 3, 1).reshape(len(output), rows * columns, -1)
    row, column = np.divmod(np.arange(rows * columns), columns)
    cell = np.stack([column, row], axis=1).astype(np.float32)
    grid = np.array([columns, rows], np.float32)
    input_px = np.array([width_px, height_px], np.float32)
    decoded = []
    for one in cells:
        centre = (np.tanh(one[:, 1:3]) + cell) / grid * input_px
        size = input_px / (1 + np.exp(-one[:, 3:5]))
        scores = one[:, :1] ** _OBJECT_POWER * one[:, 5:] ** _CLASS_POWER
        decoded.append(best_of_each(corners(centre, size), scores))
    return decoded
