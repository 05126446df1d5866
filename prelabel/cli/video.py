"""Commands for films: their frames, and labels carried through them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prelabel.cli.session import ANY_PATH, EXISTING, bars, opened
from prelabel.datasets.wording import counted

if TYPE_CHECKING:
    from prelabel.carrying import Carried


@click.group()
def video() -> None:
    """Make frames of films, and carry labels through them.

    \b
    Example:
      prelabel video frames drive.mp4 --to drive-frames
      prelabel init drive --import drive-frames/annotations.json --classes car,person
      prelabel -p drive video carry --to carried
    """


@video.command()
@click.argument("source", type=EXISTING)
@click.option("--to", "folder", type=ANY_PATH, required=True, help="A new folder.")
@click.option("--every", type=int, default=1, show_default=True, help="Take every n-th picture.")
def frames(source: Path, folder: Path, every: int) -> None:
    """Make frames of a film, or of a folder of its pictures in the order of their names.

    \b
    Example:
      prelabel video frames drive.mp4 --to drive-frames
    """
    from prelabel.datasets.recordings.reading import write_film_frames

    made = write_film_frames(folder, source, every, bars())
    click.echo(f"Made {counted(len(made), 'frame')} in {folder}.")
    click.echo(f"Next: prelabel init NAME --import {folder / 'annotations.json'} --classes NAMES")


@video.command()
@click.option("--to", "folder", type=ANY_PATH, required=True, help="A new folder.")
@click.option("--rate", type=float, default=25.0, show_default=True, help="Pictures a second.")
@click.option("--ask", type=int, default=10, show_default=True, help="Frames to ask for, each.")
@click.option(
    "--tracker",
    type=click.Choice(["bytetrack", "botsort"]),
    default="bytetrack",
    show_default=True,
    help="BoT-SORT also looks how the camera moved.",
)
@click.pass_obj
def carry(obj: dict[str, Any], folder: Path, rate: float, ask: int, tracker: str) -> None:
    """Carry labels from the frames that people labelled to the others of their film.

    What the detector proposes there says where objects went. Boxes say that they were carried, and
    how far off they may be. Beside them lies a table of the frames that people should look at next.

    \b
    Example:
      prelabel -p drive video carry --to carried
      prelabel -p drive import carried/annotations.json
    """
    from prelabel.carrying import CarryOptions, carry_films
    from prelabel.models.ultralytics.following import Tracker

    with opened(obj) as project:
        options = CarryOptions(rate, ask, Tracker(tracker))
        done = carry_films(project.workspace, project.store, folder, options, bars())
        tell_carried(done)


def tell_carried(done: "Carried") -> None:
    """What was carried, and the two ways to go on."""
    click.echo(
        f"Carried {counted(done.boxes, 'box')} from {counted(done.key_frames, 'labelled frame')} "
        f"to {counted(done.frames - done.key_frames, 'other frame')} of "
        f"{counted(done.recordings, 'recording')}: {done.annotations}"
    )
    click.echo(
        f"{counted(done.asked, 'frame')} to look at next, by `selection: {{strategy: given, "
        f"scores: {done.scores}}}` in prelabel.yaml: prelabel select --budget {max(done.asked, 1)}"
    )
    click.echo(f"Or take the carried labels as they are: prelabel import {done.annotations}")
