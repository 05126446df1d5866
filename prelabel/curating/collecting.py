"""What a curator did in FiftyOne, brought back into the project."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prelabel.curating.collecting_scenes import collect_scenes, hand_over_tags, settle_scenes
from prelabel.curating.documents import Document
from prelabel.curating.edits import SeenBox, edited, seen_boxes
from prelabel.curating.fields import CONFLICT, KEEP_THEIRS, LABELS, TAKE_MINE, WISHES
from prelabel.curating.notes import Notes
from prelabel.curating.samples import all_samples
from prelabel.curating.taking_over import BESIDE, BLIND, SOURCE, Basis, Collected, show_conflict
from prelabel.curating.wishes import grant
from prelabel.datasets.frames import Frame
from prelabel.project import Project
from prelabel.store.acceptances import awaiting_audit

_PAGE = 2000


@dataclass(frozen=True, slots=True)
class _Seen:
    """One sample as it stands in FiftyOne."""

    sample_id: str
    frame: Frame
    labels: list[SeenBox]
    as_kept: Document | None  # the same as the database holds it
    version: int  # from which the sample was filled; 0: from none
    tags: tuple[str, ...]


def collect(dataset: Any, project: Project) -> Collected:
    """Take over boxes edited in the App and wishes said by tags; the tags are removed then.

    An edit becomes a label version by the project's author, with the source "edited in FiftyOne".
    Where the store has got newer labels meanwhile nothing is overwritten: the curator's boxes are
    kept in the frame's history, and shown in the field `conflict` until the frame is tagged "take
    mine" or "keep theirs". So are boxes drawn on a frame that waits for a blind audit: taken over,
    they would be the audit. Collecting twice changes nothing more.
    """
    notes = Notes.of(dataset)
    done = Collected(datetime.now(UTC), frozenset(awaiting_audit(project.store)))
    for page in _pages(dataset, project, _candidates(dataset, notes.mark)):
        for seen in page:
            _collect_labels(dataset, project, seen, done)
    collect_scenes(dataset, project, notes.mark, done)
    hand_over_tags(dataset, done)
    for page in _pages(dataset, project, _tagged(dataset)):
        for seen in page:
            _settle_conflict(dataset, project, seen, done)
        done.wishes += grant(project, {one.frame.frame_id: one.tags for one in page})
        all_samples(dataset).select([one.sample_id for one in page]).untag_samples(list(WISHES))
        done.own |= {one.frame.frame_id: datetime.now(UTC) for one in page}
    return done


def _candidates(dataset: Any, mark: datetime | None) -> list[str]:
    """Samples written since the mark, by people or programs."""
    view = all_samples(dataset)
    if mark is not None:
        view = view.match({"last_modified_at": {"$gt": mark}})
    ids: list[str] = view.values("id")
    return ids


def _tagged(dataset: Any) -> list[str]:
    ids: list[str] = all_samples(dataset).match_tags(list(WISHES)).values("id")
    return ids


def _pages(dataset: Any, project: Project, sample_ids: Sequence[str]) -> Iterator[list[_Seen]]:
    from bson import ObjectId

    wanted = {"frame_id": 1, "labels": 1, "record": 1, "tags": 1}
    for start in range(0, len(sample_ids), _PAGE):
        keys = [ObjectId(one) for one in sample_ids[start : start + _PAGE]]
        # As the database holds them: making objects of a million boxes takes minutes.
        view = all_samples(dataset).select(keys).select_fields(list(wanted))
        rows = {row["frame_id"]: row for row in view._aggregate()}
        frames = project.store.find_frames(list(rows))
        yield [_seen(rows[frame.frame_id], frame) for frame in frames]


def _seen(row: Mapping[str, Any], frame: Frame) -> _Seen:
    def boxes(name: str) -> list[SeenBox]:
        return seen_boxes((row.get(name) or {}).get("detections") or (), frame)

    version = (row.get("record") or {}).get("version") or 0
    tags = tuple(row.get("tags") or ())
    return _Seen(str(row["_id"]), frame, boxes(LABELS), row.get(LABELS), version, tags)


def _collect_labels(dataset: Any, project: Project, seen: _Seen, done: Collected) -> None:
    """Take over the labels of one sample, where they are not those it was filled with."""
    # The App writes back what was on the screen: boxes filled from an older version say so.
    stamps = {box.version for box in seen.labels if box.version is not None}
    basis = Basis(project, seen.frame.frame_id, min(stamps, default=seen.version))
    change = edited(basis.labels, seen.labels, project.classes(), seen.frame)
    if basis.take_over(change, done):
        show_conflict(dataset, all_samples(dataset), seen.sample_id, seen.as_kept)
        done.own[seen.frame.frame_id] = datetime.now(UTC)


def _settle_conflict(dataset: Any, project: Project, seen: _Seen, done: Collected) -> None:
    """Do as the curator says about a conflict."""
    wish = next((tag for tag in seen.tags if tag in (TAKE_MINE, KEEP_THEIRS)), None)
    if wish is None or CONFLICT not in seen.tags:
        return
    frame_id = seen.frame.frame_id
    if wish == TAKE_MINE and frame_id in done.blind:
        done.refused[frame_id] = f"it {BLIND}; your boxes stay in the view `conflicts`"
        return
    history = project.store.label_history(frame_id)
    mine = [one for one in history if (one.source or "").startswith(BESIDE)]
    if wish == TAKE_MINE and mine:
        current = project.store.labels(frame_id)
        source = f"{SOURCE}, conflict settled"
        project.store.write_labels_after(
            frame_id, mine[-1].annotations, project.author, current.number if current else 0, source
        )
        done.edits[frame_id] = "conflict settled: yours"
    sample = all_samples(dataset)[seen.sample_id]
    sample[CONFLICT] = None
    sample.tags = [tag for tag in sample.tags if tag != CONFLICT]
    sample.save()
    settle_scenes(dataset, frame_id, done)
