"""What `select_scale.py` measures, one task a process: ours and other libraries on the same frames.

Every k-center task chooses from the same embeddings, with the same 100 labelled frames, so that all
of them run the same algorithm and may be expected to choose the same frames.
"""

import argparse
import json
import resource
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from prelabel.active.box_source import BoxesInFiles, NoBoxes
from prelabel.active.budgets import Budget
from prelabel.active.pool import Pool
from prelabel.active.strategies import strategy_by_name
from prelabel.datasets.predictions import ClassScores
from prelabel.models.prediction_files import PredictionFiles
from prelabel.models.prediction_table import SCHEMA

WIDTH, LABELLED, CLASSES, BOXES_A_FRAME = 256, 100, 8, 6
FRAMES_A_RECORDING = 200
FRAMES_A_FILE = 20_000

Vectors = NDArray[np.float32]


def embeddings_of(kind: str, frames: int, seed: int = 0) -> Vectors:
    """Vectors of frames: `recordings` lie in clumps as those of videos do, `apart` in none."""
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((frames, WIDTH), np.float32)
    if kind == "recordings":
        centres = rng.standard_normal((-(-frames // FRAMES_A_RECORDING), WIDTH), np.float32)
        recording = rng.integers(0, len(centres), frames)
        vectors *= np.float32(0.3)
        for begin in range(0, frames, FRAMES_A_FILE):
            part = slice(begin, begin + FRAMES_A_FILE)
            vectors[part] += centres[recording[part]]
    return vectors


def frame_ids_of(frames: int) -> list[str]:
    """Ids as digests of pictures look."""
    digits = np.random.default_rng(1).bytes(16 * frames).hex()
    return [digits[begin : begin + 32] for begin in range(0, len(digits), 32)]


Chosen = tuple[float, NDArray[np.intp]]  # seconds, and rows of the pool


def ours_k_center(pool: Vectors, labelled: Vectors, picks: int) -> Chosen:
    """The strategy `kcenter`, values and reasons included."""
    ids = tuple(frame_ids_of(len(pool)))
    started = time.perf_counter()
    whole = Pool(ids, NoBoxes(ids), pool, np.ones(len(pool), np.float32), labelled)
    chosen = strategy_by_name("kcenter").choose(whole, Budget(picks), np.random.default_rng(0))
    return time.perf_counter() - started, chosen.indices


def scikit_activeml(pool: Vectors, labelled: Vectors, picks: int) -> Chosen:
    """CoreSet, which takes labelled and unlabelled samples in one matrix."""
    from skactiveml.pool import CoreSet

    samples = np.concatenate([pool, labelled])
    labels = np.concatenate([np.full(len(pool), np.nan), np.zeros(len(labelled))])
    started = time.perf_counter()
    chosen = CoreSet(random_state=0).query(samples, labels, batch_size=picks)
    return time.perf_counter() - started, np.asarray(chosen, np.intp)


def modal(pool: Vectors, labelled: Vectors, picks: int) -> Chosen:
    """Ranked batch sampling; with equal uncertainties it chooses by distance alone."""
    from modAL.batch import ranked_batch
    from modAL.models import ActiveLearner
    from sklearn.linear_model import LogisticRegression

    learner = ActiveLearner(LogisticRegression())
    learner.X_training = labelled
    started = time.perf_counter()
    chosen, _ = ranked_batch(learner, pool, np.zeros(len(pool)), picks, "euclidean", None)
    return time.perf_counter() - started, np.asarray(chosen, np.intp)


def small_text(pool: Vectors, labelled: Vectors, picks: int) -> Chosen:
    """Greedy coreset, with a tenth of the calls that its usual blocks of 100 rows would take."""
    from small_text.query_strategies.coresets import greedy_coreset

    rows = np.arange(len(pool) + len(labelled))
    samples = np.concatenate([pool, labelled])
    started = time.perf_counter()
    chosen = greedy_coreset(
        samples, rows[: len(pool)], rows[len(pool) :], picks, "euclidean", batch_size=1000
    )
    return time.perf_counter() - started, np.asarray(chosen, np.intp)


K_CENTERS = {
    "ours": ours_k_center,
    "skactiveml": scikit_activeml,
    "modal": modal,
    "smalltext": small_text,
}


def by_score(folder: Path, frames: int, strategy: str, picks: int) -> float:
    """A strategy over prediction files."""
    ids = tuple(frame_ids_of(frames))
    no_vectors = np.zeros((frames, 0), np.float32)
    started = time.perf_counter()
    boxes = BoxesInFiles.of(PredictionFiles(folder), ids)
    pool = Pool(ids, boxes, no_vectors, np.ones(frames, np.float32), no_vectors[:0])
    strategy_by_name(strategy).choose(pool, Budget(picks), np.random.default_rng(0))
    return time.perf_counter() - started


def write_predictions(folder: Path, frames: int) -> None:
    """Prediction files of so many frames of an independent head: 6 boxes a frame on average."""
    files = PredictionFiles(folder)
    ids = frame_ids_of(frames)
    rng = np.random.default_rng(2)
    for begin in range(0, frames, FRAMES_A_FILE):
        files.write_table(_predictions(ids[begin : begin + FRAMES_A_FILE], rng))


def _predictions(ids: Sequence[str], rng: np.random.Generator) -> pa.Table:
    counts = rng.poisson(BOXES_A_FRAME, len(ids))
    total = int(counts.sum())
    probs = rng.beta(0.3, 3, (total, CLASSES)).astype(np.float32)
    best = probs.max(axis=1)
    owner = np.repeat(np.arange(len(ids)), counts)
    probs, best = (one[np.lexsort((-best, owner))] for one in (probs, best))
    corners = rng.uniform(0, 500, (total, 2))
    xyxy = np.concatenate([corners, corners + rng.uniform(5, 140, (total, 2))], axis=1)
    peaks = rng.beta(0.3, 3, (len(ids), CLASSES))
    lists = {
        "xyxy": (xyxy, 4 * counts),
        "score": (best, counts),
        "class_id": (probs.argmax(axis=1), counts),
        "class_probs": (probs, CLASSES * counts),
        "support": (rng.integers(1, 20, total), counts),
        "class_peak": (peaks, np.full(len(ids), CLASSES)),
    }
    plain: dict[str, Sequence[object]] = {
        "frame_id": list(ids),
        "model_id": ["model"] * len(ids),
        "class_scores": [str(ClassScores.INDEPENDENT)] * len(ids),
        "class_count": [CLASSES] * len(ids),
    }
    return pa.Table.from_arrays(list(_columns(lists, plain, len(ids))), schema=SCHEMA)


def _columns(
    lists: Mapping[str, tuple[NDArray[Any], NDArray[np.int64]]],
    plain: Mapping[str, Sequence[object]],
    rows: int,
) -> Iterator[pa.Array]:
    for field in SCHEMA:
        if field.name in lists:
            values, sizes = lists[field.name]
            starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
            flat = pa.array(values.ravel().astype(field.type.value_type.to_pandas_dtype()))
            yield pa.ListArray.from_arrays(pa.array(starts), flat)
        elif field.name in plain:
            yield pa.array(plain[field.name], field.type)
        else:
            yield pa.nulls(rows, field.type)


def k_center(task: str, kind: str, frames: int, picks: int) -> Chosen:
    """One of `K_CENTERS` on made-up embeddings."""
    vectors = embeddings_of(kind, frames + LABELLED)
    return K_CENTERS[task](vectors[:frames], vectors[frames:].copy(), picks)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("task", choices=[*K_CENTERS, "by-score", "predictions"])
    arguments.add_argument("--frames", type=int, required=True)
    arguments.add_argument("--picks", type=int, default=0)
    arguments.add_argument("--kind", choices=["recordings", "apart"], default="recordings")
    arguments.add_argument("--strategy", default="")
    arguments.add_argument("--folder", type=Path, default=Path())
    given = arguments.parse_args()
    warnings.simplefilter("ignore")
    seconds, chosen = 0.0, np.zeros(0, np.intp)
    if given.task == "predictions":
        write_predictions(given.folder, given.frames)
    elif given.task == "by-score":
        seconds = by_score(given.folder, given.frames, given.strategy, given.picks)
    else:
        seconds, chosen = k_center(given.task, given.kind, given.frames, given.picks)
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    told = {"seconds": seconds, "peak_gb": peak_bytes / 1e9, "chosen": chosen.tolist()}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
