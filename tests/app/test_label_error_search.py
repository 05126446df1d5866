"""From labels to suspects, to questions on the review page, to a number of errors."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from blob_detector import CLASSES, blob_scenes

from prelabel.active.label_errors.kinds import ErrorKind
from prelabel.active.label_errors.suspects import Suspect
from prelabel.datasets.formats.base import Pictures
from prelabel.datasets.formats.registry import write_dataset
from prelabel.datasets.pictures import read_picture
from prelabel.datasets.progress import Advance, Silent
from prelabel.label_errors import (
    NoSuspectsError,
    begin_audit,
    count_errors,
    rank_again,
    search_errors,
    send_suspects,
)
from prelabel.near_duplicates import find_copies
from prelabel.project import Project, init_project, open_project
from prelabel.suspicions import (
    KeptCopies,
    errors_folder,
    read_answers,
    read_copies,
    read_sent,
    read_suspects,
    write_copies,
    write_suspects,
)
from prelabel.work.sending import BY_HAND

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Labelled pictures of blobs, and a detector that is trained in seconds."""
    frames = blob_scenes(tmp_path / "blobs", 40)
    write_dataset("coco", tmp_path / "coco", CLASSES, frames, Silent(), Pictures.COPY)
    made, _ = init_project(tmp_path / "project", source=tmp_path / "coco", author="ann")
    made.store.close()
    settings = tmp_path / "project" / "prelabel.yaml"
    text = settings.read_text(encoding="utf-8")
    for old, new in (("steps: 1000", "steps: 12"), ("input_px: 320", "input_px: 96")):
        assert old in text
        text = text.replace(old, new)
    settings.write_text(text, encoding="utf-8")
    with open_project(tmp_path / "project", author="ann") as opened:
        yield opened


def spurious(project: Project) -> list[Suspect]:
    """A suspect for the first box of every frame that has one, and nothing found out."""
    suspects = []
    for row, one in enumerate(project.store.labelled_frames()):
        if one.annotations is not None and len(one.annotations):
            box_id = one.annotations.box_id[0]
            left, top, right, bottom = one.annotations.boxes.xyxy[0].tolist()
            suspects.append(
                Suspect(
                    box_id,
                    one.frame.frame_id,
                    ErrorKind.SPURIOUS,
                    1 / (row + 2),
                    int(one.annotations.class_id[0]),
                    (left, top, right, bottom),
                    box_id,
                )
            )
    return suspects


class Interrupting(Silent):
    """Somebody who stops the work at the second prediction."""

    def __init__(self) -> None:
        self._predictions = 0

    @contextmanager
    def task(self, title: str, total: int | None) -> Iterator[Advance]:
        self._predictions += title.startswith("Predicting")
        if self._predictions == 2:
            raise KeyboardInterrupt
        with super().task(title, total) as advance:
            yield advance


@pytest.mark.slow
def test_a_search_that_was_stopped_goes_on_and_trains_nothing_twice(project: Project) -> None:
    with pytest.raises(KeyboardInterrupt):
        search_errors(project, 2, NOW, Interrupting())
    with pytest.raises(NoSuspectsError):
        rank_again(project, NOW, Silent())
    found = search_errors(project, 2, NOW, Silent())
    trained = {
        path: path.stat().st_mtime_ns for path in errors_folder(project.workspace).rglob("*.pt")
    }
    assert trained

    assert found.frames == project.store.counts().labelled
    boxes = {
        box_id
        for one in project.store.labelled_frames()
        if one.annotations is not None
        for box_id in one.annotations.box_id
    }
    assert {one.box_id for one in found.suspects if one.box_id} == boxes
    kept = read_suspects(project.workspace)
    assert sum(len(its) for its in kept.by_frame.values()) == len(found.suspects)

    assert search_errors(project, 2, NOW, Silent()).suspects == found.suspects
    send_suspects(project, 1)
    (asked,) = read_sent(project.workspace)
    version = project.store.labels(asked.suspect.frame_id)
    assert version is not None
    project.store.write_labels(asked.suspect.frame_id, version.annotations, "bob")
    again = rank_again(project, NOW, Silent())
    assert again.answers == 1
    still = {one.suspect_id: one.probability for one in again.suspects}
    assert still.get(asked.suspect.suspect_id, 0) == 0
    assert {path: path.stat().st_mtime_ns for path in trained} == trained
    assert set(errors_folder(project.workspace).rglob("*.pt")) == set(trained)


def test_without_a_search_there_is_nobody_to_ask_about(project: Project) -> None:
    with pytest.raises(NoSuspectsError, match="run `prelabel errors` first"):
        send_suspects(project, 3)


def test_suspects_are_asked_about_once_and_changed_boxes_are_the_answer(project: Project) -> None:
    suspects = spurious(project)
    write_suspects(project.workspace, suspects, NOW.isoformat())
    assert send_suspects(project, 2) == (2, 2)
    newest = project.store.latest_batch()
    assert newest is not None
    assert newest[1].strategy == BY_HAND
    assert newest[1].picks[0].reason.startswith("Is the label right? spurious:")
    asked = {pick.frame_id for pick in newest[1].picks}
    assert asked == {one.frame_id for one in suspects[:2]}

    first, second = suspects[:2]
    for one, keep in ((first, False), (second, True)):
        version = project.store.labels(one.frame_id)
        assert version is not None
        rows = np.arange(len(version.annotations))
        labels = version.annotations.take(rows if keep else rows[1:])
        project.store.write_labels(one.frame_id, labels, "bob")
    assert count_errors(project) is None  # nothing was drawn at random
    answers = {one.suspect.suspect_id: one.is_error for one in read_answers(project.workspace)}
    assert answers == {first.suspect_id: True, second.suspect_id: False}
    assert send_suspects(project, 1) == (1, 1)


def test_people_are_asked_about_one_kind_alone(project: Project) -> None:
    suspects = spurious(project)
    missing = replace(
        suspects[-1], kind=ErrorKind.MISSING, box_id=None, suspect_id=str(uuid.UUID(int=1))
    )
    write_suspects(project.workspace, [*suspects, missing], NOW.isoformat())
    assert send_suspects(project, 5, [ErrorKind.MISSING]) == (1, 1)
    assert [one.suspect for one in read_sent(project.workspace)] == [missing]


def test_an_audit_counts_errors_with_an_interval(project: Project) -> None:
    suspects = spurious(project)
    write_suspects(project.workspace, suspects, NOW.isoformat())
    asked, frames = begin_audit(project, 12, NOW)
    assert (asked, frames) == (12, 12)
    newest = project.store.latest_batch()
    assert newest is not None
    for row, pick in enumerate(newest[1].picks):
        version = project.store.labels(pick.frame_id)
        assert version is not None
        rows = np.arange(len(version.annotations))
        labels = version.annotations.take(rows[1:] if row < 3 else rows)
        project.store.write_labels(pick.frame_id, labels, "bob")
    count = count_errors(project)
    assert count is not None
    assert count.known == 3
    assert 3 <= count.low <= count.expected <= count.high <= len(suspects)


def test_near_duplicates_are_kept(project: Project) -> None:
    assert read_copies(project.workspace) == []
    copies = [KeptCopies("a", "b", 0.99, True)]
    write_copies(project.workspace, copies)
    assert read_copies(project.workspace) == copies


def test_without_a_model_small_pictures_tell_near_duplicates(tmp_path: Path) -> None:
    frames = blob_scenes(tmp_path / "blobs", 30)
    rng = np.random.default_rng(0)
    for one in frames:  # blobs on a dark ground are all much alike
        ground = cv2.resize(rng.uniform(0, 160, (4, 4, 3)), (96, 72))
        assert cv2.imwrite(one.frame.uri, ground.astype(np.uint8))
    copy = read_picture(frames[20].frame)
    assert cv2.imwrite(frames[3].frame.uri, np.asarray(copy * 0.8 + 20, np.uint8))
    write_dataset("coco", tmp_path / "coco", CLASSES, frames, Silent(), Pictures.COPY)
    made, _ = init_project(tmp_path / "project", source=tmp_path / "coco", author="ann")
    with made as project:
        (pair,) = find_copies(project, Silent())
        names = {one.frame_id: Path(one.uri).name for one in project.store.frames()}
    assert {names[pair.first_id], names[pair.second_id]} == {"0003.png", "0020.png"}
    assert pair.leaks  # a quarter of the scenes is for tests
