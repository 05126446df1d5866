"""Whatever kind a picture is and however it is turned: a browser shows what the frame says."""

from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page
from review_app import served

from prelabel.datasets.pictures import read_picture
from prelabel.project import init_project

WIDTH, HEIGHT = 48, 32
SUFFIXES = ("jpg", "png", "webp", "tiff")
_ORIENTATION = 0x0112

# As the page decodes pictures: its size, and a pixel near each corner.
LOOK = """async (url) => {
  const picture = await createImageBitmap(await (await fetch(url)).blob());
  const { width, height } = picture;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0);
  const at = (x, y) => [...context.getImageData(x, y, 1, 1).data.slice(0, 3)];
  const [right, bottom] = [width - 5, height - 5];
  return { width, height, corners: [at(4, 4), at(right, 4), at(4, bottom), at(right, bottom)] };
}"""


def save_turned(folder: Path) -> None:
    """A picture with four colours in its corners, in every kind and turn."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:16, :24], pixels[:16, 24:] = (220, 30, 30), (30, 220, 30)
    pixels[16:, :24], pixels[16:, 24:] = (30, 30, 220), (200, 200, 30)
    folder.mkdir()
    for suffix in SUFFIXES:
        for orientation in range(1, 9):
            exif = Image.Exif()
            exif[_ORIENTATION] = orientation
            path = folder / f"{orientation}.{suffix}"
            Image.fromarray(pixels).save(path, exif=exif, quality=95)


def test_size_and_pixels_agree_with_the_frame(page: Page, tmp_path: Path) -> None:
    save_turned(tmp_path / "photos")
    project, _ = init_project(tmp_path / "p", source=tmp_path / "photos", classes=["a"])
    with project, served(project) as server:
        page.goto(f"{server.url}/login")
        frames = list(project.store.frames())
        assert len(frames) == 8 * len(SUFFIXES)
        for frame in frames:
            seen = page.evaluate(LOOK, f"/api/frames/{frame.frame_id}/picture")
            assert (seen["width"], seen["height"]) == (frame.width_px, frame.height_px), frame.uri
            rgb = read_picture(frame)[:, :, ::-1]
            ours = [rgb[y, x].tolist() for y in (4, -5) for x in (4, -5)]
            assert np.abs(np.subtract(seen["corners"], ours)).max() <= 12, frame.uri
