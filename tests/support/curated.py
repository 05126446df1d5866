"""Projects shown in FiftyOne, and looks at what is there."""

from typing import Any

from prelabel.curating.curate import Synchronised, synchronise
from prelabel.curating.notes import open_dataset
from prelabel.curating.opening import Curation
from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.progress import Silent
from prelabel.project import Project
from prelabel.reviewing import proposals_for


def accept_proposals(project: Project, frame_id: str) -> AnnotationSet:
    labels = proposals_for(project, [frame_id])[frame_id].visible
    return project.store.write_labels(frame_id, labels, "ann", 12.5).annotations


def synchronised(curation: Curation, project: Project) -> tuple[Any, Synchronised]:
    done = synchronise(curation, project, Silent())
    dataset = open_dataset(curation)
    assert dataset is not None
    return dataset, done


def labelled_id(project: Project) -> str:
    return next(project.store.frames(labelled=True)).frame_id


def sample_of(dataset: Any, frame_id: str) -> Any:
    return dataset.one({"frame_id": frame_id})
