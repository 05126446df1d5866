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
        command = cli.commands[name]
        inner = click.Context(
            command, parent=context, info_name=name, max_content_width=_WIDTH, terminal_width=_WIDTH
        )
        pages.append((f"prelabel {name}", command.get_help(inner)))
    sections = [f"## {title}\n\n```\n{text}\n```\n" for title, text in pages]
    return "\n".join([_HEADING, *sections])


if __name__ == "__main__":
    print(reference_text(), end="")
