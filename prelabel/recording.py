"""Rounds of a simulation, kept in stores like those of real projects."""

from collections.abc import Sequence
from pathlib import Path

from prelabel.active.rounds import START, RoundRecord
from prelabel.datasets.frames import LabelledFrame
from prelabel.store.records import ModelRecord
from prelabel.store.records import RoundRecord as StoredRound
from prelabel.store.store import Store, open_store

AUTHOR = "simulated annotator"


class StoreRecorder:
    """Keeps each arm of a simulation in a store of its own, `stores/<strategy>-<seed>.db`.

    The first round, which the arms of a seed share, stands in each of them. The log of such a store
    tells every label's history, and its batches can be drawn again from the seeds kept with them.
    """

    def __init__(
        self,
        folder: Path,
        classes: Sequence[str],
        frames: Sequence[LabelledFrame],
        strategies: Sequence[str],
        detector: str,
    ) -> None:
        self._folder = folder
        self._classes = classes
        self._frames = [LabelledFrame(one.frame, None) for one in frames]
        self._strategies = strategies
        self._detector = detector

    def record(self, finished: RoundRecord) -> None:
        """Keep a finished round; doing it again changes nothing."""
        arms = self._strategies if finished.strategy == START else [finished.strategy]
        for strategy in arms:
            path = self._folder / "stores" / f"{strategy}-{finished.seed}.db"
            path.parent.mkdir(parents=True, exist_ok=True)
            with open_store(f"sqlite:///{path}", self._folder) as store:
                if store.counts().frames < len(self._frames):
                    store.add_classes(self._classes, AUTHOR)
                    store.import_frames(self._frames, AUTHOR)
                self._keep(store, finished)

    def _keep(self, store: Store, finished: RoundRecord) -> None:
        stored = self._begun(store, finished)
        if stored.finished_at is not None:
            return
        batch = finished.labelled.batch
        store.record_batch(stored.number, batch, AUTHOR)
        for pick in batch.picks:
            version = store.labels(pick.frame_id)
            if version is None or version.round_number != stored.number:
                store.write_labels(
                    pick.frame_id,
                    finished.labelled.labels[pick.frame_id],
                    AUTHOR,
                    finished.labelled.seconds[pick.frame_id],
                    stored.number,
                )
        store.add_model(self._model(finished, stored.number), AUTHOR)
        figures = {"map50": finished.measured.map50, "map": finished.measured.map}
        store.finish_round(stored.number, AUTHOR, figures)

    def _begun(self, store: Store, finished: RoundRecord) -> StoredRound:
        settings = {
            "strategy": finished.strategy,
            "seed": finished.seed,
            "round": finished.number,
            "shown_score": finished.labelled.display_score,
        }
        for known in store.rounds():
            if known.settings["round"] == finished.number:
                return known
        return store.start_round(AUTHOR, settings)

    def _model(self, finished: RoundRecord, round_number: int) -> ModelRecord:
        measured = finished.measured
        return ModelRecord(
            model_id=measured.model_id,
            detector=self._detector,
            checkpoint=str(self._folder / measured.checkpoint),
            train_frames=measured.train_frames,
            steps=measured.steps,
            seconds=measured.train_seconds,
            validation_map50=measured.validation_map50,
            round_number=round_number,
        )
