"""Taking labels, or a batch with its proposals, out of a project."""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from prelabel.datasets.errors import PrelabelError
from prelabel.datasets.formats.base import ExportedDataset
from prelabel.datasets.formats.registry import write_dataset
from prelabel.datasets.frames import LabelledFrame
from prelabel.datasets.progress import Progress
from prelabel.proposing import ShownProposals
from prelabel.store.store import Store
from prelabel.workspace import Workspace


class NothingToExportError(PrelabelError):
    """There is nothing of what is to be exported."""


class Content(StrEnum):
    """What an export holds."""

    LABELS = "labels"  # every labelled frame with its labels
    BATCH = "batch"  # the newest batch with what is proposed on it, to be corrected elsewhere


def export(
    workspace: Workspace,
    store: Store,
    format: str,
    folder: Path | None,
    content: Content,
    progress: Progress,
) -> ExportedDataset:
    """Write a dataset into a new folder; None: `exports/<format>-<content>` in the project.

    Raises BadInputError where the folder is there and not empty, NothingToExportError where the
    project has no labels, or no batch.
    """
    frames = _labels(store) if content is Content.LABELS else _batch(workspace, store)
    target = folder or _free_folder(workspace.exports_folder, f"{format}-{content}")
    return write_dataset(format, target, store.classes(), frames, progress)


def _labels(store: Store) -> Iterator[LabelledFrame]:
    if not store.counts().labelled:
        raise NothingToExportError(
            "the project has no labels yet: bring some in with `prelabel import`"
        )
    excluded = store.excluded()
    return (one for one in store.labelled_frames() if one.frame.frame_id not in excluded)


def _batch(workspace: Workspace, store: Store) -> Iterator[LabelledFrame]:
    newest = store.latest_batch()
    if newest is None:
        raise NothingToExportError(
            "the project has no batch yet: choose one with `prelabel select --budget 20`"
        )
    shown = ShownProposals(store)
    return _to_correct(store, shown, [pick.frame_id for pick in newest[1].picks])


def _to_correct(
    store: Store, shown: ShownProposals, frame_ids: list[str]
) -> Iterator[LabelledFrame]:
    for frame in store.find_frames(frame_ids):
        done, proposed = store.labels(frame.frame_id), shown.of(frame.frame_id)
        # A frame on which nothing is proposed must not come back as "nothing there" unseen.
        unseen = proposed if len(proposed) else None
        yield LabelledFrame(frame, done.annotations if done else unseen)


def _free_folder(parent: Path, name: str) -> Path:
    """`parent/name`, or with a number behind where an earlier export lies there."""
    parent.mkdir(parents=True, exist_ok=True)
    taken, candidate = 1, parent / name
    while candidate.exists():
        taken += 1
        candidate = parent / f"{name}-{taken}"
    return candidate
