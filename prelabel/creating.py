"""Beginning a project, also where an `init` was begun before and did not finish."""

from collections.abc import Sequence
from pathlib import Path

from prelabel.datasets.errors import MissingExtraError
from prelabel.datasets.wording import counted
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


def _content(workspace: Workspace) -> tuple[int, tuple[str, ...]]:
    """How many frames the store of a workspace holds, and its classes."""
    try:
        with open_store(workspace.store_url, workspace.folder) as store:
            return store.counts().frames, store.classes()
    except (StoreError, MissingExtraError):  # what could never be opened holds nothing
        return 0, ()
