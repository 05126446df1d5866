"""Commands that label without people: accept, audit, withdraw, finish."""

from typing import Any

import click

from prelabel.cli.session import opened
from prelabel.cli.words import time_told
from prelabel.datasets.wording import counted

_SHARE = click.FloatRange(0, 1, min_open=True, max_open=True)


def _promises(command: Any) -> Any:
    """The three options that say what is promised."""
    for name, told in (
        ("confidence", "Of each promise on its own."),
        ("missed", "Share of objects that frames accepted whole may miss."),
        ("precision", "Share of accepted boxes that must be right."),
    ):
        default = "[default: as in prelabel.yaml]"
        command = click.option(f"--{name}", type=_SHARE, help=f"{told} {default}")(command)
    return command


def _wanted(project: Any, **given: float | None) -> Any:
    from dataclasses import replace

    from prelabel.accept_plan import promises_of

    named = {name: value for name, value in given.items() if value is not None}
    return replace(promises_of(project.workspace), **named)


@click.command()
@_promises
@click.option("--by-class", is_flag=True, help="Promise the precision of each class on its own.")
@click.option("--yes", is_flag=True, help="Accept; without it the plan is shown and nothing done.")
@click.pass_obj
def accept(obj: dict[str, Any], /, by_class: bool, yes: bool, **promises: float | None) -> None:
    """Accept proposals without people, under promises that checks have shown to hold.

    Checks are frames that were drawn at random and labelled by people. The plan comes first: what
    is accepted, what stays for people, and what more checks would buy. What is accepted is audited:
    a random slice of it becomes a batch that people label blind.

    \b
    Example:
      prelabel accept --precision 0.98 --missed 0.05 --confidence 0.95
      prelabel accept --yes
    """
    with opened(obj) as project:
        plan = project.plan_accept(_wanted(project, **promises), by_class)
        for line in plan_lines(plan):
            click.echo(line)
        if not yes and plan.refusal is None:
            click.echo("Nothing is done yet: prelabel accept --yes")
            return
        done = project.accept(plan)
        click.echo(
            f"Acceptance {done.number} is done; take it back with `prelabel withdraw {done.number} "
            "--reason TEXT`."
        )
        click.echo("Next: prelabel review")


def plan_lines(plan: Any) -> list[str]:
    """What a plan says, line by line."""
    volume, checks = plan.volume, plan.checks
    lines = [
        f"{counted(len(checks), 'check')} of model {plan.model.model_id}: {len(checks.fit)} to fit "
        f"probabilities, {len(checks.test)} to test."
    ]
    if plan.refusal is None:
        left_s = volume.left_s + volume.audit_s
        lines += [
            f"Rule: {plan.rule_told()}.",
            f"Accepted: {volume.sure_boxes:,} of {counted(volume.boxes, 'box')}; of "
            f"{counted(volume.frames, 'frame')} {volume.whole:,} whole and {volume.half:,} half.",
            f"People: {time_told(volume.left_s)} for what is left, {time_told(volume.audit_s)} to "
            f"audit {counted(volume.audited, 'frame')}; {time_told(left_s)} instead of "
            f"{time_told(volume.corrected_s)} for correcting all proposals.",
        ]
    return [*lines, *(f"More checks: {one}." for one in plan.advice)]


@click.command()
@click.pass_obj
def audit(obj: dict[str, Any]) -> None:
    """Test what was accepted on frames that people labelled blind.

    Where a promise is broken the labels of that acceptance are withdrawn, and nothing of its model
    is accepted any more.

    \b
    Example:
      prelabel audit
    """
    from prelabel.auditing import standing_told

    with opened(obj) as project:
        statuses = project.audit()
        for one in statuses:
            click.echo(f"{standing_told(one)}.")
            if one.withdrawn:
                click.echo(f"Back in line: {', '.join(one.withdrawn[:10])} …")
        if not statuses:
            click.echo("Nothing has been accepted by a rule yet: prelabel accept")


@click.command()
@click.argument("number", type=click.IntRange(min=1))
@click.option("--reason", required=True, help="Why, for the history.")
@click.pass_obj
def withdraw(obj: dict[str, Any], number: int, reason: str) -> None:
    """Take back all labels of one acceptance that people have not changed since.

    \b
    Example:
      prelabel withdraw 2 --reason "night frames came in"
    """
    with opened(obj) as project:
        frames = project.withdraw(number, reason)
        click.echo(
            f"Acceptance {number}: {counted(len(frames), 'frame')} without labels again; their "
            "history is kept."
        )


@click.command()
@_promises
@click.option("--budget", help="Of each batch: 200 (frames), '500 boxes', '45 min'. [default: 100]")
@click.pass_obj
def finish(obj: dict[str, Any], /, budget: str | None, **promises: float | None) -> None:
    """Bring the whole pool to labels: do all that needs no people, then say what people do.

    It trains, proposes, accepts what the checks allow and chooses the next batch. Give it again
    when people are through with the batch, until nothing is left.

    \b
    Example:
      prelabel finish --precision 0.98 --missed 0.05 --budget 200
    """
    from prelabel.active.budgets import Budget

    wanted = None if budget is None else Budget.parse(budget)
    with opened(obj) as project:
        step = project.finish(_wanted(project, **promises), wanted)
        for line in step.done:
            click.echo(f"{line}.")
        click.echo(
            f"Labelled: {counted(step.by_people, 'frame')} by people, {step.by_rule:,} by rule; "
            f"{step.left:,} left, {step.waiting:,} of them with people now."
        )
        after = "prelabel review, then prelabel finish" if step.left else "prelabel export"
        click.echo(f"Next: {after}")
