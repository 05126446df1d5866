"""The commands that look for what may be wrong in the labels: errors, disagreements."""

from datetime import UTC, datetime
from typing import Any

import click

from prelabel.cli.session import bars, console, opened


@click.command()
@click.option("--folds", type=click.IntRange(2, 10), default=3, show_default=True,
              help="Detectors to train, each on the labels of the others.")  # fmt: skip
@click.option("--top", type=click.IntRange(0), default=20, show_default=True, help="Rows to show.")
@click.option("--send", type=click.IntRange(1), help="Ask people about so many, the likeliest.")
@click.option("--audit", type=click.IntRange(1), help="Ask about so many drawn at random.")
@click.option("--count", is_flag=True, help="Only say how many errors the audit lets expect.")
@click.pass_obj
def errors(
    obj: dict[str, Any], folds: int, top: int, send: int | None, audit: int | None, count: bool
) -> None:
    """Rank suspected label errors: missing, spurious, wrong class, badly located, duplicate.

    Detectors are trained on parts of the labels and look at the others. --send and --audit put
    frames on the review page; what people change there is the answer, and improves the ranking.

    \b
    Example:
      prelabel errors
      prelabel errors --send 50
      prelabel errors --audit 60
      prelabel errors --count
    """
    from prelabel.cli.suspect_tables import count_told, suspect_table
    from prelabel.label_errors import begin_audit, count_errors, search_errors, send_suspects

    with opened(obj) as project:
        now = datetime.now(UTC)
        if send is not None or audit is not None:
            for act in (
                send and (lambda: send_suspects(project, send)),
                audit and (lambda: begin_audit(project, audit, now)),
            ):
                if act:
                    suspects, frames = act()
                    click.echo(f"{suspects} suspects on {frames} frames wait for people.")
            click.echo("Next: prelabel review")
            return
        if count:
            click.echo(count_told(count_errors(project)))
            return
        found = search_errors(project, folds, now, bars())
        console().print(suspect_table(found.suspects[:top], project.classes()))
        likely = sum(one.probability for one in found.suspects)
        click.echo(
            f"{len(found.suspects)} suspects on {found.frames} frames, of which about {likely:.0f} "
            f"are errors if the probabilities hold; {found.answers} new answers of people."
        )
        leaks = sum(one.leaks for one in found.copies)
        if found.copies:
            click.echo(
                f"{len(found.copies)} pairs of frames are nearly the same picture, {leaks} of them "
                "in different splits."
            )
        click.echo("Next: prelabel errors --audit 60, or prelabel curate")


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
