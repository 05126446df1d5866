"""Pictures as files: id, size as shown, whole or not, pixels."""

import hashlib
import os
import warnings
import zlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from builders import a_picture
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageOps

from prelabel.datasets.frames import Frame
from prelabel.datasets.pictures import (
    PictureFacts,
    UnusablePictureError,
    frame_id_of,
    inspect_picture,
    read_picture,
    shown_from_stored,
)

KINDS = ("jpg", "png", "bmp", "webp", "tiff")


def noise(width_px: int = 40, height_px: int = 24) -> NDArray[np.uint8]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (height_px, width_px, 3), dtype=np.uint8)


def smooth(width_px: int = 40, height_px: int = 24) -> NDArray[np.uint8]:
    """A picture that survives JPEG nearly unchanged, different in all four corners."""
    small = np.array([[[250, 0, 0], [0, 250, 0]], [[0, 0, 250], [250, 250, 250]]], np.uint8)
    return np.asarray(cv2.resize(small, (width_px, height_px)), np.uint8)


def saved(path: Path, pixels: NDArray[np.uint8], orientation: int | None = None) -> Path:
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    Image.fromarray(pixels).save(path, exif=exif)
    return path


def frame_of(path: Path) -> Frame:
    facts = inspect_picture(path)
    return Frame(facts.frame_id, str(path), facts.width_px, facts.height_px)


def test_a_frame_id_is_made_from_the_bytes(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", noise())
    want = hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    assert inspect_picture(path).frame_id == want == frame_id_of(path.read_bytes())
    assert a_picture(tmp_path / "b.jpg").frame_id == inspect_picture(tmp_path / "b.jpg").frame_id


@pytest.mark.parametrize("kind", KINDS)
def test_size_and_pixels_of_every_kind(tmp_path: Path, kind: str) -> None:
    path = saved(tmp_path / f"a.{kind}", smooth())

    frame = frame_of(path)
    pixels = read_picture(frame)

    assert (frame.width_px, frame.height_px) == (40, 24)
    assert pixels.shape == (24, 40, 3)
    assert pixels.dtype == np.uint8
    difference = np.abs(pixels[..., ::-1].astype(int) - smooth())  # BGR against RGB
    assert difference.mean() < 12


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tiff"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_as_pillow_turns_them(
    tmp_path: Path, kind: str, orientation: int
) -> None:
    path = saved(tmp_path / f"a.{kind}", smooth(), orientation)
    with Image.open(path) as image:
        want = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))

    frame = frame_of(path)
    pixels = read_picture(frame)

    assert (frame.height_px, frame.width_px) == want.shape[:2] == pixels.shape[:2]
    assert inspect_picture(path).orientation == orientation
    assert inspect_picture(path).stored_size == (40, 24)
    assert np.abs(pixels[..., ::-1].astype(int) - want).mean() < 4
    assert pixels.flags.c_contiguous


@given(
    orientation=st.integers(1, 8),
    corner=st.tuples(st.integers(0, 30), st.integers(0, 15)),
    sides=st.tuples(st.integers(1, 9), st.integers(1, 8)),
)
def test_boxes_turn_with_the_pixels(
    orientation: int, corner: tuple[int, int], sides: tuple[int, int]
) -> None:
    """A rectangle painted into the stored raster is found again under its turned box."""
    (left, top), (right, bottom) = corner, (corner[0] + sides[0], corner[1] + sides[1])
    raster = np.zeros((24, 40), np.uint8)
    raster[top:bottom, left:right] = 255
    image = Image.fromarray(raster)
    image.getexif()[0x0112] = orientation
    shown = np.asarray(ImageOps.exif_transpose(image))
    facts = PictureFacts("0" * 32, shown.shape[1], shown.shape[0], orientation)

    box = shown_from_stored(np.array([[left, top, right, bottom]], np.float64), facts)

    left, top, right, bottom = box[0].astype(int)
    assert shown[top:bottom, left:right].size == sides[0] * sides[1]
    assert (shown[top:bottom, left:right] == 255).all()
    assert int((shown == 255).sum()) == sides[0] * sides[1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_cut_off_file_is_refused(tmp_path: Path, kind: str, share: float) -> None:
    whole = saved(tmp_path / f"whole.{kind}", noise(80, 60)).read_bytes()
    path = tmp_path / f"cut.{kind}"
    path.write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(UnusablePictureError) as raised:
        inspect_picture(path)

    assert str(raised.value) == f"{path}: {raised.value.reason}"
    frame = Frame("0" * 32, str(path), 80, 60)
    with pytest.raises(UnusablePictureError, match="cut"):
        read_picture(frame)


def test_a_cut_off_jpeg_with_a_whole_thumbnail_is_refused(tmp_path: Path) -> None:
    """The thumbnail's end mark is not taken for the picture's."""
    thumbnail = saved(tmp_path / "small.jpg", noise(16, 12)).read_bytes()
    whole = saved(tmp_path / "whole.jpg", noise(80, 60)).read_bytes()
    segment = b"\xff\xe2" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    path = tmp_path / "cut.jpg"
    path.write_bytes(whole[:2] + segment + whole[2 : len(whole) // 2])

    with pytest.raises(UnusablePictureError, match="truncated"):
        inspect_picture(path)


def test_bytes_behind_the_end_of_a_jpeg_do_no_harm(tmp_path: Path) -> None:
    """Phones and cameras keep previews and settings there."""
    path = saved(tmp_path / "a.jpg", noise())
    path.write_bytes(path.read_bytes() + b"camera" * 1000 + b"\0" * 4096)
    assert read_picture(frame_of(path)).shape == (24, 40, 3)


def test_a_jpeg_that_only_lacks_its_end_mark_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jpg", noise())
    path.write_bytes(path.read_bytes().removesuffix(b"\xff\xd9"))
    with pytest.raises(UnusablePictureError, match="the mark at the end of a JPEG is missing"):
        inspect_picture(path)


def test_a_jpeg_with_zeros_in_place_of_its_end_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jpg", noise(200, 100))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + bytes(len(whole) // 2))
    with pytest.raises(UnusablePictureError, match="is truncated"):
        inspect_picture(path)


def test_a_changed_byte_in_a_png_is_noticed(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", noise())
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(UnusablePictureError, match="wrong checksum in its b'IDAT' chunk"):
        inspect_picture(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty (0 bytes)"),
        (b"<html></html>", "is not a JPEG, PNG, BMP, WebP or TIFF picture"),
        (b"\xff\xd8", "is truncated"),
        (b"\xff\xd8\xff\xd9", "ends before any picture data"),
        (b"\xff\xd8\xff\xda\x00\x02\xff\xd9", "its header gives no size"),
        (b"\xff\xd8\xff\xe0\x00", "is truncated"),
        (b"\x89PNG\r\n\x1a\n", "ends before its IEND chunk"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\0IEND\xaeB`\x82", "its header gives no size"),
        (b"RIFF\x04\0\0\0WEBP", "cannot be read as a picture"),
        (b"II*\0\0\0\0\0", "cannot be read as a picture"),
    ],
)
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(UnusablePictureError) as raised:
        inspect_picture(tmp_path / "a.jpg")
    assert told in raised.value.reason


@given(content=st.binary(max_size=200), start=st.sampled_from([b"\xff\xd8", b"\x89PNG\r\n\x1a\n"]))
def test_no_bytes_break_the_check(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, start: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jpg"
    path.write_bytes(start + content)
    with pytest.raises(UnusablePictureError):
        inspect_picture(path)


def test_files_that_cannot_be_opened_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusablePictureError, match="cannot be read: No such file"):
        inspect_picture(tmp_path / "gone.jpg")
    with pytest.raises(UnusablePictureError, match="is not a file"):
        inspect_picture(tmp_path)
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(UnusablePictureError, match="is not a file"):
        inspect_picture(tmp_path / "pipe.jpg")


@pytest.mark.parametrize("kind", ["png", "tiff", "jpg"])
def test_huge_pictures_are_refused_without_being_decoded(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    Image.new("L", (20_000, 100)).save(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UnusablePictureError, match="20000 x 100 pixels, more than the limit"):
            inspect_picture(path, max_pixels=1_999_999)
        assert inspect_picture(path, max_pixels=2_000_000).width_px == 20_000


def test_the_limits_of_pillow_do_not_apply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "a.webp", noise())
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert inspect_picture(path).width_px == 40


def test_a_picture_that_changed_size_since_import_is_refused(tmp_path: Path) -> None:
    frame = frame_of(saved(tmp_path / "a.png", noise()))
    with pytest.raises(UnusablePictureError, match="is 40 x 24 pixels, but was 41 x 24"):
        read_picture(replace(frame, width_px=41))


def test_a_png_whose_pixels_do_not_unpack_is_refused(tmp_path: Path) -> None:
    """Right checksums around wrong contents pass the import and are told when it is read."""
    header = b"IHDR" + (8).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    chunks = [header, b"IDAT" + b"no zlib stream", b"IEND"]
    path = tmp_path / "a.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            (len(one) - 4).to_bytes(4, "big") + one + zlib.crc32(one).to_bytes(4, "big")
            for one in chunks
        )
    )
    with pytest.raises(UnusablePictureError, match="cannot be decoded"):
        read_picture(frame_of(path))


def test_grey_and_transparent_pictures_come_as_bgr(tmp_path: Path) -> None:
    Image.new("L", (8, 6), 77).save(tmp_path / "grey.png")
    Image.new("RGBA", (8, 6), (10, 20, 30, 40)).save(tmp_path / "clear.png")
    assert read_picture(frame_of(tmp_path / "grey.png"))[0, 0].tolist() == [77, 77, 77]
    assert read_picture(frame_of(tmp_path / "clear.png"))[0, 0].tolist() == [30, 20, 10]


def test_every_real_picture_is_whole(test_data: Path) -> None:
    paths = [
        *sorted((test_data / "aquarium" / "images" / "test").iterdir())[:20],
        *sorted((test_data / "kitti_lidar_mini" / "training" / "image_2").iterdir())[:5],
    ]
    for path in paths:
        pixels = read_picture(frame_of(path))
        with Image.open(path) as image:
            assert pixels.shape[:2] == (image.height, image.width)
