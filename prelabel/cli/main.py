"""The command `prelabel`: each command parses, calls the Python API, and says what was done."""

import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prelabel.cli.words import counted, first_lines, time_told
from prelabel.datasets.errors import PrelabelError

if TYPE_CHECKING:
    from prelabel.project import Project

FAILED = 1
INTERRUPTED = 130

EXISTING = click.Path(exists=True, path_type=Path)
ANY_PATH = click.Path(path_type=Path)


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
    ctx.obj = {"folder": folder, "author": author or _user_name()}


@cli.command()
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
        progress=_bars(),
    )
    with project:
        names = ", ".join(project.store.classes()) or "none yet"
        click.echo(f"Made the project {project.workspace.folder} with the classes {names}.")
        _tell_import(imported)
        _tell_next(project)


@cli.command(name="import")
@click.argument("source", type=EXISTING)
@click.option("--format", help="The format. [default: found out]")
@click.option("--images", type=EXISTING, help="Where the pictures lie. [default: beside]")
@click.option("--empty", is_flag=True, help="Somebody looked at the pictures without boxes.")
@click.pass_obj
def import_(
    obj: dict[str, Any], source: Path, format: str | None, images: Path | None, empty: bool
) -> None:
    """Bring in frames, labels, or the corrections of a batch.

    Labels that a frame had before stay in its history. Done twice it changes nothing. Pictures
    without boxes count as not labelled, unless the file says otherwise, or you do with --empty.

    \b
    Example:
      prelabel import corrections.json
      prelabel import more-photos/
    """
    from prelabel.datasets.formats.base import ImportRules, Unannotated
    from prelabel.importing import ImportSource

    rules = ImportRules(unannotated=Unannotated.EMPTY if empty else Unannotated.UNLABELLED)
    with _project(obj) as project:
        _tell_import(project.import_dataset(ImportSource(source, format, images, rules=rules)))
        _tell_next(project)


@cli.command()
@click.pass_obj
def train(obj: dict[str, Any]) -> None:
    """Train the detector on the labels so far.

    Stopped, it goes on from the last saved step when it is called again.

    \b
    Example:
      prelabel train
    """
    with _project(obj) as project:
        trained = project.train()
        model, share = trained.model, trained.validation_frames
        quality = (
            "there were no boxes to measure it on"
            if model.validation_map50 is None
            else f"mAP50 {model.validation_map50:.3f} on {counted(share, 'frame')} kept out of it"
        )
        click.echo(
            f"Trained {model.detector} for {model.steps} steps on "
            f"{counted(model.train_frames, 'frame')} in {time_told(model.seconds)}: {quality}. "
            f"Model {model.model_id}."
        )
        _tell_next(project)


@cli.command()
@click.pass_obj
def propose(obj: dict[str, Any]) -> None:
    """Propose boxes on every frame, with the newest detector.

    Frames that have their proposals already are skipped.

    \b
    Example:
      prelabel propose
    """
    with _project(obj) as project:
        proposed = project.propose()
        report = proposed.report
        click.echo(
            f"Predicted {counted(report.predicted, 'frame')} with model {proposed.model.model_id} "
            f"in {time_told(report.seconds)}; {counted(report.skipped, 'frame')} had "
            "predictions already."
        )
        for line in first_lines([f"{one.uri}: {one.reason}" for one in report.unreadable]):
            click.echo(line)
        _tell_next(project)


@cli.command()
@click.option("--budget", type=click.IntRange(min=1), required=True, help="How many frames.")
@click.option("--strategy", help="How to choose. [default: as in prelabel.yaml]")
@click.pass_obj
def select(obj: dict[str, Any], budget: int, strategy: str | None) -> None:
    """Choose the frames that people correct next, and say why.

    \b
    Example:
      prelabel select --budget 200
    """
    with _project(obj) as project:
        chosen = project.select(budget, strategy)
        controls = sum(pick.is_control for pick in chosen.batch.picks)
        click.echo(
            f"Round {chosen.round.number}: chose {counted(len(chosen.batch), 'frame')} by "
            f"{chosen.batch.strategy}, {controls} of them at random as control; correcting them "
            f"is foretold to take {time_told(chosen.cost_s)}."
        )
        told = [
            f"{project.workspace.relative(Path(frame.uri))}: {pick.reason}"
            for frame, pick in zip(chosen.frames, chosen.batch.picks, strict=True)
        ]
        for line in first_lines(told, what="frames"):
            click.echo(line)
        _tell_next(project)


@cli.command()
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

    with _project(obj) as project:
        written = project.export(format, to, Content.BATCH if batch else Content.LABELS)
        click.echo(
            f"Wrote {counted(written.frames, 'frame')} with {counted(written.boxes, 'box')} as "
            f"{written.format} to {written.annotations}."
        )
        for note in written.notes:
            click.echo(f"Note: {note}")
        if batch:
            click.echo("Correct it in a labelling tool, then: prelabel import CORRECTED-FILE")


@cli.command()
@click.pass_obj
def status(obj: dict[str, Any]) -> None:
    """Say where the project stands, and what to do next.

    \b
    Example:
      prelabel -p birds status
    """
    from prelabel.cli.tables import status_table

    with _project(obj) as project:
        stands = project.status()
        _console().print(status_table(stands))
        click.echo(f"Next: {stands.next_command}")


@cli.command()
@click.option("--to", type=ANY_PATH, help="A folder. [default: in the project's reports/]")
@click.pass_obj
def report(obj: dict[str, Any], to: Path | None) -> None:
    """Write report.html: labels, rounds, what was chosen and why, models, human time.

    \b
    Example:
      prelabel report
    """
    with _project(obj) as project:
        click.echo(f"Wrote {project.report(to)}.")


@cli.command()
@click.argument("configuration", type=EXISTING)
@click.option("--to", type=ANY_PATH, required=True, help="A folder for what comes out.")
@click.option("--data", type=EXISTING, help="The folder that the dataset's path starts from.")
@click.pass_obj
def simulate(obj: dict[str, Any], configuration: Path, to: Path, data: Path | None) -> None:
    """Compare strategies on a dataset whose labels are known.

    A simulated annotator corrects; every strategy starts from the same frames and model. Stopped,
    it goes on after the last finished round.

    \b
    Example:
      prelabel simulate configs/demo.yaml --to demo
    """
    from prelabel.cli.tables import simulation_table
    from prelabel.simulating import simulate_from_file

    done = simulate_from_file(configuration, to, data, _bars())
    _console().print(simulation_table(done.summary))
    for sentence in done.verdicts:
        click.echo(sentence)
    click.echo(f"Report: {done.report}")
    click.echo(f"Next: {done.next_command}")


@cli.command()
@click.pass_context
def doctor(ctx: click.Context) -> None:
    """Say what of this machine can be used, and what to do about the rest.

    \b
    Example:
      prelabel doctor
    """
    from prelabel.cli.findings import doctor_table
    from prelabel.doctor import Status, examine

    findings = examine(ctx.obj["folder"] or Path.cwd(), os.environ)
    _console().print(doctor_table(findings))
    broken = [one.part for one in findings if one.status is Status.BROKEN]
    if broken:
        click.echo(f"Not usable: {', '.join(broken)}.")
        ctx.exit(FAILED)
    click.echo("All that is installed can be used.")


def main() -> None:
    """What the installed command runs."""
    cli(prog_name="prelabel")


def _project(obj: dict[str, Any]) -> "Project":
    from prelabel.project import open_project

    return open_project(obj["folder"], author=obj["author"], progress=_bars())


def _tell_import(imported: Any) -> None:
    click.echo(f"{imported.format}: {imported.report.summary()}")
    problems = [f"{one.file}: {one.reason}" for one in imported.report.problems]
    for line in first_lines(problems):
        click.echo(line)
    if problems:
        click.echo(f"All of them: {imported.report_file}")


def _tell_next(project: "Project") -> None:
    click.echo(f"Next: {project.status().next_command}")


def _console() -> Any:
    from rich.console import Console

    return Console(file=sys.stdout)


def _bars() -> Any:
    from rich.console import Console

    from prelabel.cli.progress import TerminalProgress

    return TerminalProgress(Console(file=sys.stderr))


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
