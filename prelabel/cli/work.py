"""Commands about people's work: what they label by, and how long it takes them."""

import sys
from pathlib import Path
from typing import Any

import click

from prelabel.cli.session import ANY_PATH, console, opened
from prelabel.datasets.errors import BadInputError
from prelabel.datasets.wording import counted

_FILE = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)


@click.group(invoke_without_command=True)
@click.pass_context
def guidelines(ctx: click.Context) -> None:
    """The text that people label by; without a command, print it.

    \b
    Example:
      prelabel guidelines set guidelines.md
      prelabel guidelines
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(show)


@guidelines.command()
@click.option("--version", type=click.IntRange(min=1), help="An earlier one. [default: newest]")
@click.pass_obj
def show(obj: dict[str, Any], version: int | None = None) -> None:
    """Print the guidelines as they were written.

    \b
    Example:
      prelabel guidelines show --version 2
    """
    with opened(obj) as project:
        kept = project.guidelines
        found = kept.current() if version is None else kept.version(version)
        if found is None:
            click.echo("No guidelines yet: prelabel guidelines set FILE")
        else:
            click.echo(found.text, nl=not found.text.endswith("\n"))


@guidelines.command(name="set")
@click.argument("file", type=_FILE)
@click.pass_obj
def set_(obj: dict[str, Any], file: Path) -> None:
    """Take a Markdown file (- for standard input) as the newest version.

    Headings that name a class are opened when that class is in hand. Earlier versions are kept, and
    people at work are told what changed.

    \b
    Example:
      prelabel guidelines set guidelines.md
    """
    text = _text(file)
    with opened(obj) as project:
        written = project.guidelines.write(text, project.author)
        click.echo(f"Version {written.number} of the guidelines is in force.")


@click.group(invoke_without_command=True)
@click.pass_context
def time(ctx: click.Context) -> None:
    """Who worked how long; without a command, a line a person.

    \b
    Example:
      prelabel time
      prelabel time export --to activity.csv
    """
    if ctx.invoked_subcommand is None:
        from prelabel.cli.tables import time_table

        with opened(ctx.obj) as project:
            console().print(time_table(project.time_sheet.records()))


@time.command(name="export")
@click.option("--to", type=ANY_PATH, help="A new file. [default: standard output]")
@click.pass_obj
def export_time(obj: dict[str, Any], to: Path | None) -> None:
    """Write the events that active time is counted from as CSV.

    \b
    Example:
      prelabel time export --to activity.csv
    """
    with opened(obj) as project:
        if to is None:
            project.time_sheet.export_csv(sys.stdout)
            return
        with to.open("x", encoding="utf-8", newline="") as file:  # never over what is there
            count = project.time_sheet.export_csv(file)
        click.echo(f"Wrote {counted(count, 'event')} to {to}.")


def _text(file: Path) -> str:
    with click.open_file(str(file), "rb") as stream:
        content: bytes = stream.read()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInputError(f"{file}: is no UTF-8 text: {error.reason}") from error
