"""Labels that come back name pictures by where they lay elsewhere; known ones are recognised."""

from pathlib import Path

import pytest
from builders import a_picture

from prelabel.datasets.formats.picture_folder import (
    PictureFolder,
    PictureNotFoundError,
    known_name,
)


@pytest.fixture
def known(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "photos").mkdir()
    path = tmp_path / "photos" / "Höhe 1.JPG"
    a_picture(path.with_suffix(".jpg"))  # OpenCV wants to see a suffix it knows
    path.with_suffix(".jpg").rename(path)
    return {known_name(str(path)): str(path)}


@pytest.mark.parametrize(
    "name",
    ["Höhe 1.JPG", "images/höhe 1.jpg", "C:\\data\\Höhe 1.JPG", "/home/ada/Höhe 1.JPG"],
)
def test_a_known_picture_is_found_by_its_file_name(
    tmp_path: Path, known: dict[str, str], name: str
) -> None:
    (tmp_path / "labels").mkdir()
    assert PictureFolder(tmp_path / "labels", known=known).find(name) == next(iter(known.values()))


def test_a_picture_where_it_is_named_goes_before_a_known_one(
    tmp_path: Path, known: dict[str, str]
) -> None:
    (tmp_path / "labels").mkdir()
    there = tmp_path / "labels" / "one.jpg"
    a_picture(there, seed=1)
    elsewhere = {known_name("one.jpg"): next(iter(known.values()))}
    assert PictureFolder(there.parent, known=elsewhere).find("one.jpg") == str(there)


def test_an_unknown_picture_outside_stays_refused(tmp_path: Path, known: dict[str, str]) -> None:
    (tmp_path / "labels").mkdir()
    with pytest.raises(PictureNotFoundError, match="outside"):
        PictureFolder(tmp_path / "labels", known=known).find("../../etc/passwd")
