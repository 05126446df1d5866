"""A person labels a whole batch of photographs, and the store holds exactly what was done."""

import pytest
from keyboard_annotator import KeyboardAnnotator
from playwright.sync_api import Page, expect
from review_app import Served
from review_labels import is_true, labels_of
from review_projects import MODEL, ReviewProject
from scripted_annotator import ScriptedAnnotator

from prelabel.datasets.annotations import OriginKind


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dataset", "hands"),
    [
        ("cards", KeyboardAnnotator),
        ("aquarium", KeyboardAnnotator),
        ("aquarium", ScriptedAnnotator),
    ],
)
def test_a_batch_becomes_the_true_labels(
    dataset: str, hands: type[ScriptedAnnotator], page: Page, request: pytest.FixtureRequest
) -> None:
    project: ReviewProject = request.getfixturevalue(dataset)
    server: Served = request.getfixturevalue(f"{dataset}_server")
    page.goto(server.url)
    person = hands(page, project.truth)
    for _ in project.truth:
        person.label_frame()
    expect(page.get_by_role("heading", name="Nothing left for you")).to_be_visible()
    person.settle()

    labels = labels_of(project)
    assert labels.keys() == project.truth.keys()
    for frame_id, truth in project.truth.items():
        assert is_true(labels[frame_id].annotations, truth)
        assert labels[frame_id].author == "ann"
        assert (labels[frame_id].seconds or 0) > 0
    kinds = {origin.kind for one in labels.values() for origin in one.annotations.origin}
    assert kinds == {OriginKind.PROPOSED, OriginKind.CHANGED, OriginKind.DRAWN}
    assert (person.clicks == 0) is (hands is KeyboardAnnotator)


def test_every_key_of_the_work_leaves_its_mark_and_nothing_else(
    cards: ReviewProject, cards_server: Served, page: Page
) -> None:
    """Reject, accept, reclass, move, stretch, copy, undo, redo, accept the rest, by keys alone."""
    page.goto(cards_server.url)
    person = KeyboardAnnotator(page, cards.truth)
    first = person.look()
    proposals = {box["id"]: box for box in first.boxes if box["is_open"]}
    assert len(proposals) >= 4

    rejected = person.in_hand()
    person.press("x")
    person.press("Space")
    changed = person.in_hand()
    away = -1 if proposals[changed]["xyxy"][0] > 40 else 1  # where there is room
    other_class = (proposals[changed]["class_id"] + 1) % len(cards.classes)
    person.press(str(other_class + 1))
    person.press("Shift+ArrowRight" if away > 0 else "Shift+ArrowLeft", 3)
    person.press("Control+ArrowDown", 2)
    before_copy = person.look()
    person.press("d")
    copy = person.in_hand()
    person.press("Control+z")
    assert copy not in {box["id"] for box in person.look().boxes}
    person.press("Control+Shift+z")
    assert person.look().box(copy)["class_id"] == other_class
    person.press("a")
    assert not person.look().proposals
    person.submit()
    assert person.look().frame_id != first.frame_id
    person.settle()

    version = labels_of(cards)[first.frame_id]
    rows = {box_id: row for row, box_id in enumerate(version.annotations.box_id)}
    origins, xyxy = version.annotations.origin, version.annotations.boxes.xyxy
    assert rows.keys() == (proposals.keys() - {rejected}) | {copy}
    untouched = rows.keys() - {changed, copy}
    for box_id in untouched:
        assert origins[rows[box_id]].kind is OriginKind.PROPOSED
        assert xyxy[rows[box_id]].tolist() == pytest.approx(proposals[box_id]["xyxy"])
    left, top, right, bottom = proposals[changed]["xyxy"]
    moved = [left + 30 * away, top, right + 30 * away, bottom + 2]
    assert xyxy[rows[changed]].tolist() == pytest.approx(moved)
    assert version.annotations.class_id[rows[changed]] == other_class
    origin = origins[rows[changed]]
    assert (origin.kind, origin.model_id) == (OriginKind.CHANGED, MODEL)
    assert origin.score == pytest.approx(proposals[changed]["score"])
    assert origin.original_xyxy == pytest.approx((left, top, right, bottom))
    assert origin.original_class_id == proposals[changed]["class_id"]
    assert origins[rows[copy]].kind is OriginKind.DRAWN
    shift = 14 / before_copy.view["scale"]
    assert xyxy[rows[copy]][1] == pytest.approx(moved[1] + shift, abs=0.01)
