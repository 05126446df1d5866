"""Folders of searches for label errors: old ones go, what is in use or not ours stays."""

from pathlib import Path

import pytest

from prelabel.search_folders import kept, remove_others

NEWEST, OLD, OTHER = "0" * 12, "1" * 12, "2" * 12


@pytest.fixture
def newest(tmp_path: Path) -> Path:
    """The newest of three folders as searches leave them."""
    for name in (NEWEST, OLD, OTHER):
        folder = tmp_path / "errors" / name
        with kept(folder):
            (folder / "fold-0").mkdir()
            (folder / "predictions").mkdir()
            (folder / "predictions" / "part-0.parquet").write_bytes(b"rows")
    return tmp_path / "errors" / NEWEST


def names(newest: Path) -> list[str]:
    return sorted(path.name for path in newest.parent.iterdir())


def test_only_the_newest_stays(newest: Path) -> None:
    (newest.parent / "answers.jsonl").write_text("{}")
    assert remove_others(newest) == [OLD, OTHER]
    assert names(newest) == [NEWEST, "answers.jsonl"]
    assert (newest / "predictions" / "part-0.parquet").read_bytes() == b"rows"
    assert remove_others(newest) == []


def test_what_is_in_use_stays_until_it_is_no_more(newest: Path) -> None:
    with kept(newest.parent / OLD):
        assert remove_others(newest) == [OTHER]
    assert remove_others(newest) == [OLD]


def test_what_no_search_has_made_stays(newest: Path) -> None:
    (newest.parent / OLD / "notes.txt").write_text("mine")
    (newest.parent / "my search").mkdir()
    elsewhere = newest.parent.parent / "elsewhere"
    elsewhere.mkdir()
    (newest.parent / ("3" * 12)).symlink_to(elsewhere)
    assert remove_others(newest) == [OTHER]
    assert names(newest) == [NEWEST, OLD, "3" * 12, "my search"]
    assert elsewhere.is_dir()


def test_what_a_kill_left_half_removed_goes_the_next_time(newest: Path) -> None:
    left = newest.parent / f"{OLD}.removed-{'a' * 32}"
    (newest.parent / OLD).rename(left)
    assert remove_others(newest) == [OTHER]
    assert names(newest) == [NEWEST]


def test_a_folder_that_was_removed_is_made_again(newest: Path) -> None:
    remove_others(newest)
    with kept(newest.parent / OLD):
        assert names(newest) == [NEWEST, OLD]
