"""`prelabel errors` and `prelabel disagreements` as they are typed."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from review_app import CLASSES, MODEL, opened_copy

from prelabel.active.label_errors.kinds import ErrorKind
from prelabel.active.label_errors.suspects import Suspect
from prelabel.cli.main import FAILED, cli
from prelabel.datasets.annotations import AnnotationSet
from prelabel.disagreeing import LABELS
from prelabel.project import Project
from prelabel.reviewing import proposals_for
from prelabel.suspicions import read_sent, write_suspects


@pytest.fixture
def project(birds: Path, tmp_path: Path) -> Iterator[Project]:
    """Six frames whose labels are the model's proposals."""
    with opened_copy(birds, tmp_path / "birds") as opened:
        for frame in list(opened.store.frames()):
            labels = proposals_for(opened, [frame.frame_id])[frame.frame_id].visible
            opened.store.write_labels(frame.frame_id, labels, "ann", 12.5)
        yield opened


def prelabel(project: Project, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["-p", str(project.workspace.folder), *arguments])


def suspects_of(project: Project) -> list[Suspect]:
    """Each label, in turn as a spurious one and as one of the wrong class."""
    found: list[Suspect] = []
    for one in project.store.labelled_frames():
        assert one.annotations is not None
        for row, box_id in enumerate(one.annotations.box_id):
            left, top, right, bottom = one.annotations.boxes.xyxy[row].tolist()
            kind = (ErrorKind.SPURIOUS, ErrorKind.WRONG_CLASS)[len(found) % 2]
            class_id = int(one.annotations.class_id[row])
            place = (left, top, right, bottom)
            share = 0.9 / (1 + len(found))
            found.append(Suspect(box_id, one.frame.frame_id, kind, share, class_id, place, box_id))
    return found


def test_before_a_search_the_commands_say_what_to_do(project: Project) -> None:
    for asked in (["--no-training"], ["--send", "3"], ["--audit", "3"]):
        shown = prelabel(project, "errors", *asked)
        assert shown.exit_code == FAILED
        assert "run `prelabel errors` first" in shown.output
    assert "No audit yet" in prelabel(project, "errors", "--count").output


def test_suspects_of_a_kind_are_sent_in_one_step(project: Project) -> None:
    suspects = suspects_of(project)
    write_suspects(project.workspace, suspects, "2026-01-02T03:04:05")
    shown = prelabel(project, "errors", "--kind", "wrong class", "--send", "2")
    assert "2 suspects on" in shown.output
    wrong = [one for one in suspects if one.kind is ErrorKind.WRONG_CLASS]
    assert [one.suspect for one in read_sent(project.workspace)] == wrong[:2]
    assert prelabel(project, "errors", "--kind", "nothing", "--send", "2").exit_code != 0


def test_an_audit_is_counted(project: Project) -> None:
    suspects = suspects_of(project)
    write_suspects(project.workspace, suspects, "2026-01-02T03:04:05")
    assert f"{len(suspects)} suspects on" in prelabel(project, "errors", "--audit", "99").output
    assert "Nobody has looked" in prelabel(project, "errors", "--count").output
    first = next(iter(project.store.labelled_frames()))
    assert first.annotations is not None
    left = first.annotations.take(np.arange(1, len(first.annotations)))
    project.store.write_labels(first.frame.frame_id, left, "bob")
    told = prelabel(project, "errors", "--count").output
    assert "95% interval" in told
    assert "1 of them errors" in told


def test_labels_and_a_model_disagree_where_a_label_was_changed(project: Project) -> None:
    assert "0 disagreements" in prelabel(project, "disagreements", LABELS, MODEL[:6]).output
    one = next(one for one in project.store.labelled_frames() if one.annotations)
    assert one.annotations is not None
    classes = one.annotations.class_id.copy()
    classes[0] = (classes[0] + 1) % len(CLASSES)
    changed = AnnotationSet(
        one.annotations.boxes, classes, one.annotations.box_id, one.annotations.origin
    )
    project.store.write_labels(one.frame.frame_id, changed, "bob")
    shown = prelabel(project, "disagreements", LABELS, MODEL[:6], "--send", "1")
    assert "class flip" in shown.output
    assert "1 disagreements" in shown.output
    assert "1 frames wait for people" in shown.output
    unknown = prelabel(project, "disagreements", LABELS, "nobody")
    assert unknown.exit_code == FAILED
    assert "names 0 models; write one of labels" in unknown.output
