"""Commands that look and tell: status, report, simulate, doctor."""

import os
from pathlib import Path
from typing import Any

import click

from prelabel.cli.session import ANY_PATH, EXISTING, bars, console, opened


@click.command()
@click.pass_obj
def status(obj: dict[str, Any]) -> None:
    """Say where the project stands, whether another round is worth it, and what to do next.

    \b
    Example:
      prelabel -p birds status
    """
    from prelabel.cli.tables import status_table

    with opened(obj) as project:
        stands = project.status()
        console().print(status_table(stands))
        advice = project.advice()
        for sentence in advice.sentences() if advice else ():
            click.echo(sentence)
        if finished := project.finished_rounds():
            last = finished[-1]
            click.echo(f"As `prelabel finish` left it on {last.at:%Y-%m-%d %H:%M} UTC:")
            for sentence in last.standing.sentences():
                click.echo(f"  {sentence}.")
        click.echo(f"Next: {stands.next_command}")


@click.command()
@click.option("--to", type=ANY_PATH, help="A folder. [default: in the project's reports/]")
@click.pass_obj
def report(obj: dict[str, Any], to: Path | None) -> None:
    """Write report.html: labels, rounds, what was chosen and why, models, human time.

    \b
    Example:
      prelabel report
    """
    with opened(obj) as project:
        click.echo(f"Wrote {project.report(to)}.")


@click.command()
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

    done = simulate_from_file(configuration, to, data, bars())
    console().print(simulation_table(done.summary))
    for sentence in done.verdicts:
        click.echo(sentence)
    click.echo(f"Report: {done.report}")
    click.echo(f"Next: {done.next_command}")


@click.command()
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
    console().print(doctor_table(findings))
    broken = [one.part for one in findings if one.status is Status.BROKEN]
    if broken:
        click.echo(f"Not usable: {', '.join(broken)}.")
        ctx.exit(1)
    click.echo("All that is installed can be used.")
