"""The command `prelabel`: each command parses, calls the Python API, and says what was done."""

from pathlib import Path
from typing import Any

import click

from prelabel.cli.accept import accept, audit, finish, withdraw
from prelabel.cli.curate import curate
from prelabel.cli.data import classes, export, import_, init
from prelabel.cli.errors import disagreements, errors
from prelabel.cli.insight import doctor, report, simulate, status
from prelabel.cli.lidar import lidar
from prelabel.cli.people import people
from prelabel.cli.review import review
from prelabel.cli.rounds import propose, select, train
from prelabel.cli.session import ANY_PATH, user_name
from prelabel.cli.video import video
from prelabel.cli.work import guidelines, time
from prelabel.datasets.errors import PrelabelError

FAILED = 1
INTERRUPTED = 130


class Commands(click.Group):
    """Lists commands in the order of the work, and turns errors raised on purpose into one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PrelabelError as error:
            click.echo(f"prelabel: {error}", err=True)
            ctx.exit(FAILED)
        except OSError as error:  # a full disk, a folder that may not be written, a file in its way
            where = f"{error.filename}: " if error.filename else ""
            click.echo(f"prelabel: {where}{error.strerror or error}", err=True)
            ctx.exit(FAILED)
        except KeyboardInterrupt:
            click.echo("\nprelabel: stopped; the same command goes on where it was", err=True)
            ctx.exit(INTERRUPTED)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-p", "--project", "folder", type=ANY_PATH, help="The project's folder. [default: found]"
)
@click.option("--author", envvar="PRELABEL_AUTHOR", help="Who is named in the history.")
@click.version_option(package_name="prelabel")
@click.pass_context
def cli(ctx: click.Context, folder: Path | None, author: str | None) -> None:
    """Label a detection dataset for the fewest human seconds.

    A detector proposes boxes, an active-learning loop chooses the frames, people only correct.

    \b
    Example:
      prelabel init birds --images photos/ --classes heron,egret
      prelabel -p birds status
    """
    ctx.obj = {"folder": folder, "author": author or user_name()}


for _command in (
    init,
    import_,
    classes,
    train,
    propose,
    select,
    review,
    accept,
    audit,
    withdraw,
    finish,
    curate,
    errors,
    disagreements,
    people,
    guidelines,
    time,
    export,
    lidar,
    video,
    status,
    report,
    simulate,
    doctor,
):
    cli.add_command(_command)


def main() -> None:
    """What the installed command runs."""
    cli(prog_name="prelabel")
