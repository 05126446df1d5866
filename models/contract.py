"""What the caller checks of predictions before anything is built on them."""

from collections.abc import Callable, Sequence

import numpy as np

from prelabel.datasets.arrays import Float32s
from prelabel.datasets.frames import Frame
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.models.detector import DetectorError, DetectorSpec

# Class vectors and scores may have gone through half precision on different ways.
_TOLERANCE = 1e-3


def check_predictions(
    spec: DetectorSpec,
    frames: Sequence[Frame],
    predictions: Sequence[Prediction],
    *,
    with_embeddings: bool = True,
) -> None:
    """Refuse predictions that break the contract of `Detector.predict`.

    Checked: one prediction a frame, in order, all of one model; boxes inside their picture; class
    ids and class vectors that fit the classes, scores that are the entry of their class; every
    field the spec promises; embeddings of one width. `with_embeddings` says whether embeddings
    were asked for.

    Raises DetectorError with the detector, the frame, the broken rule and the value.
    """
    if len(predictions) != len(frames):
        raise DetectorError(
            f"detector {spec.name}: must give one prediction a frame, but gave {len(predictions)} "
            f"for {len(frames)} frames"
        )
    for frame, prediction in zip(frames, predictions, strict=True):
        for rule in _RULES:
            _refuse(spec, frame, rule(spec, frame, prediction))
        if with_embeddings:
            _refuse(spec, frame, _embedding_mistake(spec, prediction))
        _refuse(spec, frame, _difference(predictions[0], prediction))


def _refuse(spec: DetectorSpec, frame: Frame, mistake: str | None) -> None:
    if mistake is not None:
        raise DetectorError(
            f"detector {spec.name}: frame {frame.frame_id} ({frame.uri}): {mistake}"
        )


def _identity_mistake(spec: DetectorSpec, frame: Frame, one: Prediction) -> str | None:
    if one.frame_id != frame.frame_id:
        return f"predictions must come in the order of the frames, but here is {one.frame_id}"
    if not one.model_id:
        return "model_id must not be empty"
    if one.class_scores is not spec.class_scores:
        return f"class_scores must be {spec.class_scores}, but are {one.class_scores}"
    return None


def _box_mistake(spec: DetectorSpec, frame: Frame, one: Prediction) -> str | None:
    corners = one.boxes.xyxy
    if spec.gives_angle != (one.boxes.angle is not None):
        return "boxes must be turned" if spec.gives_angle else "boxes must be upright"
    if one.boxes.angle is not None:  # the corners of a turned box may reach out, its centre not
        centre = (corners[:, :2] + corners[:, 2:]) / 2
        corners = np.concatenate([centre, centre], axis=1)
    limit = np.array([frame.width_px, frame.height_px] * 2, np.float32)
    outside = ((corners < 0) | (corners > limit)).any(axis=1)
    if outside.any():
        box = one.boxes.xyxy[int(outside.argmax())].tolist()
        return f"boxes must lie in the picture of {frame.width_px}x{frame.height_px} px: {box}"
    return None


def _class_mistake(spec: DetectorSpec, frame: Frame, one: Prediction) -> str | None:
    count = len(spec.classes)
    if len(one) and one.class_id.max() >= count:
        return f"class_id must be below {count}, but is {one.class_id.max()}"
    if one.class_probs is None:
        return "class_probs are promised but missing" if spec.gives_class_probs else None
    if one.class_probs.shape[1] != count:
        return f"class_probs must have {count} columns, but have {one.class_probs.shape[1]}"
    if one.class_peak is not None and len(one.class_peak) != count:
        return f"class_peak must have {count} entries, but has {len(one.class_peak)}"
    return _class_vector_mistake(spec, one, one.class_probs)


def _class_vector_mistake(spec: DetectorSpec, one: Prediction, probs: Float32s) -> str | None:
    totals = probs.sum(axis=1)
    if spec.class_scores is ClassScores.EXCLUSIVE and (totals > 1 + _TOLERANCE).any():
        return f"exclusive class_probs must sum to at most 1, but sum to {totals.max():.4g}"
    own = probs[np.arange(len(one)), one.class_id]
    apart = np.abs(own - one.score)
    if (apart > _TOLERANCE).any():
        row = int(apart.argmax())
        found, wanted = one.score[row], own[row]
        return f"score must be class_probs of its class, but is {found:.4g}, not {wanted:.4g}"
    return None


def _extras_mistake(spec: DetectorSpec, frame: Frame, one: Prediction) -> str | None:
    if spec.gives_spread and one.spread_px is None:
        return "spread_px is promised but missing"
    if one.support is None:
        return "support is promised but missing" if spec.gives_support else None
    if (one.support < 1).any():
        return f"support counts the box itself, so at least 1, but is {one.support.min()}"
    return None


def _embedding_mistake(spec: DetectorSpec, one: Prediction) -> str | None:
    if spec.gives_embeddings and one.box_embedding is None:
        return "box_embedding is promised but missing"
    if spec.gives_embeddings and one.frame_embedding is None:
        return "frame_embedding is promised but missing"
    return None


def _difference(first: Prediction, one: Prediction) -> str | None:
    """How a prediction does not belong to the same model as the first of the batch."""
    if one.model_id != first.model_id:
        return f"model_id must be one for all frames, but is {one.model_id}, not {first.model_id}"
    for name in ("box_embedding", "frame_embedding"):
        width, first_width = _width(getattr(one, name)), _width(getattr(first, name))
        if width != first_width:
            return f"{name} must have one width for all frames, but has {width}, not {first_width}"
    return None


def _width(vectors: Float32s | None) -> int | None:
    return None if vectors is None else int(vectors.shape[-1])


_RULES: tuple[Callable[[DetectorSpec, Frame, Prediction], str | None], ...] = (
    _identity_mistake,
    _box_mistake,
    _class_mistake,
    _extras_mistake,
)
