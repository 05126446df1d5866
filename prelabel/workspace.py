"""The folder of a project, and where things lie in it; nothing is written outside it."""

import os
from dataclasses import dataclass
from pathlib import Path

from prelabel.datasets.errors import PrelabelError
from prelabel.datasets.files import write_whole
from prelabel.models.detector_names import located
from prelabel.settings import SETTINGS_FILE, ProjectSettings, read_settings, settings_text

_UNFINISHED_FILE = "init-unfinished"


class WorkspaceError(PrelabelError):
    """A project's folder is missing, ambiguous, or already taken."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """The paths of one project; all of them lie below `folder`."""

    folder: Path
    settings: ProjectSettings

    @property
    def store_url(self) -> str:
        return self.settings.store or "sqlite:///store.db"  # relative to the folder

    @property
    def detector(self) -> str:
        """The name of the detector; paths in it are meant from the folder, and made absolute."""
        return located(self.settings.detector, self.folder)

    @property
    def scores_file(self) -> Path | None:
        """The table of scores for the strategy `given`, where the settings name one."""
        named = self.settings.selection.scores
        return None if named is None else self.folder / named

    @property
    def state_folder(self) -> Path:
        """What frameworks must write to run: settings, caches, weights fetched by name."""
        return self.folder / "state"

    @property
    def reports_folder(self) -> Path:
        return self.folder / "reports"

    @property
    def exports_folder(self) -> Path:
        return self.folder / "exports"

    @property
    def scenes_folder(self) -> Path:
        """What people see around frames that were made of lidar sweeps."""
        return self.folder / "scenes"

    def training_folder(self, run: str) -> Path:
        return self.folder / "models" / run

    def predictions_folder(self, model_id: str) -> Path:
        return self.folder / "predictions" / model_id

    def relative(self, path: Path) -> str:
        """A path as it is kept: relative to the project's folder, with forward slashes."""
        return Path(os.path.relpath(path, self.folder)).as_posix()


def create_workspace(folder: Path, detector: str, store: str | None) -> Workspace:
    """A new project in `folder`, which may exist but must not hold a project.

    Until `finish_creation` is called the project counts as unfinished, and creating it again opens
    it.
    """
    if (folder / SETTINGS_FILE).exists():
        if (folder / _UNFINISHED_FILE).exists():
            return open_workspace(folder)
        raise WorkspaceError(
            f"{folder}: holds a project already; take another name, or work on with "
            f"`prelabel -p {folder} …`"
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _UNFINISHED_FILE).touch()
    text = settings_text(folder.resolve().name, detector, store)
    write_whole(folder / SETTINGS_FILE, text.encode())
    return open_workspace(folder)


def change_creation(workspace: Workspace, detector: str, store: str | None) -> Workspace:
    """An unfinished project with another detector and store; WorkspaceError where it was edited."""
    settings, path = workspace.settings, workspace.folder / SETTINGS_FILE
    as_written = settings_text(settings.name, settings.detector, settings.store)
    if path.read_text(encoding="utf-8") != as_written:
        raise WorkspaceError(
            f"{path}: was edited after an `init` that did not finish, and names another detector "
            "or store than you do now: give `init` the same ones, or remove that file"
        )
    write_whole(path, settings_text(settings.name, detector, store).encode())
    return open_workspace(workspace.folder)


def finish_creation(workspace: Workspace) -> None:
    """Mark a new project as complete."""
    (workspace.folder / _UNFINISHED_FILE).unlink(missing_ok=True)


def open_workspace(folder: Path) -> Workspace:
    """The project in `folder`."""
    if not (folder / SETTINGS_FILE).is_file():
        raise WorkspaceError(
            f"{folder}: holds no project ({SETTINGS_FILE} is missing); "
            f"make one with `prelabel init {folder} --images FOLDER --classes a,b`"
        )
    resolved = folder.resolve()
    return Workspace(resolved, read_settings(resolved))


def find_workspace(start: Path) -> Workspace:
    """The project that `start` lies in, or else the only one directly below it."""
    for folder in (start, *start.parents):
        if (folder / SETTINGS_FILE).is_file():
            return open_workspace(folder)
    below = sorted(path.parent for path in start.glob(f"*/{SETTINGS_FILE}"))
    if len(below) == 1:
        return open_workspace(below[0])
    if below:
        names = ", ".join(folder.name for folder in below)
        raise WorkspaceError(
            f"{start}: holds several projects ({names}); say which with `prelabel -p NAME …`"
        )
    raise WorkspaceError(
        f"{start}: neither in a project nor above one; go to a project's folder, name it with "
        f"`prelabel -p FOLDER …`, or make one with `prelabel init`"
    )
