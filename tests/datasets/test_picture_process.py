"""Pictures looked at beside the process that imports them."""

import multiprocessing
import os
import struct
from pathlib import Path

import psutil
import pytest
from PIL import Image

from prelabel.datasets.formats import picture_process, prefetch
from prelabel.datasets.formats.picture_process import PictureProcess
from prelabel.datasets.formats.picture_threads import Look
from prelabel.datasets.formats.prefetch import inspected
from prelabel.datasets.pictures import UnusablePictureError, inspect_picture

MAX_PIXELS = 1000


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    """Good pictures of different sizes; among them a broken, a missing and a large one."""
    good = [str(tmp_path / f"größe {number}.png") for number in range(40)]
    for number, path in enumerate(good):
        Image.new("RGB", (number + 1, 2)).save(path)
    broken = tmp_path / os.fsdecode(b"broken-\xff.png")
    broken.write_bytes(Path(good[0]).read_bytes()[:-20])
    large = tmp_path / "large.png"
    Image.new("L", (50, 50)).save(large)
    return [*good[:20], str(broken), str(tmp_path / "missing.png"), str(large), *good[20:]]


def look_at(path: str) -> Look:
    try:
        return inspect_picture(path, MAX_PIXELS)
    except UnusablePictureError as error:
        return error.reason


def helpers() -> list[psutil.Process]:
    """The processes of this one that look at pictures."""
    children = psutil.Process().children()
    return [one for one in children if picture_process.__name__ in one.cmdline()]


def test_a_process_answers_in_the_order_asked(paths: list[str]) -> None:
    with PictureProcess(MAX_PIXELS) as pictures:
        pictures.ask(paths[:30])
        pictures.ask(paths[30:])
        found = [*pictures.answer(), *pictures.answer()]
    assert found == [look_at(path) for path in paths]
    assert [look for look in found if isinstance(look, str)] == [look_at(p) for p in paths[20:23]]


def test_where_the_process_dies_threads_answer_the_rest(paths: list[str]) -> None:
    with PictureProcess(MAX_PIXELS) as pictures:
        pictures.ask(paths[:10])
        found = pictures.answer()
        pictures.ask(paths[10:20])
        (process,) = helpers()
        process.kill()
        process.wait()
        pictures.ask(paths[20:])
        found += [*pictures.answer(), *pictures.answer()]
    assert found == [look_at(path) for path in paths]


def test_what_half_an_answer_was_about_is_looked_at_again(paths: list[str]) -> None:
    with PictureProcess(MAX_PIXELS) as pictures:
        pictures.ask(paths[:10])
        pictures._connection.close()
        pictures._connection, there = multiprocessing.Pipe()
        os.write(there.fileno(), struct.pack("!i", 100) + b"half")  # killed while it answered
        there.close()
        assert pictures.answer() == [look_at(path) for path in paths[:10]]


def test_many_pictures_are_looked_at_by_a_process(
    paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefetch, "_WORTH_A_PROCESS", 10)
    items = [(number, path) for number, path in enumerate(paths * 30)]
    seen = inspected(items, MAX_PIXELS)
    first = next(seen)
    assert len(helpers()) == 1
    expected = {path: look_at(path) for path in paths}
    assert [first, *seen] == [(number, path, expected[path]) for number, path in items]
    assert not helpers()


def test_who_stops_early_leaves_no_process(
    paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefetch, "_WORTH_A_PROCESS", 10)
    seen = inspected(((path, path) for path in paths * 30), MAX_PIXELS)
    next(seen)
    seen.close()
    assert not helpers()
