"""The origin of a box as plain fields, for formats that have a place for it."""

from collections.abc import Mapping, Sequence
from typing import Any

from prelabel.datasets.annotations import DRAWN, IMPORTED, Origin, OriginKind
from prelabel.datasets.errors import InvalidValueError

_BY_KIND = {OriginKind.IMPORTED: IMPORTED, OriginKind.DRAWN: DRAWN}


def origin_fields(origin: Origin, classes: Sequence[str]) -> dict[str, Any]:
    """`origin` as JSON-ready fields; the original class by its name, the box as four pixels.

    A turned box has its angle in radians beside them.
    """
    fields: dict[str, Any] = {"kind": origin.kind.value}
    if origin.model_id is not None:
        fields |= {"model_id": origin.model_id, "score": origin.score}
    if origin.original_xyxy is not None and origin.original_class_id is not None:
        fields |= {
            "original_xyxy": list(origin.original_xyxy),
            "original_class": classes[origin.original_class_id],
        }
    if origin.original_angle is not None:
        fields["original_angle"] = origin.original_angle
    if origin.rule is not None:
        fields["rule"] = origin.rule
    if origin.spread_px is not None:
        fields["spread_px"] = origin.spread_px
    return fields


def origin_from_fields(fields: Mapping[str, Any], classes: Sequence[str]) -> Origin:
    """The origin that `origin_fields` wrote.

    Raises InvalidValueError where the fields do not make an origin.
    """
    try:
        kind = OriginKind(fields["kind"])
        plain = _BY_KIND.get(kind)
        if plain is not None:
            return plain
        if kind is OriginKind.CARRIED:
            return Origin(kind, spread_px=float(fields["spread_px"]))
        box, name = fields.get("original_xyxy"), fields.get("original_class")
        angle, rule = fields.get("original_angle"), fields.get("rule")
        return Origin(
            kind,
            str(fields["model_id"]),
            float(fields["score"]),
            None if box is None else _four(box),
            None if name is None else list(classes).index(name),
            None if angle is None else float(angle),
            None if rule is None else str(rule),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidValueError(f"origin {dict(fields)!r} cannot be read: {error}") from error


def _four(values: Sequence[Any]) -> tuple[float, float, float, float]:
    left, top, right, bottom = (float(value) for value in values)
    return left, top, right, bottom
