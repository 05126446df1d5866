"""A person labels a whole batch of photographs, and the store holds exactly what was done."""

import pytest
from playwright.sync_api import Page, expect
from review_projects import ReviewProject
from review_server import ReviewServer
from scripted_annotator import ScriptedAnnotator

from prelabel.active.cost import TIGHT_IOU
from prelabel.active.matching import match
from prelabel.datasets.annotations import AnnotationSet, OriginKind
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.project import open_project
from prelabel.store.records import LabelVersion


def labels_of(project: ReviewProject) -> dict[str, LabelVersion]:
    """The newest labels of each frame that has some."""
    with open_project(project.folder) as opened:
        found = {frame_id: opened.store.labels(frame_id) for frame_id in project.truth}
    return {frame_id: version for frame_id, version in found.items() if version is not None}


def as_prediction(labels: AnnotationSet) -> Prediction:
    count = len(labels)
    return Prediction(
        "0" * 32, "people", labels.boxes, [1.0] * count, labels.class_id, ClassScores.INDEPENDENT
    )


def is_true(labels: AnnotationSet, truth: AnnotationSet) -> bool:
    """Whether every true box has its box, of its class and tight, and there are no others."""
    found = match(as_prediction(labels), truth)
    return (
        len(labels) == len(truth)
        and bool((found.iou >= TIGHT_IOU).all())
        and bool(found.same_class.all())
    )


@pytest.mark.parametrize("dataset", ["cards", "aquarium"])
def test_a_batch_becomes_the_true_labels_by_keys_and_mouse(
    dataset: str, page: Page, request: pytest.FixtureRequest
) -> None:
    project: ReviewProject = request.getfixturevalue(dataset)
    server: ReviewServer = request.getfixturevalue(f"{dataset}_server")
    page.goto(server.url)
    person = ScriptedAnnotator(page, project.truth)
    for _ in project.truth:
        person.label_frame()
    expect(page.get_by_role("heading", name="Nothing left for you")).to_be_visible()

    labels = labels_of(project)
    assert labels.keys() == project.truth.keys()
    for frame_id, truth in project.truth.items():
        assert is_true(labels[frame_id].annotations, truth)
        assert labels[frame_id].author == "ann"
        assert labels[frame_id].seconds > 0
    kinds = {origin.kind for one in labels.values() for origin in one.annotations.origin}
    assert kinds == {OriginKind.PROPOSED, OriginKind.CHANGED, OriginKind.DRAWN}
