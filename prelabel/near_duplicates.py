"""Near-duplicates among a project's frames, above all across splits."""

from collections.abc import Sequence
from contextlib import suppress

import cv2
import numpy as np
from numpy.typing import NDArray

from prelabel.active.label_errors.copies import near_copies
from prelabel.datasets.arrays import Float32s
from prelabel.datasets.frames import Frame
from prelabel.datasets.pictures import UnusablePictureError, read_picture
from prelabel.datasets.progress import Progress
from prelabel.models.prediction_files import PredictionFilesError
from prelabel.project import Project
from prelabel.proposing import prediction_files
from prelabel.suspicions import KeptCopies

THUMBNAIL_PX = 16


def find_copies(project: Project, progress: Progress) -> list[KeptCopies]:
    """Pairs of frames that are nearly the same picture, leaks first.

    Compared are the embeddings of the model in use on the frames that it has predicted; where
    there is none, or it gives none, small grey pictures of all frames.
    """
    frames, vectors = _embedded(project)
    if vectors is None:
        frames, vectors = thumbnails(list(project.store.frames()), progress)
    found = near_copies(
        vectors, [one.split.value for one in frames], [one.sequence for one in frames]
    )
    return [
        KeptCopies(frames[one.first].frame_id, frames[one.second].frame_id, one.likeness, one.leaks)
        for one in found
    ]


def thumbnails(frames: Sequence[Frame], progress: Progress) -> tuple[Sequence[Frame], Float32s]:
    """The pictures of frames at 16 x 16 pixels in grey, each less its mean, (n, 256).

    Frames whose pictures cannot be read are left out; the others are given back too.
    """
    known: list[Frame] = []
    rows: list[Float32s] = []
    with progress.task("Comparing pictures", len(frames)) as advance:
        for frame in frames:
            with suppress(UnusablePictureError):
                rows.append(_thumbnail(read_picture(frame)))
                known.append(frame)
            advance(1)
    return known, np.stack(rows) if rows else np.zeros((0, THUMBNAIL_PX**2), np.float32)


def _thumbnail(picture: NDArray[np.uint8]) -> Float32s:
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, (THUMBNAIL_PX, THUMBNAIL_PX), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32).ravel() - np.float32(small.mean())


def _embedded(project: Project) -> tuple[Sequence[Frame], Float32s | None]:
    model = project.store.latest_model()
    if model is None:
        return [], None
    files = prediction_files(project.workspace, model.model_id)
    predicted = files.predicted_ids()
    frames = [one for one in project.store.frames() if one.frame_id in predicted]
    try:
        return frames, files.frame_embeddings([one.frame_id for one in frames])
    except PredictionFilesError:
        return [], None
