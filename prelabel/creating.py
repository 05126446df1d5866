"""Beginning a project, also where an `init` was begun before and did not finish."""

from collections.abc import Sequence
from pathlib import Path

from prelabel.datasets.errors import BadInputError, MissingExtraError
from prelabel.datasets.wording import counted
from prelabel.models.detector_names import located, missing_files, seen_from
from prelabel.models.registry import can_train
from prelabel.store.errors import StoreError
from prelabel.store.store import open_store
from prelabel.workspace import Workspace, WorkspaceError, change_creation, create_workspace


def begin_project(
    folder: Path, detector: str, store_url: str | None, classes: Sequence[str] | None
) -> Workspace:
    """The workspace of a new project, or of one whose `init` did not finish.

    As long as an unfinished one holds no frames, the new arguments win. WorkspaceError names what
    differs where it holds some, and where `folder` holds a finished project.
    """
    workspace = create_workspace(folder, detector, store_url)
    frames, known = _content(workspace)
    settings = workspace.settings
    other_classes = bool(known) and classes is not None and known != tuple(classes)
    other_settings = (settings.detector, settings.store) != (detector, store_url)
    if other_classes or (frames and other_settings):
        there = [f"the detector {settings.detector}", f"the classes {', '.join(known)}"]
        there += ["another store"] if settings.store != store_url else []
        raise WorkspaceError(
            f"{folder}: an `init` that did not finish has brought in "
            f"{counted(frames, 'frame')} with {' and '.join(there)}: give it again with the same, "
            "or take another name"
        )
    return change_creation(workspace, detector, store_url) if other_settings else workspace


def kept_detector(name: str, folder: Path, here: Path) -> str:
    """The name of a detector as the settings of a project in `folder` keep it.

    Paths are meant from the folder `here`. Those of files in the project are kept relative to it,
    so that it can be moved; others are kept absolute. Raises DetectorError for an unknown family,
    BadInputError where a detector that is nothing but files lacks one.
    """
    absolute, inside = located(located(name, here), folder), folder.resolve()
    missing = [] if can_train(name) else missing_files(absolute)
    if missing:
        raise BadInputError(
            f"detector {name}: there is no file {', '.join(missing)}: check the path"
        )
    return seen_from(absolute, inside, inside)


def _content(workspace: Workspace) -> tuple[int, tuple[str, ...]]:
    """How many frames the store of a workspace holds, and its classes."""
    try:
        with open_store(workspace.store_url, workspace.folder) as store:
            return store.counts().frames, store.classes()
    except (StoreError, MissingExtraError):  # what could never be opened holds nothing
        return 0, ()
