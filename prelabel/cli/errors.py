"""The commands that look for what may be wrong in the labels: errors, disagreements."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from prelabel.cli.session import bars, console, opened


@click.command()
@click.option("--folds", type=click.IntRange(2, 10), default=3, show_default=True,
              help="Detectors to train, each on the labels of the others.")  # fmt: skip
@click.option("--top", type=click.IntRange(0), default=20, show_default=True, help="Rows to show.")
@click.option("--kind", "kinds", multiple=True,
              type=click.Choice(["missing", "spurious", "wrong class", "badly located",
                                 "duplicate"]),
              help="Show and send only suspects of this kind; may be repeated.")  # fmt: skip
@click.option("--no-training", is_flag=True,
              help="Rank anew by what the last detectors saw, with new answers.")  # fmt: skip
@click.option("--views", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Instead: what cameras and lidar disagree about, a findings.csv.")  # fmt: skip
@click.option("--send", type=click.IntRange(1), help="Ask people about so many, the likeliest.")
@click.option("--audit", type=click.IntRange(1), help="Ask about so many drawn at random.")
@click.option("--count", is_flag=True, help="Only say how many errors the audit lets expect.")
@click.pass_obj
def errors(obj: dict[str, Any], /, folds: int, top: int, **given: Any) -> None:
    """Rank suspected label errors: missing, spurious, wrong class, badly located, duplicate.

    Detectors are trained on parts of the labels and look at the others. --send and --audit put
    frames on the review page; what people change there is the answer, and improves the ranking.

    \b
    Example:
      prelabel errors
      prelabel errors --send 50
      prelabel errors --no-training
      prelabel errors --audit 60
      prelabel errors --count
      prelabel errors --views differences/findings.csv --send 20
    """
    from prelabel.cli.suspect_tables import copies_table, count_told, searched_told, suspect_table
    from prelabel.label_errors import count_errors, rank_again, search_errors

    with opened(obj) as project:
        now = datetime.now(UTC)
        if given["views"] is not None:
            _show_views(project, top, given)
            return
        if given["send"] is not None or given["audit"] is not None:
            _ask(project, now, given)
            return
        if given["count"]:
            click.echo(count_told(count_errors(project)))
            return
        if given["no_training"]:
            found = rank_again(project, now, bars())
        else:
            found = search_errors(project, folds, now, bars())
        shown = [one for one in found.suspects if one.kind in (given["kinds"] or [one.kind])]
        console().print(suspect_table(shown[:top], project.classes()))
        if found.copies and top:
            console().print(copies_table(found.copies[:top]))
        click.echo(searched_told(found))
        click.echo("Next: prelabel errors --send 50, prelabel errors --audit 60, prelabel curate")


def _show_views(project: Any, top: int, given: dict[str, Any]) -> None:
    from prelabel.active.label_errors.kinds import ErrorKind
    from prelabel.cli.suspect_tables import findings_table
    from prelabel.datasets.wording import counted
    from prelabel.view_findings import read_findings, send_findings

    if given["audit"] is not None or given["count"] or given["no_training"]:
        raise click.UsageError("--views goes with --kind, --top and --send only")
    kinds = [ErrorKind(name) for name in given["kinds"]] or list(ErrorKind)
    found = read_findings(given["views"], kinds)
    console().print(findings_table(found[:top]))
    click.echo(f"{len(found)} differences between cameras and lidar.")
    if given["send"] is not None:
        asked, frames = send_findings(project, found, given["send"])
        click.echo(f"People are asked about {asked} of them on {counted(frames, 'frame')}.")
        click.echo("Next: prelabel review")


def _ask(project: Any, now: datetime, given: dict[str, Any]) -> None:
    from prelabel.active.label_errors.kinds import ErrorKind
    from prelabel.label_errors import begin_audit, send_suspects

    asked = []
    if given["send"] is not None:
        kinds = [ErrorKind(name) for name in given["kinds"]] or list(ErrorKind)
        asked.append(send_suspects(project, given["send"], kinds))
    if given["audit"] is not None:
        asked.append(begin_audit(project, given["audit"], now))
    for suspects, frames in asked:
        click.echo(f"{suspects} suspects on {frames} frames wait for people.")
    click.echo("Next: prelabel review, then prelabel errors --no-training")


@click.command()
@click.argument("first")
@click.argument("second")
@click.option("--top", type=click.IntRange(0), default=20, show_default=True, help="Rows to show.")
@click.option("--send", type=click.IntRange(1), help="Ask people about so many frames.")
@click.pass_obj
def disagreements(obj: dict[str, Any], first: str, second: str, top: int, send: int | None) -> None:
    """Show where two models, or a model and the labels, disagree most.

    FIRST and SECOND are `labels` or the beginning of a model's id.

    \b
    Example:
      prelabel disagreements labels 3f9a
    """
    from prelabel.cli.suspect_tables import disagreement_table
    from prelabel.disagreeing import find_disagreements, send_disagreements

    with opened(obj) as project:
        found = find_disagreements(project, first, second)
        console().print(disagreement_table(found[:top]))
        click.echo(f"{len(found)} disagreements.")
        if send is not None:
            sent = send_disagreements(project, found, send, (first, second))
            click.echo(f"{sent.queued} frames wait for people. Next: prelabel review")
