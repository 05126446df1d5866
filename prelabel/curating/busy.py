"""What a curator has on the screen: written to by a program, the App would take it back, unsaid."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Since:
    """When edits were taken over, and by `frame_id` when this process wrote to samples since.

    Frames to be shown `again` have edits that could not be taken over.
    """

    moment: datetime
    own: Mapping[str, datetime]
    again: Collection[str] = ()


def edited_since(view: Any, ids: Collection[str], since: Since | None) -> list[str]:
    """Which of these, by the field `frame_id`, somebody else has written to meanwhile."""
    if since is None or not ids:
        return []
    found = view.match({"frame_id": {"$in": list(ids)}, "last_modified_at": {"$gt": since.moment}})
    written = zip(*found.values(["frame_id", "last_modified_at"]), strict=True)
    return [
        one
        for one, at in written
        if one not in since.own or at.replace(tzinfo=UTC) > since.own[one]
    ]
