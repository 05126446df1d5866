"""Commands of a round: train, propose, select."""

from pathlib import Path
from typing import Any

import click

from prelabel.cli.session import opened, tell_next
from prelabel.cli.words import first_lines
from prelabel.datasets.wording import counted, time_told


@click.command()
@click.pass_obj
def train(obj: dict[str, Any]) -> None:
    """Train the detector on the labels so far.

    Stopped, it goes on from the last saved step when it is called again.

    \b
    Example:
      prelabel train
    """
    with opened(obj) as project:
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
        if (told := trained.left_out_told()) is not None:
            click.echo(f"{told}.")
        tell_next(project)


@click.command()
@click.pass_obj
def propose(obj: dict[str, Any]) -> None:
    """Propose boxes on every frame, with the model in use.

    Frames that have their proposals already are skipped. Before the first training, and for
    detectors that cannot be trained, the detector named in prelabel.yaml is used as it stands, if
    it knows some of the classes.

    \b
    Example:
      prelabel propose
    """
    with opened(obj) as project:
        proposed = project.propose()
        report = proposed.report
        if proposed.unknown_classes:
            unknown = ", ".join(proposed.unknown_classes)
            click.echo(f"{proposed.model.detector} does not know, and never proposes: {unknown}.")
        click.echo(
            f"Predicted {counted(report.predicted, 'frame')} with model {proposed.model.model_id} "
            f"in {time_told(report.seconds)}; {counted(report.skipped, 'frame')} had "
            "predictions already."
        )
        for line in first_lines([f"{one.uri}: {one.reason}" for one in report.unreadable]):
            click.echo(line)
        tell_next(project)


@click.command()
@click.option("--budget", required=True, help="Such as 200 (frames), '500 boxes', '45 min', '2 h'.")
@click.option("--strategy", help="How to choose. [default: as in prelabel.yaml]")
@click.pass_obj
def select(obj: dict[str, Any], budget: str, strategy: str | None) -> None:
    """Choose the frames that people correct next, and say why.

    Before there is a model, pictures are compared with each other: typical (the default then),
    typical_cover, kcenter, kmeans++, random_apart, random. Stopped while it looks at pictures, it
    goes on with the rest when it is called again.

    \b
    Example:
      prelabel select --budget 200
      prelabel select --budget "2 h"
    """
    from prelabel.active.budgets import Budget

    wanted = Budget.parse(budget)
    with opened(obj) as project:
        chosen = project.select(wanted, strategy)
        controls = sum(pick.is_control for pick in chosen.batch.picks)
        click.echo(
            f"Round {chosen.round.number}: chose {counted(len(chosen.batch), 'frame')} by "
            f"{chosen.batch.strategy}, {controls} of them at random as control; correcting them "
            f"is foretold to take {time_told(chosen.cost_s)}."
        )
        if chosen.without_proposals:
            click.echo(
                f"{counted(chosen.without_proposals, 'unlabelled frame')} could not be chosen "
                "for want of proposals: `prelabel propose` makes them, and names pictures that "
                "cannot be read."
            )
        if chosen.unreadable:
            click.echo(
                f"{counted(chosen.unreadable, 'unlabelled frame')} could not be chosen, as their "
                "pictures cannot be read."
            )
        told = [
            f"{project.workspace.relative(Path(frame.uri))}: {pick.reason}"
            for frame, pick in zip(chosen.frames, chosen.batch.picks, strict=True)
        ]
        for line in first_lines(told, what="frames"):
            click.echo(line)
        tell_next(project)
