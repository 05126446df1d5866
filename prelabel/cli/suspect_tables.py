"""Suspected label errors and disagreements as tables."""

from collections.abc import Sequence

from rich.table import Table

from prelabel.active.label_errors.auditing import ErrorCount
from prelabel.active.label_errors.disagreement import Disagreement
from prelabel.active.label_errors.suspects import Suspect


def suspect_table(suspects: Sequence[Suspect], classes: Sequence[str]) -> Table:
    """One row a suspect."""
    table = Table("probability", "kind", "class", "seems", "frame", "at (pixels)")
    for one in suspects:
        left, top, right, bottom = one.xyxy
        table.add_row(
            f"{one.probability:.2f}",
            one.kind.value,
            classes[one.class_id],
            "" if one.suggested is None else classes[one.suggested],
            one.frame_id[:12],
            f"{left:.0f}, {top:.0f} to {right:.0f}, {bottom:.0f}",
        )
    return table


def count_told(count: ErrorCount | None) -> str:
    """How many errors an audit lets expect, in one sentence."""
    if count is None:
        return "No audit yet: `prelabel errors --audit 60` asks people about a random sample."
    looked_at = sum(one.looked_at for one in count.strata)
    if not looked_at:
        return "Nobody has looked at the sample of the audit yet: `prelabel review`."
    return (
        f"About {count.expected:.0f} label errors among the suspects ({count.confidence:.0%} "
        f"interval {count.low:.0f} to {count.high:.0f}), from {looked_at} that were looked at, "
        f"{count.known} of them errors. Objects that no detector sees are not among them."
    )


def disagreement_table(found: Sequence[Disagreement]) -> Table:
    """One row a disagreement."""
    table = Table("weight", "kind", "frame", "first", "second")
    for one in found:
        ids = [(box_id or "")[:8] for box_id in (one.first_id, one.second_id)]
        table.add_row(f"{one.weight:.2f}", one.kind.value, one.frame_id[:12], *ids)
    return table
