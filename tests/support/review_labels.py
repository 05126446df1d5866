"""Labels that people have made, and whether they are the true ones as the cost model sees it."""

from review_projects import ReviewProject

from prelabel.active.cost import TIGHT_IOU
from prelabel.active.matching import match
from prelabel.datasets.annotations import AnnotationSet
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.project import open_project
from prelabel.store.records import LabelVersion


def is_true(labels: AnnotationSet, truth: AnnotationSet) -> bool:
    """Whether every true box has one box of its class, tight around it, and there are no others."""
    if len(labels) != len(truth):
        return False
    certain = [1.0] * len(labels)
    as_prediction = Prediction(
        "0" * 32, "people", labels.boxes, certain, labels.class_id, ClassScores.INDEPENDENT
    )
    found = match(as_prediction, truth)
    return bool((found.iou >= TIGHT_IOU).all() and found.same_class.all())


def labels_of(project: ReviewProject) -> dict[str, LabelVersion]:
    """The newest labels of each frame of a project that has some."""
    with open_project(project.folder) as opened:
        found = {frame_id: opened.store.labels(frame_id) for frame_id in project.truth}
    return {frame_id: version for frame_id, version in found.items() if version is not None}
