"""The folders of searches for label errors: one for each set of labels and options.

A folder has a checkpoint of each detector and what they predicted, so that the same search again
goes on where it was. Labels change with every round, and then nobody comes back to the old ones.
"""

import fcntl
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedWriter
from pathlib import Path

_NAME = re.compile(r"[0-9a-f]{12}")
_REMOVED = re.compile(r"[0-9a-f]{12}\.removed-[0-9a-f]{32}")
_LOCK = "in-use"
_CONTENT = re.compile(r"in-use|predictions|fold-\d+")


@contextmanager
def kept(folder: Path) -> Iterator[None]:
    """Make a folder, and let no other process remove it within."""
    with _locked(folder):
        yield


def _locked(folder: Path) -> BufferedWriter:
    """The open lock file of a folder, held together with others who use it."""
    path = folder / _LOCK
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            file = path.open("ab")
        except FileNotFoundError:
            continue  # the folder was removed just then
        fcntl.flock(file, fcntl.LOCK_SH)
        if _is_there(file, path):
            return file
        file.close()  # of a folder that was removed while this waited


def _is_there(file: BufferedWriter, path: Path) -> bool:
    """Whether an open file still has its name."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def remove_others(newest: Path) -> list[str]:
    """Remove the folders of searches beside the newest one; their names.

    Those in use stay, and so does whatever no search has made: another name, a link, or a folder
    with something else in it. What a kill leaves behind is removed the next time.
    """
    removed = []
    for folder in sorted(newest.parent.iterdir()):
        if folder == newest or folder.is_symlink() or not folder.is_dir():
            continue
        if _REMOVED.fullmatch(folder.name):
            shutil.rmtree(folder, ignore_errors=True)
        elif _NAME.fullmatch(folder.name):
            with suppress(FileNotFoundError):  # another process removes it
                if _is_ours(folder) and _removed(folder):
                    removed.append(folder.name)
    return removed


def _is_ours(folder: Path) -> bool:
    return all(_CONTENT.fullmatch(one.name) for one in folder.iterdir())


def _removed(folder: Path) -> bool:
    """Whether nobody uses a folder, which then is gone."""
    path = folder / _LOCK
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if not _is_there(file, path):
            return False
        # Out of the way at once: half a folder would be taken for a search that was stopped.
        gone = folder.rename(folder.with_name(f"{folder.name}.removed-{uuid.uuid4().hex}"))
    shutil.rmtree(gone, ignore_errors=True)
    return True
