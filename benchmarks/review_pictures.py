"""Draws the pictures of the review page for the documents: real photographs, a real detector's
proposals, the real page in a real browser.

The proposals are those of the project that review_effort.py keeps.
"""

import argparse
import io
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from review_browser import launched
from review_effort import aquarium, proposing_project
from review_people import enter, needs_reviewer, with_people
from review_projects import ReviewProject
from review_server import ReviewServer, serving
from scripted_annotator import ScriptedAnnotator

from prelabel.datasets.annotations import AnnotationSet
from prelabel.project import Project, init_project, open_project
from prelabel.proposing import prediction_files, read_predictions
from prelabel.work.people import Role

ANNOTATED = "IMG_2570_"
REVIEWED = "IMG_2448_"
OTHERS = ("IMG_2468_", "IMG_2457_", "IMG_2574_", "IMG_2477_")
WINDOW = ViewportSize(width=1120, height=690)
LARGEST_BYTES = 400_000
ROLES = {"olga": Role.OWNER, "rita": Role.REVIEWER, "ann": Role.ANNOTATOR, "ben": Role.ANNOTATOR}
GUIDELINES = """# What to label

Box every animal as far as it can be seen, also behind glass and out of focus.

## fish

Each fish of a swarm gets a box of its own, as long as you can tell them apart.

## jellyfish

The bell *and* the tentacles, as far as they can be followed.

## shark

Sharks have five slits behind the eye. Rays are **stingray**.
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """A running server, the people who may enter, and the true boxes by frame id."""

    browser: Browser
    server: ReviewServer
    links: Mapping[str, str]
    truth: Mapping[str, AnnotationSet]

    def page(self, name: str) -> Page:
        """The annotator's page in front of somebody."""
        context = self.browser.new_context(viewport=WINDOW, locale="en-GB")
        return enter(context, self.server.url, self.links[name])


def small_project(folder: Path, trained: Path, data: Path) -> ReviewProject:
    """A project on a few photographs with what the trained project's detector proposes on them."""
    classes, _, rest = aquarium(data)
    wanted = (ANNOTATED, REVIEWED, *OTHERS)
    chosen = [one for one in rest if Path(one.frame.uri).name.startswith(wanted)]
    photos = folder.parent / "photos"
    photos.mkdir()
    for one in chosen:  # without the marks of the site that they were loaded from
        shutil.copy(one.frame.uri, photos / f"{Path(one.frame.uri).name.split('_jpeg')[0]}.jpg")
    project, _ = init_project(folder, source=photos, format="images", classes=classes)
    with project, open_project(trained) as source:
        copy_proposals(source, project)
    text = (folder / "prelabel.yaml").read_text(encoding="utf-8")
    text = text.replace("control_share: 0.1", "control_share: 0.0")
    text = text.replace("shown_score: null", "shown_score: 0.3")
    (folder / "prelabel.yaml").write_text(text, encoding="utf-8")
    with open_project(folder, author="olga") as project:
        project.select(len(chosen))
        project.guidelines.write(GUIDELINES, "olga")
    truth = {one.frame.frame_id: one.annotations for one in chosen if one.annotations is not None}
    return ReviewProject(folder, classes, truth)


def copy_proposals(source: Project, to: Project) -> None:
    """Give a project the newest model of another one, and its predictions."""
    model = source.store.latest_model()
    assert model is not None
    ids = [frame.frame_id for frame in to.store.frames()]
    found = read_predictions(source.workspace, model.model_id, ids)
    to.store.add_model(replace(model, round_number=None), "olga")  # rounds are of one project
    prediction_files(to.workspace, model.model_id).write(list(found.values()))


@contextmanager
def setting(project: ReviewProject, browser: Browser) -> Iterator[Setting]:
    """The project served to its people."""
    needs_reviewer(project)
    links = with_people(project, ROLES)
    with serving(project.folder) as server:
        yield Setting(browser, server, links, project.truth)


def draw_annotator(scene: Setting, folder: Path) -> None:
    """Frames are labelled up to the one that is shown, on which a box is in hand."""
    page = scene.page("ann")
    person = ScriptedAnnotator(page, scene.truth)
    for _ in scene.truth:
        person.look()
        if page.locator(".frame-name").inner_text().startswith(ANNOTATED[:-1]):
            person.press("Space", 2)
            person.look()
            keep(page, folder / "annotate.png")
        person.label_frame()
    person.settle()


def draw_reviewer(scene: Setting, folder: Path) -> None:
    page = scene.page("rita")
    page.goto(f"{scene.server.url}/reviewing")
    page.get_by_role("button", name=REVIEWED[:-1]).click()
    page.locator(".change-moved button").first.click()
    page.keyboard.press("f")
    keep(page, folder / "reviewing.png")
    for left in range(len(scene.truth) - 1, 1, -1):
        page.keyboard.press("Enter")
        page.get_by_text(f"Waiting: {left}").wait_for()
    page.keyboard.press("s")
    page.keyboard.type("The swarm in the back has no boxes yet")
    page.keyboard.press("Control+Enter")
    page.get_by_text("Waiting: 1").wait_for()


def draw_owner(scene: Setting, folder: Path) -> None:
    page = scene.page("olga")
    page.goto(f"{scene.server.url}/owner")
    page.get_by_role("region", name="Proposals by class and model").wait_for()
    keep(page, folder / "owner.png")


def keep(page: Page, path: Path) -> None:
    """Write what the page shows, with fewer colours where it would be a large file."""
    page.wait_for_timeout(600)  # what moves comes to rest, and hints that follow a pointer go
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.save(path, optimize=True)
    if path.stat().st_size > LARGEST_BYTES:
        picture.quantize(256, Image.Quantize.MEDIANCUT).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size // 1000} kB")


def draw(trained: Path, data: Path, folder: Path) -> None:
    """All pictures, from a project with proposals."""
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        project = small_project(Path(temporary) / "aquarium", trained, data)
        with launched(playwright) as browser, setting(project, browser) as scene:
            draw_annotator(scene, folder)
            draw_reviewer(scene, folder)
            draw_owner(scene, folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the real data sets")
    parser.add_argument("--work", type=Path, required=True, help="as of review_effort.py")
    parser.add_argument("folder", type=Path, help="where the pictures go")
    options = parser.parse_args()
    draw(proposing_project(options.work, options.data), options.data, options.folder)


if __name__ == "__main__":
    main()
