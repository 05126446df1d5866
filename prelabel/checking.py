"""What people found on frames drawn at random, beside what the model in use proposes there."""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from itertools import compress

import numpy as np

from prelabel.active.acceptance_plan import FIT_FRAMES
from prelabel.active.checks import Checks
from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.batches import Batch
from prelabel.models.prediction_table import EMBEDDINGS
from prelabel.proposing import read_predictions
from prelabel.store.acceptances import accepted_by_rule, all_acceptances
from prelabel.store.records import ModelRecord
from prelabel.store.store import Store
from prelabel.training import RANDOM, learned_frames
from prelabel.workspace import Workspace

CHECKS_TAKEN = "checks_taken"  # of an acceptance: the checks that its rule would accept whole


@dataclass(frozen=True, slots=True, eq=False)
class ProjectChecks:
    """Checked frames of the model in use, in the order in which they were drawn.

    `fit` are the first 50, which teach probabilities, `test` the others; `frame_ids` are those of
    both. `learned` frames were drawn at random and labelled, but have trained the model, so they
    say nothing about it.
    """

    frame_ids: tuple[str, ...]
    fit: Checks
    test: Checks
    learned: int

    def __len__(self) -> int:
        return len(self.fit) + len(self.test)

    def tested_on(self, frame_ids: Set[str]) -> "ProjectChecks":
        """The same where only checks among these frames test."""
        own = [one in frame_ids for one in self.frame_ids[len(self.fit) :]]
        kept = self.frame_ids[: len(self.fit)] + tuple(
            compress(self.frame_ids[len(self.fit) :], own)
        )
        return ProjectChecks(kept, self.fit, self.test.take(np.flatnonzero(own)), self.learned)


def project_checks(
    workspace: Workspace, store: Store, model: ModelRecord, iou: float, as_drawn: bool = False
) -> ProjectChecks:
    """The checks that there are for a model.

    They are the frames of every batch that were drawn at random, in the order of the work, as far
    as people have labelled them without a gap: those left for later may be the hard ones. Frames
    that trained the model are left out, and so is every label that a rule made; and frames that a
    rule in force would have accepted whole, for the frames that they stand for have left the pool:
    `as_drawn` keeps these, which tells of the pool as it was.
    """
    by_rule = set(accepted_by_rule(store)) | (set() if as_drawn else _spoken_for(store))
    learned = learned_frames(model)
    labels: dict[str, AnnotationSet] = {}
    spent = 0
    for frame_id in _drawn_by_lot(store):
        version = store.labels(frame_id)
        if version is None or frame_id in by_rule or frame_id in labels:
            continue
        is_old = model.added_at is not None and version.at < model.added_at
        if frame_id in learned if learned is not None else is_old:
            spent += 1
        else:
            labels[frame_id] = version.annotations
    found = read_predictions(workspace, model.model_id, list(labels), EMBEDDINGS)
    ids = [frame_id for frame_id in labels if frame_id in found]
    checks = Checks.of([found[one] for one in ids], [labels[one] for one in ids], iou)
    rows = np.arange(len(ids))
    fit, test = checks.take(rows[:FIT_FRAMES]), checks.take(rows[FIT_FRAMES:])
    return ProjectChecks(tuple(ids), fit, test, spent)


def _spoken_for(store: Store) -> set[str]:
    """Checks that rules in force would have accepted whole."""
    return {
        frame_id
        for one in all_acceptances(store)
        if one.ended_at is None
        for frame_id in one.settings.get(CHECKS_TAKEN, ())
    }


def _drawn_by_lot(store: Store) -> Iterator[str]:
    for record in store.rounds():
        batch = store.batch(record.number)
        if batch is None:
            continue
        drawn = _random_picks(batch)
        labelled = store.labelled_among(drawn)
        for frame_id in drawn:
            if frame_id not in labelled:
                break
            yield frame_id


def _random_picks(batch: Batch) -> list[str]:
    every = batch.strategy == RANDOM
    return [pick.frame_id for pick in batch.picks if every or pick.is_control]
