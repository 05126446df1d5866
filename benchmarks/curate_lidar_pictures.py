"""Draws the pictures of lidar sweeps in FiftyOne for the documents: generated streets with cameras,
the real App in a real browser.
"""

import argparse
import io
import tempfile
from pathlib import Path

import numpy as np
from curation_tour import annotate_in_space, curating, open_app, open_first
from lidar_pictures import streets
from lidar_projects import MODEL, LidarProject
from PIL import Image
from playwright.sync_api import Page, ViewportSize, sync_playwright
from review_browser import DRAWING_IN_SPACE, launched

from prelabel.curating.cuboid_documents import IN_SPACE, view_object_id
from prelabel.curating.fields import PROJECTED_PROPOSALS, proposals_field
from prelabel.datasets.annotations import IMPORTED, AnnotationSet
from prelabel.project import open_project

WINDOW = ViewportSize(width=1500, height=860)
DRAWN_MS = 8000  # in space, by a processor


def labelled_streets(folder: Path, seed: int) -> LidarProject:
    """A project on generated sweeps, with the true labels."""
    made = streets(folder, seed)
    with open_project(made.folder, author="ann") as project:
        for frame_id, truth in made.truth.items():
            cuboids = truth.cuboids
            labels = AnnotationSet(
                made.grid.boxes(cuboids),
                truth.class_id,
                truth.box_id,
                [IMPORTED] * len(truth),
                cuboids.heights(),
            )
            project.store.write_labels(frame_id, labels, "ann")
    return made


def nearest(made: LidarProject) -> str:
    """FiftyOne's id of the cuboid that is nearest to the lidar, on the first frame."""
    with open_project(made.folder) as project:
        truth = made.truth[next(project.store.frames()).frame_id]
    ahead = truth.cuboids.centre_m[:, 0] > truth.cuboids.size_m[:, 0]
    far = np.where(ahead, np.linalg.norm(truth.cuboids.centre_m, axis=1), np.inf)
    return str(view_object_id(truth.box_id[int(far.argmin())], IN_SPACE))


def draw(project: Path, label_id: str, folder: Path) -> None:
    """A sweep with its cameras, and one of its cuboids being annotated."""
    with (
        curating(project, "cora") as (address, _),
        sync_playwright() as playwright,
        launched(playwright, DRAWING_IN_SPACE) as browser,
    ):
        page = browser.new_page(viewport=WINDOW)
        open_app(page, address)
        for field in (proposals_field(MODEL), PROJECTED_PROPOSALS):  # they lie under the labels
            page.locator(f"[data-cy=checkbox-{field}]").first.click()
        open_first(page)
        page.locator("[data-cy=looker3d]").wait_for()
        _keep(page, folder / "curate-lidar.jpg")
        annotate_in_space(page, label_id)
        _keep(page, folder / "curate-lidar-annotate.jpg")


def _keep(page: Page, path: Path) -> None:
    page.wait_for_timeout(DRAWN_MS)
    hint = page.get_by_role("button", name="Don't show again")
    if hint.count():
        hint.first.click()
        page.wait_for_timeout(1000)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.save(path, quality=86, optimize=True)
    print(f"{path}: {path.stat().st_size // 1000} kB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        made = labelled_streets(Path(temporary), options.seed)
        draw(made.folder, nearest(made), options.folder)


if __name__ == "__main__":
    main()
