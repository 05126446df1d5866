"""A curator's tour through FiftyOne's App in a real browser."""

from pathlib import Path

import pytest
from curation_tour import choose_batch, curating, fix_first_patch, open_app, open_error_patches
from mongo import mongod_program, skip_without_mongod
from playwright.sync_api import sync_playwright
from review_app import opened_copy
from review_browser import chromium_program, launched, skip_without_chromium

from prelabel.datasets.annotations import DRAWN, AnnotationSet
from prelabel.datasets.boxes import Boxes
from prelabel.project import open_project

BOX_ID = "8f14e45f-ceea-467f-a4c1-0b5d6f2a1c3e"


def test_a_curator_chooses_a_batch_and_fixes_a_box_in_the_app(birds: Path, tmp_path: Path) -> None:
    if mongod_program() is None:
        skip_without_mongod()
    if chromium_program() is None:
        skip_without_chromium()
    folder = tmp_path / "birds"
    with opened_copy(birds, folder, chosen=0) as project:
        frame = next(project.store.frames())
        wrong = AnnotationSet(Boxes([[40, 10, 60, 40]]), [0], [BOX_ID], [DRAWN])
        project.store.write_labels(frame.frame_id, wrong, "ann")
    looked: list[str] = []
    with (
        curating(folder, "cora") as (address, end),
        sync_playwright() as playwright,
        launched(playwright) as browser,
    ):
        page = browser.new_page(viewport={"width": 1400, "height": 800})
        open_app(page, address)
        choose_batch(page, "2", looked.append)
        open_error_patches(page, "1 patch")
        fix_first_patch(page, "0.25", looked.append)
        told = end()
    assert looked == ["batch", "patch"]
    assert f"Frame {frame.frame_id}: 1 moved." in told
    with open_project(folder) as project:
        labels = project.store.labels(frame.frame_id)
        newest = project.store.latest_batch()
    assert labels is not None
    assert (labels.number, labels.author, labels.source) == (2, "cora", "edited in FiftyOne")
    assert labels.annotations.box_id == (BOX_ID,)
    assert labels.annotations.boxes.xyxy[0].tolist() == pytest.approx([16, 10, 36, 40], abs=0.01)
    assert newest is not None
    assert len(newest[1]) == 2
