"""The fields of a project's dataset in FiftyOne, and how the App shows them."""

from collections.abc import Sequence
from typing import Any

from prelabel.curating.opening import FiftyOne

LABELS, CONFLICT, SUSPECTS = "labels", "conflict", "suspects"
PROPOSALS = "proposals_"
EVALUATION, DISAGREEMENT = "eval", "disagreement"
SURE_BOXES = "sure_boxes"  # that a rule accepted on a frame half done
SIMILARITY, MAP = "similarity", "map"
# Of lidar projects: labels and proposals as cameras see them, and which frames a sample belongs to
# that is none itself.
PROJECTED, PROJECTED_PROPOSALS, AROUND = "projected", "projected_proposals", "around"
ORIGIN, FILLED_FROM = "origin_m", "filled_from"
PREVIEW = "orthographic_projection_metadata"  # where FiftyOne looks for a scene's picture

# Tags by which a curator says what is to become of a frame.
REQUEUE, ACCEPT, EXCLUDE, INCLUDE, TAKE_MINE, KEEP_THEIRS = (
    "requeue",
    "accept",
    "exclude",
    "include",
    "take mine",
    "keep theirs",
)
NEAR_DUPLICATE, LEAK = "near-duplicate", "leak"
WISHES = (REQUEUE, ACCEPT, EXCLUDE, INCLUDE, TAKE_MINE, KEEP_THEIRS)

_FRAME = ("frame_id", "split", "kind", "sequence", "sequence_index", "instant")
_RECORD = ("version", "by", "seconds", "round", "source", "rule")
_WORK = (
    "round",
    "strategy",
    "score",
    "reason",
    "cost_s",
    "control",
    "person",
    "sent_back_reason",
)
_SWEEP = (ORIGIN, FILLED_FROM)
_PREVIEW = ("filepath", "min_bound", "max_bound", "normal", "width", "height")
_DOUBT = ("model", "uncertainty", "boxes", "disagreements")


def proposals_field(model_id: str) -> str:
    """The field with the proposals of a model."""
    return f"{PROPOSALS}{model_id[:8]}"


def declare(fo: FiftyOne, dataset: Any, models: Sequence[str], in_space: bool = False) -> None:
    """Give the dataset every field that it lacks; what is there stays.

    Those of cuboids come in where there are sweeps to show `in_space`.
    """
    text, number, whole, yes = fo.StringField, fo.FloatField, fo.IntField, fo.BooleanField
    judged = {EVALUATION: text, f"{EVALUATION}_id": text, f"{EVALUATION}_iou": number}
    judged[DISAGREEMENT] = text
    documents = {
        "record": dict(zip(_RECORD, (whole, text, number, whole, text, text), strict=True)),
        "work": dict(zip(_WORK, (whole, text, number, text, number, yes, text, text), strict=True)),
        "doubt": dict(zip(_DOUBT, (text, number, whole, whole), strict=True)),
    }
    label = {"origin": text, "model": text, "version": whole, "turned": yes, "rule": text}
    proposed = {"uncertainty": number, "rule": text}
    boxes = {
        LABELS: label | judged,
        CONFLICT: {"version": whole},
        SUSPECTS: {"kind": text, "suggested": text},
        **{proposals_field(model): proposed | judged for model in models},
    }
    plain = dict.fromkeys(("frame_id", "split", "kind", "sequence", "instant"), text)
    plain |= {"sequence_index": whole, "state": text, "excluded": text, SURE_BOXES: whole}
    plain |= {f"{EVALUATION}_{word}": whole for word in ("tp", "fp", "fn")}
    embedded = fo.EmbeddedDocumentField
    for name in documents:
        _add_embedded(dataset, name, embedded, fo.DynamicEmbeddedDocument)
    for name in boxes:
        _add_embedded(dataset, name, embedded, fo.Detections)
    if in_space:
        _declare_cuboids(fo, dataset, boxes)
    for name, fields in documents.items():
        plain |= {f"{name}.{field}": kind for field, kind in fields.items()}
    for name, fields in boxes.items():
        inner = {"box_id": text} | fields
        plain |= {f"{name}.detections.{field}": kind for field, kind in inner.items()}
    _add_all(dataset, plain)


def _declare_cuboids(fo: FiftyOne, dataset: Any, boxes: dict[str, dict[str, Any]]) -> None:
    """The fields of sweeps; `boxes`, those of boxes by field, get those of projections."""
    number = fo.FloatField
    for name in (PROJECTED, PROJECTED_PROPOSALS):
        boxes[name] = {"occlusion": number, "truncation": number}
        _add_embedded(dataset, name, fo.EmbeddedDocumentField, fo.Detections)
    for name, kind in ((AROUND, fo.StringField), (ORIGIN, number)):
        if dataset.get_field(name) is None:
            dataset.add_sample_field(name, fo.ListField, subfield=kind)
    from fiftyone.utils.utils3d import OrthographicProjectionMetadata as Preview

    _add_embedded(dataset, PREVIEW, fo.EmbeddedDocumentField, Preview)
    if dataset.get_field(FILLED_FROM) is None:
        dataset.add_sample_field(FILLED_FROM, fo.DictField)
    for name in boxes:
        if name in (PROJECTED, PROJECTED_PROPOSALS, SUSPECTS):
            continue
        for part in ("location", "dimensions", "rotation"):
            path = f"{name}.detections.{part}"
            if dataset.get_field(path) is None:
                dataset.add_sample_field(path, fo.ListField, subfield=number)


def _add_embedded(dataset: Any, name: str, kind: Any, document: Any) -> None:
    if dataset.get_field(name) is None:
        dataset.add_sample_field(name, kind, embedded_doc_type=document)


def _add_all(dataset: Any, fields: dict[str, Any]) -> None:
    """Add fields that are missing, all at once: one by one they take a tenth of a second each."""
    from fiftyone.core.odm import create_field

    schema = {
        path: create_field(path.rpartition(".")[2], kind)
        for path, kind in fields.items()
        if dataset.get_field(path) is None
    }
    if schema:
        dataset._sample_doc_cls.merge_field_schema(schema)
        dataset._reload()


def arrange(fo: FiftyOne, dataset: Any, classes: Sequence[str], models: Sequence[str]) -> None:
    """Groups of the side bar, colours, and what may be edited how in the App."""
    proposals = [proposals_field(model) for model in models]
    in_space = dataset.get_field(AROUND) is not None
    projected = [PROJECTED, PROJECTED_PROPOSALS] if in_space else []
    groups = [
        ("boxes", [LABELS, *proposals, *projected, SUSPECTS, CONFLICT]),
        ("work", ["state", SURE_BOXES, "excluded", *(f"work.{one}" for one in _WORK)]),
        ("labelled", [f"record.{one}" for one in _RECORD]),
        ("doubt", [f"doubt.{one}" for one in _DOUBT]),
        ("evaluation", [f"{EVALUATION}_{word}" for word in ("tp", "fp", "fn")]),
        ("frame", list(_FRAME)),
        ("sweep", [AROUND, *_SWEEP, *(f"{PREVIEW}.{one}" for one in _PREVIEW)] if in_space else []),
    ]
    settings = dataset.app_config
    settings.sidebar_groups = [
        fo.SidebarGroupDocument(name=name, paths=paths, expanded=name in ("boxes", "work"))
        for name, paths in [("tags", []), ("metadata", []), *groups]
        if paths or name in ("tags", "metadata")
    ]
    settings.color_scheme = _colours(fo, proposals)
    dataset.save()
    _allow_editing(dataset, classes)


def _colours(fo: FiftyOne, proposals: Sequence[str]) -> Any:
    """Labels green, proposals blue, suspects by kind, conflicts magenta; safe for most eyes."""
    blues = ("#0072b2", "#56b4e9", "#3f5f8a", "#9ecae1")
    fields: list[dict[str, Any]] = [
        {"path": LABELS, "fieldColor": "#009e73"},
        {"path": CONFLICT, "fieldColor": "#cc79a7"},
        {
            "path": SUSPECTS,
            "fieldColor": "#d55e00",
            "colorByAttribute": "kind",
            "valueColors": [
                {"value": "missing", "color": "#d55e00"},
                {"value": "spurious", "color": "#e69f00"},
                {"value": "wrong class", "color": "#f0e442"},
                {"value": "badly located", "color": "#cc79a7"},
                {"value": "duplicate", "color": "#999999"},
            ],
        },
    ]
    fields += [
        {"path": PROJECTED, "fieldColor": "#009e73"},
        {"path": PROJECTED_PROPOSALS, "fieldColor": blues[0]},
    ]
    fields += [
        {"path": path, "fieldColor": blues[row % len(blues)]} for row, path in enumerate(proposals)
    ]
    return fo.ColorScheme(
        color_by="field", color_pool=["#009e73", *blues, "#d55e00", "#cc79a7"], fields=fields
    )


def _allow_editing(dataset: Any, classes: Sequence[str]) -> None:
    """Labels may be edited in the App, by the project's classes; nothing else may."""
    fixed = [
        {"name": name, "type": kind, "component": "text", "read_only": True}
        for name, kind in (("box_id", "str"), ("origin", "str"), ("version", "int"))
    ]
    schema = {
        "type": "detections",
        "component": "dropdown",
        "classes": list(classes),
        "attributes": fixed,
    }
    dataset.set_label_schemas({LABELS: schema})
    dataset.active_label_schemas = [LABELS]
