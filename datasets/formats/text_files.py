"""Small text files that several formats share: class names, id lists of splits, plain lines."""

from collections.abc import Iterable
from pathlib import Path

from prelabel.datasets.errors import BadInputError
from prelabel.datasets.formats.base import ImportReport, ProblemKind, check_class_names, split_named
from prelabel.datasets.frames import Split

CLASSES_FILE = "classes.txt"


class UnreadableTextError(BadInputError):
    """A text file cannot be read; `reason` says why without naming the file again."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.reason = reason


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, with or without byte order mark."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UnreadableTextError(path, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UnreadableTextError(path, f"is not UTF-8 text: byte {error.start}") from error


def read_names(path: Path) -> tuple[str, ...]:
    """Class names, one a line; lines without text are passed over."""
    lines = [line.strip() for line in read_text(path).splitlines()]
    return check_class_names([line for line in lines if line], str(path))


def write_names(path: Path, classes: Iterable[str]) -> None:
    """Class names, one a line, in the order of their ids."""
    path.write_text("".join(f"{name}\n" for name in classes), encoding="utf-8")


def read_split_lists(folders: Iterable[Path], report: ImportReport) -> dict[str, Split]:
    """The split of each picture stem named in `train.txt`, `val.txt` or `test.txt`.

    A stem that stands in two lists counts for the later of train, val and test, so that nothing
    held back is trained on, and is noted.
    """
    splits: dict[str, Split] = {}
    for folder in folders:
        lists = [(split_named(path.stem), path) for path in sorted(folder.glob("*.txt"))]
        for wanted in Split:
            for split, path in lists:
                if split is wanted:
                    _read_split_list(path, wanted, splits, report)
    return splits


def _read_split_list(
    path: Path, split: Split, splits: dict[str, Split], report: ImportReport
) -> None:
    try:
        text = read_text(path)
    except UnreadableTextError as error:
        report.add(path, ProblemKind.NOTE, f"{error.reason}: its split was not read")
        return
    for line in text.splitlines():
        if stem := line.strip():
            if splits.get(stem, split) is not split:
                report.add(
                    path, ProblemKind.NOTE, f"{stem} is in {splits[stem]} as well: put in {split}"
                )
            splits[stem] = split
