"""A frame in FiftyOne: the values of its fields, made from what the project knows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from prelabel.active.label_errors.disagreement import DisagreementKind
from prelabel.active.scores import boxes_uncertainty
from prelabel.curating.documents import (
    Document,
    Verdicts,
    evaluated,
    labels_document,
    proposals_document,
)
from prelabel.curating.fields import LABELS, SURE_BOXES, proposals_field
from prelabel.datasets.predictions import Prediction
from prelabel.proposals import shown_proposals
from prelabel.store.overview import Overview, Work
from prelabel.store.records import LabelVersion

Values = dict[str, object]
_JUDGED = ("doubt", "eval_tp", "eval_fp", "eval_fn")
_BOX_FIELDS = ("class_probs", "spread_px", "support")


@dataclass(frozen=True, slots=True)
class Proposed:
    """The predictions of one model by frame id, and the score from which people see them."""

    model_id: str
    shown_score: float
    predictions: Mapping[str, Prediction]


@dataclass(slots=True)
class Columns:
    """Values by field and frame id, as they are written in bulk, and how many boxes they hold.

    On `judged` frames proposals were compared with labels.
    """

    values: dict[str, dict[str, object]] = field(default_factory=dict)
    boxes: int = 0
    judged: int = 0

    def put(self, name: str, frame_id: str, value: object) -> None:
        self.values.setdefault(name, {})[frame_id] = value

    def by_frame(self) -> dict[str, Values]:
        """The values of each frame by field."""
        rows: dict[str, Values] = {}
        for name, values in self.values.items():
            for frame_id, value in values.items():
                rows.setdefault(frame_id, {})[name] = value
        return rows


def columns_of(
    overviews: Sequence[Overview], classes: Sequence[str], proposed: Sequence[Proposed]
) -> Columns:
    """The fields of these frames that change as the work goes on.

    Of the last model in `proposed`, the newest, it is told how its proposals agree with the labels.
    """
    columns = Columns()
    judged = _proposals(columns, overviews, classes, proposed)
    for one in overviews:
        frame_id, version = one.frame.frame_id, one.labels
        columns.put("state", frame_id, state_of(one))
        columns.put(SURE_BOXES, frame_id, len(one.sure) if one.sure else None)
        for name in _JUDGED:  # by the newest model, which may not have looked at every frame
            columns.values.setdefault(name, {}).setdefault(frame_id, None)
        columns.put("excluded", frame_id, one.excluded)
        columns.put("record", frame_id, None if version is None else _record(version))
        columns.put("work", frame_id, None if one.work is None else _work(one.work))
        labels = None
        if version is not None:
            labels = labels_document(version, one.frame, classes, judged.get(frame_id))
            columns.boxes += len(version.annotations)
        columns.put(LABELS, frame_id, labels)
    return columns


def state_of(one: Overview) -> str:
    """Where a frame stands, in one word: its task's state, else whether it has labels."""
    if one.excluded is not None:
        return "excluded"
    if one.work is not None and one.work.state not in (None, "accepted", "superseded"):
        return state_word(one.work.state)
    return "unlabelled" if one.labels is None else "labelled"


def state_word(state: str) -> str:
    """The state of a task as curators read it."""
    return state.replace("_", " ")


def _proposals(
    columns: Columns,
    overviews: Sequence[Overview],
    classes: Sequence[str],
    proposed: Sequence[Proposed],
) -> dict[str, Verdicts]:
    """Put the proposals of every model; what is said of the labels by the newest."""
    judged: dict[str, Verdicts] = {}
    for model in proposed:
        told = [one for one in overviews if one.frame.frame_id in model.predictions]
        seen = [_visible(model, one.frame.frame_id) for one in told]
        if not seen:
            continue
        unsure = boxes_uncertainty(seen)
        newest = model is proposed[-1]
        for one, prediction, doubt in zip(told, seen, unsure, strict=True):
            frame_id = one.frame.frame_id
            shown = shown_proposals(prediction, model.shown_score, doubt)
            about = None
            if newest and one.labels is not None:
                truth = one.labels.annotations
                columns.judged += 1
                judged[frame_id], about = evaluated(prediction, truth, shown.proposals)
            document = proposals_document(shown, one.frame, classes, about, one.sure)
            columns.put(proposals_field(model.model_id), frame_id, document)
            columns.boxes += len(prediction)
            if newest:
                verdicts = (judged.get(frame_id), about)
                _put_doubt(columns, frame_id, prediction, float(doubt.max(initial=0)), verdicts)
    return judged


def _visible(model: Proposed, frame_id: str) -> Prediction:
    """A prediction with the boxes that people see only; scores fall, so that they come first."""
    whole = model.predictions[frame_id]
    count = int((whole.score >= model.shown_score).sum())
    kept = {name: getattr(whole, name) for name in _BOX_FIELDS}
    some = {name: None if value is None else value[:count] for name, value in kept.items()}
    return Prediction(
        whole.frame_id,
        whole.model_id,
        whole.boxes.take(range(count)),
        whole.score[:count],
        whole.class_id[:count],
        whole.class_scores,
        class_peak=whole.class_peak,
        **some,
    )


def _counts(labels: Verdicts, proposals: Verdicts) -> dict[str, int]:
    return {
        "tp": proposals.words.count("tp"),
        "fp": proposals.words.count("fp"),
        "fn": labels.words.count("fn"),
    }


def _put_doubt(
    columns: Columns,
    frame_id: str,
    prediction: Prediction,
    uncertainty: float,
    verdicts: tuple[Verdicts | None, Verdicts | None],
) -> None:
    disagreements = counts = None
    labels, proposals = verdicts
    if labels is not None and proposals is not None:
        counts = _counts(labels, proposals)
        # What both sides have a box for, and differ about, counts once.
        extra = proposals.disagreements.count(DisagreementKind.EXTRA.value)
        disagreements = extra + sum(kind is not None for kind in labels.disagreements)
    columns.put(
        "doubt",
        frame_id,
        _document(
            {
                "model": prediction.model_id,
                "uncertainty": uncertainty,
                "boxes": len(prediction),
                "disagreements": disagreements,
            }
        ),
    )
    for word, count in (counts or {}).items():
        columns.put(f"eval_{word}", frame_id, count)


def _record(version: LabelVersion) -> Document:
    return _document(
        {
            "version": version.number,
            "by": version.author,
            "seconds": version.seconds,
            "round": version.round_number,
            "source": version.source,
            "rule": next((one.rule for one in version.annotations.origin if one.rule), None),
        }
    )


def _work(work: Work) -> Document:
    return _document(
        {
            "round": work.round_number,
            "strategy": work.strategy,
            "score": work.score,
            "reason": work.reason,
            "cost_s": work.cost_s,
            "control": work.is_control,
            "person": work.person,
            "sent_back_reason": work.sent_back_reason,
        }
    )


def _document(values: Document) -> Document:
    return {"_cls": "DynamicEmbeddedDocument", **values}
