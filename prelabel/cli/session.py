"""What every command needs: the project it works on, where it prints, and what is next."""

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from prelabel.cli.progress import TerminalProgress

if TYPE_CHECKING:
    from prelabel.project import Project

EXISTING = click.Path(exists=True, path_type=Path)
ANY_PATH = click.Path(path_type=Path)


def opened(obj: dict[str, Any]) -> "Project":
    """The project that the options of the program name, or the one found from here."""
    from prelabel.project import open_project

    return open_project(obj["folder"], author=obj["author"], progress=bars())


def tell_next(project: "Project") -> None:
    """Say which command comes next."""
    click.echo(f"Next: {project.status().next_command}")


def console() -> Console:
    """Where results are printed."""
    return Console(file=sys.stdout)


def bars() -> TerminalProgress:
    """Progress bars, away from the results."""
    return TerminalProgress(Console(file=sys.stderr))


def user_name() -> str:
    """Who is logged in, as far as the system tells."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
