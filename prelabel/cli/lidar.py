"""Commands that make frames of lidar sweeps, and cuboids of corrected frames."""

from itertools import islice
from pathlib import Path
from typing import Any

import click

from prelabel.cli.session import ANY_PATH, EXISTING, bars, opened
from prelabel.cli.words import first_lines
from prelabel.datasets.wording import counted

_AREA_HELP = "Metres behind, ahead, to the right and to the left."
_VIEWS = ("birds-eye", "range", "cameras")


@click.group()
def lidar() -> None:
    """Make frames of lidar sweeps, and cuboids of corrected frames.

    \b
    Example:
      prelabel lidar frames kitti/ --to street-frames
      prelabel init street --import street-frames/annotations.json
      prelabel -p street export --format coco --to corrected
      prelabel lidar lift corrected/annotations.json --frames street-frames --to cuboids
    """


@lidar.command()
@click.argument("source", type=EXISTING)
@click.option("--to", "folder", type=ANY_PATH, required=True, help="A new folder.")
@click.option("--view", "views", type=click.Choice(_VIEWS), multiple=True, default=("birds-eye",))
@click.option("--area", nargs=4, type=float, default=(0, 70.4, 40, 40), help=_AREA_HELP)
@click.option("--resolution", type=float, default=0.1, show_default=True, help="Metres a pixel.")
@click.option("--tile", type=float, help="Show all there is, in square tiles of so many metres.")
@click.option("--drop-not-finite", is_flag=True, help="Leave out points with NaN coordinates.")
def frames(
    source: Path,
    folder: Path,
    views: tuple[str, ...],
    area: tuple[float, float, float, float],
    resolution: float,
    tile: float | None,
    drop_not_finite: bool,
) -> None:
    """Make pictures and labels of sweeps: KITTI, nuScenes, or files of points.

    The new folder holds annotations.json, to be imported like any COCO dataset.

    \b
    Example:
      prelabel lidar frames kitti/ --to street-frames --view birds-eye --view cameras
      prelabel lidar frames survey.laz --to tiles --tile 100 --resolution 0.25
    """
    from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid
    from prelabel.datasets.lidar.derived_frames import FrameSettings, View, write_frames
    from prelabel.datasets.lidar.point_files import PointRules
    from prelabel.datasets.lidar.sources import open_sweeps

    behind, ahead, right, left = area
    grid = BirdsEyeGrid(-behind, ahead, -right, left, resolution)
    settings = FrameSettings(tuple(View(view) for view in views), grid, tile_m=tile)
    opened = open_sweeps(source, PointRules(drop_not_finite=drop_not_finite))
    made = write_frames(folder, source, opened, settings, bars())
    boxes = sum(len(one.annotations) for one in made if one.annotations is not None)
    click.echo(f"Made {counted(len(made), 'frame')} with {counted(boxes, 'box')} in {folder}.")
    for line in first_lines(opened.notes):
        click.echo(line)
    naming = "" if opened.classes else " --classes NAMES"
    click.echo(f"Next: prelabel init NAME --import {folder / 'annotations.json'}{naming}")


@lidar.command()
@click.argument("labels", type=EXISTING)
@click.option("--frames", "folder", type=EXISTING, required=True, help="Where they were made.")
@click.option("--to", "target", type=ANY_PATH, required=True, help="A new folder.")
@click.option("--format", type=click.Choice(["kitti", "nuscenes"]), default="kitti")
@click.option("--images", type=EXISTING, help="Where the pictures lie. [default: beside]")
def lift(labels: Path, folder: Path, target: Path, format: str, images: Path | None) -> None:
    """Turn corrected bird's-eye frames into cuboids, as KITTI or nuScenes have them.

    \b
    Example:
      prelabel lidar lift corrected/annotations.json --frames street-frames --to cuboids
    """
    from prelabel.datasets.formats.base import ImportReport
    from prelabel.datasets.formats.registry import open_dataset
    from prelabel.datasets.lidar.corrected import corrected_sweeps
    from prelabel.datasets.lidar.derived_frames import read_index
    from prelabel.datasets.lidar.kitti_writer import write_kitti_sweeps
    from prelabel.datasets.lidar.nuscenes_writer import write_nuscenes

    index = read_index(folder)
    report = ImportReport()
    opened = open_dataset(labels, report=report, images=images or folder)
    sweeps = corrected_sweeps(opened.frames, opened.classes, index)
    write = write_kitti_sweeps if format == "kitti" else write_nuscenes
    count = write(target, sweeps.classes, sweeps.sweeps, bars())
    click.echo(f"{report.summary()}")
    click.echo(f"Wrote {counted(count, 'sweep')} as {format} to {target}.")


@lidar.command()
@click.option("--frames", "source", type=EXISTING, required=True, help="The project's frames.")
@click.option("--to", "folder", type=ANY_PATH, required=True, help="A new folder.")
@click.option("--ask", type=int, default=10, show_default=True, help="Frames to ask for, each.")
@click.pass_obj
def carry(obj: dict[str, Any], source: Path, folder: Path, ask: int) -> None:
    """Carry cuboids from the sweeps that people labelled to the others of their recording.

    What the detector proposes there says what is there. Boxes say that they were carried, and how
    far off they may be. Beside them lies a table of the frames that people should look at next.

    \b
    Example:
      prelabel -p street lidar carry --frames street-frames --to carried
      prelabel -p street import carried/annotations.json
    """
    from prelabel.carrying import CarryOptions
    from prelabel.carrying_cuboids import carry_sweeps
    from prelabel.cli.video import tell_carried

    with opened(obj) as project:
        options = CarryOptions(ask=ask)
        tell_carried(
            carry_sweeps(project.workspace, project.store, source, folder, options, bars())
        )


@lidar.command()
@click.option("--frames", "source", type=EXISTING, required=True, help="The project's frames.")
@click.option("--to", "folder", type=ANY_PATH, required=True, help="A new folder.")
@click.pass_obj
def proposals(obj: dict[str, Any], source: Path, folder: Path) -> None:
    """Write what the detector proposes as cuboids: place, size, heading, and how sure that is.

    Spreads are in metres and radians, and scaled by what people made of proposals on sweeps that
    did not train the model, where they have labelled enough of them.

    \b
    Example:
      prelabel -p street lidar proposals --frames street-frames --to proposed
    """
    from prelabel.datasets.lidar.spread_scale import LEAST_ERRORS
    from prelabel.proposed_cuboids import write_proposed_cuboids

    with opened(obj) as project:
        done = write_proposed_cuboids(project.workspace, project.store, source, folder, bars())
    click.echo(
        f"Lifted {counted(done.cuboids, 'cuboid')} of {counted(done.sweeps, 'sweep')}: {done.table}"
    )
    if done.scale is not None:
        click.echo(f"Their spreads are scaled by {counted(done.errors, 'labelled object')}.")
    else:
        click.echo(
            f"Their spreads are as the detector gives them, if any: to scale them takes "
            f"{LEAST_ERRORS} labelled objects that did not train it, and there are {done.errors}."
        )


@lidar.command()
@click.option("--frames", "source", type=EXISTING, required=True, help="The project's frames.")
@click.option("--pictures", type=EXISTING, required=True, help="The project of the cameras.")
@click.option("--to", "folder", type=ANY_PATH, required=True, help="A new folder.")
@click.pass_obj
def compare(obj: dict[str, Any], source: Path, pictures: Path, folder: Path) -> None:
    """Compare cuboids with what a detector sees in the cameras' pictures.

    Writes every difference, the weightiest first, to look for label errors, and the scores of
    frames by which `prelabel select` chooses. Cuboids are those that people left, or proposed ones.

    \b
    Example:
      prelabel -p street lidar compare --frames street-frames --pictures cameras --to differences
    """
    from prelabel.comparing import Side, compare_projects
    from prelabel.project import open_project

    with opened(obj) as project, open_project(pictures, author=obj["author"]) as other:
        lidar_side = Side(project.workspace, project.store)
        done = compare_projects(
            lidar_side, Side(other.workspace, other.store), source, folder, bars()
        )
    click.echo(
        f"Compared {counted(done.moments, 'sweep')} with {counted(done.pictures, 'picture')}: "
        f"{counted(len(done.findings), 'difference')} in {done.findings_file}."
    )
    for line in first_lines([f"{one.sweep}: {one.words}" for one in done.findings]):
        click.echo(line)
    click.echo(
        f"To choose frames by them: `selection: {{strategy: given, scores: {done.scores}}}` in "
        "prelabel.yaml, then: prelabel select --budget 10"
    )


@lidar.command()
@click.option("--to", "folder", type=ANY_PATH, required=True, help="A new folder.")
@click.option("--scenes", type=int, default=8, show_default=True, help="For training.")
@click.option("--sweeps", type=int, default=1, show_default=True, help="Turns of each scene.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--beams", type=int, default=64, show_default=True, help="Of the lidar.")
@click.option("--cameras/--no-cameras", default=True, help="Take pictures, which takes longest.")
def generate(folder: Path, scenes: int, sweeps: int, seed: int, beams: int, cameras: bool) -> None:
    """Generate streets as a lidar and three cameras see them, in nuScenes' layout.

    A quarter as many scenes more are for validation, and half as many for testing.

    \b
    Example:
      prelabel lidar generate --to streets --scenes 20
    """
    from prelabel.datasets.lidar.simulated.options import SweepOptions
    from prelabel.datasets.lidar.simulated.writing import write_sweeps

    counts = scenes, scenes // 4, scenes // 2
    options = SweepOptions(seed, *counts, sweeps, beams=beams, with_cameras=cameras)
    count = write_sweeps(folder, options, bars())
    click.echo(f"Generated {counted(count, 'sweep')} in {folder}.")


@lidar.command()
@click.argument("source", type=EXISTING)
@click.option("--to", "path", type=ANY_PATH, required=True, help="A .jpg or .png file.")
@click.option("--most", type=int, default=12, show_default=True, help="Sweeps to draw.")
@click.option("--area", nargs=4, type=float, default=(0, 70.4, 40, 40), help=_AREA_HELP)
def draw(source: Path, path: Path, most: int, area: tuple[float, float, float, float]) -> None:
    """Draw a contact sheet: cuboids from above and in the cameras, a row for each sweep.

    \b
    Example:
      prelabel lidar draw kitti/ --to sheet.jpg
    """
    from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid
    from prelabel.datasets.lidar.drawing import write_contact_sheet
    from prelabel.datasets.lidar.sources import open_sweeps

    behind, ahead, right, left = area
    grid = BirdsEyeGrid(-behind, ahead, -right, left, 0.1)
    count = write_contact_sheet(path, islice(open_sweeps(source).sweeps, most), grid)
    click.echo(f"Drew {counted(count, 'sweep')} to {path}.")
