"""The project's own embeddings as FiftyOne's indexes: no model is downloaded for them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from prelabel.curating.fields import MAP, SIMILARITY
from prelabel.curating.samples import all_samples
from prelabel.datasets.arrays import Float32s, Float64s


def index_vectors(dataset: Any, frame_ids: Sequence[str], vectors: Float32s) -> None:
    """Make the similarity index and the map of all frames anew; rows of `vectors` are frames'.

    Frames of the dataset without a vector are left out of both.
    """
    import fiftyone.brain as brain

    for key in (SIMILARITY, MAP):
        if dataset.has_brain_run(key):
            dataset.delete_brain_run(key)
    if len(frame_ids) < 2 or not vectors.shape[1]:
        return
    row_of = {frame_id: row for row, frame_id in enumerate(frame_ids)}
    # Found by an index of the database; `select_by` would put the frames in the order named.
    view = all_samples(dataset).match({"frame_id": {"$in": list(frame_ids)}})
    rows = [row_of[frame_id] for frame_id in view.values("frame_id")]
    ordered = vectors[rows]
    brain.compute_similarity(view, embeddings=ordered, brain_key=SIMILARITY, backend="sklearn")
    brain.compute_visualization(view, points=flat_map(ordered), brain_key=MAP)


def flat_map(vectors: Float32s) -> Float64s:
    """Two coordinates for each vector, (n, 2): the two directions in which they differ most."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0)
    # The covariance is small where there are many vectors; its eigenvectors are the directions.
    _, directions = np.linalg.eigh(centred.T @ centred)
    points = centred @ directions[:, -2:][:, ::-1]
    if points.shape[1] < 2:
        points = np.column_stack([points, np.zeros(len(points))])
    return np.asarray(points, np.float64)
