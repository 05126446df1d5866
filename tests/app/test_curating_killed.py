"""What curators do in FiftyOne, while the process that brings it back is killed again and again."""

import numpy as np
import pytest
from curated import accept_proposals, sample_of, synchronised
from killed_curation import synchronise_until_killed

from prelabel.curating.opening import Curation
from prelabel.project import Project

# What FiftyOne's driver says about its own defaults.
pytestmark = pytest.mark.filterwarnings("ignore:No uuidRepresentation:DeprecationWarning")

COLLECTING, STORE = "prelabel.curating.collecting", "prelabel.store.store"
KILLS = (
    (STORE, "Store.write_labels_after"),  # one edit is taken over, the other is not yet
    (STORE, "Store.keep_labels_beside"),  # the conflict is kept, but not shown yet
    (COLLECTING, "grant"),  # what a tag asks for is done, but the tag is still there
)


def test_nothing_is_lost_or_doubled_by_a_kill(curation: Curation, curated_project: Project) -> None:
    store = curated_project.store
    moved, torn, fought, tagged = [one.frame_id for one in store.frames()][:4]
    accept_proposals(curated_project, fought)
    dataset, _ = synchronised(curation, curated_project)
    for frame_id in (moved, torn, fought):
        sample = sample_of(dataset, frame_id)
        sample.labels.detections[0].bounding_box[0] += 0.125
        sample.save()
    sample = sample_of(dataset, tagged)
    sample.tags.append("accept")
    sample.save()
    store.write_labels(fought, store.replay(fought)[-1].annotations.take(np.array([1])), "bob")

    for module, function in KILLS:
        synchronise_until_killed(curated_project.workspace.folder, module, function)
    _, done = synchronised(curation, curated_project)

    assert done.collected is not None
    assert done.collected.edits == {}
    for frame_id in (moved, torn):
        history = store.label_history(frame_id)
        assert [one.source for one in history] == [None, "edited in FiftyOne"]
        assert sample_of(dataset, frame_id).record.version == 2
    assert [len(one.annotations) for one in store.label_history(fought)] == [2, 1, 2, 1]
    assert len(sample_of(dataset, fought).conflict.detections) == 2
    assert len(store.label_history(tagged)) == 1
    assert sample_of(dataset, tagged).tags == []
    _, again = synchronised(curation, curated_project)
    assert again.collected is not None
    assert (again.collected.edits, again.collected.conflicts) == ({}, {})
    assert len(store.label_history(fought)) == 4
