"""Running an ONNX file with onnxruntime."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.arrays import Float32s
from prelabel.datasets.errors import MissingExtraError
from prelabel.models.detector import DetectorError
from prelabel.models.onnx.spec import InputSpec, Layout

_ERRORS_ONLY = 3


class Session:
    """A net on one thread of the processor; processes are what scales."""

    def __init__(self, file: Path, wanted: InputSpec) -> None:
        self._wanted = wanted
        self._session = _open(file)
        entries = self._session.get_inputs()
        if len(entries) != 1:
            raise DetectorError(f"{file}: has {len(entries)} inputs, but a detector has one")
        self._name = entries[0].name
        pictures, *shape = entries[0].shape
        self._check_shape(file, shape)
        if isinstance(pictures, int) and pictures != 1:
            raise DetectorError(
                f"{file}: wants exactly {pictures} pictures at a time; export it with a batch of 1 "
                "or of any size"
            )
        self.takes_batches = not isinstance(pictures, int)

    def run(self, pictures_rgb: NDArray[np.uint8]) -> Float32s:
        """The first output of the net for canvases (b, h, w, 3)."""
        entering = self._prepared(pictures_rgb)
        parts = [entering] if self.takes_batches else np.split(entering, len(entering))
        outputs = [self._session.run(None, {self._name: part})[0] for part in parts]
        return np.concatenate(outputs).astype(np.float32, copy=False)

    def _prepared(self, pictures_rgb: NDArray[np.uint8]) -> Float32s:
        wanted = self._wanted
        ordered = pictures_rgb if wanted.colours == "rgb" else pictures_rgb[..., ::-1]
        mean, std = np.array(wanted.mean, np.float32), np.array(wanted.std, np.float32)
        values = (ordered * np.float32(wanted.scale) - mean) / std
        if wanted.layout is Layout.NCHW:
            values = values.transpose(0, 3, 1, 2)
        return np.ascontiguousarray(values, np.float32)

    def _check_shape(self, file: Path, have: list[Any]) -> None:
        size = [self._wanted.height_px, self._wanted.width_px]
        wanted = [3, *size] if self._wanted.layout is Layout.NCHW else [*size, 3]
        fits = len(have) == 3 and all(
            not isinstance(side, int) or side == want
            for side, want in zip(have, wanted, strict=True)
        )
        if not fits:
            raise DetectorError(
                f"{file}: takes pictures of shape {have}, but the specification says {wanted}"
            )


def _open(file: Path) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError("onnx", "an ONNX detector") from error
    # Its errors share no public base but Exception's child RuntimeError.
    from onnxruntime.capi.onnxruntime_pybind11_state import (
        Fail,
        InvalidGraph,
        InvalidProtobuf,
        NoSuchFile,
    )

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except NoSuchFile as error:
        raise DetectorError(f"{file}: there is no such file") from error
    except (Fail, InvalidGraph, InvalidProtobuf) as error:
        raise DetectorError(f"{file}: is not an ONNX net that can be run: {error}") from error
