"""The command `prelabel curate`."""

from typing import Any

import click

from prelabel.cli.session import bars, opened


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=5151, show_default=True)
@click.option("--app/--no-app", default=True, help="Open FiftyOne, or only synchronise.")
@click.option("--browser/--no-browser", default=True, help="Open a browser.")
@click.option("--rebuild", is_flag=True, help="Make FiftyOne's dataset anew from the project.")
@click.pass_obj
def curate(obj: dict[str, Any], port: int, app: bool, browser: bool, rebuild: bool) -> None:
    """Look at the dataset in FiftyOne, and take over what is done there.

    Edited boxes become label versions in your name. Tags say what is to become of a frame:
    requeue, accept, exclude, include.

    \b
    Example:
      prelabel curate
      prelabel curate --no-app
    """
    from prelabel.curating.curate import CurateOptions, run_curate

    with opened(obj) as project:
        options = CurateOptions(app, port, rebuild, browser)
        run_curate(project, options, bars(), click.echo)
