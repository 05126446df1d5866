"""Commands that bring data into a project and take it out."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prelabel.cli.session import ANY_PATH, EXISTING, bars, opened, tell_next
from prelabel.cli.words import first_lines
from prelabel.datasets.wording import counted

if TYPE_CHECKING:
    from prelabel.importing import Imported


@click.command()
@click.argument("name", type=ANY_PATH)
@click.option("--images", type=EXISTING, help="A folder of pictures nobody has labelled.")
@click.option("--import", "source", type=EXISTING, help="A dataset: COCO, YOLO, VOC, KITTI, CSV.")
@click.option("--format", help="The dataset's format. [default: found out]")
@click.option("--classes", help="Class names in order, separated by commas.")
@click.option("--detector", help="What to train, such as ultralytics:yolo11n.pt.")
@click.option("--store", help="A database URL. [default: SQLite in the project's folder]")
@click.pass_obj
def init(
    obj: dict[str, Any],
    name: Path,
    images: Path | None,
    source: Path | None,
    format: str | None,
    classes: str | None,
    detector: str | None,
    store: str | None,
) -> None:
    """Make a project from pictures, or from a dataset.

    With both --import and --images, the dataset's pictures are looked for in the second.

    \b
    Example:
      prelabel init birds --images photos/ --classes heron,egret
      prelabel init street --import annotations/instances_train.json --images train2017/
    """
    from prelabel.project import DEFAULT_DETECTOR, init_project

    if images is None and source is None:
        raise click.UsageError("say what to bring in: --images FOLDER, or --import DATASET")
    project, imported = init_project(
        name,
        source=source or images or Path(),
        format=format if source else "images",
        images=images if source else None,
        classes=None if classes is None else [one.strip() for one in classes.split(",")],
        detector=detector or DEFAULT_DETECTOR,
        store=store,
        author=obj["author"],
        progress=bars(),
    )
    with project:
        names = ", ".join(project.store.classes()) or "none yet"
        click.echo(f"Made the project {project.workspace.folder} with the classes {names}.")
        _tell_import(imported)
        tell_next(project)


@click.command(name="import")
@click.argument("source", type=EXISTING)
@click.option("--format", help="The format. [default: found out]")
@click.option("--images", type=EXISTING, help="Where the pictures lie. [default: beside]")
@click.option("--empty", is_flag=True, help="Somebody looked at the pictures without boxes.")
@click.option("--add-classes", is_flag=True, help="Take in classes the project does not have yet.")
@click.pass_obj
def import_(
    obj: dict[str, Any],
    source: Path,
    format: str | None,
    images: Path | None,
    empty: bool,
    add_classes: bool,
) -> None:
    """Bring in frames, labels, or the corrections of a batch.

    Labels that a frame had before stay in its history. Done twice it changes nothing. Pictures
    without boxes count as not labelled, unless the file says otherwise, or you do with --empty.
    Boxes of classes that the project does not have are left out, unless you say --add-classes.

    \b
    Example:
      prelabel import corrections.json
      prelabel import more-photos/
    """
    from prelabel.datasets.formats.base import ImportRules, Unannotated
    from prelabel.importing import ImportSource

    unannotated = Unannotated.EMPTY if empty else Unannotated.UNLABELLED
    rules = ImportRules(unannotated=unannotated, add_classes=add_classes)
    with opened(obj) as project:
        before = project.classes()
        _tell_import(project.import_dataset(ImportSource(source, format, images, rules=rules)))
        _tell_new_classes(before, project.classes())
        tell_next(project)


@click.group(invoke_without_command=True)
@click.pass_context
def classes(ctx: click.Context) -> None:
    """List the project's classes, or add some.

    \b
    Example:
      prelabel classes
    """
    if ctx.invoked_subcommand is None:
        with opened(ctx.obj) as project:
            for number, name in enumerate(project.classes(), 1):
                click.echo(f"{number}  {name}")


@classes.command(name="add")
@click.argument("names", nargs=-1, required=True)
@click.pass_obj
def add_classes(obj: dict[str, Any], names: tuple[str, ...]) -> None:
    """Add classes behind those that are there; none can be taken away.

    Frames that are labelled already say nothing of a new class: label them again where it occurs.

    \b
    Example:
      prelabel classes add heron "grey heron"
    """
    with opened(obj) as project:
        before = project.classes()
        after = project.add_classes(names)
        if after == before:
            click.echo(f"There already: {', '.join(names)}.")
        _tell_new_classes(before, after)
        tell_next(project)


def _tell_new_classes(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    new = after[len(before) :]
    if new:
        click.echo(
            f"New {'class' if len(new) == 1 else 'classes'}: {', '.join(new)}. A detector proposes "
            "what it was trained on: `prelabel train` brings the new in."
        )


@click.command()
@click.option("--format", default="coco", show_default=True, help="coco, yolo, voc, kitti or csv.")
@click.option("--to", type=ANY_PATH, help="A new folder. [default: in the project's exports/]")
@click.option("--batch", is_flag=True, help="The newest batch with its proposals, not the labels.")
@click.pass_obj
def export(obj: dict[str, Any], format: str, to: Path | None, batch: bool) -> None:
    """Write the labels, or the newest batch with what is proposed on it.

    \b
    Example:
      prelabel export --format yolo --to birds-yolo
      prelabel export --format coco --batch
    """
    from prelabel.exporting import Content

    with opened(obj) as project:
        written = project.export(format, to, Content.BATCH if batch else Content.LABELS)
        click.echo(
            f"Wrote {counted(written.frames, 'frame')} with {counted(written.boxes, 'box')} as "
            f"{written.format} to {written.annotations}."
        )
        for note in written.notes:
            click.echo(f"Note: {note}")
        if batch:
            source = "CORRECTED-FILE" if written.annotations.is_file() else "CORRECTED-FOLDER"
            where = f" --images {shlex.quote(str(written.images))}" if written.images else ""
            click.echo(f"Correct it in a labelling tool, then: prelabel import {source}{where}")


def _tell_import(imported: "Imported") -> None:
    click.echo(f"{imported.format}: {imported.report.summary()}")
    problems = [f"{one.file}: {one.reason}" for one in imported.report.problems]
    for line in first_lines(problems):
        click.echo(line)
    if problems:
        click.echo(f"All of them: {imported.report_file}")
