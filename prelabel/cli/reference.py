"""The help of every command as one Markdown page; `python -m prelabel.cli.reference` prints it."""

import click

from prelabel.cli.main import cli

_WIDTH = 88
_HEADING = """\
# The command line

What `prelabel COMMAND --help` says, written by `make docs`.
"""


def reference_text() -> str:
    """The page: the program first, then its commands in the order of the work."""
    context = click.Context(
        cli, info_name="prelabel", max_content_width=_WIDTH, **cli.context_settings
    )
    pages = [("prelabel", cli.get_help(context))]
    for name in cli.list_commands(context):
        pages += _pages(cli.commands[name], name, context)
    sections = [f"## {title}\n\n```\n{text}\n```\n" for title, text in pages]
    return "\n".join([_HEADING, *sections])


def _pages(command: click.Command, name: str, parent: click.Context) -> list[tuple[str, str]]:
    """The help of a command, and of those below it."""
    context = click.Context(
        command, parent=parent, info_name=name, max_content_width=_WIDTH, terminal_width=_WIDTH
    )
    pages = [(context.command_path, command.get_help(context))]
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            pages += _pages(command.commands[below], below, context)
    return pages


if __name__ == "__main__":
    print(reference_text(), end="")
