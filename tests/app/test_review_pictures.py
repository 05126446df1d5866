"""Pictures as browsers get them: the same pixels in the frame's size, kept for good, or a word."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from review_app import next_tasks, opened_copy, served

from prelabel.datasets.frames import Frame
from prelabel.datasets.pictures import UnusablePictureError, inspect_picture, read_picture
from prelabel.review.pictures import WebPicture, web_picture

WIDTH, HEIGHT = 48, 32
_ORIENTATION = 0x0112


def a_scene(width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """Smooth, so that JPEG keeps it nearly, and different in each corner."""
    across, down = np.meshgrid(np.linspace(0, 200, width), np.linspace(0, 150, height))
    return Image.fromarray(np.dstack([across, down, 220 - across]).astype(np.uint8))


def saved(path: Path, orientation: int = 1) -> None:
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    a_scene().save(path, exif=exif)


def saved_in_16_bits(path: Path) -> None:
    wide = np.asarray(a_scene()).astype(np.uint16) * 257
    assert cv2.imwrite(str(path), wide)


KINDS: dict[str, tuple[Callable[[Path], None], str]] = {
    "plain.jpg": (saved, "image/jpeg"),
    "plain.png": (saved, "image/png"),
    "plain.bmp": (lambda path: a_scene().save(path), "image/png"),
    "plain.webp": (lambda path: a_scene().save(path, lossless=True), "image/webp"),
    "plain.tiff": (saved, "image/png"),
    "deep.tiff": (saved_in_16_bits, "image/png"),
    "deep.png": (saved_in_16_bits, "image/png"),
    "grey.png": (lambda path: a_scene().convert("L").save(path), "image/png"),
    "palette.png": (lambda path: a_scene().convert("P").save(path), "image/png"),
    "cmyk.jpg": (lambda path: a_scene().convert("CMYK").save(path), "image/jpeg"),
    "turned.png": (lambda path: saved(path, 6), "image/png"),
    "turned.webp": (lambda path: saved(path, 6), "image/png"),
    "turned.tiff": (lambda path: saved(path, 6), "image/png"),
    "turned.jpg": (lambda path: saved(path, 6), "image/jpeg"),
}


def frame_of(path: Path) -> Frame:
    facts = inspect_picture(path)
    return Frame(facts.frame_id, str(path), facts.width_px, facts.height_px)


def as_browsers_show(picture: WebPicture) -> NDArray[np.uint8]:
    """Decoded, and turned as EXIF says if it is a JPEG, which is what all browsers do."""
    flags = cv2.IMREAD_COLOR
    if picture.media_type != "image/jpeg":
        flags |= cv2.IMREAD_IGNORE_ORIENTATION
    pixels = cv2.imdecode(np.frombuffer(picture.data, np.uint8), flags)
    assert pixels is not None
    return np.asarray(pixels, np.uint8)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_shown_with_the_same_pixels_in_the_frames_size(
    name: str, tmp_path: Path
) -> None:
    save, media_type = KINDS[name]
    save(tmp_path / name)
    frame = frame_of(tmp_path / name)
    picture = web_picture(frame)
    assert picture.media_type == media_type
    shown = as_browsers_show(picture)
    assert shown.shape == (frame.height_px, frame.width_px, 3)
    assert np.abs(shown.astype(int) - read_picture(frame)).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff"])
def test_whichever_way_a_picture_is_turned(orientation: int, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"turned.{suffix}"
    saved(path, orientation)
    frame = frame_of(path)
    shown = as_browsers_show(web_picture(frame))
    assert np.abs(shown.astype(int) - read_picture(frame)).max() <= 1


def test_what_browsers_show_anyway_is_sent_as_it_lies_on_disk(tmp_path: Path) -> None:
    saved(tmp_path / "a.jpg", 3)
    assert web_picture(frame_of(tmp_path / "a.jpg")).data == (tmp_path / "a.jpg").read_bytes()


def test_a_large_picture_of_another_kind_becomes_a_good_jpeg(tmp_path: Path) -> None:
    path = tmp_path / "large.bmp"
    a_scene(2500, 1700).save(path)
    frame = frame_of(path)
    picture = web_picture(frame)
    assert picture.media_type == "image/jpeg"
    assert len(picture.data) < path.stat().st_size / 4
    difference = as_browsers_show(picture).astype(int) - read_picture(frame)
    assert np.abs(difference).mean() < 1


def test_a_file_that_holds_another_picture_by_now_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    saved(path)
    frame = frame_of(path)
    a_scene().rotate(180).save(path)
    with pytest.raises(UnusablePictureError, match="no longer the picture that was imported"):
        web_picture(frame)


def test_a_browser_keeps_a_picture_and_asks_with_its_tag(birds: Path, tmp_path: Path) -> None:
    with opened_copy(birds, tmp_path / "birds") as project, served(project) as server:
        client = server.local()
        (task,) = next_tasks(client)
        first = client.get(task["picture"])
        assert first.headers["content-type"] == "image/jpeg"
        assert first.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert first.headers["etag"] == f'"{task["frame_id"]}"'
        tag = first.headers["etag"]
        for tags in (tag, f"W/{tag}", f'"x", {tag}'):
            again = client.get(task["picture"], headers={"If-None-Match": tags})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == first.headers["etag"]
        head = client.head(task["picture"])
        assert head.content == b""
        assert head.headers["content-length"] == str(len(first.content))
        assert client.get(f"{task['picture']}?v=2").content == first.content


def test_a_picture_that_is_gone_is_told_and_the_work_goes_on(birds: Path, tmp_path: Path) -> None:
    with opened_copy(birds, tmp_path / "birds") as project, served(project) as server:
        client = server.local()
        gone, there = next_tasks(client, 2)
        uri = Path(project.store.frame(gone["frame_id"]).uri)
        data = uri.read_bytes()
        uri.unlink()
        try:
            answer = client.get(gone["picture"])
            assert answer.status_code == 404
            assert answer.headers["cache-control"] == "no-store"
            assert "the picture cannot be read" in answer.json()["error"]
            assert str(uri.parent) not in answer.text
            assert client.get(there["picture"]).status_code == 200
        finally:
            uri.write_bytes(data)
