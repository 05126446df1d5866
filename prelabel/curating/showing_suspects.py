"""Suspected label errors and near-duplicates in a project's dataset."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from prelabel.active.label_errors.suspects import Suspect
from prelabel.curating.documents import Document, box_document, together
from prelabel.curating.fields import LEAK, NEAR_DUPLICATE, SUSPECTS
from prelabel.curating.samples import all_samples, samples_of
from prelabel.datasets.frames import Frame
from prelabel.project import Project
from prelabel.suspicions import KeptCopies


def write_suspects(
    dataset: Any,
    project: Project,
    by_frame: Mapping[str, Sequence[Suspect]],
    frame_ids: Sequence[str],
) -> None:
    """Show the suspects on these frames, and none on those of them that have none."""
    known = samples_of(dataset, frame_ids)
    if not known:
        return
    classes = project.classes()
    frames = {one.frame_id: one for one in project.store.find_frames([*known])}
    documents = {
        sample_id: _document(by_frame.get(frame_id, ()), frames[frame_id], classes)
        for frame_id, sample_id in known.items()
    }
    dataset.set_values(SUSPECTS, documents, key_field="id", expand_schema=False, validate=False)


def frames_with_suspects(dataset: Any) -> set[str]:
    """The frames on which suspects are shown now."""
    return set(all_samples(dataset).exists(f"{SUSPECTS}.detections.0").values("frame_id"))


def tag_copies(dataset: Any, copies: Sequence[KeptCopies]) -> None:
    """Tag frames that have a near-duplicate, and those that have one in another split."""
    whole = all_samples(dataset)
    for tag, pairs in (
        (NEAR_DUPLICATE, copies),
        (LEAK, [one for one in copies if one.leaks]),
    ):
        whole.match_tags(tag).untag_samples(tag)
        ids = sorted({frame_id for one in pairs for frame_id in (one.first_id, one.second_id)})
        whole.match({"frame_id": {"$in": ids}}).tag_samples(tag)


def _document(
    suspicions: Sequence[Suspect], frame: Frame, classes: Sequence[str]
) -> Document | None:
    if not suspicions:
        return None
    boxes = [
        box_document(
            one.suspect_id,
            classes[one.class_id],
            np.asarray(one.xyxy, np.float32),
            frame,
            {
                "kind": one.kind.value,
                "confidence": one.probability,
                "suggested": None if one.suggested is None else classes[one.suggested],
            },
        )
        for one in suspicions
    ]
    return together(boxes)
