"""Draws the pictures of FiftyOne for the documents: real photographs, a real detector's proposals,
the real App in a real browser.

The proposals are those of the project that review_effort.py keeps.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from curation_tour import choose_batch, curating, fix_first_patch, open_app, open_error_patches
from playwright.sync_api import Page, ViewportSize, sync_playwright
from review_browser import launched
from review_effort import aquarium, pictures_of, proposing_project
from review_pictures import copy_proposals, keep

from prelabel.datasets.frames import LabelledFrame
from prelabel.project import init_project, open_project

LABELLED = 60
SECONDS_A_BOX = 3.0
WINDOW = ViewportSize(width=1500, height=860)


def curated_project(
    folder: Path, trained: Path, classes: Sequence[str], frames: Sequence[LabelledFrame]
) -> None:
    """A project with proposals on all frames, and one round of true labels on some."""
    photos = pictures_of(frames, folder.parent / "photos")
    project, _ = init_project(folder, source=photos, format="images", classes=classes)
    with project, open_project(trained) as source:
        copy_proposals(source, project)
    text = (folder / "prelabel.yaml").read_text(encoding="utf-8")
    text = text.replace("shown_score: null", "shown_score: 0.3")
    (folder / "prelabel.yaml").write_text(text, encoding="utf-8")
    truth = {one.frame.frame_id: one.annotations for one in frames}
    with open_project(folder, author="ann") as project:
        for frame in project.select(LABELLED, "random").frames:
            labels = truth[frame.frame_id]
            if labels is not None:
                seconds = SECONDS_A_BOX * len(labels)
                project.store.write_labels(frame.frame_id, labels, "ann", seconds, 1)


def draw(project: Path, folder: Path) -> None:
    """The error patches of a project and one of them being fixed, with a round just begun."""
    with (
        curating(project, "cora") as (address, _),
        sync_playwright() as playwright,
        launched(playwright) as browser,
    ):
        page = browser.new_page(viewport=WINDOW)
        open_app(page, address)
        choose_batch(page, "12", lambda _: None)
        open_error_patches(page, "patches")
        _keep(page, folder, "patches")
        fix_first_patch(page, "0.4", lambda name: _keep(page, folder, name))


def _keep(page: Page, folder: Path, name: str) -> None:
    keep(page, folder / f"curate-{name}.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the real data sets")
    parser.add_argument("--work", type=Path, required=True, help="as of review_effort.py")
    parser.add_argument("folder", type=Path, help="where the pictures go")
    options = parser.parse_args()
    classes, _, rest = aquarium(options.data)
    trained = proposing_project(options.work, options.data)
    with tempfile.TemporaryDirectory() as temporary:
        project = Path(temporary) / "aquarium"
        curated_project(project, trained, classes, rest)
        draw(project, options.folder)


if __name__ == "__main__":
    main()
