"""What was proposed on the frames of a batch, kept with the batch for good."""

from collections.abc import Mapping

import numpy as np
from sqlalchemy import Connection, insert, select

from prelabel.store.changes import Change
from prelabel.store.errors import UnknownEntryError
from prelabel.store.packing import pack_labels, unpack_labels
from prelabel.store.records import Shown
from prelabel.store.tables import frames, shown

_UNCERTAINTY = np.dtype("<f4")


def record_shown(
    change: Change,
    round_number: int,
    proposed: Mapping[str, Shown],
    numbers: Mapping[str, int],
) -> None:
    """Keep what is shown on frames of a batch; `numbers` are the row numbers of its frames."""
    strangers = [frame_id for frame_id in proposed if frame_id not in numbers]
    if strangers:
        raise UnknownEntryError(
            f"frame {strangers[0]} has proposals, but is not in the batch of round {round_number}"
        )
    rows = [
        {
            "round": round_number,
            "frame": numbers[frame_id],
            "model_id": one.model_id,
            "shown_score": one.shown_score,
            "proposals": pack_labels(one.proposals),
            "uncertainty": one.uncertainty.astype(_UNCERTAINTY).tobytes(),
        }
        for frame_id, one in proposed.items()
    ]
    if rows:
        change.connection.execute(insert(shown), rows)


def shown_on(connection: Connection, round_number: int, frame_id: str) -> Shown | None:
    """What was shown on a frame in a round; None where nothing was."""
    wanted = (
        select(shown)
        .join(frames, frames.c.number == shown.c.frame)
        .where(shown.c.round == round_number, frames.c.frame_id == frame_id)
    )
    row = connection.execute(wanted).first()
    if row is None:
        return None
    uncertainty = np.frombuffer(row.uncertainty, _UNCERTAINTY)
    return Shown(row.model_id, row.shown_score, unpack_labels(row.proposals), uncertainty)
