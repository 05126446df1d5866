"""Where people are told to look for missed objects on frames half done."""

from dataclasses import replace

import numpy as np
import pytest
from work_content import MODEL, accepted, box_id, drawn, rejected, shown_on_frame

from prelabel.datasets.annotations import AnnotationSet, Origin, OriginKind
from prelabel.datasets.boxes import Boxes
from prelabel.store.records import Shown
from prelabel.work.folding import as_seen_by_people, fold, initial_boxes, with_sure_boxes
from prelabel.work.places import MOST_PLACES, likely_places
from prelabel.work.records import Draft, Initial

Place = tuple[tuple[float, float, float, float], float]

SURE = ((10.0, 10.0, 60.0, 50.0), 0.9)
SHOWN = ((100.0, 20.0, 180.0, 90.0), 0.6)


def proposed(*places: Place, angle: float | None = None) -> Shown:
    """Proposals, the best first as detectors give them; their ids are by row as given here."""
    count = len(places)
    order = sorted(range(count), key=lambda row: -places[row][1])
    corners = [places[row][0] for row in order]
    boxes = Boxes(corners, None if angle is None else [angle] * count)
    origins = [Origin(OriginKind.PROPOSED, MODEL, places[row][1]) for row in order]
    ids = [box_id(1, row) for row in order]
    labels = AnnotationSet(boxes, [0] * count, ids, origins)
    return Shown(MODEL, 0.3, labels, np.zeros(count, np.float32))


def half_done(shown: Shown) -> Initial:
    """The first proposal is accepted by a rule."""
    best = shown.proposals.take(np.arange(1))
    origins = [Origin(OriginKind.AUTO, MODEL, best.origin[0].score, rule="a rule")]
    sure = AnnotationSet(best.boxes, best.class_id, best.box_id, origins)
    return with_sure_boxes(initial_boxes(shown, None), sure)


def rows(initial: Initial, edited: Draft | None = None) -> list[int]:
    """The rows of the proposals that are places to look at."""
    by_id = {box_id(1, row): row for row in range(50)}
    return [by_id[one] for one in likely_places(edited or Draft(initial.boxes, 0, initial))]


@pytest.mark.parametrize("angle", [None, 0.2])
def test_places_are_hidden_proposals_where_nothing_else_lies(angle: float | None) -> None:
    initial = half_done(
        proposed(
            SURE,
            SHOWN,
            ((12.0, 12.0, 62.0, 52.0), 0.25),  # on the accepted one
            ((98.0, 18.0, 178.0, 88.0), 0.24),  # on the shown one
            ((300.0, 300.0, 340.0, 330.0), 0.1),
            ((400.0, 300.0, 440.0, 330.0), 0.2),
            ((402.0, 301.0, 442.0, 331.0), 0.15),  # on a likelier one
            ((438.0, 300.0, 478.0, 330.0), 0.05),  # a neighbour, which it touches
            angle=angle,
        )
    )
    assert rows(initial) == [5, 4, 7]


def test_there_are_few_of_them_and_the_likeliest() -> None:
    faint = [((20.0 * row, 200.0, 20.0 * row + 15, 220.0), 0.01 * (row + 1)) for row in range(9)]
    assert rows(half_done(proposed(SURE, *faint))) == [9, 8, 7, 6, 5]
    assert MOST_PLACES == 5


def test_places_go_when_somebody_has_said_what_is_there() -> None:
    initial = half_done(
        proposed(SURE, *[((100.0 * row, 200.0, 100.0 * row + 50, 250.0), 0.1) for row in range(4)])
    )
    assert rows(initial) == [1, 2, 3, 4]
    by_id = {one.box_id: one for one in initial.boxes}
    edit = [
        accepted(by_id[box_id(1, 1)]),
        rejected(by_id[box_id(1, 2)]),
        drawn((201.0, 201.0, 249.0, 251.0)),
        drawn((500.0, 400.0, 500.0 + 1e-9, 410.0)),  # no box, but nothing to fail for
    ]
    assert rows(initial, Draft(fold(initial.boxes, [edit]), 1, initial)) == [4]


def test_other_frames_have_none() -> None:
    fresh = initial_boxes(shown_on_frame(1), None)
    assert rows(fresh) == []
    initial = half_done(proposed(SURE, ((300.0, 300.0, 340.0, 330.0), 0.1)))
    assert rows(initial) == [1]
    assert rows(as_seen_by_people(initial)) == []
    assert rows(replace(initial, shown_score=None)) == []
