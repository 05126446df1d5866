"""The report on a project, filled from its store."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from prelabel.active.acceptance_plan import LEAST_FIT_BOXES
from prelabel.active.calibration_error import (
    detection_ece,
    localisation_aware_ece,
    reliability,
)
from prelabel.active.checks import Checks
from prelabel.active.matching import LOCATED_IOU
from prelabel.active.presence import classes_of
from prelabel.active.right_boxes import RightBoxes
from prelabel.active.summary import BoxMark, PickResult, box_marks
from prelabel.advising import project_advice
from prelabel.auditing import look_at_audits, standing_told
from prelabel.checking import project_checks
from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.batches import Batch
from prelabel.datasets.progress import Progress
from prelabel.proposing import ShownProposals
from prelabel.report.project import (
    AcceptanceFacts,
    CalibrationFacts,
    ConfidenceFacts,
    FinishFacts,
    ModelFacts,
    ProjectFacts,
    RoundFacts,
    SplitFacts,
    write_project_report,
)
from prelabel.standing import finished_rounds
from prelabel.status import project_status
from prelabel.store.acceptances import Part, accepted_by_rule, frames_of
from prelabel.store.records import EventKind, RoundRecord
from prelabel.store.store import Store
from prelabel.workspace import Workspace


def report(workspace: Workspace, store: Store, folder: Path | None, progress: Progress) -> Path:
    """Write `report.html` into `folder` (None: `reports/` of the project); where it lies."""
    target = folder or workspace.reports_folder
    target.mkdir(parents=True, exist_ok=True)
    return write_project_report(project_facts(workspace, store), target, progress=progress)


def project_facts(workspace: Workspace, store: Store) -> ProjectFacts:
    """All that the report tells."""
    status = project_status(workspace, store)
    shown = ShownProposals(store)
    seconds = seconds_by_round(store)
    advice = project_advice(workspace, store)
    return ProjectFacts(
        name=status.name,
        classes=status.classes,
        splits=tuple(
            SplitFacts(str(split), one.frames, one.labelled, one.boxes_by_class)
            for split, one in status.counts.by_split.items()
        ),
        rounds=tuple(_rounds(store, shown, seconds)),
        models=tuple(
            ModelFacts(
                one.model_id,
                one.detector,
                one.train_frames,
                one.steps,
                one.seconds,
                one.validation_map50,
            )
            for one in store.models()
        ),
        next_command=status.next_command,
        acceptances=tuple(_acceptances(store)),
        calibration=_calibration(workspace, store),
        finished=tuple(_finished(store)),
        notes=() if advice is None else tuple(advice.sentences()),
    )


def _acceptances(store: Store) -> Iterator[AcceptanceFacts]:
    in_force = Counter(accepted_by_rule(store).values())
    for one in look_at_audits(store):
        number = one.acceptance.number
        parts = Counter(frame.part for frame in frames_of(store, number, list(Part)))
        yield AcceptanceFacts(
            number,
            one.acceptance.settings["rule"],
            parts[Part.WHOLE],
            parts[Part.HALF],
            in_force[number],
            standing_told(one),
        )


def _finished(store: Store) -> Iterator[FinishFacts]:
    for one in finished_rounds(store):
        stood = one.standing
        yield FinishFacts(
            one.at,
            one.round_number,
            one.turn,
            one.done,
            stood.by_people.frames,
            stood.by_rule.frames,
            stood.left.frames,
            stood.spent_s,
            stood.left_s,
        )


def _calibration(workspace: Workspace, store: Store) -> CalibrationFacts | None:
    """How true confidences are on checked frames that did not fit them; None with too few."""
    model = store.latest_model()
    if model is None:
        return None
    checks = project_checks(workspace, store, model, LOCATED_IOU, as_drawn=True)
    if len(checks.fit.right) < LEAST_FIT_BOXES or not len(checks.test.right):
        return None
    raw = checks.test.boxes.score.astype(np.float64)
    own = RightBoxes.fit(checks.fit).of(checks.test.boxes)
    return CalibrationFacts(
        len(checks.test), _confidence(raw, checks.test), _confidence(own, checks.test)
    )


def _confidence(told: Float64s, checks: Checks) -> ConfidenceFacts:
    return ConfidenceFacts(
        detection_ece(told, checks.right),
        localisation_aware_ece(told, checks.right, checks.iou, classes_of(checks.boxes)),
        tuple(reliability(told, checks.right)),
    )


def _rounds(
    store: Store, shown: ShownProposals, seconds: Mapping[int, float]
) -> Iterator[RoundFacts]:
    for record in store.rounds():
        batch = store.batch(record.number)
        if batch is not None:
            yield _round(store, record, batch, shown, seconds.get(record.number))


def _round(
    store: Store, record: RoundRecord, batch: Batch, shown: ShownProposals, seconds: float | None
) -> RoundFacts:
    frames = store.find_frames([pick.frame_id for pick in batch.picks])
    versions = [store.labels(frame.frame_id) for frame in frames]
    picks = tuple(
        PickResult(
            pick.frame_id,
            frame.uri,
            pick.score,
            pick.reason,
            pick.cost_s,
            pick.is_control,
            spent_s=None if version is None else version.seconds,
            proposals=_marks(shown.in_round(record.number, pick.frame_id)),
            labels=() if version is None else _marks(version.annotations),
        )
        for pick, frame, version in zip(batch.picks, frames, versions, strict=True)
    )
    return RoundFacts(
        number=record.number,
        strategy=batch.strategy,
        seed=batch.seed,
        picks=picks,
        done=sum(version is not None for version in versions),
        seconds=seconds,
        model_id=record.settings.get("model_id"),
    )


def _marks(labels: AnnotationSet) -> tuple[BoxMark, ...]:
    return box_marks(labels.boxes, labels.class_id, [one.score for one in labels.origin])


def seconds_by_round(store: Store) -> dict[int, float]:
    """Human seconds of the rounds whose label versions were timed."""
    total: dict[int, float] = {}
    for event in store.events():
        if event.kind is not EventKind.LABELS_WRITTEN:
            continue
        number, seconds = event.details["round"], event.details["seconds"]
        if number is not None and seconds is not None:
            total[number] = total.get(number, 0.0) + seconds
    return total
