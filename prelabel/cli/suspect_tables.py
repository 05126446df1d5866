"""Suspected label errors and disagreements as tables."""

from collections.abc import Sequence

from rich.table import Table

from prelabel.active.label_errors.auditing import ErrorCount
from prelabel.active.label_errors.disagreement import Disagreement
from prelabel.active.label_errors.suspects import Suspect
from prelabel.comparing import ViewFinding
from prelabel.label_errors import Searched
from prelabel.suspicions import KeptCopies
from prelabel.view_findings import KIND_OF


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


def findings_table(found: Sequence[ViewFinding]) -> Table:
    """One row a difference between a camera and the lidar, as what the lidar's label would be."""
    table = Table("weight", "kind", "frame", "sweep", "camera", "what")
    for one in found:
        kind = KIND_OF[one.conflict].value
        table.add_row(
            f"{one.weight:.2f}", kind, one.frame_id[:12], one.sweep, one.camera, one.words
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


def copies_table(copies: Sequence[KeptCopies]) -> Table:
    """One row a pair of frames that are nearly the same picture."""
    table = Table("likeness", "in different splits", "frame", "frame")
    for one in copies:
        splits = "yes" if one.leaks else ""
        table.add_row(f"{one.likeness:.3f}", splits, one.first_id[:12], one.second_id[:12])
    return table


def searched_told(found: Searched) -> str:
    """What a search has found, in a sentence or two."""
    likely = sum(one.probability for one in found.suspects)
    told = (
        f"{len(found.suspects)} suspects on {found.frames} frames, of which about {likely:.0f} "
        f"are errors if the probabilities hold; {found.answers} new answers of people."
    )
    if not found.copies:
        return told
    leaks = sum(one.leaks for one in found.copies)
    return (
        f"{told}\n{len(found.copies)} pairs of frames are nearly the same picture, {leaks} of them "
        "in different splits."
    )


def disagreement_table(found: Sequence[Disagreement]) -> Table:
    """One row a disagreement."""
    table = Table("weight", "kind", "frame", "first", "second")
    for one in found:
        ids = [(box_id or "")[:8] for box_id in (one.first_id, one.second_id)]
        table.add_row(f"{one.weight:.2f}", one.kind.value, one.frame_id[:12], *ids)
    return table
