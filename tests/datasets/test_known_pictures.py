"""Labels that come back name pictures by where they lay elsewhere; known ones are recognised."""

from pathlib import Path

import pytest
from builders import a_picture

from prelabel.datasets.formats.known_pictures import KnownPictures
from prelabel.datasets.formats.picture_folder import PictureFolder, PictureNotFoundError


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    path = tmp_path / "photos" / "Höhe 1.JPG"
    a_picture(path.with_suffix(".jpg"))  # OpenCV wants to see a suffix it knows
    return path.with_suffix(".jpg").rename(path)


@pytest.mark.parametrize(
    "name",
    ["Höhe 1.JPG", "images/höhe 1.jpg", "C:\\data\\Höhe 1.JPG", "/home/ada/Höhe 1.JPG"],
)
def test_a_known_picture_is_found_by_its_file_name(tmp_path: Path, photo: Path, name: str) -> None:
    (tmp_path / "labels").mkdir()
    known = KnownPictures([str(photo)])
    assert PictureFolder(tmp_path / "labels", known=known).find(name) == str(photo)


def test_a_picture_where_it_is_named_goes_before_a_known_one(tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    there = tmp_path / "labels" / "one.jpg"
    a_picture(there, seed=1)
    elsewhere = KnownPictures(["/elsewhere/one.jpg"])
    assert PictureFolder(there.parent, known=elsewhere).find("one.jpg") == str(there)


def test_an_unknown_picture_outside_stays_refused(tmp_path: Path, photo: Path) -> None:
    (tmp_path / "labels").mkdir()
    with pytest.raises(PictureNotFoundError, match="outside"):
        PictureFolder(tmp_path / "labels", known=KnownPictures([str(photo)])).find(
            "../../etc/passwd"
        )


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("day/1.jpg", "/data/day/1.jpg"),
        ("/home/ada/export/Night/1.JPG", "/data/night/1.jpg"),
        ("C:\\export\\day\\1.jpg", "/data/day/1.jpg"),
        ("anywhere/2.jpg", "/data/day/2.jpg"),
        ("3.jpg", None),
    ],
)
def test_of_equal_file_names_the_longest_common_end_decides(name: str, meant: str | None) -> None:
    known = KnownPictures(["/data/day/1.jpg", "/data/night/1.jpg", "/data/day/2.jpg"])
    assert known.find(name) == meant


@pytest.mark.parametrize("name", ["1.jpg", "dusk/1.jpg"])
def test_a_name_that_may_mean_several_pictures_is_refused(tmp_path: Path, name: str) -> None:
    known = KnownPictures(["/data/day/1.jpg", "/data/night/1.jpg"])
    with pytest.raises(PictureNotFoundError, match=r"day/1.jpg or .*night/1.jpg: .*--images"):
        PictureFolder(tmp_path, known=known).find(name)
