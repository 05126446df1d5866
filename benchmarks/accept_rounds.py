"""A pool of generated scenes before and after a round of chosen frames, for `accept.py`.

The detector of `accept_data.py` proposes on a pool that nobody has looked at. Of the frames that
are no checks a batch is chosen, by a strategy or at random; the detector learns on from its own
weights with that batch, and proposes anew. All of it is kept in the work folder.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from accept_data import RECIPES, SCORE_MIN, learned_from, scenes, trained, usual_scenes

from prelabel.active.batches import compose_batch
from prelabel.active.box_source import BoxesInMemory
from prelabel.active.budgets import Budget
from prelabel.active.checks import Checks
from prelabel.active.pool import Pool, Rows
from prelabel.active.strategies import strategy_by_name
from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.frames import LabelledFrame
from prelabel.datasets.predictions import Prediction
from prelabel.datasets.progress import Silent
from prelabel.datasets.scenes.options import SceneOptions
from prelabel.models.bulk import predict_to_files
from prelabel.models.detector import PredictOptions
from prelabel.models.prediction_files import PredictionFiles
from prelabel.models.prediction_table import EMBEDDINGS

POOL = SceneOptions(seed=12, train=0, val=0, test=4000)
CHECKED = 1000  # frames of the pool that are drawn at random and checked; no batch holds them
BATCH = 300
STEPS = 900
STRATEGIES = ("entropy_sum", "random")
NAME = "scenes"


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """What a detector proposes on the pool beside the truth, and the rows that it has learned."""

    checks: Checks
    learned: Rows


def rounds(work: Path) -> dict[str, Round]:
    """The pool as the first detector sees it, and as those do that learned a batch of it."""
    dataset, pool = scenes(work), usual_scenes(work / NAME / "pool", POOL)
    folder = work / NAME
    first = trained(NAME, dataset, folder)
    found = _predicted(first, pool, folder / "pool-first", work)
    before = Round(_checks(found, pool), np.zeros(0, np.intp))
    result = {"first": before}
    for strategy in STRATEGIES:
        rows = _chosen(strategy, found)
        batch = [pool[row] for row in rows]
        checkpoint = learned_from(
            NAME, dataset, batch, first, STEPS, folder / f"training-{strategy}"
        )
        again = _predicted(checkpoint, pool, folder / f"pool-{strategy}", work)
        result[strategy] = Round(_checks(again, pool), rows)
    return result


def _chosen(strategy: str, found: Sequence[Prediction]) -> Rows:
    """Rows of a batch of the frames that are no checks."""
    free = tuple(found[CHECKED:])
    none = np.zeros((len(free), 0), np.float32)
    pool = Pool(
        tuple(one.frame_id for one in free),
        BoxesInMemory(free),
        none,
        np.ones(len(free), np.float32),
        np.zeros((0, 0), np.float32),
    )
    batch = compose_batch(strategy_by_name(strategy), pool, Budget(BATCH), 0.0, seed=0)
    place = {one.frame_id: CHECKED + row for row, one in enumerate(free)}
    return np.array(sorted(place[pick.frame_id] for pick in batch.picks), np.intp)


def _predicted(
    checkpoint: Path, pool: Sequence[LabelledFrame], folder: Path, work: Path
) -> list[Prediction]:
    files = PredictionFiles(folder)
    bare = [one.frame for one in pool]
    options = PredictOptions(input_px=RECIPES[NAME].input_px, score_min=SCORE_MIN)
    predict_to_files(checkpoint, bare, options, files, 1, work / "state", Silent())
    return list(files.read([one.frame_id for one in bare], EMBEDDINGS))


def _checks(found: Sequence[Prediction], pool: Sequence[LabelledFrame]) -> Checks:
    return Checks.of(found, [one.annotations or AnnotationSet.empty() for one in pool])
