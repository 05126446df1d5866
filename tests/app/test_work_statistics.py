"""How good proposals were, and what leaves as CSV."""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import replace

import pytest
from work_content import (
    MODEL,
    accepted,
    an_edit,
    begin,
    box_id,
    drawn,
    frame_of,
    record_batch,
    rejected,
)

from prelabel.store.store import Store
from prelabel.work import exports
from prelabel.work.exports import corrections_csv, edits_csv, statistics_csv, write_csv
from prelabel.work.statistics import ProposalStatistics, statistics


def rows_of(lines: Iterable[str]) -> list[dict[str, str]]:
    file = io.StringIO()
    assert write_csv(lines, file) == len(file.getvalue())
    file.seek(0)
    return list(csv.DictReader(file))


def test_proposals_are_counted_by_model_and_class(store: Store) -> None:
    work = begin(store, frames=3)
    work.finish("ann")
    second = work.take("ann").number
    van, car, bus, weak = work.drafts.read(second, "ann").boxes
    boxes = [
        replace(accepted(van), xyxy=(15.0, 10.0, 65.0, 50.0)),
        replace(accepted(car), class_id=2),
        rejected(bus),
        accepted(weak),
        drawn((5, 5, 50, 50), 2),
        drawn((5, 5, 60, 60), 0),
    ]
    work.drafts.append(second, "ann", [an_edit(boxes)])
    work.hand_in(second, "ann")
    assert statistics(store) == [
        ProposalStatistics(MODEL, 0, "van", right=2, moved=1, wrong=0, missed=1),
        ProposalStatistics(MODEL, 1, "car", right=1, moved=0, wrong=1, missed=0),
        ProposalStatistics(MODEL, 2, "bus", right=1, moved=0, wrong=1, missed=1),
    ]
    lines = rows_of(statistics_csv(store))
    assert lines[0] == {
        "model_id": MODEL,
        "class": "van",
        "proposed": "3",
        "right": "2",
        "moved": "1",
        "wrong": "0",
        "missed": "1",
    }


def test_of_each_task_only_the_last_accepted_submission_counts(store: Store) -> None:
    work = begin(store, frames=2, reviewer=True)
    task = work.finish("ann").number
    assert statistics(store) == []  # nobody has accepted it
    first = work.drafts.review(task, "rea").boxes[0]
    work.drafts.append(task, "rea", [an_edit([rejected(first)])], reviewing=True)
    work.submissions.accept(task, "rea")
    assert [(one.right, one.wrong) for one in statistics(store)] == [(0, 1), (1, 0), (1, 0)]
    work.queue.requeue(task, "olga")
    assert sum(one.proposed for one in statistics(store)) == 3  # until it is handed in again
    work.take("ann")
    work.drafts.append(task, "ann", [an_edit([accepted(first)])])
    work.hand_in(task, "ann", "second")
    work.submissions.accept(task, "rea")
    assert [(one.right, one.wrong) for one in statistics(store)] == [(1, 0), (1, 0), (1, 0)]


def test_without_a_model_nothing_is_missed(store: Store) -> None:
    work = begin(store, frames=1)
    number = record_batch(store, [10], proposed=False)
    work.queue.fill(number)
    task = work.take("ann")
    assert work.drafts.initial(task).model_id is None
    work.drafts.append(task.number, "ann", [an_edit([drawn((1, 1, 9, 9))])])
    work.hand_in(task.number, "ann")
    assert statistics(store) == []
    assert [row["action"] for row in rows_of(corrections_csv(store))] == ["drawn"]


def test_each_box_of_a_submission_is_a_line(store: Store) -> None:
    work = begin(store, frames=1, angle=0.5)
    task = work.take("ann").number
    van, car, bus, _ = work.drafts.read(task, "ann").boxes
    new = drawn((5, 5, 50, 50), 2)
    moved = replace(accepted(van), xyxy=(15.0, 10.0, 65.0, 50.0), class_id=1)
    work.drafts.append(task, "ann", [an_edit([moved, accepted(car), rejected(bus), new])])
    work.act(task, "ann", 12)
    work.hand_in(task, "ann")
    lines = {row["box_id"]: row for row in rows_of(corrections_csv(store))}
    assert len(lines) == 4
    changed = lines[box_id(0, 0)]
    assert changed["action"] == "moved and reclassed"
    assert (changed["frame_id"], changed["person"]) == (frame_of(0).frame_id, "ann")
    assert changed["model_id"] == MODEL
    assert float(changed["score"]) == pytest.approx(0.9)
    assert (changed["before_class"], changed["after_class"]) == ("van", "car")
    assert [float(changed[f"before_{name}"]) for name in ("left", "right")] == [10, 60]
    assert [float(changed[f"after_{name}"]) for name in ("left", "right")] == [15, 65]
    assert float(changed["before_angle"]) == 0.5
    assert (changed["verdict"], changed["judge"], float(changed["seconds"])) == ("accepted", "", 12)
    assert changed["at"] == work.clock().isoformat(timespec="milliseconds")
    deleted, added = lines[box_id(0, 2)], lines[new.box_id]
    assert (deleted["action"], deleted["after_left"], deleted["after_class"]) == ("deleted", "", "")
    assert (added["action"], added["before_left"], added["model_id"]) == ("drawn", "", "")


def test_heights_stand_beside_boxes_seen_from_above(store: Store) -> None:
    work = begin(store, frames=1, angle=0.5)
    task = work.take("ann").number
    van, car, bus, _ = work.drafts.read(task, "ann").boxes
    raised = replace(accepted(van), height_m=(-1.75, 0.25))
    tall = replace(drawn((5, 5, 50, 50), 2), height_m=(-1.5, 1.25))
    work.drafts.append(task, "ann", [an_edit([raised, accepted(car), rejected(bus), tall])])
    work.hand_in(task, "ann")

    lines = {row["box_id"]: row for row in rows_of(corrections_csv(store))}

    def heights(key: str) -> list[str]:
        columns = ("before_bottom_m", "before_top_m", "after_bottom_m", "after_top_m")
        return [lines[key][column] for column in columns]

    assert heights(van.box_id) == ["", "", "-1.75", "0.25"]
    assert lines[van.box_id]["action"] == "moved"
    assert heights(car.box_id) == ["", "", "", ""]
    assert heights(tall.box_id) == ["", "", "-1.5", "1.25"]


def test_edits_leave_as_they_came(store: Store) -> None:
    work = begin(store, frames=1)
    task = work.take("ann").number
    box = drawn((5, 5, 50, 50), 2, angle=0.25)
    edits = [an_edit([box], "draw"), an_edit([rejected(box)], "undo, of course")]
    work.drafts.append(task, "ann", edits)
    first, second = rows_of(edits_csv(store))
    assert json.loads(first["boxes"]) == [[box.box_id, 5, 5, 50, 50, 0.25, 2, "accepted"]]
    assert (second["action"], second["number"]) == ("undo, of course", "2")
    assert second["edit_id"] == edits[1].edit_id


def test_long_exports_come_page_by_page(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    work = begin(store, frames=4)
    for _ in range(4):
        work.finish("ann")
    monkeypatch.setattr(exports, "_PAGE", 5)
    pages = list(corrections_csv(store))
    assert len(pages) == 1 + 3
    keys = [(row["submission"], row["box_id"]) for row in rows_of(pages)]
    assert keys == sorted(keys)
    assert len(set(keys)) == 12
    assert len(rows_of(edits_csv(store))) == 4
