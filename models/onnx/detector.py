"""A detector in an ONNX file."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from prelabel.datasets.arrays import Float32s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.frames import Frame
from prelabel.datasets.geometry import clip_to_picture
from prelabel.datasets.pictures import read_picture
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.models.candidates import after_nms
from prelabel.models.checkpoints import model_id_of
from prelabel.models.detector import DetectorSpec, PredictOptions
from prelabel.models.letterbox import Letterbox, grey_canvases
from prelabel.models.onnx import end_to_end, fastestdet, yolo
from prelabel.models.onnx.decoding import Decoded
from prelabel.models.onnx.embeddings import Seen, checked_map
from prelabel.models.onnx.session import Session
from prelabel.models.onnx.spec import Decoding, InputSpec, OnnxSpec, Placing, class_columns
from prelabel.models.predict_only import PredictOnly

Rows = NDArray[np.intp]


class OnnxDetector(PredictOnly):
    """Predicts with a net that somebody exported; it cannot be trained.

    Gives the class vector of each box where the net has one, and embeddings where the specification
    names a feature map among its outputs.
    """

    def __init__(self, name: str, classes: tuple[str, ...], spec: OnnxSpec) -> None:
        gives_all = spec.decoding is not Decoding.END_TO_END
        # First: it says what is wrong with the file.
        self._session = Session(spec.file, spec.input, spec.embedding_output)
        super().__init__(
            DetectorSpec(
                name,
                classes,
                ClassScores.INDEPENDENT,
                trainable=False,
                gives_class_probs=gives_all,
                gives_support=gives_all,
                gives_embeddings=spec.embedding_output is not None,
            ),
            _model_id(spec),
            "an ONNX file",
        )
        self._onnx = spec
        self._columns = class_columns(spec, classes)
        self._class_id_of = np.full(len(spec.classes), -1, np.int64)  # by output of the net
        for class_id, column in enumerate(self._columns):
            if column is not None:
                self._class_id_of[column] = class_id

    def predict(self, frames: Sequence[Frame], options: PredictOptions) -> list[Prediction]:
        """Boxes of each frame; the input size is the net's, whatever `options` say."""
        predictions: list[Prediction] = []
        for start in range(0, len(frames), options.batch_size):
            batch = frames[start : start + options.batch_size]
            placed = [_letterbox(self._onnx.input, frame).viewed(options.view) for frame in batch]
            canvases = grey_canvases(len(batch), placed[0].canvas_shape)
            for canvas, frame, letterbox in zip(canvases, batch, placed, strict=True):
                letterbox.place(read_picture(frame), canvas)
            output, maps = self._session.run(canvases)
            for row, decoded in enumerate(self._decode(output)):
                one_map = None if maps is None else checked_map(maps, len(batch))[row]
                seen = Seen(decoded, one_map if options.with_embeddings else None)
                predictions.append(self._prediction(batch[row], placed[row], seen, options))
        return predictions

    def _decode(self, output: Float32s) -> list[Decoded]:
        classes, size = len(self._onnx.classes), self._onnx.input
        if self._onnx.decoding is Decoding.YOLO:
            return yolo.decode(output, classes)
        if self._onnx.decoding is Decoding.END_TO_END:
            return end_to_end.decode(output, classes)
        return fastestdet.decode(output, classes, size.width_px, size.height_px)

    def _prediction(
        self, frame: Frame, letterbox: Letterbox, seen: Seen, options: PredictOptions
    ) -> Prediction:
        decoded = seen.decoded
        vectors = self._vectors(decoded)
        xyxy, inside = clip_to_picture(
            letterbox.to_picture(decoded.xyxy), frame.width_px, frame.height_px
        )
        class_id = self._class_id_of[decoded.class_id]
        sure = decoded.score >= max(options.score_min, self._onnx.score_min)
        rows: Rows = np.flatnonzero(inside & sure & (class_id >= 0))
        support = None
        if not decoded.is_final:
            nms_iou = options.nms_iou if self._onnx.nms_iou is None else self._onnx.nms_iou
            kept, support = after_nms(
                xyxy[rows], decoded.score[rows], class_id[rows], nms_iou, options.max_boxes
            )
            rows = rows[kept]
        rows = rows[: options.max_boxes]
        return Prediction(
            frame.frame_id,
            self._model_id,
            Boxes(xyxy[rows]),
            decoded.score[rows],
            class_id[rows],
            ClassScores.INDEPENDENT,
            class_probs=None if vectors is None else vectors[rows],
            support=support,
            class_peak=None if vectors is None else vectors.max(axis=0),
            **seen.embeddings(rows, self._onnx.input),
        )

    def _vectors(self, decoded: Decoded) -> Float32s | None:
        """The class vectors of all candidates, in the project's classes."""
        if decoded.class_scores is None:
            return None
        unknown = np.zeros(len(decoded.class_scores), np.float32)
        known = decoded.class_scores.T
        return np.stack([unknown if one is None else known[one] for one in self._columns], axis=1)


def _letterbox(wanted: InputSpec, frame: Frame) -> Letterbox:
    width, height = wanted.width_px, wanted.height_px
    if wanted.placing is Placing.STRETCH:
        resized = (width, height)
    else:
        scale = min(width / frame.width_px, height / frame.height_px)
        resized = (max(1, round(frame.width_px * scale)), max(1, round(frame.height_px * scale)))
    left, top = (width - resized[0]) // 2, (height - resized[1]) // 2
    return Letterbox(frame.width_px, frame.height_px, *resized, left, top, width, height)


def _model_id(spec: OnnxSpec) -> str:
    digest = hashlib.blake2b(model_id_of(spec.file).encode(), digest_size=8)
    digest.update(spec.model_dump_json(exclude={"file", "embedding_output"}).encode())
    if spec.embedding_output is not None:
        digest.update(spec.embedding_output.encode())
    return digest.hexdigest()
