"""Output of YOLOv8, 11 and 12 as Ultralytics exports them: (b, 4 + classes, candidates).

The rows are centre x, centre y, width and height in pixels of the input, then one score a class,
each through its own sigmoid already.
"""

from prelabel.datasets.arrays import Float32s
from prelabel.models.onnx.decoding import Decoded, best_of_each, corners, wrong_shape


def decode(output: Float32s, class_count: int) -> list[Decoded]:
    """The candidates of each picture."""
    if output.ndim != 3 or output.shape[1] != 4 + class_count:
        raise wrong_shape(output, f"(pictures, 4 + {class_count} classes, candidates)")
    columns = output.transpose(0, 2, 1)
    return [best_of_each(corners(one[:, :2], one[:, 2:4]), one[:, 4:]) for one in columns]
