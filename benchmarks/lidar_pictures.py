"""Draws the picture of the review page on a lidar frame for the documents: generated streets with
cameras, proposals as far off as a detector's, the real page in a real browser.
"""

import argparse
import io
import tempfile
from pathlib import Path

import numpy as np
from lidar_projects import ALL_DRAWN, LidarProject, lidar_project
from PIL import Image
from playwright.sync_api import Page, ViewportSize, sync_playwright
from review_browser import launched
from review_server import serving

from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid
from prelabel.datasets.lidar.simulated.options import SweepOptions
from prelabel.datasets.lidar.simulated.writing import write_sweeps
from prelabel.datasets.progress import Silent

GRID = BirdsEyeGrid(-5, 50, -27, 27, 0.1)
WINDOW = ViewportSize(width=1360, height=860)
# The box that most cameras see, and largest; it is taken in hand.
CHOOSE = """() => {
  const { editor } = window.__prelabel.page;
  const { around } = editor;
  const areas = new Map();
  for (const view of around.views) {
    for (const { id, sighting: { isSeen, box, depth } } of view.drawn) {
      if (!isSeen || depth < 6) continue;
      const area = (box[2] - box[0]) * (box[3] - box[1]) / (view.model.width * view.model.height);
      areas.set(id, (areas.get(id) ?? 0) + Math.min(area, 0.1));
    }
  }
  const best = [...areas].sort((left, right) => right[1] - left[1])[0][0];
  editor.select(best);
  return [editor.draft.task.frame_id, editor.selected.xyxy];
}"""


def streets(folder: Path, seed: int) -> LidarProject:
    """A project on generated sweeps with three cameras."""
    options = SweepOptions(seed, 2, 0, 0, 1, beams=64, camera_px=(960, 540))
    write_sweeps(folder / "streets", options, Silent())
    return lidar_project(folder / "street", folder / "streets", GRID, 1.5)


def draw(page: Page, url: str, project: LidarProject, path: Path) -> None:
    """The page with a box in hand whose height a person has set right."""
    page.goto(url)
    page.wait_for_function(ALL_DRAWN)
    page.evaluate("() => window.__prelabel.page.editor.select(null)")
    page.wait_for_function(ALL_DRAWN)
    frame_id, xyxy = page.evaluate(CHOOSE)
    true = project.truth[frame_id].cuboids
    row = int(np.abs(project.grid.boxes(true).xyxy - np.array(xyxy)).max(axis=1).argmin())
    heights = true.heights()[row].tolist()
    page.evaluate("(given) => window.__prelabel.page.editor.around.heights.set(given)", heights)
    page.wait_for_function(ALL_DRAWN)
    page.wait_for_timeout(600)  # what moves comes to rest
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.save(path, quality=88, optimize=True)
    print(f"{path}: {path.stat().st_size // 1000} kB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--to", type=Path, required=True, help="a .jpg file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        project = streets(Path(temporary), options.seed)
        with launched(playwright) as browser, serving(project.folder) as server:
            page = browser.new_context(viewport=WINDOW, locale="en-GB").new_page()
            draw(page, server.url, project, options.to)


if __name__ == "__main__":
    main()
