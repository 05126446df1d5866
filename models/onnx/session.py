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

    def __init__(self, file: Path, wanted: InputSpec, map_output: str | None = None) -> None:
        self._wanted = wanted
        self._session = _open(file)
        self._outputs = _outputs(
            file, [one.name for one in self._session.get_outputs()], map_output
        )
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

    def run(self, pictures_rgb: NDArray[np.uint8]) -> tuple[Float32s, Float32s | None]:
        """What the net finds on canvases (b, h, w, 3), and its feature map where one is asked for.

        The first output that is not the map holds what is found.
        """
        entering = self._prepared(pictures_rgb)
        parts = [entering] if self.takes_batches else np.split(entering, len(entering))
        runs = [self._session.run(self._outputs, {self._name: part}) for part in parts]
        found, *maps = (
            np.concatenate(one).astype(np.float32, copy=False) for one in zip(*runs, strict=True)
        )
        return found, maps[0] if maps else None

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


def _outputs(file: Path, names: list[str], map_output: str | None) -> list[str]:
    """What is found, and the map; DetectorError where the net does not give both."""
    if map_output is not None and map_output not in names:
        raise DetectorError(f"{file}: has no output {map_output}, but has {', '.join(names)}")
    others = [name for name in names if name != map_output]
    if not others:
        raise DetectorError(f"{file}: has no output beside {map_output}, which holds no boxes")
    return others[:1] if map_output is None else [others[0], map_output]


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
