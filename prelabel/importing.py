"""Bringing frames and labels into a project, from any format."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from prelabel.datasets.errors import BadInputError
from prelabel.datasets.formats.base import ImportReport, ImportRules, OpenedDataset
from prelabel.datasets.formats.known_pictures import KnownPictures
from prelabel.datasets.formats.registry import open_dataset
from prelabel.datasets.frames import LabelledFrame, Split
from prelabel.datasets.progress import Advance, Progress
from prelabel.proposals import with_recognised_proposals
from prelabel.proposing import ShownProposals
from prelabel.scenes import Scenes
from prelabel.store.records import ImportCounts
from prelabel.store.store import Store
from prelabel.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import brought in, and the report that names every problem with its file."""

    format: str
    counts: ImportCounts
    report: ImportReport
    report_file: Path


@dataclass(frozen=True, slots=True)
class ImportSource:
    """What to import: a file or folder, and what cannot be seen from it.

    `format` None: found out; `images` the folder of the pictures where it is not the source's own;
    `classes` names and order for a project that has none yet.
    """

    path: Path
    format: str | None = None
    images: Path | None = None
    classes: tuple[str, ...] | None = None
    rules: ImportRules = field(default_factory=ImportRules)


def import_dataset(
    workspace: Workspace, store: Store, source: ImportSource, author: str, progress: Progress
) -> Imported:
    """Import frames and labels; what cannot be used is reported and the rest goes on.

    Done again, it adds nothing; killed, it is simply done again. Boxes of classes that the project
    does not know are left out and reported. Labels of a frame that was chosen in a batch are taken
    as corrections of what was proposed on it. Frames made of lidar sweeps bring their scenes.
    """
    report = ImportReport()
    opened = _opened(source, store, report)
    first = next(opened.frames, None)
    if first is not None:  # a source of which nothing can be used must not decide the classes
        store.add_classes(opened.classes, author)
    found = chain(() if first is None else (first,), opened.frames)
    incoming = Scenes(workspace.scenes_folder).bringing(found, source.path, report)
    rounds = _round_of_frame(store)
    with progress.task(f"import {source.path.name}", opened.frame_total) as advance:
        frames = _counted(_as_corrections(incoming, workspace, store, set(rounds)), advance)
        counts = store.import_frames(frames, author, round_of=rounds)
    workspace.reports_folder.mkdir(exist_ok=True)
    report_file = workspace.reports_folder / f"import-{source.path.stem}.json"
    report.write(report_file)
    if not report.frames_read:
        raise BadInputError(f"{source.path}: no frame could be read{_why(report, report_file)}")
    return Imported(opened.format, counts, report, report_file)


def _why(report: ImportReport, report_file: Path) -> str:
    if not report.problems:
        return ": there is no picture in it; check the path"
    first = report.problems[0]
    return f": {first.file}: {first.reason} (problem 1 of {len(report.problems)}; {report_file})"


def _opened(source: ImportSource, store: Store, report: ImportReport) -> OpenedDataset:
    return open_dataset(
        source.path,
        report=report,
        format=source.format,
        images=source.images,
        classes=store.classes() or source.classes,
        rules=source.rules,
        known_pictures=KnownPictures(frame.uri for frame in store.frames()),
    )


def _round_of_frame(store: Store) -> dict[str, int]:
    """The newest round in which each frame was chosen."""
    chosen: dict[str, int] = {}
    for record in store.rounds():
        batch = store.batch(record.number)
        chosen |= {pick.frame_id: record.number for pick in batch.picks} if batch else {}
    return chosen


def _as_corrections(
    incoming: Iterable[LabelledFrame], workspace: Workspace, store: Store, chosen: set[str]
) -> Iterator[LabelledFrame]:
    shown = ShownProposals(store)
    for one in incoming:
        if one.annotations is None or one.frame.frame_id not in chosen:
            yield one
            continue
        proposals = shown.behind(one.frame.frame_id, one.annotations)
        corrected = with_recognised_proposals(one.annotations, proposals)
        # What a file of corrections is called must not take a frame out of training.
        frame = replace(one.frame, split=Split.TRAIN)
        yield LabelledFrame(frame, corrected)


def _counted(frames: Iterator[LabelledFrame], advance: Advance) -> Iterator[LabelledFrame]:
    for one in frames:
        yield one
        advance()
