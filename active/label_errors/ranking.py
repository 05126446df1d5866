"""All suspected label errors of a dataset, most probable first."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from prelabel.active.label_errors.answers import log_odds
from prelabel.active.label_errors.kinds import ErrorKind
from prelabel.active.label_errors.model import LABEL_KINDS, FrameErrors, errors_of, learn_errors
from prelabel.active.label_errors.suspects import Suspect
from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.frames import LabelledFrame
from prelabel.datasets.geometry import enclosing
from prelabel.datasets.predictions import Prediction

MOST_RANKED = 500_000  # a suspect takes a kilobyte
LEAST_LABELS = 20  # with fewer nothing can be learned from errors made on purpose

# A name space (RFC 4122) of our own: what is suspected again has the id that it had.
_SUSPECTS = uuid.UUID("2f1b7a52-95a0-5d0c-8a53-e6a1a2b90f77")


def rank_suspects(
    frames: Sequence[LabelledFrame],
    predictions: Mapping[str, Prediction],
    class_count: int,
    rng: np.random.Generator,
    most: int = MOST_RANKED,
) -> list[Suspect]:
    """A suspect for each label and kind of error, and for each object seen where no label is.

    The most probable ones, where there would be more than `most`.

    `predictions`, by frame id, must come from detectors that have not learned from the labels of
    the frame. Frames without labels, which is not "no boxes", are left out, and so are those
    without a prediction. Raises InvalidValueError on fewer than 20 labels.
    """
    known = [
        one for one in frames if one.annotations is not None and one.frame.frame_id in predictions
    ]
    boxes = sum(len(one.annotations) for one in known if one.annotations is not None)
    if boxes < LEAST_LABELS:
        raise InvalidValueError(
            f"{boxes} labels are too few to tell errors from; label at least {LEAST_LABELS}"
        )
    model = learn_errors(known, predictions, class_count, rng)
    found = errors_of(model, known, predictions)
    least = _least_of(found, most)
    suspects: list[Suspect] = []
    for one, its in zip(known, found, strict=True):
        assert one.annotations is not None  # frames without labels were left out
        suspects += _of_labels(one.frame.frame_id, one.annotations, its, least)
        suspects += _of_objects(one.frame.frame_id, predictions[one.frame.frame_id], its, least)
    return sorted(suspects, key=lambda one: (-one.probability, one.suspect_id))


def _least_of(found: Sequence[FrameErrors], most: int) -> float:
    """The probability that no more than `most` suspects exceed; -1 where there are not so many."""
    every = np.concatenate([its for one in found for its in (one.labels.ravel(), one.objects)])
    if len(every) <= most:
        return -1.0
    return float(np.partition(every, len(every) - most - 1)[len(every) - most - 1])


def strongest(suspects: Sequence[Suspect]) -> list[Suspect]:
    """Of each label the suspect of its most probable kind; all objects without a label."""
    best: dict[str, Suspect] = {}
    for one in suspects:
        key = one.box_id or one.suspect_id
        if key not in best or one.probability > best[key].probability:
            best[key] = one
    return sorted(best.values(), key=lambda one: (-one.probability, one.suspect_id))


def _of_labels(
    frame_id: str, labels: AnnotationSet, found: FrameErrors, least: float
) -> list[Suspect]:
    corners = enclosing(labels.boxes).tolist()
    suspects = []
    for row, column in np.argwhere(found.labels > least).tolist():
        kind, box_id = LABEL_KINDS[column], labels.box_id[row]
        left, top, right, bottom = corners[row]
        class_id, seen = int(labels.class_id[row]), int(found.evidence.suggested[row])
        other = kind is ErrorKind.WRONG_CLASS and seen not in (-1, class_id)
        suspects.append(
            Suspect(
                _id_of(kind, frame_id, box_id, class_id, corners[row]),
                frame_id,
                kind,
                _share(found.labels[row, column]),
                class_id,
                (left, top, right, bottom),
                box_id,
                seen if other else None,
                _evidence(found.labels[row, column], found.evidence.labels[row]),
            )
        )
    return suspects


def _of_objects(
    frame_id: str, prediction: Prediction, found: FrameErrors, least: float
) -> list[Suspect]:
    corners = enclosing(prediction.boxes).tolist()
    suspects = []
    times: Counter[str] = Counter()
    for at, row in enumerate(found.evidence.object_row.tolist()):
        left, top, right, bottom = corners[row]
        class_id = int(prediction.class_id[row])
        suspect_id = _id_of(ErrorKind.MISSING, frame_id, "", class_id, corners[row])
        times[suspect_id] += 1
        if times[suspect_id] > 1:  # small objects close together
            suspect_id = str(uuid.uuid5(_SUSPECTS, f"{suspect_id}/{times[suspect_id]}"))
        if found.objects[at] <= least:
            continue
        place = (left, top, right, bottom)
        suspects.append(
            Suspect(
                suspect_id,
                frame_id,
                ErrorKind.MISSING,
                _share(found.objects[at]),
                class_id,
                place,
                evidence=_evidence(found.objects[at], found.evidence.objects[at]),
            )
        )
    return suspects


def _id_of(
    kind: ErrorKind, frame_id: str, box_id: str, class_id: int, corners: Sequence[float]
) -> str:
    # A label that was moved or reclassed since is another one to judge; places seen by a detector
    # are told apart coarsely, as the next one sees the same object a little elsewhere.
    place = [round(value, 1) for value in corners] if box_id else _coarse(corners)
    return str(uuid.uuid5(_SUSPECTS, f"{kind}/{frame_id}/{box_id}/{class_id}/{place}"))


def _coarse(corners: Sequence[float]) -> list[int]:
    left, top, right, bottom = corners
    step = max((right - left + bottom - top) / 4, 1.0)
    return [round((left + right) / 2 / step), round((top + bottom) / 2 / step)]


def _evidence(probability: float, seen: Float64s) -> tuple[float, ...]:
    return (round(log_odds(_share(probability)), 3), *np.round(seen, 3).tolist())


def _share(value: float) -> float:
    return min(max(float(value), 0.0), 1.0)
